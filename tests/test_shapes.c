/* label: full */
/* The real layers that the benchmark measures, at their full size, in each layout and for each instruction
 * set. All outputs must be numbers; the oracle says what those at the ends and a sample of the others must be.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

#include "support/check.h"
#include "support/oracle.h"
#include "support/random.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { SAMPLES = 500, LAYERS = 69, CELLS = 40, LINE = 1024 };

/* Numeric columns of the table and where they go. */
static const struct column {
    const char *name;
    size_t offset;
} columns[] = {
#define COLUMN(name, field)                 \
    {                                       \
        name, offsetof(cj_conv_desc, field) \
    }
    COLUMN("g", groups),
    COLUMN("ic", in_channels),
    COLUMN("oc", out_channels),
    COLUMN("id", input[0]),
    COLUMN("ih", input[1]),
    COLUMN("iw", input[2]),
    COLUMN("kd", kernel[0]),
    COLUMN("kh", kernel[1]),
    COLUMN("kw", kernel[2]),
    COLUMN("sd", stride[0]),
    COLUMN("sh", stride[1]),
    COLUMN("sw", stride[2]),
    COLUMN("pd", pad_lo[0]),
    COLUMN("ph", pad_lo[1]),
    COLUMN("pw", pad_lo[2]),
    COLUMN("pd_r", pad_hi[0]),
    COLUMN("ph_r", pad_hi[1]),
    COLUMN("pw_r", pad_hi[2]),
    COLUMN("dd", dilation[0]),
    COLUMN("dh", dilation[1]),
    COLUMN("dw", dilation[2]),
    COLUMN("opd", output_padding[0]),
    COLUMN("oph", output_padding[1]),
    COLUMN("opw", output_padding[2]),
#undef COLUMN
};
enum { COLUMNS = sizeof columns / sizeof *columns };

struct cells {
    char text[LINE];
    const char *at[CELLS];
    int count;
};

static bool read_cells(FILE *file, struct cells *cells)
{
    cells->count = 0;
    if (!fgets(cells->text, sizeof cells->text, file))
        return false;
    cells->text[strcspn(cells->text, "\r\n")] = 0;
    for (char *at = cells->text; at && cells->count < CELLS;) {
        cells->at[cells->count++] = at;
        at = strchr(at, '\t');
        if (at)
            *at++ = 0;
    }
    return true;
}

static const char *cell(const struct cells *header, const struct cells *row, const char *name)
{
    for (int i = 0; i < header->count && i < row->count; i++)
        if (strcmp(header->at[i], name) == 0)
            return row->at[i];
    fail_msg("given.tsv has no column %s", name);
    return NULL;
}

static cj_conv_desc row_desc(const struct cells *header, const struct cells *row)
{
    bool transposed = strcmp(cell(header, row, "kind"), "deconv") == 0;
    cj_conv_desc d = {.op = transposed ? CJ_CONV_TRANSPOSE : CJ_CONV, .rank = 3};
    for (int i = 0; i < COLUMNS; i++) {
        int64_t value = strtoll(cell(header, row, columns[i].name), NULL, 10);
        memcpy((char *)&d + columns[i].offset, &value, sizeof value);
    }
    return d;
}

/* Some outputs of a layer: where they are and what the oracle says. */
struct answers {
    int count;
    int64_t index[SAMPLES];
    double want[SAMPLES], slack[SAMPLES];
    double
        slack_of_tile; /* for Winograd's filters, whose outputs share the errors of their tile; see check.c */
};

/* The first and last outputs, then any. */
static int64_t pick_index(const struct problem *p, int i, unsigned *state)
{
    int64_t count = p->count[OUTPUT], row = p->out[2], plane = p->out[0] * p->out[1] * row;
    int64_t ends[] = {0,           row - 1,  plane - row, plane - 1, count - plane, count - plane + row - 1,
                      count - row, count - 1};
    if (i < 8)
        return ends[i];
    return (int64_t)(((uint64_t)random_next(state) << 24 | random_next(state)) % (uint64_t)count);
}

static void ask(const struct problem *p, struct answers *a)
{
    double *want = malloc((size_t)p->count[OUTPUT] * sizeof *want);
    double *bound = malloc((size_t)p->count[OUTPUT] * sizeof *bound);
    double *const *v = p->value;
    struct oracle_case c = {.desc = p->desc,
                            .batch = p->batch,
                            .input = v[INPUT],
                            .weight = v[WEIGHT],
                            .output = want,
                            .bound = bound};
    double products = (double)p->count[WEIGHT] / (double)p->desc->out_channels;
    unsigned state = 5;
    for (a->count = 0; a->count < SAMPLES; a->count++) {
        int64_t index = a->index[a->count] = pick_index(p, a->count, &state);
        oracle_at(&c, index);
        a->want[a->count] = want[index];
        a->slack[a->count] = 0x1p-24 * (16 + sqrt(products)) * (bound[index] + 1e-3);
        a->slack_of_tile = fmax(a->slack_of_tile, WINOGRAD_FACTOR * a->slack[a->count]);
    }
    free(want);
    free(bound);
}

static bool is_transformed(cj_context *context, const cj_conv_desc *desc)
{
    cj_kernel *kernel;
    assert_int_equal(cj_prepare(context, desc, &kernel), CJ_OK);
    bool transformed = strstr(cj_kernel_plan(kernel), "algorithm=winograd");
    cj_release(kernel);
    return transformed;
}

static bool is_right(const struct problem *p, const struct answers *a, bool transformed)
{
    const double *got = p->value[OUTPUT];
    for (int64_t i = 0; i < p->count[OUTPUT]; i++)
        if (!isfinite(got[i])) {
            check_complain(p->desc, p->batch, "element %lld is %g", (long long)i, got[i]);
            return false;
        }
    for (int i = 0; i < a->count; i++) {
        double slack = transformed ? a->slack_of_tile : a->slack[i];
        if (fabs(got[a->index[i]] - a->want[i]) <= slack)
            continue;
        check_complain(p->desc, p->batch, "element %lld is %.9g, should be %.9g within %.3g",
                       (long long)a->index[i], got[a->index[i]], a->want[i], slack);
        return false;
    }
    return true;
}

/* How many of the layer's kernels are wrong. */
static int try_layer(cj_context *context, const cj_conv_desc *desc, int64_t batch)
{
    static const cj_layout layouts[] = {CJ_NCHW, CJ_NHWC, CJ_NCHWC};
    cj_conv_desc d = *desc;
    struct problem p = problem_new(&d, batch, 11);
    struct answers answers = {0};
    cj_machine machine;
    int wrong = 0;
    cj_machine_info(context, &machine);
    ask(&p, &answers);
    for (d.isa = CJ_ISA_SSE2; d.isa <= machine.isa; d.isa++)
        for (int i = 0; i < 3; i++) {
            d.input_layout = d.output_layout = layouts[i];
            wrong += !check_run(context, &p, &(struct manner){.side = GUARD_BEHIND, .fill = 0xff}) ||
                     !is_right(&p, &answers, is_transformed(context, &d));
        }
    problem_free(&p);
    return wrong;
}

static void real_layers(void **state)
{
    (void)state;
    FILE *file = fopen(TEST_SOURCE_DIR "/../bench/shapes/given.tsv", "r");
    assert_non_null(file);
    struct cells header, row;
    cj_context *context;
    int wrong = 0, layers = 0;
    assert_int_equal(cj_context_create(NULL, &context), CJ_OK);
    assert_true(read_cells(file, &header));
    for (; read_cells(file, &row); layers++) {
        cj_conv_desc d = row_desc(&header, &row);
        wrong += try_layer(context, &d, strtoll(cell(&header, &row, "mb"), NULL, 10));
    }
    fclose(file);
    cj_context_destroy(context);
    assert_int_equal(layers, LAYERS);
    assert_int_equal(wrong, 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(real_layers)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
