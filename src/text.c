/* SHAPE strings, read and written: the grammar is in the README. Parts are rows of one table; each knows how to
 * read its value, and printing is the table walked once. benchdnn's form is src/benchdnn.c. */
#include "text.h"

#include "algo.h"
#include "benchdnn.h"
#include "status.h"
#include "words.h"

#include <stdarg.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>

struct name {
    const char *text;
    int value;
};

static const struct name pad_modes[] = {{"zeros", CJ_PAD_ZEROS},
                                        {"reflect", CJ_PAD_REFLECT},
                                        {"replicate", CJ_PAD_REPLICATE},
                                        {"circular", CJ_PAD_CIRCULAR}};
static const struct name auto_pads[] = {
    {"same", CJ_PAD_SAME}, {"same_lower", CJ_PAD_SAME_LOWER}, {"valid", CJ_PAD_VALID}};
/* Layouts by their place in layout_rows, in front of the sizes that blocks may have. */
static const struct name layouts[] = {{"nchw", 0},    {"nhwc", 1},    {"nchwc", 2},
                                      {"nchw2c", 3},  {"nchw4c", 4},  {"nchw8c", 5},
                                      {"nchw16c", 6}, {"nchw32c", 7}, {"nchw64c", 8}};
static const struct layout_row {
    cj_layout layout;
    int64_t block;
} layout_rows[] = {{CJ_NCHW, 0},  {CJ_NHWC, 0},   {CJ_NCHWC, 0},  {CJ_NCHWC, 2}, {CJ_NCHWC, 4},
                   {CJ_NCHWC, 8}, {CJ_NCHWC, 16}, {CJ_NCHWC, 32}, {CJ_NCHWC, 64}};
static const struct name dtypes[] = {{"f32", CJ_F32}, {"f64", CJ_F64}};
static const struct name accuracies[] = {{"fast", CJ_FAST}, {"strict", CJ_STRICT}};
static const struct name isas[] = {
    {"host", CJ_ISA_HOST}, {"sse2", CJ_ISA_SSE2}, {"avx2", CJ_ISA_AVX2}, {"avx512", CJ_ISA_AVX512}};

/* Six post-ops of two numbers in all their digits take 350. */
enum { LONGEST_PART = 400 };

#define COUNT(array) ((int)(sizeof(array) / sizeof(array)[0]))

static const struct {
    const char *name;
    int parameters;
} posts[] = {
#define POSTOP(kind, name, parameters) [kind] = {name, parameters},
#include "postops.inc"
#undef POSTOP
};

const char *post_name(cj_post_kind kind)
{
    return posts[kind].name;
}

cj_post_kind post_by_name(const char *name, int *parameters)
{
    for (int i = 1; i < COUNT(posts); i++) {
        if (strcmp(posts[i].name, name) != 0)
            continue;
        *parameters = posts[i].parameters;
        return (cj_post_kind)i;
    }
    return CJ_POST_NONE;
}

/* Operators: a family and a rank. */
static const struct family {
    const char *name;
    cj_op op;
    bool depthwise;
} families[] = {
    {"conv_transpose", CJ_CONV_TRANSPOSE, false},
    {"conv", CJ_CONV, false},
    {"depthwise_conv", CJ_CONV, true},
    {"separable_conv", CJ_SEPARABLE, false},
};

/* ---- Reading ---- */

struct reader {
    cj_conv_desc *desc;
    int64_t *batch;
    bool depthwise;
    int rank;
};

/* A part of a SHAPE: how its value is read, and where it goes. `text` is the whole part, for sentences. */
struct part;
typedef cj_status read_part(struct reader *r, const struct part *part, struct word value, const char *text);

struct part {
    const char *prefix;
    read_part *read;
    size_t offset; /* of the descriptor's field, for those that read_count, read_size and read_choice read */
    const struct name *names; /* read_choice's */
    int count;
};

static void *field_of(struct reader *r, const struct part *part)
{
    return (char *)r->desc + part->offset;
}

static cj_status wrong(const char *part, const char *should)
{
    return fail(CJ_INVALID, "\"%s\" in the SHAPE is wrong: it should be %s", part, should);
}

static cj_status read_number(struct word value, const char *part, int64_t *number)
{
    return word_number(value, number) ? CJ_OK : wrong(part, "a whole number");
}

static bool find_name(struct word value, const struct name *names, int count, int *result)
{
    for (int i = 0; i < count; i++) {
        if (!word_is(value, names[i].text))
            continue;
        *result = names[i].value;
        return true;
    }
    return false;
}

static cj_status read_name(struct word value, const char *part, const struct name *names, int count,
                           int *result)
{
    return find_name(value, names, count, result) ? CJ_OK
                                                  : wrong(part, "one of the names that the README lists");
}

/* "3" for every dimension, or "3x5" with one number for each. */
static cj_status read_dimensions(const struct reader *r, struct word value, const char *part,
                                 int64_t numbers[3])
{
    struct word item;
    int count = 0;
    while (count < r->rank && word_next(&value, 'x', &item))
        TRY(read_number(item, part, &numbers[count++]));
    if (value.at || (count != 1 && count != r->rank))
        return wrong(part, "one number, or one for each spatial dimension: 2x1");
    for (; count < r->rank; count++)
        numbers[count] = numbers[0];
    return CJ_OK;
}

static cj_status read_batch(struct reader *r, const struct part *part, struct word value, const char *text)
{
    (void)part;
    return read_number(value, text, r->batch);
}

static cj_status read_count(struct reader *r, const struct part *part, struct word value, const char *text)
{
    return read_number(value, text, field_of(r, part));
}

static cj_status read_size(struct reader *r, const struct part *part, struct word value, const char *text)
{
    return read_dimensions(r, value, text, field_of(r, part));
}

/* Enumerations have the size of an int. */
static cj_status read_choice(struct reader *r, const struct part *part, struct word value, const char *text)
{
    int chosen = 0;
    TRY(read_name(value, text, part->names, part->count, &chosen));
    memcpy(field_of(r, part), &chosen, sizeof chosen);
    return CJ_OK;
}

static cj_status read_layout(const struct part *part, struct word value, const char *text, cj_layout *layout,
                             int64_t *block)
{
    int chosen = 0;
    TRY(read_name(value, text, part->names, part->count, &chosen));
    *layout = layout_rows[chosen].layout;
    *block = layout_rows[chosen].block;
    return CJ_OK;
}

static cj_status read_input_layout(struct reader *r, const struct part *part, struct word value,
                                   const char *text)
{
    return read_layout(part, value, text, &r->desc->input_layout, &r->desc->input_block);
}

static cj_status read_output_layout(struct reader *r, const struct part *part, struct word value,
                                    const char *text)
{
    return read_layout(part, value, text, &r->desc->output_layout, &r->desc->output_block);
}

static cj_status read_layouts(struct reader *r, const struct part *part, struct word value, const char *text)
{
    TRY(read_input_layout(r, part, value, text));
    return read_output_layout(r, part, value, text);
}

static cj_status read_groups(struct reader *r, const struct part *part, struct word value, const char *text)
{
    if (r->depthwise)
        return wrong(text, "left out: depthwise sets the groups itself");
    return read_count(r, part, value, text);
}

/* "1", "1~2", "1x0", "1~2x0~1", or the name of an automatic padding. */
static cj_status read_p(struct reader *r, const struct part *own, struct word value, const char *part)
{
    (void)own;
    int named = 0;
    if (find_name(value, auto_pads, COUNT(auto_pads), &named)) {
        r->desc->auto_pad = (cj_auto_pad)named;
        return CJ_OK;
    }
    struct word item, side;
    int count = 0;
    for (; count < r->rank && word_next(&value, 'x', &item); count++) {
        word_next(&item, '~', &side);
        TRY(read_number(side, part, &r->desc->pad_lo[count]));
        r->desc->pad_hi[count] = r->desc->pad_lo[count];
        if (word_next(&item, '~', &side))
            TRY(read_number(side, part, &r->desc->pad_hi[count]));
        if (item.at)
            return wrong(part, "at most two numbers for a dimension: 1~2");
    }
    if (value.at || (count != 1 && count != r->rank))
        return wrong(part, "p1, p1x0, p1~2x0~1, psame, psame_lower or pvalid");
    for (; count < r->rank; count++) {
        r->desc->pad_lo[count] = r->desc->pad_lo[0];
        r->desc->pad_hi[count] = r->desc->pad_hi[0];
    }
    return CJ_OK;
}

static cj_status read_b(struct reader *r, const struct part *own, struct word v, const char *p)
{
    (void)own;
    int64_t value = 0;
    TRY(read_number(v, p, &value));
    if (value > 1)
        return wrong(p, "b0 or b1");
    r->desc->bias = (int)value;
    return CJ_OK;
}

/* One post-op, "clamp@0@6". */
static cj_status read_post(struct word item, const char *part, cj_post *post)
{
    struct word name, number;
    int parameters = 0;
    char text[32];
    word_next(&item, '@', &name);
    if (!word_copy(name, text, sizeof text) || (post->kind = post_by_name(text, &parameters)) == CJ_POST_NONE)
        return wrong(part, "post-ops joined by +, such as post=residual+relu or post=clamp@0@6");
    double *values[] = {&post->alpha, &post->beta};
    for (int i = 0; i < parameters && i < COUNT(values); i++)
        if (!word_next(&item, '@', &number) || !word_real(number, values[i]))
            return wrong(part, "a post-op with its parameters: leaky_relu@0.1, clamp@0@6");
    return item.at ? wrong(part, "a post-op with no more parameters than it has") : CJ_OK;
}

static cj_status read_posts(struct reader *r, const struct part *own, struct word value, const char *part)
{
    (void)own;
    struct word item;
    int count = 0;
    while (word_next(&value, '+', &item)) {
        if (count == CJ_MAX_POST)
            return wrong(part, "a list of at most 6 post-ops");
        TRY(read_post(item, part, &r->desc->post[count++]));
    }
    return CJ_OK;
}

/* The descriptor keeps a pointer: to the table of algorithms, which outlives the caller's text. */
static cj_status read_alg(struct reader *r, const struct part *own, struct word value, const char *part)
{
    (void)own;
    char text[32];
    enum algo_id id = word_copy(value, text, sizeof text) ? algo_by_name(text) : ALGOS;
    if (id == ALGOS)
        return wrong(part, "the name of an algorithm");
    r->desc->algorithm = algo_row(id)->name;
    return CJ_OK;
}

#define FIELD(name) offsetof(cj_conv_desc, name)
#define CHOICE(name, names) read_choice, FIELD(name), names, COUNT(names)

/* Longer prefixes first: "pm" before "p". */
static const struct part parts[] = {
    {"post=", read_posts, 0, NULL, 0},
    {"acc=", CHOICE(accuracy, accuracies)},
    {"alg=", read_alg, 0, NULL, 0},
    {"isa=", CHOICE(isa, isas)},
    {"pm", CHOICE(pad_mode, pad_modes)},
    {"op", read_size, FIELD(output_padding), NULL, 0},
    {"os", read_size, FIELD(output_size), NULL, 0},
    {"li", read_input_layout, 0, layouts, COUNT(layouts)},
    {"lo", read_output_layout, 0, layouts, COUNT(layouts)},
    {"n", read_batch, 0, NULL, 0},
    {"c", read_count, FIELD(in_channels), NULL, 0},
    {"o", read_count, FIELD(out_channels), NULL, 0},
    {"i", read_size, FIELD(input), NULL, 0},
    {"k", read_size, FIELD(kernel), NULL, 0},
    {"s", read_size, FIELD(stride), NULL, 0},
    {"p", read_p, 0, NULL, 0},
    {"d", read_size, FIELD(dilation), NULL, 0},
    {"g", read_groups, FIELD(groups), NULL, 0},
    {"m", read_count, FIELD(multiplier), NULL, 0},
    {"l", read_layouts, 0, layouts, COUNT(layouts)},
    {"t", CHOICE(dtype, dtypes)},
    {"b", read_b, 0, NULL, 0},
};

static cj_status read_operator(struct reader *r, struct word word)
{
    char text[32];
    if (!word_copy(word, text, sizeof text))
        return fail(CJ_INVALID, "the SHAPE begins with no operator, such as conv2d");
    for (int i = 0; i < COUNT(families); i++) {
        size_t length = strlen(families[i].name);
        if (strncmp(text, families[i].name, length) != 0 || strlen(text) != length + 2 ||
            text[length + 1] != 'd' || text[length] < '1' || text[length] > '3')
            continue;
        r->desc->op = families[i].op;
        r->depthwise = families[i].depthwise;
        r->desc->rank = r->rank = text[length] - '0';
        return CJ_OK;
    }
    return fail(CJ_INVALID,
                "\"%s\" is no operator; they are conv, conv_transpose, depthwise_conv and "
                "separable_conv, each with 1d, 2d or 3d",
                text);
}

static cj_status read_one(struct reader *r, struct word word, uint32_t *seen)
{
    char text[LONGEST_PART + 1];
    if (!word_copy(word, text, sizeof text))
        return fail(CJ_INVALID, "a part of the SHAPE is empty or longer than %d characters", LONGEST_PART);
    for (int i = 0; i < COUNT(parts); i++) {
        size_t length = strlen(parts[i].prefix);
        if (strncmp(text, parts[i].prefix, length) != 0)
            continue;
        if (*seen & 1u << i)
            return fail(CJ_INVALID, "\"%s\" in the SHAPE is given twice", text);
        *seen |= 1u << i;
        return parts[i].read(r, &parts[i], (struct word){text + length, strlen(text) - length}, text);
    }
    return fail(CJ_INVALID, "\"%s\" in the SHAPE is no part that it can have", text);
}

/* What the parts imply: depthwise groups and outputs. */
static cj_status complete(struct reader *r)
{
    cj_conv_desc *d = r->desc;
    if (r->depthwise) {
        int64_t multiplier = d->multiplier, outputs;
        if (__builtin_mul_overflow(d->in_channels, multiplier ? multiplier : 1, &outputs))
            return fail(CJ_INVALID, "\"m%lld\" in the SHAPE is too large", (long long)multiplier);
        if (multiplier && d->out_channels && d->out_channels != outputs)
            return fail(CJ_INVALID, "\"m%lld\" in the SHAPE contradicts \"o%lld\": with c it gives %lld",
                        (long long)multiplier, (long long)d->out_channels, (long long)outputs);
        d->multiplier = 0;
        d->groups = d->in_channels;
        d->out_channels = d->out_channels ? d->out_channels : outputs;
    }
    if (!d->in_channels || !d->out_channels || !d->input[0] || !d->kernel[0])
        return fail(CJ_INVALID, "the SHAPE lacks a part: it needs c, %si and k", r->depthwise ? "" : "o, ");
    return CJ_OK;
}

cj_status text_parse_shape(const char *text, cj_conv_desc *desc, int64_t *batch)
{
    memset(desc, 0, sizeof *desc);
    *batch = 1;
    struct word rest = {text, strlen(text)}, word;
    if (benchdnn_looks_like(text))
        return benchdnn_parse(text, desc, batch);
    struct reader reader = {.desc = desc, .batch = batch};
    word_next(&rest, ':', &word);
    TRY(read_operator(&reader, word));
    uint32_t seen = 0;
    while (word_next(&rest, ':', &word))
        TRY(read_one(&reader, word, &seen));
    return complete(&reader);
}
