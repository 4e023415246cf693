#include "benchdnn.h"

#include "status.h"
#include "words.h"

#include <string.h>

enum field { G, MB, IC, OC, I, O = I + 3, K = O + 3, S = K + 3, D = S + 3, P = D + 3, FIELDS = P + 3 };
enum { ABSENT = -1 };

/* The spatial ones are in the order d, h, w. */
static const char *const names[FIELDS] = {"g",  "mb", "ic", "oc", "id", "ih", "iw", "od", "oh", "ow", "kd",
                                          "kh", "kw", "sd", "sh", "sw", "dd", "dh", "dw", "pd", "ph", "pw"};

/* Nothing else begins with a field's name and a digit. */
bool benchdnn_looks_like(const char *text)
{
    for (int i = 0; i < FIELDS; i++) {
        size_t length = strlen(names[i]);
        if (strncmp(text, names[i], length) == 0 && text[length] >= '0' && text[length] <= '9')
            return true;
    }
    return false;
}

/* One field at the front of the text: its name, then digits. */
static cj_status read_field(const char **text, int64_t values[FIELDS])
{
    for (int i = 0; i < FIELDS; i++) {
        size_t length = strlen(names[i]),
               digits = strspn(*text + length * (strncmp(*text, names[i], length) == 0), "0123456789");
        if (strncmp(*text, names[i], length) != 0 || !digits)
            continue;
        if (values[i] != ABSENT)
            return fail(CJ_INVALID, "\"%s\" in the SHAPE is given twice", names[i]);
        if (!word_number((struct word){*text + length, digits}, &values[i]))
            return fail(CJ_INVALID, "\"%s\" in the SHAPE is too large a number", names[i]);
        *text += length + digits;
        return CJ_OK;
    }
    return fail(CJ_INVALID, "\"%.20s\" in the SHAPE is no field of benchdnn's form", *text);
}

static cj_status read_fields(const char *text, int64_t values[FIELDS])
{
    for (int i = 0; i < FIELDS; i++)
        values[i] = ABSENT;
    while (*text && *text != 'n') {
        if (*text == '_')
            text++;
        else
            TRY(read_field(&text, values));
    }
    size_t length = strlen(text);
    if (length && (length < 3 || text[1] != '"' || strchr(text + 2, '"') != text + length - 1))
        return fail(CJ_INVALID, "\"%.20s\" in the SHAPE should be a name in quotes: n\"conv1\"", text);
    return CJ_OK;
}

/* Sizes and steps must be something, and small enough that sums of a few products of two are exact. */
static cj_status check_spatial(const int64_t values[FIELDS])
{
    static const int64_t most = (int64_t)1 << 30;
    for (int i = I; i < FIELDS; i++) {
        int64_t least = i < D ? 1 : 0;
        if (values[i] != ABSENT && (values[i] < least || values[i] > most))
            return fail(CJ_INVALID, "\"%s%lld\" in the SHAPE is wrong: it should be %lld to 2^30", names[i],
                        (long long)values[i], (long long)least);
    }
    return CJ_OK;
}

/* Value of a spatial field for dimension d, h or w; an absent w copies h. */
static int64_t spatial(const int64_t values[FIELDS], int field, int dimension, int64_t otherwise)
{
    int64_t value = values[field + dimension];
    if (value == ABSENT && dimension == 2)
        value = values[field + 1];
    return value == ABSENT ? otherwise : value;
}

static cj_status fill_dimension(const int64_t values[FIELDS], int from, int to, cj_conv_desc *desc)
{
    desc->input[to] = spatial(values, I, from, 1);
    desc->kernel[to] = spatial(values, K, from, 1);
    desc->stride[to] = spatial(values, S, from, 1);
    desc->dilation[to] = spatial(values, D, from, 0) + 1;
    desc->pad_lo[to] = desc->pad_hi[to] = spatial(values, P, from, 0);
    int64_t out = spatial(values, O, from, ABSENT);
    if (out == ABSENT)
        return CJ_OK;
    int64_t need = (out - 1) * desc->stride[to] + (desc->kernel[to] - 1) * desc->dilation[to] + 1;
    desc->pad_hi[to] = need - desc->input[to] - desc->pad_lo[to];
    /* Less than none is what a stride leaves over at the end. */
    if (desc->pad_hi[to] < 0 && -desc->pad_hi[to] < desc->stride[to])
        desc->pad_hi[to] = 0;
    if (desc->pad_hi[to] < 0)
        return fail(CJ_INVALID, "\"%s%lld\" in the SHAPE is less than input, kernel and padding give",
                    names[O + from], (long long)out);
    return CJ_OK;
}

cj_status benchdnn_parse(const char *text, cj_conv_desc *desc, int64_t *batch)
{
    int64_t v[FIELDS];
    TRY(read_fields(text, v));
    TRY(check_spatial(v));
    bool deep = v[I] >= 0 || v[K] >= 0, flat = v[I + 1] < 0 && v[K + 1] < 0;
    desc->rank = deep ? 3 : flat ? 1 : 2;
    desc->groups = v[G] < 0 ? 1 : v[G];
    *batch = v[MB] < 0 ? 1 : v[MB];
    desc->in_channels = v[IC];
    desc->out_channels = v[OC];
    if (v[IC] < 1 || v[OC] < 1)
        return fail(CJ_INVALID, "the SHAPE lacks a field: benchdnn's form needs ic and oc");
    for (int i = 0; i < desc->rank; i++)
        TRY(fill_dimension(v, 3 - desc->rank + i, i, desc));
    return CJ_OK;
}
