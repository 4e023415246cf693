/* Questions about a descriptor that need no context. */
#include "../src/conv.h"
#include "../src/status.h"
#include "../src/text.h"

#include <string.h>

/* One axis of a descriptor as a 1-D convolution: an axis' output depends on nothing but the axis. */
static cj_conv_desc only_axis(const cj_conv_desc *desc, int axis)
{
    cj_conv_desc one = *desc;
    one.rank = 1;
    one.input_layout = one.output_layout = CJ_NCHW;
    one.input_block = one.output_block = 0;
    memset(one.input_strides, 0, sizeof one.input_strides);
    memset(one.output_strides, 0, sizeof one.output_strides);
    int64_t *const fields[] = {one.input,  one.kernel, one.stride,         one.dilation,
                               one.pad_lo, one.pad_hi, one.output_padding, one.output_size};
    for (size_t i = 0; i < sizeof fields / sizeof *fields; i++) {
        fields[i][0] = fields[i][axis];
        fields[i][1] = fields[i][2] = 0;
    }
    return one;
}

/* The canonical form may merge and move axes, so it is asked about one axis at a time. */
cj_status cj_output_size(const cj_conv_desc *desc, int64_t output[3])
{
    struct conv conv;
    if (!desc || !output)
        return fail(CJ_INVALID, "%s is NULL", desc ? "output" : "desc");
    TRY(conv_from_desc(desc, &conv));
    int rank = desc->rank ? desc->rank : 2;
    for (int i = 0; i < rank; i++) {
        cj_conv_desc one = only_axis(desc, i);
        TRY(conv_from_desc(&one, &conv));
        output[i] = conv.axis[AXIS_D].out * conv.axis[AXIS_H].out * conv.axis[AXIS_W].out;
    }
    return CJ_OK;
}

cj_status cj_desc_parse(const char *shape, cj_conv_desc *desc, int64_t *batch)
{
    if (!shape || !desc || !batch)
        return fail(CJ_INVALID, "%s is NULL", !shape ? "shape" : !desc ? "desc" : "batch");
    return text_parse_shape(shape, desc, batch);
}

cj_status cj_desc_print(const cj_conv_desc *desc, int64_t batch, char *text, size_t size)
{
    if (!desc || !text)
        return fail(CJ_INVALID, "%s is NULL", desc ? "text" : "desc");
    return text_print_shape(desc, batch, text, size);
}
