/* Where a convolution's tensors lie, for callers that allocate and fill them. */
#include "context.h"

#include "../src/status.h"

static cj_placement placement(const struct strides *strides, int64_t block, int64_t extent)
{
    return (cj_placement){.block = block, .elements = block ? strides->n : extent, .image_step = strides->n};
}

cj_status cj_placement_of(const cj_context *context, const cj_conv_desc *desc, cj_placement *input,
                          cj_placement *output)
{
    struct request request;
    if (!input || !output)
        return fail(CJ_INVALID, "%s is NULL", input ? "output" : "input");
    TRY(request_from_desc(context, desc, FOR_LOOKING, &request));
    const struct conv *conv = &request.conv;
    cj_conv_desc settled = *desc;
    settled.isa = (cj_isa)request.isa;
    int64_t in = conv_settled_block(&settled, desc->input_layout, desc->input_block);
    int64_t out = conv_settled_block(&settled, desc->output_layout, desc->output_block);
    *input = placement(&conv->src, in, conv_src_extent(conv));
    *output = placement(&conv->dst, out, conv_dst_extent(conv));
    return CJ_OK;
}
