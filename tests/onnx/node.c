/* A Conv or ConvTranspose node as a descriptor, by ONNX's operator documentation (opsets 1 and 11). */
#include "node.h"

#include <string.h>

#define LARGEST ((int64_t)1 << 20) /* of a number in an attribute */

/* Zero where the node has no such attribute. */
struct attributes {
    int64_t kernel[3], pads[6], strides[3], dilations[3], output_padding[3], output_shape[3], group;
    cj_auto_pad auto_pad;
};

static const struct list {
    const char *name;
    size_t offset;
    int per_dimension;
    int64_t least;
} lists[] = {
    {"kernel_shape", offsetof(struct attributes, kernel), 1, 1},
    {"pads", offsetof(struct attributes, pads), 2, 0},
    {"strides", offsetof(struct attributes, strides), 1, 1},
    {"dilations", offsetof(struct attributes, dilations), 1, 1},
    {"output_padding", offsetof(struct attributes, output_padding), 1, 0},
    {"output_shape", offsetof(struct attributes, output_shape), 1, 1},
};

static const struct automatic {
    const char *name;
    cj_auto_pad value;
} automatics[] = {
    {"NOTSET", CJ_PAD_EXPLICIT},
    {"SAME_UPPER", CJ_PAD_SAME},
    {"SAME_LOWER", CJ_PAD_SAME_LOWER},
    {"VALID", CJ_PAD_VALID},
};

static bool read_list(const Onnx__AttributeProto *attribute, const struct list *list, int rank,
                      struct attributes *to, struct onnx_problem *problem)
{
    size_t count = (size_t)(rank * list->per_dimension);
    if (attribute->n_ints != count)
        return onnx_fail(problem, "%s has %zu numbers; %zu are needed", list->name, attribute->n_ints, count);
    for (size_t i = 0; i < count; i++)
        if (attribute->ints[i] < list->least || attribute->ints[i] > LARGEST)
            return onnx_fail(problem, "%s[%zu] is %lld", list->name, i, (long long)attribute->ints[i]);
    memcpy((char *)to + list->offset, attribute->ints, count * sizeof(int64_t));
    return true;
}

static bool read_auto_pad(const Onnx__AttributeProto *attribute, struct attributes *to,
                          struct onnx_problem *problem)
{
    const ProtobufCBinaryData *text = &attribute->s;
    for (size_t i = 0; i < sizeof automatics / sizeof *automatics; i++)
        if (text->len == strlen(automatics[i].name) && memcmp(text->data, automatics[i].name, text->len) == 0) {
            to->auto_pad = automatics[i].value;
            return true;
        }
    return onnx_fail(problem, "auto_pad has a value of %zu bytes that ONNX does not know", text->len);
}

static bool read_attribute(const Onnx__AttributeProto *attribute, int rank, struct attributes *to,
                           struct onnx_problem *problem)
{
    const char *name = attribute->name ? attribute->name : "";
    for (size_t i = 0; i < sizeof lists / sizeof *lists; i++)
        if (strcmp(name, lists[i].name) == 0)
            return read_list(attribute, &lists[i], rank, to, problem);
    if (strcmp(name, "auto_pad") == 0)
        return read_auto_pad(attribute, to, problem);
    if (strcmp(name, "group") != 0)
        return onnx_fail(problem, "the attribute '%s' is not known", name);
    to->group = attribute->i;
    if (to->group < 1 || to->group > LARGEST)
        return onnx_fail(problem, "group is %lld", (long long)to->group);
    return true;
}

/* Channels, and whether the operands agree on them. */
static bool set_channels(cj_conv_desc *d, const struct onnx_operands *o, struct onnx_problem *problem)
{
    const int64_t *w = o->weight->dims;
    bool transposed = d->op == CJ_CONV_TRANSPOSE;
    d->in_channels = o->input->dims[1];
    d->out_channels = transposed ? w[1] * d->groups : w[0];
    if (d->in_channels != (transposed ? w[0] : w[1] * d->groups))
        return onnx_fail(problem, "%lld input channels do not fit weights [%lld, %lld, ...] in %lld groups",
                         (long long)d->in_channels, (long long)w[0], (long long)w[1], (long long)d->groups);
    d->bias = o->bias != NULL;
    if (o->bias && (o->bias->rank != 1 || o->bias->count != d->out_channels))
        return onnx_fail(problem, "a bias of %lld elements for %lld output channels", (long long)o->bias->count,
                         (long long)d->out_channels);
    return true;
}

/* output_shape decides the padding: what is too much is cut off both ends, the larger half in front unless
 * auto_pad is SAME_UPPER; what is missing is added behind. */
static void set_output(cj_conv_desc *d, const struct attributes *a, int i)
{
    int64_t stride = a->strides[i] ? a->strides[i] : 1, dilation = a->dilations[i] ? a->dilations[i] : 1;
    int64_t most = (d->input[i] - 1) * stride + (d->kernel[i] - 1) * dilation + 1 + a->output_padding[i];
    int64_t total = most > a->output_shape[i] ? most - a->output_shape[i] : 0;
    d->pad_lo[i] = a->auto_pad == CJ_PAD_SAME ? total / 2 : total - total / 2;
    d->pad_hi[i] = total - d->pad_lo[i];
    d->output_size[i] = a->output_shape[i];
}

static void set_padding(cj_conv_desc *d, const struct attributes *a, int i)
{
    d->auto_pad = a->auto_pad;
    d->pad_lo[i] = a->pads[i];
    d->pad_hi[i] = a->pads[d->rank + i];
    d->output_padding[i] = a->output_padding[i];
}

static bool set_sizes(cj_conv_desc *d, const struct attributes *a, const struct onnx_operands *o,
                      struct onnx_problem *problem)
{
    for (int i = 0; i < d->rank; i++) {
        d->input[i] = o->input->dims[2 + i];
        d->kernel[i] = o->weight->dims[2 + i];
        d->stride[i] = a->strides[i];
        d->dilation[i] = a->dilations[i];
        if (a->kernel[i] && a->kernel[i] != d->kernel[i])
            return onnx_fail(problem, "kernel_shape[%d] is %lld and the weights have %lld", i,
                             (long long)a->kernel[i], (long long)d->kernel[i]);
        if (a->output_shape[i])
            set_output(d, a, i);
        else
            set_padding(d, a, i);
    }
    return true;
}

bool onnx_describe(const Onnx__NodeProto *node, const struct onnx_operands *o, cj_conv_desc *desc,
                   struct onnx_problem *problem)
{
    struct attributes a = {.group = 1};
    if (!o->input || !o->weight)
        return onnx_fail(problem, "the input or the weights are missing");
    if (o->input->rank < 3 || o->weight->rank != o->input->rank)
        return onnx_fail(problem, "the input has %d dimensions and the weights %d", o->input->rank,
                         o->weight->rank);
    *desc = (cj_conv_desc){.rank = o->input->rank - 2};
    for (size_t i = 0; i < node->n_attribute; i++)
        if (!read_attribute(node->attribute[i], desc->rank, &a, problem))
            return false;
    desc->op = strcmp(node->op_type, "ConvTranspose") == 0 ? CJ_CONV_TRANSPOSE : CJ_CONV;
    desc->groups = a.group;
    return set_channels(desc, o, problem) && set_sizes(desc, &a, o, problem);
}
