/* A small interpreter: named tensors, and nodes that make one of others, in the order of the graph. */
#include "model.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

struct value {
    const char *name;
    struct onnx_tensor tensor;
};

struct run {
    const struct onnx_way *way;
    struct onnx_result *result;
    struct value *values;
    size_t count;
};

static struct onnx_tensor *find(const struct run *run, const char *name)
{
    for (size_t i = run->count; i-- > 0;)
        if (strcmp(run->values[i].name, name) == 0)
            return &run->values[i].tensor;
    return NULL;
}

/* A place for another tensor; run_graph has counted how many there are. */
static struct onnx_tensor *add(struct run *run, const char *name)
{
    struct value *value = &run->values[run->count++];
    *value = (struct value){.name = name};
    return &value->tensor;
}

static const struct onnx_tensor *operand(const struct run *run, const Onnx__NodeProto *node, size_t index)
{
    return index < node->n_input ? find(run, node->input[index]) : NULL;
}

static bool convolve(struct run *run, const Onnx__NodeProto *node, struct onnx_problem *problem)
{
    cj_conv_desc desc;
    struct onnx_operands o = {operand(run, node, 0), operand(run, node, 1), operand(run, node, 2)};
    if (node->n_input == 3 && node->input[2][0] && !o.bias)
        return onnx_fail(problem, "there is no tensor '%s'", node->input[2]);
    if (!onnx_describe(node, &o, &desc, problem))
        return false;
    bool good = onnx_convolve(run->way, &desc, &o, add(run, node->output[0]), problem);
    struct onnx_result *r = run->result;
    if (cj_desc_print(&desc, o.input->dims[0], r->shape, sizeof r->shape) != CJ_OK)
        r->shape[0] = 0;
    return good;
}

static bool constant(struct run *run, const Onnx__NodeProto *node, struct onnx_problem *problem)
{
    if (node->n_attribute != 1 || !node->attribute[0]->t)
        return onnx_fail(problem, "a Constant that is no tensor");
    return onnx_tensor_read(add(run, node->output[0]), node->attribute[0]->t, problem);
}

static bool identity(struct run *run, const Onnx__NodeProto *node, struct onnx_problem *problem)
{
    const struct onnx_tensor *from = operand(run, node, 0);
    if (!from)
        return onnx_fail(problem, "an Identity of nothing");
    struct onnx_tensor *to = add(run, node->output[0]);
    if (!onnx_tensor_make(to, (size_t)from->rank, from->dims, problem))
        return false;
    memcpy(to->values, from->values, (size_t)to->count * sizeof(double));
    return true;
}

static const struct operator
{
    const char *name;
    bool (*run)(struct run * run, const Onnx__NodeProto *node, struct onnx_problem *problem);
}
operators[] = {
    {"Conv", convolve},
    {"ConvTranspose", convolve},
    {"Constant", constant},
    {"Identity", identity},
};

static const struct operator* operator_of(const Onnx__NodeProto *node)
{
    for (size_t i = 0; i < sizeof operators / sizeof *operators; i++)
        if (strcmp(node->op_type, operators[i].name) == 0)
            return &operators[i];
    return NULL;
}

const char *onnx_model_stranger(const Onnx__ModelProto *model)
{
    for (size_t i = 0; i < model->graph->n_node; i++)
        if (!operator_of(model->graph->node[i]))
            return model->graph->node[i]->op_type;
    return NULL;
}

/* Names are optional in the schema: those that are followed must be there. */
static bool check_graph(const Onnx__GraphProto *graph, struct onnx_problem *problem)
{
    bool named = graph->n_node && graph->n_output;
    for (size_t i = 0; i < graph->n_node; i++)
        named = named && graph->node[i]->op_type && graph->node[i]->n_output;
    for (size_t i = 0; i < graph->n_input; i++)
        named = named && graph->input[i]->name;
    for (size_t i = 0; i < graph->n_output; i++)
        named = named && graph->output[i]->name;
    for (size_t i = 0; i < graph->n_initializer; i++)
        named = named && graph->initializer[i]->name;
    return named || onnx_fail(problem, "a graph without nodes or outputs, or with nameless ones");
}

Onnx__ModelProto *onnx_model_parse(const uint8_t *bytes, size_t size, struct onnx_problem *problem)
{
    Onnx__ModelProto *model = onnx__model_proto__unpack(NULL, size, bytes);
    if (!model) {
        onnx_fail(problem, "%zu bytes are no ModelProto", size);
        return NULL;
    }
    bool whole = model->graph && model->n_opset_import;
    if (!whole)
        onnx_fail(problem, "a model without a graph or without its opset");
    if (whole && check_graph(model->graph, problem))
        return model;
    onnx_model_free(model);
    return NULL;
}

Onnx__ModelProto *onnx_model_load(const char *path, struct onnx_problem *problem)
{
    size_t size;
    uint8_t *bytes = onnx_file(path, &size, problem);
    Onnx__ModelProto *model = bytes ? onnx_model_parse(bytes, size, problem) : NULL;
    free(bytes);
    return model;
}

void onnx_model_free(Onnx__ModelProto *model)
{
    onnx__model_proto__free_unpacked(model, NULL);
}

/* Initialised tensors may be listed as inputs too; the others are in files, in their order. */
static bool bind_inputs(struct run *run, const Onnx__GraphProto *graph, const char *folder,
                        struct onnx_problem *problem)
{
    char path[4096];
    int files = 0;
    for (size_t i = 0; i < graph->n_initializer; i++)
        if (!onnx_tensor_read(add(run, graph->initializer[i]->name), graph->initializer[i], problem))
            return false;
    for (size_t i = 0; i < graph->n_input; i++) {
        if (find(run, graph->input[i]->name))
            continue;
        snprintf(path, sizeof path, "%s/input_%d.pb", folder, files++);
        if (!onnx_tensor_load(add(run, graph->input[i]->name), path, problem))
            return false;
    }
    return true;
}

static bool run_graph(struct run *run, const Onnx__GraphProto *graph, const char *folder,
                      struct onnx_problem *problem)
{
    if (!bind_inputs(run, graph, folder, problem))
        return false;
    for (size_t i = 0; i < graph->n_node; i++) {
        const struct operator* known = operator_of(graph->node[i]);
        if (!known)
            return onnx_fail(problem, "%s is not known here", graph->node[i]->op_type);
        if (!known->run(run, graph->node[i], problem))
            return false;
    }
    struct onnx_tensor *output = find(run, graph->output[0]->name);
    if (!output)
        return onnx_fail(problem, "no node makes the output '%s'", graph->output[0]->name);
    run->result->output = *output;
    *output = (struct onnx_tensor){0};
    return true;
}

bool onnx_model_run(const Onnx__ModelProto *model, const char *folder, const struct onnx_way *way,
                    struct onnx_result *result, struct onnx_problem *problem)
{
    const Onnx__GraphProto *graph = model->graph;
    *result = (struct onnx_result){.shape = ""};
    struct run run = {.way = way, .result = result};
    run.values = calloc(graph->n_initializer + graph->n_input + graph->n_node, sizeof *run.values);
    bool good = run.values ? run_graph(&run, graph, folder, problem) : onnx_fail(problem, "no memory");
    for (size_t i = 0; i < run.count; i++)
        onnx_tensor_free(&run.values[i].tensor);
    free(run.values);
    return good;
}
