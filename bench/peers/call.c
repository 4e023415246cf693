#include "call.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

static const char *const layout_names[CALL_LAYOUTS] = {"nchw", "nhwc", "own"};

/* The numbers of a line in their order: where they are kept, and the least that each may be. */
static const struct {
    size_t offset;
    int64_t least;
    bool spatial; /* one for each dimension */
} fields[] = {
    {offsetof(struct call, batch), 1, false},       {offsetof(struct call, groups), 1, false},
    {offsetof(struct call, in_channels), 1, false}, {offsetof(struct call, out_channels), 1, false},
    {offsetof(struct call, input), 1, true},        {offsetof(struct call, output), 1, true},
    {offsetof(struct call, kernel), 1, true},       {offsetof(struct call, stride), 1, true},
    {offsetof(struct call, dilation), 1, true},     {offsetof(struct call, pad_lo), 0, true},
    {offsetof(struct call, pad_hi), 0, true},       {offsetof(struct call, output_padding), 0, true},
};
enum { FIELDS = sizeof fields / sizeof *fields };

const char *call_layout_name(int layout)
{
    return layout_names[layout];
}

void call_write(const struct call *call, char text[CALL_TEXT])
{
    int at = snprintf(text, CALL_TEXT, "%s %d %d %d", layout_names[call->layout], call->threads,
                      call->transposed, call->rank);
    for (int f = 0; f < FIELDS; f++) {
        const int64_t *from = (const int64_t *)((const char *)call + fields[f].offset);
        for (int i = 0; i < (fields[f].spatial ? call->rank : 1); i++)
            at += snprintf(text + at, (size_t)(CALL_TEXT - at), " %" PRId64, from[i]);
    }
}

static bool read_layout(const char *name, enum call_layout *layout)
{
    for (int i = 0; i < CALL_LAYOUTS; i++)
        if (strcmp(name, layout_names[i]) == 0) {
            *layout = (enum call_layout)i;
            return true;
        }
    return false;
}

static bool read_number(const char **text, int64_t least, int64_t *number)
{
    int length;
    if (sscanf(*text, "%" SCNd64 "%n", number, &length) != 1 || *number < least)
        return false;
    *text += length;
    return true;
}

bool call_read(const char *text, struct call *call)
{
    char layout[8];
    int length;
    *call = (struct call){0};
    if (sscanf(text, "%7s %d %d %d%n", layout, &call->threads, &call->transposed, &call->rank, &length) != 4 ||
        !read_layout(layout, &call->layout) || call->threads < 1 || call->rank < 1 || call->rank > CALL_RANK)
        return false;
    text += length;
    for (int f = 0; f < FIELDS; f++) {
        int64_t *into = (int64_t *)((char *)call + fields[f].offset);
        for (int i = 0; i < (fields[f].spatial ? call->rank : 1); i++)
            if (!read_number(&text, fields[f].least, &into[i]))
                return false;
    }
    return text[strspn(text, " \r\n")] == '\0' && call->in_channels % call->groups == 0 &&
           call->out_channels % call->groups == 0;
}

int64_t call_product(const int64_t *sizes, int rank)
{
    int64_t product = 1;
    for (int i = 0; i < rank; i++)
        product *= sizes[i];
    return product;
}

int64_t call_input_count(const struct call *call)
{
    return call->batch * call->in_channels * call_product(call->input, call->rank);
}

int64_t call_output_count(const struct call *call)
{
    return call->batch * call->out_channels * call_product(call->output, call->rank);
}

int64_t call_weight_count(const struct call *call)
{
    return call->in_channels / call->groups * call->out_channels * call_product(call->kernel, call->rank);
}
