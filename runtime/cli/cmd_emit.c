/* convjit emit: the compiler's output for one convolution, as a file. */
#include "commands.h"
#include "emit_header.h"
#include "outfile.h"
#include "overrides.h"

#include <stdlib.h>
#include <string.h>

enum { FORMAT_HEADER = CJ_FORMAT_OBJECT + 1 };

struct emit_settings {
    int format; /* enum cj_format or FORMAT_HEADER; -1: not given */
    const char *cpu, *triple, *output;
    struct overrides overrides;
};

static const struct choice format_choices[] = {{"ir", CJ_FORMAT_IR},      {"ll-opt", CJ_FORMAT_LL_OPT},
                                               {"asm", CJ_FORMAT_ASM},    {"object", CJ_FORMAT_OBJECT},
                                               {"header", FORMAT_HEADER}, {0}};

static int write_file(const char *path, const void *bytes, size_t size)
{
    int error = outfile_write(path, bytes, size);
    if (error)
        return complain(exit_of_errno(error), "--output %s cannot be written: %s", path, strerror(error));
    return EXIT_DONE;
}

static int emit_code(cj_context *context, const cj_conv_desc *desc, const struct emit_settings *s)
{
    cj_emit_options options = {.format = (cj_format)s->format, .cpu = s->cpu, .triple = s->triple};
    void *bytes;
    size_t size;
    TRY(complain_status(cj_emit(context, desc, &options, &bytes, &size)));
    int status = write_file(s->output, bytes, size);
    cj_free(bytes);
    return status;
}

static int emit(cj_context *context, const struct emit_settings *s, const char *shape)
{
    cj_conv_desc desc;
    int64_t batch;
    char *text = NULL;
    size_t size = 0;
    TRY(shape_read("", shape, &s->overrides, &desc, &batch));
    if (s->format != FORMAT_HEADER)
        return emit_code(context, &desc, s);
    int status = emit_header(context, &desc, batch, &text, &size);
    if (status == EXIT_DONE)
        status = write_file(s->output, text, size);
    free(text);
    return status;
}

static int run(const struct command *command, int argc, char **argv)
{
    struct emit_settings settings = {.format = -1, .overrides = OVERRIDES_NONE};
    struct arguments rest;
    cj_context *context;
    TRY(args_read(command, argc, argv, &settings, &rest));
    if (rest.count != 1)
        return complain(EXIT_WRONG,
                        "there are %d SHAPEs; convjit emit takes one, such as conv2d:c64:o64:i56:k3:p1",
                        rest.count);
    if (settings.format < 0 || !settings.output)
        return complain(EXIT_WRONG, "--%s is missing", settings.format < 0 ? "format" : "output");
    TRY(complain_status(cj_context_create(NULL, &context)));
    int status = emit(context, &settings, rest.words[0]);
    cj_context_destroy(context);
    return status;
}

static const struct option_row rows[] = {
    {"format", "ir|ll-opt|asm|object|header", "LLVM IR, that optimised, assembly, an object, its C header",
     read_choice, offsetof(struct emit_settings, format), format_choices},
    {"output", "FILE", "written whole or not at all", read_text, offsetof(struct emit_settings, output), NULL},
    {"cpu", "NAME", "LLVM's name of the CPU to write for", read_text, offsetof(struct emit_settings, cpu),
     NULL},
    {"target", "TRIPLE", "LLVM's target triple", read_text, offsetof(struct emit_settings, triple), NULL},
    OVERRIDE_ROWS(struct emit_settings),
};

const struct command emit_command = {
    "emit",
    "SHAPE --format FORMAT --output FILE [options]",
    "Write what the compiler makes of a convolution. An object holds the function convjit_kernel;\n"
    "the header of the same SHAPE and options declares it.",
    rows,
    sizeof rows / sizeof *rows,
    run};
