#include "values.h"

#include <ctype.h>
#include <errno.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* Take a whole number at *text and move behind it. Signs and spaces are none of it. */
static bool take_number(const char **text, int64_t *number)
{
    char *end;
    if (!isdigit((unsigned char)**text))
        return false;
    errno = 0;
    *number = strtoll(*text, &end, 10);
    *text = end;
    return errno == 0;
}

static bool take_symbol(const char **text, char symbol)
{
    bool there = **text == symbol;
    *text += there;
    return there;
}

static int read_sizes(const struct option_row *row, const char *text, struct sizes *sizes, int64_t least)
{
    const char *at = text;
    const char *should = least ? "a whole number of at least 1, or one for each spatial dimension: 2,1"
                               : "a whole number, or one for each spatial dimension: 2,1";
    sizes->count = 0;
    do {
        if (sizes->count == 3 || !take_number(&at, &sizes->value[sizes->count]) ||
            sizes->value[sizes->count++] < least)
            return wrong_value(row, text, should);
    } while (take_symbol(&at, ','));
    return *at ? wrong_value(row, text, should) : EXIT_DONE;
}

int read_whole(const struct option_row *row, const char *text, void *into)
{
    return read_sizes(row, text, into, 0);
}

int read_positive(const struct option_row *row, const char *text, void *into)
{
    return read_sizes(row, text, into, 1);
}

int read_count(const struct option_row *row, const char *text, void *into)
{
    const char *at = text;
    if (!take_number(&at, into) || *at || *(int64_t *)into < 1)
        return wrong_value(row, text, "a whole number of at least 1");
    return EXIT_DONE;
}

int read_padding(const struct option_row *row, const char *text, void *into)
{
    static const struct choice names[] = {
        {"same", CJ_PAD_SAME}, {"same_lower", CJ_PAD_SAME_LOWER}, {"valid", CJ_PAD_VALID}, {0}};
    static const char should[] =
        "a number, one for each spatial dimension, front:back for each (1:2,0:1), same, "
        "same_lower or valid";
    struct padding *padding = into;
    const char *at = text;
    int count = 0;
    for (const struct choice *name = names; name->word; name++)
        if (strcmp(name->word, text) == 0)
            return padding->automatic = (cj_auto_pad)name->value, EXIT_DONE;
    do {
        if (count == 3 || !take_number(&at, &padding->front.value[count]))
            return wrong_value(row, text, should);
        padding->back.value[count] = padding->front.value[count];
        if (take_symbol(&at, ':') && !take_number(&at, &padding->back.value[count]))
            return wrong_value(row, text, should);
        count++;
    } while (take_symbol(&at, ','));
    padding->front.count = padding->back.count = count;
    return *at ? wrong_value(row, text, should) : EXIT_DONE;
}

static const struct activation {
    const char *name;
    cj_post_kind kind;
    int parameters;
} activations[] = {
    {"none", CJ_POST_NONE, 0},       {"relu", CJ_POST_RELU, 0},
    {"relu6", CJ_POST_RELU6, 0},     {"leaky_relu", CJ_POST_LEAKY_RELU, 1},
    {"sigmoid", CJ_POST_SIGMOID, 0}, {"tanh", CJ_POST_TANH, 0},
    {"silu", CJ_POST_SILU, 0},       {"gelu", CJ_POST_GELU, 0},
    {"clamp", CJ_POST_CLAMP, 2},     {"hardswish", CJ_POST_HARDSWISH, 0},
};

/* ":0.1" behind a name. */
static bool take_parameter(const char **at, double *value)
{
    char *end;
    if (!take_symbol(at, ':'))
        return false;
    *value = strtod(*at, &end);
    bool read = end != *at && !isspace((unsigned char)**at) && isfinite(*value);
    *at = end;
    return read;
}

int read_activation(const struct option_row *row, const char *text, void *into)
{
    cj_post *post = into;
    for (size_t i = 0; i < sizeof activations / sizeof *activations; i++) {
        const struct activation *a = &activations[i];
        size_t length = strlen(a->name);
        const char *at = text + length;
        if (strncmp(text, a->name, length) != 0 || (*at && *at != ':'))
            continue;
        post->kind = a->kind;
        if ((a->parameters > 0 && !take_parameter(&at, &post->alpha)) ||
            (a->parameters > 1 && !take_parameter(&at, &post->beta)) || *at)
            return wrong_value(row, text, "an activation with its numbers: relu, leaky_relu:0.1, clamp:0:6");
        if (post->alpha > post->beta && a->parameters > 1)
            return wrong_value(row, text, "clamp:LOW:HIGH with LOW at most HIGH");
        return EXIT_DONE;
    }
    return wrong_value(row, text,
                       "none, relu, relu6, leaky_relu:SLOPE, sigmoid, tanh, silu, gelu, hardswish or "
                       "clamp:LOW:HIGH");
}

int sizes_spread(const struct sizes *sizes, const char *option, int rank, int64_t result[3])
{
    if (sizes->count > 1 && sizes->count != rank)
        return complain(EXIT_WRONG, "--%s has %d numbers; it must have 1, or %d for %d spatial dimension%s",
                        option, sizes->count, rank, rank, rank == 1 ? "" : "s");
    for (int i = 0; i < rank && sizes->count; i++)
        result[i] = sizes->value[sizes->count == 1 ? 0 : i];
    return EXIT_DONE;
}
