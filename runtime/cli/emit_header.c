/* The sizes come from the plan that cj_explain prints: a kernel for another CPU can be described, though not
 * loaded. The object of the same SHAPE and options holds the function. */
#include "emit_header.h"

#include <stdbool.h>
#include <stdio.h>
#include <string.h>

/* The kernel's ABI; the sizes and the plan stand around it. */
static const char declaration[] =
    "/* Compute the work units [first_unit, last_unit): image i of a batch has the units from i*UNITS to\n"
    " * (i+1)*UNITS. Ranges may run on different threads, each with scratch of its own.\n"
    " *   dst, src  the output and the input, in the layout of the SHAPE\n"
    " *   weights   what cj_pack_weights writes for this plan, 64-byte aligned\n"
    " *   bias      one for each output channel; read only if the SHAPE has a bias\n"
    " *   extra     operands of the post-ops in their order: residual, or scale then shift\n"
    " *   scratch   64-byte aligned; unused where SCRATCH_BYTES is 0 */\n"
    "#ifdef __cplusplus\n"
    "extern \"C\" {\n"
    "#endif\n"
    "void convjit_kernel(void *dst, const void *src, const void *weights, const void *bias,\n"
    "                    const void *const *extra, void *scratch, int64_t first_unit, int64_t last_unit);\n"
    "#ifdef __cplusplus\n"
    "}\n"
    "#endif\n";

/* The last line of an explanation, "chosen     algorithm=...": the plan. Cuts the text there. */
static const char *chosen_plan(char *explanation)
{
    char *line = strstr(explanation, "\nchosen ");
    if (!line)
        return NULL;
    line += strlen("\nchosen ");
    line += strspn(line, " ");
    line[strcspn(line, "\n")] = '\0';
    return line;
}

/* The number behind " NAME=" in a plan. */
static bool plan_number(const char *plan, const char *name, long long *number)
{
    char pattern[32];
    snprintf(pattern, sizeof pattern, " %s=", name);
    const char *at = strstr(plan, pattern);
    return at && sscanf(at + strlen(pattern), "%lld", number) == 1;
}

static int write_header(FILE *out, const char *shape, const char *plan)
{
    static const struct {
        const char *field, *macro, *meaning;
    } sizes[] = {
        {"units", "CONVJIT_KERNEL_UNITS", "work units in one image"},
        {"scratch", "CONVJIT_KERNEL_SCRATCH_BYTES", "for each thread"},
        {"packed", "CONVJIT_KERNEL_PACKED_BYTES", "packed weights"},
    };
    fprintf(out, "/* The kernel of one convolution, written by convjit %s.\n *   %s\n *   %s */\n",
            cj_version(), shape, plan);
    fprintf(out, "#ifndef CONVJIT_KERNEL_H\n#define CONVJIT_KERNEL_H\n\n#include <stdint.h>\n\n");
    fprintf(out, "#define CONVJIT_KERNEL_SHAPE \"%s\"\n", shape);
    for (size_t i = 0; i < sizeof sizes / sizeof *sizes; i++) {
        long long number;
        if (!plan_number(plan, sizes[i].field, &number))
            return complain(EXIT_MACHINE, "the plan has no %s: %s", sizes[i].field, plan);
        fprintf(out, "#define %s %lld /* %s */\n", sizes[i].macro, number, sizes[i].meaning);
    }
    fprintf(out, "\n%s\n#endif\n", declaration);
    return EXIT_DONE;
}

int emit_header(cj_context *context, const cj_conv_desc *desc, int64_t batch, char **text, size_t *size)
{
    char shape[512], *explanation;
    TRY(complain_status(cj_explain(context, desc, &explanation)));
    TRY(complain_status(cj_desc_print(desc, batch, shape, sizeof shape)));
    const char *plan = chosen_plan(explanation);
    FILE *out = open_memstream(text, size);
    int status = !out    ? complain(EXIT_MACHINE, "there is no memory for the header")
                 : !plan ? complain(EXIT_MACHINE, "the explanation names no plan")
                         : write_header(out, shape, plan);
    if (out && fclose(out) != 0)
        status = complain(EXIT_MACHINE, "there is no memory for the header");
    cj_free(explanation);
    return status;
}
