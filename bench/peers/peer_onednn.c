/* oneDNN, through the C interface of its version 2. In the library's own layout everything is `any`; in a plain
 * one the activations have plain strides and the weights are `any`, packed beforehand. */
#include "peer.h"

#include <dnnl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

struct work {
    dnnl_engine_t engine;
    dnnl_stream_t stream;
    dnnl_primitive_desc_t desc;
    dnnl_primitive_t primitive;
    dnnl_memory_t input, weight, output; /* as the primitive wants them */
    dnnl_memory_t plain_output;
    dnnl_exec_arg_t args[3];
};

/* Descriptions of the tensors as they come. */
struct plain {
    dnnl_memory_desc_t input, weight, output;
};

static void describe(char text[PEER_SAID])
{
    const dnnl_version_t *version = dnnl_version();
    snprintf(text, PEER_SAID, "oneDNN %d.%d.%d", version->major, version->minor, version->patch);
}

static dnnl_status_t plain_activation(dnnl_memory_desc_t *desc, const struct call *call, int64_t channels,
                                      const int64_t *spatial)
{
    bool last = call->layout == CALL_NHWC;
    dnnl_dims_t dims = {call->batch, channels}, strides;
    int64_t step = last ? channels : 1;
    for (int i = call->rank - 1; i >= 0; i--) {
        dims[2 + i] = spatial[i];
        strides[2 + i] = step;
        step *= spatial[i];
    }
    strides[1] = last ? 1 : step;
    strides[0] = last ? step : step * channels;
    return dnnl_memory_desc_init_by_strides(desc, 2 + call->rank, dims, dnnl_f32, strides);
}

/* oneDNN names output channels before input channels whatever the operation; PyTorch's transposed weights have
 * them the other way round in memory. */
static dnnl_status_t plain_weight(dnnl_memory_desc_t *desc, const struct call *call)
{
    int64_t in = call->in_channels / call->groups, out = call->out_channels / call->groups;
    int grouped = call->groups > 1;
    dnnl_dims_t dims, strides;
    int64_t step = 1;
    for (int i = call->rank - 1; i >= 0; i--) {
        dims[grouped + 2 + i] = call->kernel[i];
        strides[grouped + 2 + i] = step;
        step *= call->kernel[i];
    }
    dims[grouped] = out;
    dims[grouped + 1] = in;
    strides[grouped] = call->transposed ? step : step * in;
    strides[grouped + 1] = call->transposed ? step * out : step;
    if (grouped) {
        dims[0] = call->groups;
        strides[0] = step * in * out;
    }
    return dnnl_memory_desc_init_by_strides(desc, grouped + 2 + call->rank, dims, dnnl_f32, strides);
}

static bool describe_tensors(struct plain *plain, const struct call *call)
{
    return plain_activation(&plain->input, call, call->in_channels, call->input) == dnnl_success &&
           plain_activation(&plain->output, call, call->out_channels, call->output) == dnnl_success &&
           plain_weight(&plain->weight, call) == dnnl_success;
}

static void make_any(dnnl_memory_desc_t *desc)
{
    dnnl_memory_desc_init_by_tag(desc, desc->ndims, desc->dims, dnnl_f32, dnnl_format_tag_any);
}

/* The geometry in arrays as long as oneDNN's. */
struct geometry {
    dnnl_dims_t stride, dilation /* 0: dense */, pad_lo, pad_hi;
};

static struct geometry geometry_of(const struct call *call)
{
    struct geometry g = {{0}, {0}, {0}, {0}};
    for (int i = 0; i < call->rank; i++) {
        g.stride[i] = call->stride[i];
        g.dilation[i] = call->dilation[i] - 1;
        g.pad_lo[i] = call->pad_lo[i];
        g.pad_hi[i] = call->pad_hi[i];
    }
    return g;
}

static bool make_desc(struct work *work, const struct call *call, const struct plain *plain)
{
    struct plain t = *plain;
    struct geometry g = geometry_of(call);
    dnnl_convolution_desc_t operation;
    dnnl_status_t status;
    make_any(&t.weight);
    if (call->layout == CALL_OWN) {
        make_any(&t.input);
        make_any(&t.output);
    }
    if (call->transposed)
        status = dnnl_dilated_deconvolution_forward_desc_init(
            &operation, dnnl_forward_inference, dnnl_deconvolution_direct, &t.input, &t.weight, NULL, &t.output,
            g.stride, g.dilation, g.pad_lo, g.pad_hi);
    else
        status = dnnl_dilated_convolution_forward_desc_init(
            &operation, dnnl_forward_inference, dnnl_convolution_auto, &t.input, &t.weight, NULL, &t.output,
            g.stride, g.dilation, g.pad_lo, g.pad_hi);
    return status == dnnl_success &&
           dnnl_primitive_desc_create(&work->desc, &operation, NULL, work->engine, NULL) == dnnl_success &&
           dnnl_primitive_create(&work->primitive, work->desc) == dnnl_success;
}

static bool reorder(struct work *work, dnnl_memory_t from, dnnl_memory_t to)
{
    const dnnl_memory_desc_t *from_desc, *to_desc;
    dnnl_primitive_desc_t desc = NULL;
    dnnl_primitive_t primitive = NULL;
    dnnl_exec_arg_t args[] = {{DNNL_ARG_FROM, from}, {DNNL_ARG_TO, to}};
    bool done = dnnl_memory_get_memory_desc(from, &from_desc) == dnnl_success &&
                dnnl_memory_get_memory_desc(to, &to_desc) == dnnl_success &&
                dnnl_reorder_primitive_desc_create(&desc, from_desc, work->engine, to_desc, work->engine,
                                                   NULL) == dnnl_success &&
                dnnl_primitive_create(&primitive, desc) == dnnl_success &&
                dnnl_primitive_execute(primitive, work->stream, 2, args) == dnnl_success &&
                dnnl_stream_wait(work->stream) == dnnl_success;
    dnnl_primitive_destroy(primitive);
    dnnl_primitive_desc_destroy(desc);
    return done;
}

/* The memory that the primitive wants: the tensor itself where its layout fits, else a copy of it. */
static bool bring(struct work *work, dnnl_query_t what, dnnl_memory_t plain, dnnl_memory_t *wanted)
{
    const dnnl_memory_desc_t *have, *want = dnnl_primitive_desc_query_md(work->desc, what, 0);
    if (dnnl_memory_get_memory_desc(plain, &have) != dnnl_success)
        return false;
    if (dnnl_memory_desc_equal(have, want)) {
        *wanted = plain;
        return true;
    }
    bool done = dnnl_memory_create(wanted, want, work->engine, DNNL_MEMORY_ALLOCATE) == dnnl_success &&
                reorder(work, plain, *wanted);
    dnnl_memory_destroy(plain);
    return done;
}

static bool make_memories(struct work *work, const struct plain *plain, const struct peer_tensors *tensors)
{
    dnnl_memory_t input, weight;
    if (dnnl_memory_create(&input, &plain->input, work->engine, tensors->input) != dnnl_success ||
        dnnl_memory_create(&weight, &plain->weight, work->engine, tensors->weight) != dnnl_success ||
        dnnl_memory_create(&work->plain_output, &plain->output, work->engine, tensors->output) !=
            dnnl_success ||
        !bring(work, dnnl_query_src_md, input, &work->input) ||
        !bring(work, dnnl_query_weights_md, weight, &work->weight))
        return false;
    const dnnl_memory_desc_t *output = dnnl_primitive_desc_query_md(work->desc, dnnl_query_dst_md, 0);
    if (dnnl_memory_desc_equal(output, &plain->output))
        work->output = work->plain_output;
    else if (dnnl_memory_create(&work->output, output, work->engine, DNNL_MEMORY_ALLOCATE) != dnnl_success)
        return false;
    work->args[0] = (dnnl_exec_arg_t){DNNL_ARG_SRC, work->input};
    work->args[1] = (dnnl_exec_arg_t){DNNL_ARG_WEIGHTS, work->weight};
    work->args[2] = (dnnl_exec_arg_t){DNNL_ARG_DST, work->output};
    return true;
}

static void close_work(void *opened)
{
    struct work *work = opened;
    if (work->output != work->plain_output)
        dnnl_memory_destroy(work->output);
    dnnl_memory_destroy(work->plain_output);
    dnnl_memory_destroy(work->weight);
    dnnl_memory_destroy(work->input);
    dnnl_primitive_destroy(work->primitive);
    dnnl_primitive_desc_destroy(work->desc);
    dnnl_stream_destroy(work->stream);
    dnnl_engine_destroy(work->engine);
    free(work);
}

static void *open_work(const struct call *call, const struct peer_tensors *tensors, char said[PEER_SAID])
{
    struct work *work = calloc(1, sizeof *work);
    struct plain plain;
    const char *implementation;
    snprintf(said, PEER_SAID, "oneDNN has no primitive for it");
    if (!work)
        return NULL;
    if (dnnl_engine_create(&work->engine, dnnl_cpu, 0) == dnnl_success &&
        dnnl_stream_create(&work->stream, work->engine, dnnl_stream_default_flags) == dnnl_success &&
        describe_tensors(&plain, call) && make_desc(work, call, &plain) &&
        make_memories(work, &plain, tensors) &&
        dnnl_primitive_desc_query(work->desc, dnnl_query_impl_info_str, 0, (void *)&implementation) ==
            dnnl_success) {
        snprintf(said, PEER_SAID, "%s", implementation);
        return work;
    }
    close_work(work);
    return NULL;
}

static bool run(void *opened)
{
    struct work *work = opened;
    return dnnl_primitive_execute(work->primitive, work->stream, 3, work->args) == dnnl_success &&
           dnnl_stream_wait(work->stream) == dnnl_success;
}

static bool finish(void *opened)
{
    struct work *work = opened;
    return work->output == work->plain_output || reorder(work, work->output, work->plain_output);
}

int main(void)
{
    static const struct peer_library library = {describe, open_work, run, finish, close_work};
    return peer_serve(&library);
}
