/* The file comes from another day and maybe another version, so nothing in it is believed: each field that is
 * used is checked, and a SHAPE is read and printed again, so that equal convolutions have equal texts whatever
 * that version's way of writing them was. */
#include "past.h"

#include "../runtime/cli/overrides.h"

#include <errno.h>
#include <json-c/json.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* A run over all layers writes some 40 KB. */
enum { MOST_BYTES = 64 << 20 };

/* An object of the file: the file's top, "machine", or a result. */
struct part {
    const char *path; /* of the file */
    char where[32];   /* "results[3]." in front of its fields' names */
    json_object *object;
};

static int wrong_field(const struct part *part, const char *field, const char *should)
{
    json_object *value;
    bool there = json_object_object_get_ex(part->object, field, &value);
    return complain(EXIT_WRONG, "--compare %s: %s%s is %.80s; it must be %s", part->path, part->where, field,
                    there ? json_object_to_json_string_ext(value, JSON_C_TO_STRING_PLAIN) : "missing", should);
}

/* NULL: it is not there or of another type. */
static json_object *field_of(const struct part *part, const char *field, json_type type)
{
    json_object *value;
    if (!json_object_object_get_ex(part->object, field, &value) || !json_object_is_type(value, type))
        return NULL;
    return value;
}

static int read_string(const struct part *part, const char *field, char *text, size_t size)
{
    json_object *value = field_of(part, field, json_type_string);
    if (!value || !*json_object_get_string(value) || (size_t)json_object_get_string_len(value) >= size)
        return wrong_field(part, field, "a text that is not empty and not too long");
    snprintf(text, size, "%s", json_object_get_string(value));
    return EXIT_DONE;
}

static int read_above_0(const struct part *part, const char *field, double *number)
{
    json_object *value = field_of(part, field, json_type_double);
    if (!value)
        value = field_of(part, field, json_type_int);
    *number = value ? json_object_get_double(value) : 0;
    return isfinite(*number) && *number > 0 ? EXIT_DONE : wrong_field(part, field, "a number above 0");
}

static int read_count(const struct part *part, const char *field, int *number)
{
    json_object *value = field_of(part, field, json_type_int);
    int64_t count = value ? json_object_get_int64(value) : 0;
    *number = (int)count;
    return count >= 1 && count <= 1024 ? EXIT_DONE : wrong_field(part, field, "a whole number from 1 to 1024");
}

static int read_word(const struct part *part, const char *field, const struct choice *choices, int *value)
{
    json_object *word = field_of(part, field, json_type_string);
    for (; word && choices->word; choices++)
        if (strcmp(choices->word, json_object_get_string(word)) == 0)
            return *value = choices->value, EXIT_DONE;
    return wrong_field(part, field, "a word that convjit bench --help lists");
}

static int read_result(const struct part *part, struct past_result *result)
{
    cj_conv_desc desc;
    int64_t batch;
    int layout = 0, dtype = 0;
    TRY(read_string(part, "name", result->name, sizeof result->name));
    TRY(read_string(part, "shape", result->shape, sizeof result->shape));
    TRY(read_word(part, "layout", layout_choices, &layout));
    TRY(read_word(part, "dtype", dtype_choices, &dtype));
    TRY(read_count(part, "threads", &result->threads));
    TRY(read_above_0(part, "percent_of_peak", &result->percent_of_peak));
    result->layout = (cj_layout)layout;
    result->dtype = (cj_dtype)dtype;
    if (cj_desc_parse(result->shape, &desc, &batch) != CJ_OK)
        return wrong_field(part, "shape", "a SHAPE");
    desc.input_layout = desc.output_layout = result->layout;
    if (result->layout != CJ_NCHWC)
        desc.input_block = desc.output_block = 0;
    desc.dtype = result->dtype;
    return complain_status(cj_desc_print(&desc, batch, result->shape, sizeof result->shape));
}

static int read_results(const struct part *top, struct past *past)
{
    json_object *list = field_of(top, "results", json_type_array);
    if (!list || !json_object_array_length(list))
        return wrong_field(top, "results", "a list of results");
    size_t count = json_object_array_length(list);
    past->at = calloc(count, sizeof *past->at);
    if (!past->at)
        return complain(EXIT_MACHINE, "there is no memory for %zu results of %s", count, top->path);
    for (size_t i = 0; i < count; i++) {
        struct part part = {.path = top->path, .object = json_object_array_get_idx(list, i)};
        snprintf(part.where, sizeof part.where, "results[%zu].", i);
        if (!json_object_is_type(part.object, json_type_object))
            return complain(EXIT_WRONG, "--compare %s: results[%zu] is no object", top->path, i);
        TRY(read_result(&part, &past->at[past->count++]));
    }
    return EXIT_DONE;
}

static int read_top(const char *path, json_object *object, struct past *past)
{
    struct part top = {.path = path, .object = object}, machine = {.path = path, .where = "machine."};
    if (!json_object_is_type(object, json_type_object))
        return complain(EXIT_WRONG, "--compare %s is no object of JSON; it must be what --json wrote", path);
    machine.object = field_of(&top, "machine", json_type_object);
    if (!machine.object)
        return wrong_field(&top, "machine", "an object");
    TRY(read_string(&machine, "cpu", past->cpu, sizeof past->cpu));
    TRY(read_above_0(&machine, "peak_gflops", &past->peak_gflops));
    return read_results(&top, past);
}

static int complain_of_syntax(const char *path, json_tokener *tokener, const char *text)
{
    size_t line = 1;
    for (size_t i = 0; i < json_tokener_get_parse_end(tokener) && text[i]; i++)
        line += text[i] == '\n';
    return complain(EXIT_WRONG, "--compare %s, line %zu is no JSON: %s", path, line,
                    json_tokener_error_desc(json_tokener_get_error(tokener)));
}

static int read_json(const char *path, const char *text, size_t size, struct past *past)
{
    json_tokener *tokener = json_tokener_new();
    if (!tokener)
        return complain(EXIT_MACHINE, "there is no memory for the JSON of %s", path);
    json_tokener_set_flags(tokener, JSON_TOKENER_STRICT);
    json_object *object = json_tokener_parse_ex(tokener, text, (int)size);
    int status = json_tokener_get_error(tokener) == json_tokener_success
                     ? read_top(path, object, past)
                     : complain_of_syntax(path, tokener, text);
    json_object_put(object);
    json_tokener_free(tokener);
    return status;
}

static int complain_of_file(const char *path, int error)
{
    return complain(exit_of_errno(error), "--compare %s cannot be read: %s", path, strerror(error));
}

/* A number or word at the very end of a text is only known to have ended with the 0 behind it, so that is read
 * too. */
static int read_stream(const char *path, FILE *file, struct past *past)
{
    char *text = NULL;
    size_t room = 0;
    ssize_t size = getdelim(&text, &room, '\0', file);
    int status;
    if (size < 0 && ferror(file))
        status = complain_of_file(path, errno);
    else if (size <= 0)
        status = complain(EXIT_WRONG, "--compare %s is empty; it must be what --json wrote", path);
    else if (size > MOST_BYTES)
        status = complain(EXIT_WRONG, "--compare %s is larger than %d bytes; it must be what --json wrote",
                          path, MOST_BYTES);
    else
        status = read_json(path, text, strlen(text) + 1, past);
    free(text);
    return status;
}

int past_read(struct past *past, const char *path)
{
    *past = (struct past){0};
    FILE *file = fopen(path, "rb");
    if (!file)
        return complain_of_file(path, errno);
    int status = read_stream(path, file, past);
    fclose(file);
    return status;
}

void past_free(struct past *past)
{
    free(past->at);
    *past = (struct past){0};
}
