/* The reader that test_onnx relies on: damaged files and contradictory nodes give a sentence, not a crash;
 * tensors arrive from wherever a graph may hold them. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

#include "onnx/model.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#define CASE ONNX_DATA_DIR "/node/test_convtranspose_kernel_shape"
#define LAYER ONNX_DATA_DIR "/pytorch-converted/test_Conv2d_depthwise"

static const struct onnx_way oracle = {"oracle", NULL, CJ_F64, CJ_NCHW, CJ_ISA_HOST, CJ_STRICT};

/* A copy of exactly that size, so that a sanitizer sees each read behind it. */
static uint8_t *copy_of(const uint8_t *bytes, size_t size)
{
    uint8_t *copy = malloc(size ? size : 1);
    assert_non_null(copy);
    return memcpy(copy, bytes, size);
}

static bool reads_tensor(const uint8_t *bytes, size_t size)
{
    struct onnx_problem problem = {""};
    struct onnx_tensor tensor;
    uint8_t *copy = copy_of(bytes, size);
    bool good = onnx_tensor_parse(&tensor, copy, size, &problem);
    assert_true(good || problem.text[0]);
    onnx_tensor_free(&tensor);
    free(copy);
    return good;
}

static bool runs_model(const uint8_t *bytes, size_t size)
{
    struct onnx_problem problem = {""};
    struct onnx_result result = {.shape = ""};
    uint8_t *copy = copy_of(bytes, size);
    Onnx__ModelProto *model = onnx_model_parse(copy, size, &problem);
    bool good = model && onnx_model_run(model, CASE "/test_data_set_0", &oracle, &result, &problem);
    assert_true(good || problem.text[0]);
    onnx_tensor_free(&result.output);
    onnx_model_free(model);
    free(copy);
    return good;
}

static const struct file {
    const char *path;
    bool (*reads)(const uint8_t *bytes, size_t size);
} files[] = {
    {CASE "/test_data_set_0/input_0.pb", reads_tensor},
    {CASE "/model.onnx", runs_model},
};

static void whole_and_cut_files(void **state)
{
    (void)state;
    for (int f = 0; f < 2; f++) {
        struct onnx_problem problem;
        size_t size;
        uint8_t *bytes = onnx_file(files[f].path, &size, &problem);
        assert_non_null(bytes);
        assert_true(files[f].reads(bytes, size));
        for (size_t cut = 0; cut < size; cut++)
            if (files[f].reads(bytes, cut))
                fail_msg("%s, cut to %zu bytes, is read", files[f].path, cut);
        free(bytes);
    }
}

/* Some changes are harmless, so all that is asked for is a sentence where it fails. */
static void changed_bytes(void **state)
{
    (void)state;
    for (int f = 0; f < 2; f++) {
        struct onnx_problem problem;
        size_t size;
        uint8_t *bytes = onnx_file(files[f].path, &size, &problem);
        assert_non_null(bytes);
        for (size_t i = 0; i < size * 8; i++) {
            bytes[i / 8] ^= (uint8_t)(1 << i % 8);
            files[f].reads(bytes, size);
            bytes[i / 8] ^= (uint8_t)(1 << i % 8);
        }
        free(bytes);
    }
}

static void a_missing_file(void **state)
{
    (void)state;
    struct onnx_problem problem;
    struct onnx_tensor tensor;
    assert_false(onnx_tensor_load(&tensor, CASE "/nothing.pb", &problem));
    assert_non_null(strstr(problem.text, "nothing.pb"));
    assert_null(onnx_model_load(CASE "/nothing.onnx", &problem));
}

/* Attributes that do not fit an input [1, 4, 5, 5] and weights [6, 4, 3, 3]. */
static const struct wrong {
    char name[16], text[8];
    size_t count;
    int64_t ints[5], i;
} wrong_attributes[] = {
    {"pads", "", 2, {1, 1}, 0},
    {"pads", "", 4, {1, 1, -1, 1}, 0},
    {"pads", "", 5, {1, 1, 1, 1, 1}, 0},
    {"strides", "", 2, {0, 1}, 0},
    {"strides", "", 1, {1}, 0},
    {"dilations", "", 2, {1, INT64_MAX}, 0},
    {"kernel_shape", "", 2, {3, 5}, 0},
    {"output_shape", "", 2, {0, 9}, 0},
    {"group", "", 0, {0}, 0},
    {"group", "", 0, {0}, 2},
    {"auto_pad", "SAME", 0, {0}, 0},
    {"sort", "", 0, {0}, 1},
};

static bool describes(struct wrong attribute, const struct onnx_tensor *bias, struct onnx_problem *problem)
{
    cj_conv_desc desc;
    struct onnx_tensor x = {4, {1, 4, 5, 5}, 100, NULL}, w = {4, {6, 4, 3, 3}, 216, NULL};
    Onnx__AttributeProto proto = ONNX__ATTRIBUTE_PROTO__INIT, *protos[] = {&proto};
    Onnx__NodeProto node = ONNX__NODE_PROTO__INIT;
    proto.name = attribute.name;
    proto.s = (ProtobufCBinaryData){strlen(attribute.text), (uint8_t *)attribute.text};
    proto.n_ints = attribute.count;
    proto.ints = attribute.ints;
    proto.i = attribute.i;
    node.op_type = (char[]){"Conv"};
    node.n_attribute = 1;
    node.attribute = protos;
    return onnx_describe(&node, &(struct onnx_operands){&x, &w, bias}, &desc, problem);
}

static void wrong_nodes(void **state)
{
    (void)state;
    struct onnx_problem problem;
    const struct wrong right = {"kernel_shape", "", 2, {3, 3}, 0};
    const struct onnx_tensor six = {1, {6}, 6, NULL}, five = {1, {5}, 5, NULL};
    assert_true(describes(right, &six, &problem));
    assert_false(describes(right, &five, &problem));
    for (size_t i = 0; i < sizeof wrong_attributes / sizeof *wrong_attributes; i++) {
        const struct wrong *w = &wrong_attributes[i];
        problem.text[0] = 0;
        if (describes(*w, NULL, &problem))
            fail_msg("row %zu, a wrong %s, is taken", i, w->name);
        /* Channels that do not fit are named rather than the group that made them so. */
        assert_non_null(strstr(problem.text, w->i == 2 ? "2 groups" : w->name));
    }
}

/* Weights and bias moved from initializers to Constant nodes, and an Identity behind the convolution. */
static bool run_rewritten(const Onnx__ModelProto *model, struct onnx_result *result,
                          struct onnx_problem *problem)
{
    Onnx__AttributeProto value[2] = {ONNX__ATTRIBUTE_PROTO__INIT, ONNX__ATTRIBUTE_PROTO__INIT};
    Onnx__AttributeProto *values[2] = {&value[0], &value[1]};
    Onnx__NodeProto made[3] = {ONNX__NODE_PROTO__INIT, ONNX__NODE_PROTO__INIT, ONNX__NODE_PROTO__INIT};
    Onnx__NodeProto *nodes[] = {&made[0], &made[1], model->graph->node[0], &made[2]};
    Onnx__ValueInfoProto output = ONNX__VALUE_INFO_PROTO__INIT, *outputs[] = {&output};
    char constant[] = "Constant", identity[] = "Identity", last_name[] = "last", *last[] = {last_name};
    for (int i = 0; i < 2; i++) {
        value[i].t = model->graph->initializer[i];
        made[i].op_type = constant;
        made[i].n_attribute = made[i].n_output = 1;
        made[i].attribute = &values[i];
        made[i].output = &model->graph->initializer[i]->name;
    }
    made[2].op_type = identity;
    made[2].n_input = made[2].n_output = 1;
    made[2].input = model->graph->node[0]->output;
    made[2].output = last;
    output.name = last[0];
    Onnx__GraphProto graph = *model->graph;
    graph.n_initializer = 0;
    graph.n_input = 1;
    graph.n_node = 4;
    graph.node = nodes;
    graph.output = outputs;
    Onnx__ModelProto rewritten = *model;
    rewritten.graph = &graph;
    return onnx_model_run(&rewritten, LAYER "/test_data_set_0", &oracle, result, problem);
}

static void constants_and_identities(void **state)
{
    (void)state;
    struct onnx_problem problem = {""};
    struct onnx_result result;
    struct onnx_tensor want;
    Onnx__ModelProto *model = onnx_model_load(LAYER "/model.onnx", &problem);
    assert_non_null(model);
    assert_int_equal(model->graph->n_initializer, 2);
    bool good = run_rewritten(model, &result, &problem);
    if (!good)
        fail_msg("%s", problem.text);
    assert_true(onnx_tensor_load(&want, LAYER "/test_data_set_0/output_0.pb", &problem));
    assert_int_equal(result.output.count, want.count);
    for (int64_t i = 0; i < want.count; i++)
        assert_true(fabs(result.output.values[i] - want.values[i]) < 1e-5);
    onnx_tensor_free(&want);
    onnx_tensor_free(&result.output);
    onnx_model_free(model);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(whole_and_cut_files),      cmocka_unit_test(changed_bytes),
        cmocka_unit_test(a_missing_file),           cmocka_unit_test(wrong_nodes),
        cmocka_unit_test(constants_and_identities),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
