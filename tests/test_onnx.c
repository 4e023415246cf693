/* ONNX's own conformance data: every model about a convolution, in each layout and type and on each instruction
 * set that this machine has. The oracle of the other tests is held against it too. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

#include "onnx/model.h"

#include <glob.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* What ONNX 1.12 has: 16 models of one operator, 28 of PyTorch's layers, 2 of its operators. Later releases add
 * to them. */
#define MODELS_AT_LEAST 46

struct sweep {
    struct onnx_way ways[16];
    int way_count;
    int ran, runs, wrong;
};

static void add_way(struct sweep *s, struct onnx_way way)
{
    s->ways[s->way_count++] = way;
}

static void choose_ways(struct sweep *s, cj_context *context)
{
    cj_machine machine;
    cj_machine_info(context, &machine);
    add_way(s, (struct onnx_way){"oracle", NULL, CJ_F64, CJ_NCHW, CJ_ISA_HOST, CJ_STRICT});
    add_way(s, (struct onnx_way){"f32, nchw, fast", context, CJ_F32, CJ_NCHW, CJ_ISA_HOST, CJ_FAST});
    add_way(s, (struct onnx_way){"f32, nhwc, fast", context, CJ_F32, CJ_NHWC, CJ_ISA_HOST, CJ_FAST});
    add_way(s, (struct onnx_way){"f64, nchw, strict", context, CJ_F64, CJ_NCHW, CJ_ISA_HOST, CJ_STRICT});
    add_way(s, (struct onnx_way){"f64, nhwc, strict", context, CJ_F64, CJ_NHWC, CJ_ISA_HOST, CJ_STRICT});
    for (cj_isa isa = CJ_ISA_SSE2; isa <= machine.isa; isa++) {
        add_way(s, (struct onnx_way){"f32, nchw, strict", context, CJ_F32, CJ_NCHW, isa, CJ_STRICT});
        add_way(s, (struct onnx_way){"f32, nhwc, strict", context, CJ_F32, CJ_NHWC, isa, CJ_STRICT});
    }
}

static double largest_of(const struct onnx_tensor *t)
{
    double largest = 0;
    for (int64_t i = 0; i < t->count; i++)
        largest = fmax(largest, fabs(t->values[i]));
    return largest;
}

/* ONNX allows 1e-7 and 1e-3 of the value. Plain sums differ from its own, which are f32, by less than 1e-5 of
 * the value; fast algorithms by a share of the largest value instead. */
static bool same_values(const struct onnx_way *way, const struct onnx_tensor *got,
                        const struct onnx_tensor *want, struct onnx_problem *problem)
{
    if (got->rank != want->rank || memcmp(got->dims, want->dims, sizeof got->dims) != 0)
        return onnx_fail(problem, "the output has other dimensions");
    double slack = way->accuracy == CJ_FAST ? 5e-5 * largest_of(want) : 1e-7;
    for (int64_t i = 0; i < got->count; i++)
        if (!(fabs(got->values[i] - want->values[i]) <= slack + 1e-5 * fabs(want->values[i])))
            return onnx_fail(problem, "element %lld is %.9g, should be %.9g", (long long)i, got->values[i],
                             want->values[i]);
    return true;
}

static void run_one(struct sweep *s, const struct onnx_way *way, const Onnx__ModelProto *model,
                    const char *folder)
{
    char path[4096];
    struct onnx_problem problem;
    struct onnx_result result;
    struct onnx_tensor want = {0};
    snprintf(path, sizeof path, "%s/output_0.pb", folder);
    bool good = onnx_model_run(model, folder, way, &result, &problem) &&
                onnx_tensor_load(&want, path, &problem) && same_values(way, &result.output, &want, &problem);
    if (!good)
        fprintf(stderr, "\n%s\n%s (%s)\n  %s\n", folder, result.shape, way->name, problem.text);
    onnx_tensor_free(&want);
    onnx_tensor_free(&result.output);
    s->runs++;
    s->wrong += !good;
}

/* Every test_data_set_<n> of a model. */
static void run_sets(struct sweep *s, const Onnx__ModelProto *model, const char *directory)
{
    char pattern[4096];
    glob_t sets;
    snprintf(pattern, sizeof pattern, "%s/test_data_set_*", directory);
    if (glob(pattern, 0, NULL, &sets) != 0) {
        fprintf(stderr, "\n%s has no data\n", directory);
        s->wrong++;
        return;
    }
    for (size_t i = 0; i < sets.gl_pathc; i++)
        for (int w = 0; w < s->way_count; w++)
            run_one(s, &s->ways[w], model, sets.gl_pathv[i]);
    globfree(&sets);
    s->ran++;
}

static bool about_convolution(const Onnx__ModelProto *model)
{
    for (size_t i = 0; i < model->graph->n_node; i++)
        if (strstr(model->graph->node[i]->op_type, "Conv"))
            return true;
    return false;
}

static void run_file(struct sweep *s, char *path)
{
    struct onnx_problem problem;
    Onnx__ModelProto *model = onnx_model_load(path, &problem);
    *strrchr(path, '/') = 0;
    if (!model) {
        fprintf(stderr, "\n%s: %s\n", path, problem.text);
        s->wrong++;
        return;
    }
    const char *stranger = onnx_model_stranger(model);
    if (about_convolution(model) && stranger)
        printf("skipped %s: it has a node %s\n", path, stranger);
    else if (about_convolution(model))
        run_sets(s, model, path);
    onnx_model_free(model);
}

static void models(void **state)
{
    (void)state;
    glob_t files;
    cj_context *context;
    struct sweep s = {0};
    const char *pattern = ONNX_DATA_DIR "/{node,pytorch-converted,pytorch-operator,simple}/*/model.onnx";
    assert_int_equal(glob(pattern, GLOB_BRACE, NULL, &files), 0);
    assert_int_equal(cj_context_create(NULL, &context), CJ_OK);
    choose_ways(&s, context);
    for (size_t i = 0; i < files.gl_pathc && s.wrong <= 20; i++)
        run_file(&s, files.gl_pathv[i]);
    printf("%d models, %d runs, %d wrong\n", s.ran, s.runs, s.wrong);
    globfree(&files);
    cj_context_destroy(context);
    assert_true(s.ran >= MODELS_AT_LEAST);
    assert_int_equal(s.wrong, 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(models),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
