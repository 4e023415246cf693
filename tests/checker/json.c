/* A reader that keeps every value with its path, "results.0.min_us", and then asks for those that must be
 * there. */
#include "json.h"

#include <ctype.h>
#include <math.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { MOST_VALUES = 4000, PATH_SIZE = 128, TEXT_SIZE = 512 };

struct value {
    char path[PATH_SIZE];
    bool is_text;
    char text[TEXT_SIZE]; /* of a string, or of a number */
};

struct reader {
    const char *at;
    char path[PATH_SIZE];
    struct value *values;
    int count;
};

static bool read_value(struct reader *r);

static char peek(struct reader *r)
{
    r->at += strspn(r->at, " \t\r\n");
    return *r->at;
}

static bool take(struct reader *r, char symbol)
{
    bool there = peek(r) == symbol;
    r->at += there;
    return there;
}

/* What may follow a backslash; returns how many characters it is, 0 if it may not. */
static int escape_length(const char *at)
{
    if (*at == 'u')
        return strspn(at + 1, "0123456789abcdefABCDEF") >= 4 ? 5 : 0;
    return *at && strchr("\"\\/bfnrt", *at) ? 1 : 0;
}

static bool read_string(struct reader *r, char *text, size_t size)
{
    size_t length = 0;
    if (!take(r, '"'))
        return false;
    while (*r->at != '"') {
        if ((unsigned char)*r->at < ' ' || length + 8 > size)
            return false;
        int more = *r->at == '\\' ? escape_length(r->at + 1) : 0;
        if (*r->at == '\\' && !more)
            return false;
        memcpy(text + length, r->at, (size_t)more + 1);
        length += (size_t)more + 1;
        r->at += more + 1;
    }
    text[length] = 0;
    return take(r, '"');
}

static bool read_number(struct reader *r, char *text, size_t size)
{
    const char *at = r->at;
    size_t digits;
    at += *at == '-';
    digits = strspn(at, "0123456789");
    if (!digits || (digits > 1 && *at == '0'))
        return false;
    at += digits;
    if (*at == '.') {
        digits = strspn(at + 1, "0123456789");
        at += 1 + digits;
        if (!digits)
            return false;
    }
    if (*at == 'e' || *at == 'E') {
        at += 1 + (at[1] == '-' || at[1] == '+');
        digits = strspn(at, "0123456789");
        at += digits;
        if (!digits)
            return false;
    }
    snprintf(text, size, "%.*s", (int)(at - r->at), r->at);
    r->at = at;
    return true;
}

static bool keep_scalar(struct reader *r)
{
    struct value *value = &r->values[r->count++];
    if (r->count == MOST_VALUES)
        return false;
    strcpy(value->path, r->path);
    value->is_text = peek(r) == '"';
    return value->is_text ? read_string(r, value->text, TEXT_SIZE) : read_number(r, value->text, TEXT_SIZE);
}

/* One level down: "PATH.NAME" while its value is read. */
static bool read_under(struct reader *r, const char *name)
{
    size_t length = strlen(r->path);
    if (length + strlen(name) + 2 > PATH_SIZE)
        return false;
    sprintf(r->path + length, "%s%s", length ? "." : "", name);
    bool read = read_value(r);
    r->path[length] = 0;
    return read;
}

static bool read_list(struct reader *r, bool is_object)
{
    char name[64], end = is_object ? '}' : ']';
    if (take(r, end))
        return true;
    for (int i = 0;; i++) {
        snprintf(name, sizeof name, "%d", i);
        if (is_object && !(read_string(r, name, sizeof name) && take(r, ':')))
            return false;
        if (!read_under(r, name))
            return false;
        if (!take(r, ','))
            return take(r, end);
    }
}

static bool read_value(struct reader *r)
{
    if (take(r, '{'))
        return read_list(r, true);
    return take(r, '[') ? read_list(r, false) : keep_scalar(r);
}

/* ---- What must be there ---- */

static int complain(const char *path, const char *why)
{
    fprintf(stderr, "checker: %s %s\n", path, why);
    return 1;
}

/* The one value of that path; NULL if there is none or more than one. */
static const struct value *find(const struct reader *r, int result, const char *field)
{
    char path[PATH_SIZE];
    const struct value *found = NULL;
    if (result < 0)
        snprintf(path, sizeof path, "%s", field);
    else
        snprintf(path, sizeof path, "results.%d.%s", result, field);
    for (int i = 0; i < r->count; i++) {
        if (strcmp(r->values[i].path, path) != 0)
            continue;
        if (found)
            return NULL;
        found = &r->values[i];
    }
    return found;
}

static double number(const struct reader *r, int result, const char *field)
{
    const struct value *value = find(r, result, field);
    return value && !value->is_text ? atof(value->text) : NAN;
}

static int check_result(const struct reader *r, int result)
{
    static const char *const texts[] = {"name", "shape", "layout", "dtype", "algorithm"};
    static const char *const numbers[] = {"threads",         "min_us",  "median_us",  "gflops",
                                          "percent_of_peak", "pack_us", "compile_us", "load_us"};
    for (size_t i = 0; i < sizeof texts / sizeof *texts; i++) {
        const struct value *value = find(r, result, texts[i]);
        if (!value || !value->is_text || !*value->text)
            return complain(texts[i], "is no string in a result");
    }
    for (size_t i = 0; i < sizeof numbers / sizeof *numbers; i++)
        if (!(number(r, result, numbers[i]) > 0))
            return complain(numbers[i], "is no number above 0 in a result");
    double threads = number(r, result, "threads"), gflops = number(r, result, "gflops");
    bool wide = strcmp(find(r, result, "dtype")->text, "f64") == 0;
    double peak = number(r, -1, wide ? "machine.peak_gflops_f64" : "machine.peak_gflops");
    if (number(r, result, "median_us") < number(r, result, "min_us"))
        return complain("median_us", "is less than min_us");
    double percent = 100 * gflops / (peak * threads);
    if (!(fabs(number(r, result, "percent_of_peak") - percent) < 0.05 + 0.01 * percent))
        return complain("percent_of_peak", "is not gflops by peak_gflops and threads");
    printf("%s\n", find(r, result, "name")->text);
    return 0;
}

static int check_all(const struct reader *r)
{
    int results = 0;
    if (!(number(r, -1, "machine.peak_gflops") > 0))
        return complain("machine.peak_gflops", "is no number above 0");
    for (; find(r, results, "name"); results++)
        if (check_result(r, results))
            return 1;
    return results ? 0 : complain("results", "is empty");
}

int json_check(const char *path)
{
    char *text = calloc(1, 1 << 20);
    struct reader reader = {.at = text, .values = calloc(MOST_VALUES, sizeof *reader.values)};
    FILE *file = fopen(path, "rb");
    int wrong = !file;
    if (file) {
        wrong = fread(text, 1, (1 << 20) - 1, file) == 0;
        fclose(file);
    }
    wrong = wrong ? complain(path, "is not there or is empty") : 0;
    if (!wrong && (!read_value(&reader) || peek(&reader)))
        wrong = complain(path, "is no JSON");
    wrong = wrong || check_all(&reader);
    free(text);
    free(reader.values);
    return wrong;
}
