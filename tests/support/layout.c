#include "layout.h"

#include "../../runtime/host.h"
#include "oracle.h"

#include <string.h>

/* Strides of a dense tensor whose dimensions, from the innermost out, are `order`. */
static void dense(struct layout *l, const int order[5])
{
    int64_t step = 1;
    for (int i = 0; i < 5; i++) {
        l->stride[order[i]] = step;
        step *= l->size[order[i]];
    }
}

/* [n, block, spatial..., in block], every block whole. */
static void dense_blocks(struct layout *l, int64_t block)
{
    int64_t step = block;
    l->block = block;
    l->stride[1] = 1;
    for (int i = 4; i >= 2; i--) {
        l->stride[i] = step;
        step *= l->size[i];
    }
    l->block_stride = step;
    l->stride[0] = step * ((l->size[1] + block - 1) / block);
}

/* The elements of a vector, by default: 64, 32 or 16 bytes of them, of the ISA asked for or this machine's. */
static int64_t usual_block(const cj_conv_desc *desc)
{
    static const int64_t bytes[] = {0, 16, 32, 64};
    struct host host;
    host_probe(&host);
    return bytes[desc->isa ? desc->isa : host.isa] / (desc->dtype == CJ_F64 ? 8 : 4);
}

static void set_strides(struct layout *l, const cj_conv_desc *desc, cj_layout layout, const int64_t given[5],
                        int64_t block)
{
    if (layout == CJ_NCHWC)
        dense_blocks(l, block ? block : usual_block(desc));
    else if (layout == CJ_STRIDED)
        memcpy(l->stride, given, sizeof l->stride);
    else
        dense(l, layout == CJ_NCHW ? (const int[]){4, 3, 2, 1, 0} : (const int[]){1, 4, 3, 2, 0});
}

struct layout layout_input(const cj_conv_desc *desc, int64_t batch)
{
    struct layout l = {.size = {batch, desc->in_channels, 1, 1, 1}};
    for (int i = 0; i < (desc->rank ? desc->rank : 2); i++)
        l.size[2 + i] = desc->input[i];
    set_strides(&l, desc, desc->input_layout, desc->input_strides, desc->input_block);
    return l;
}

struct layout layout_output(const cj_conv_desc *desc, int64_t batch)
{
    int64_t out[3];
    oracle_output_size(desc, out);
    struct layout l = {.size = {batch, desc->out_channels, out[0], out[1], out[2]}};
    set_strides(&l, desc, desc->output_layout, desc->output_strides, desc->output_block);
    return l;
}

struct layout layout_flat(int64_t count)
{
    return (struct layout){.size = {1, 1, 1, 1, count}, .stride = {0, 0, 0, 0, 1}};
}

int64_t layout_count(const struct layout *layout)
{
    int64_t count = 1;
    for (int i = 0; i < 5; i++)
        count *= layout->size[i];
    return count;
}

int64_t layout_extent(const struct layout *layout)
{
    if (layout_count(layout) == 0)
        return 0;
    if (layout->block)
        return layout->size[0] * layout->stride[0];
    int64_t last = 0;
    for (int i = 0; i < 5; i++)
        last += (layout->size[i] - 1) * layout->stride[i];
    return last + 1;
}

int64_t layout_place(const struct layout *layout, int64_t index)
{
    int64_t place = 0;
    for (int i = 4; i >= 0; i--) {
        int64_t at = index % layout->size[i];
        if (i == 1 && layout->block)
            place += at / layout->block * layout->block_stride + at % layout->block;
        else
            place += at * layout->stride[i];
        index /= layout->size[i];
    }
    return place;
}
