/* A table is turned into SHAPE strings, so there is one reader of shapes. */
#include "shapes_file.h"

#include <errno.h>
#include <math.h>
#include <regex.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { MOST_COLUMNS = 64, LINE_SIZE = 4096 };

/* A line cut at its tabs. */
struct cells {
    char *at[MOST_COLUMNS];
    int count;
};

struct source {
    const char *path;
    int line;
    int entries; /* so far */
    bool is_table;
    char header_text[LINE_SIZE];
    struct cells header;
};

static struct layer_shape *append(struct layer_list *list)
{
    if (list->count == list->room) {
        int room = list->room ? 2 * list->room : 16;
        struct layer_shape *grown = realloc(list->at, (size_t)room * sizeof *grown);
        if (!grown)
            return NULL;
        list->at = grown;
        list->room = room;
    }
    return &list->at[list->count++];
}

/* Only benchdnn's form has quotes: around a name, at its end. */
static void name_layer(struct layer_shape *layer, const char *shape)
{
    const char *quote = strchr(shape, '"');
    if (quote && quote[1] != '"')
        snprintf(layer->name, sizeof layer->name, "%.*s", (int)strcspn(quote + 1, "\""), quote + 1);
    else
        snprintf(layer->name, sizeof layer->name, "%s", shape);
}

int layers_add(struct layer_list *list, const char *where, const char *shape, const struct overrides *overrides)
{
    struct layer_shape *layer = append(list);
    if (!layer)
        return complain(EXIT_MACHINE, "there is no memory for %d shapes", list->count + 1);
    *layer = (struct layer_shape){0};
    name_layer(layer, shape);
    return shape_read(where, shape, overrides, &layer->desc, &layer->batch);
}

static void cut(char *line, struct cells *cells)
{
    cells->count = 0;
    for (char *at = line; at && cells->count < MOST_COLUMNS;) {
        cells->at[cells->count++] = at;
        at = strchr(at, '\t');
        if (at)
            *at++ = '\0';
    }
}

/* The cell of a column; NULL where the table has no such column. */
static const char *cell(const struct source *source, const struct cells *row, const char *column)
{
    for (int i = 0; i < source->header.count && i < row->count; i++)
        if (strcmp(source->header.at[i], column) == 0)
            return row->at[i];
    return NULL;
}

static int column_missing(const struct source *source, const char *column)
{
    return complain(EXIT_WRONG, "%s, line %d: the column %s is missing", source->path, source->line, column);
}

/* A part of the SHAPE and its columns' first letters, which are the same. */
struct part {
    const char *letters;
    bool needed;
};

/* ":LETTERS" and a number for each dimension, "1x3x3", with the number of a column "_r" behind "~". */
static int add_part(const struct source *source, const struct cells *row, const struct part *part, FILE *out)
{
    static const char *const dimensions[] = {"d", "h", "w"};
    fprintf(out, ":%s", part->letters);
    for (int i = 0; i < 3; i++) {
        char column[16];
        snprintf(column, sizeof column, "%s%s", part->letters, dimensions[i]);
        const char *value = cell(source, row, column);
        if (!value && part->needed)
            return column_missing(source, column);
        fprintf(out, "%s%s", i ? "x" : "", value ? value : "0");
        snprintf(column, sizeof column, "%s%s_r", part->letters, dimensions[i]);
        value = cell(source, row, column);
        if (value)
            fprintf(out, "~%s", value);
    }
    return EXIT_DONE;
}

static int write_shape(const struct source *source, const struct cells *row, FILE *out)
{
    static const struct {
        const char *prefix, *column;
    } numbers[] = {{"n", "mb"}, {"g", "g"}, {"c", "ic"}, {"o", "oc"}};
    static const struct part parts[] = {{"i", true},  {"k", true},  {"s", false},
                                        {"p", false}, {"d", false}, {"op", false}};
    const char *kind = cell(source, row, "kind");
    bool transposed = kind && strcmp(kind, "deconv") == 0;
    if (!kind || (!transposed && strcmp(kind, "conv") != 0))
        return complain(EXIT_WRONG, "%s, line %d: kind is %s; it must be conv or deconv", source->path,
                        source->line, kind ? kind : "missing");
    fprintf(out, transposed ? "conv_transpose3d" : "conv3d");
    for (size_t i = 0; i < sizeof numbers / sizeof *numbers; i++) {
        const char *value = cell(source, row, numbers[i].column);
        if (!value)
            return column_missing(source, numbers[i].column);
        fprintf(out, ":%s%s", numbers[i].prefix, value);
    }
    size_t count = sizeof parts / sizeof *parts - !transposed; /* output padding comes last */
    for (size_t i = 0; i < count; i++)
        TRY(add_part(source, row, &parts[i], out));
    return EXIT_DONE;
}

static int add_shape(struct layer_list *list, const struct source *source, const char *shape,
                     const struct overrides *overrides)
{
    char where[300];
    snprintf(where, sizeof where, "%.250s, line %d: ", source->path, source->line);
    return layers_add(list, where, shape, overrides);
}

static int read_peers(const struct source *source, const struct cells *row, struct peer_times *peers)
{
    static const struct {
        const char *column;
        size_t offset;
    } numbers[] = {{"peer_nchw_us", offsetof(struct peer_times, nchw_us)},
                   {"peer_nhwc_us", offsetof(struct peer_times, nhwc_us)},
                   {"peer_best_us", offsetof(struct peer_times, best_us)},
                   {"peer_peak_gflops", offsetof(struct peer_times, peak_gflops)}};
    for (size_t i = 0; i < sizeof numbers / sizeof *numbers; i++) {
        const char *text = cell(source, row, numbers[i].column);
        char *end;
        if (!text || !*text)
            continue;
        double value = strtod(text, &end);
        if (end == text || *end || !isfinite(value) || value <= 0)
            return complain(EXIT_WRONG, "%s, line %d: %s is %s; it must be a number above 0, or empty",
                            source->path, source->line, numbers[i].column, text);
        memcpy((char *)peers + numbers[i].offset, &value, sizeof value);
    }
    return EXIT_DONE;
}

static int add_row(struct layer_list *list, const struct source *source, char *line,
                   const struct overrides *overrides)
{
    struct cells row;
    char shape[512] = "";
    cut(line, &row);
    FILE *out = fmemopen(shape, sizeof shape - 1, "w");
    if (!out)
        return complain(EXIT_MACHINE, "there is no memory for a SHAPE");
    int status = write_shape(source, &row, out);
    fclose(out);
    TRY(status);
    TRY(add_shape(list, source, shape, overrides));
    struct layer_shape *added = &list->at[list->count - 1];
    const char *name = cell(source, &row, "name");
    if (name)
        snprintf(added->name, sizeof added->name, "%s", name);
    return read_peers(source, &row, &added->peers);
}

static int add_line(struct layer_list *list, struct source *source, char *line,
                    const struct overrides *overrides)
{
    line[strcspn(line, "\r\n")] = '\0';
    if (!*line || *line == '#')
        return EXIT_DONE;
    if (source->is_table)
        return add_row(list, source, line, overrides);
    if (strchr(line, '\t')) {
        if (source->entries > 0)
            return complain(EXIT_WRONG, "%s, line %d has tabs, but the lines before it are SHAPEs",
                            source->path, source->line);
        source->is_table = true;
        snprintf(source->header_text, sizeof source->header_text, "%s", line);
        cut(source->header_text, &source->header);
        return EXIT_DONE;
    }
    source->entries++;
    return add_shape(list, source, line, overrides);
}

int layers_read(struct layer_list *list, const char *path, const struct overrides *overrides)
{
    struct source source = {.path = path};
    char line[LINE_SIZE];
    FILE *file = fopen(path, "r");
    if (!file)
        return complain(exit_of_errno(errno), "--shapes %s cannot be read: %s", path, strerror(errno));
    int status = EXIT_DONE;
    while (status == EXIT_DONE && fgets(line, sizeof line, file)) {
        source.line++;
        status = strlen(line) == sizeof line - 1
                     ? complain(EXIT_WRONG, "%s, line %d is longer than %d characters", path, source.line,
                                LINE_SIZE - 2)
                     : add_line(list, &source, line, overrides);
    }
    if (status == EXIT_DONE && ferror(file))
        status = complain(exit_of_errno(errno), "--shapes %s cannot be read: %s", path, strerror(errno));
    fclose(file);
    return status;
}

int layers_filter(struct layer_list *list, const char *expression)
{
    regex_t regex;
    int error = regcomp(&regex, expression, REG_EXTENDED | REG_NOSUB), kept = 0;
    if (error) {
        char reason[128];
        regerror(error, &regex, reason, sizeof reason);
        return complain(EXIT_WRONG, "--filter is %s; it must be an extended regular expression: %s", expression,
                        reason);
    }
    for (int i = 0; i < list->count; i++)
        if (regexec(&regex, list->at[i].name, 0, NULL, 0) == 0)
            list->at[kept++] = list->at[i];
    regfree(&regex);
    if (!kept && list->count)
        return complain(EXIT_WRONG, "--filter is %s; none of the %d shapes has such a name", expression,
                        list->count);
    list->count = kept;
    return EXIT_DONE;
}

int layers_collect(struct layer_list *list, const struct arguments *words, const char *shapes,
                   const char *filter, const struct overrides *overrides)
{
    for (int i = 0; i < words->count; i++)
        TRY(layers_add(list, "", words->words[i], overrides));
    if (shapes)
        TRY(layers_read(list, shapes, overrides));
    return filter ? layers_filter(list, filter) : EXIT_DONE;
}

void layers_free(struct layer_list *list)
{
    free(list->at);
    *list = (struct layer_list){0};
}
