/* A parser of the few Python literals that .npy headers are made of: strings, booleans, tuples of whole
 * numbers, one dictionary. It reads text[0..size) and nothing behind it. */
#include "npy_header.h"

#include <ctype.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

struct cursor {
    const char *at, *end;
    char *error;
};

struct field {
    struct npy *array;
    bool *fortran;
};

static npy_status refuse(struct cursor *c, npy_status status, const char *format, ...)
    __attribute__((format(printf, 3, 4)));

static npy_status refuse(struct cursor *c, npy_status status, const char *format, ...)
{
    va_list args;
    va_start(args, format);
    vsnprintf(c->error, NPY_ERROR_SIZE, format, args);
    va_end(args);
    return status;
}

static void skip_space(struct cursor *c)
{
    while (c->at < c->end && isspace((unsigned char)*c->at))
        c->at++;
}

/* Take `symbol` if it comes next. */
static bool take(struct cursor *c, char symbol)
{
    skip_space(c);
    if (c->at == c->end || *c->at != symbol)
        return false;
    c->at++;
    return true;
}

static bool take_word(struct cursor *c, const char *word)
{
    size_t length = strlen(word);
    skip_space(c);
    if ((size_t)(c->end - c->at) < length || memcmp(c->at, word, length) != 0)
        return false;
    c->at += length;
    return true;
}

/* A quoted string of printable characters without escapes. */
static bool take_string(struct cursor *c, char text[32])
{
    size_t length = 0;
    char quote = '\'';
    if (!take(c, quote))
        quote = '"';
    if (quote == '"' && !take(c, quote))
        return false;
    for (; c->at < c->end && *c->at != quote; c->at++) {
        if (!isprint((unsigned char)*c->at) || *c->at == '\\' || length == 31)
            return false;
        text[length++] = *c->at;
    }
    text[length] = '\0';
    return take(c, quote);
}

/* A type that NumPy may write: an order, a letter and a size, "<f2", "|b1". */
static bool is_type_string(const char *text)
{
    text += strspn(text, "<>|=") ? 1 : 0;
    if (!isalpha((unsigned char)*text))
        return false;
    text += 1 + strspn(text + 1, "0123456789");
    return *text == '\0' || *text == '[';
}

static npy_status read_descr(struct cursor *c, struct field *field)
{
    char text[32];
    skip_space(c);
    if (c->at < c->end && *c->at == '[')
        return refuse(c, NPY_UNSUPPORTED, "has a structured 'descr'; only '<f4' and '<f8' are read");
    if (!take_string(c, text))
        return refuse(c, NPY_WRONG, "has a 'descr' in its header that is no string");
    field->array->dtype = strcmp(text, "<f8") == 0 ? CJ_F64 : CJ_F32;
    if (strcmp(text, "<f8") == 0 || strcmp(text, "<f4") == 0)
        return NPY_OK;
    return refuse(c, is_type_string(text) ? NPY_UNSUPPORTED : NPY_WRONG,
                  "has descr '%s'; only '<f4' (float32) and '<f8' (float64) are read", text);
}

static npy_status read_order(struct cursor *c, struct field *field)
{
    *field->fortran = take_word(c, "True");
    if (*field->fortran || take_word(c, "False"))
        return NPY_OK;
    return refuse(c, NPY_WRONG, "has a 'fortran_order' in its header that is neither True nor False");
}

/* Digits, and the L that Python 2 wrote behind them. */
static bool take_number(struct cursor *c, int64_t *number)
{
    skip_space(c);
    const char *first = c->at;
    for (*number = 0; c->at < c->end && isdigit((unsigned char)*c->at); c->at++)
        if (__builtin_mul_overflow(*number, 10, number) ||
            __builtin_add_overflow(*number, *c->at - '0', number))
            return false;
    bool digits = c->at > first;
    take(c, 'L');
    return digits;
}

static npy_status read_shape(struct cursor *c, struct field *field)
{
    struct npy *array = field->array;
    array->rank = 0;
    if (!take(c, '('))
        return refuse(c, NPY_WRONG, "has a 'shape' in its header that is no tuple");
    while (!take(c, ')')) {
        if (array->rank == NPY_MAX_RANK)
            return refuse(c, NPY_UNSUPPORTED, "has a shape of more than %d dimensions", NPY_MAX_RANK);
        if (!take_number(c, &array->shape[array->rank]))
            return refuse(c, NPY_WRONG, "has a 'shape' in its header whose entry %d is no size", array->rank);
        bool comma = take(c, ',');
        skip_space(c);
        if (!comma && (array->rank == 0 || c->at == c->end || *c->at != ')'))
            return refuse(c, NPY_WRONG, "has a 'shape' in its header that is no tuple");
        array->rank++;
    }
    return NPY_OK;
}

static const struct {
    const char *key;
    npy_status (*read)(struct cursor *c, struct field *field);
} keys[] = {{"descr", read_descr}, {"fortran_order", read_order}, {"shape", read_shape}};

enum { KEYS = sizeof keys / sizeof *keys };

static npy_status read_item(struct cursor *c, struct field *field, bool seen[KEYS])
{
    char key[32];
    if (!take_string(c, key) || !take(c, ':'))
        return refuse(c, NPY_WRONG, "has a header that is no Python dictionary");
    for (int i = 0; i < KEYS; i++) {
        if (strcmp(key, keys[i].key) != 0)
            continue;
        if (seen[i])
            return refuse(c, NPY_WRONG, "has '%s' twice in its header", key);
        seen[i] = true;
        return keys[i].read(c, field);
    }
    return refuse(c, NPY_WRONG, "has a key '%s' in its header, which may hold descr, fortran_order and shape",
                  key);
}

npy_status npy_header_parse(const char *text, size_t size, struct npy *array, bool *fortran,
                            char error[NPY_ERROR_SIZE])
{
    struct cursor cursor = {text, text + size, error}, *c = &cursor;
    struct field field = {array, fortran};
    bool seen[KEYS] = {false};
    if (!take(c, '{'))
        return refuse(c, NPY_WRONG, "has a header that is no Python dictionary");
    while (!take(c, '}')) {
        npy_status status = read_item(c, &field, seen);
        if (status != NPY_OK)
            return status;
        skip_space(c);
        if (!take(c, ',') && (c->at == c->end || *c->at != '}'))
            return refuse(c, NPY_WRONG, "has a header that is no Python dictionary");
    }
    skip_space(c);
    if (c->at != c->end)
        return refuse(c, NPY_WRONG, "has text behind the dictionary in its header");
    for (int i = 0; i < KEYS; i++)
        if (!seen[i])
            return refuse(c, NPY_WRONG, "has no '%s' in its header", keys[i].key);
    return NPY_OK;
}

int npy_header_print(const struct npy *array, char *text, size_t size)
{
    char shape[NPY_MAX_RANK * 22 + 1] = "";
    size_t length = 0;
    for (int i = 0; i < array->rank; i++)
        length += (size_t)snprintf(shape + length, sizeof shape - length, i ? " %lld," : "%lld,",
                                   (long long)array->shape[i]);
    if (array->rank > 1)
        shape[length - 1] = '\0'; /* a comma stays behind a single size only: that is Python's tuple of one */
    return snprintf(text, size, "{'descr': '%s', 'fortran_order': False, 'shape': (%s), }",
                    array->dtype == CJ_F64 ? "<f8" : "<f4", shape);
}
