/* XNNPACK. It has 2-D operators: a 1-D convolution is one of height 1. NHWC is its own layout; in NCHW it has
 * 1x1 (as a sparse product) and a few depthwise ones. */
#include "peer.h"

#include <math.h>
#include <pthreadpool.h>
#include <stdio.h>
#include <stdlib.h>
#include <xnnpack.h>

struct work {
    xnn_operator_t operation;
    pthreadpool_t pool; /* NULL: the calling thread */
    float *weight;      /* in XNNPACK's order */
};

/* Height and width of what has a size for each dimension. */
struct pair {
    uint32_t h, w;
};

static struct pair pair_of(const struct call *call, const int64_t *sizes, uint32_t missing)
{
    if (call->rank == 1)
        return (struct pair){missing, (uint32_t)sizes[0]};
    return (struct pair){(uint32_t)sizes[0], (uint32_t)sizes[1]};
}

static void describe(char text[PEER_SAID])
{
    snprintf(text, PEER_SAID, "XNNPACK");
}

/* [groups][out][pixels][in] from PyTorch's order. */
static float *order_weight(const struct call *call, const float *plain)
{
    int64_t groups = call->groups, in = call->in_channels / groups, out = call->out_channels / groups;
    int64_t taps = call_product(call->kernel, call->rank);
    float *weight = malloc((size_t)call_weight_count(call) * sizeof *weight), *to = weight;
    if (!weight)
        return NULL;
    for (int64_t g = 0; g < groups; g++)
        for (int64_t o = 0; o < out; o++)
            for (int64_t tap = 0; tap < taps; tap++)
                for (int64_t i = 0; i < in; i++) {
                    int64_t block = call->transposed ? (g * in + i) * out + o : (g * out + o) * in + i;
                    *to++ = plain[block * taps + tap];
                }
    return weight;
}

static enum xnn_status create(struct work *work, const struct call *call)
{
    size_t in = (size_t)call->in_channels, out = (size_t)call->out_channels, groups = (size_t)call->groups;
    struct pair lo = pair_of(call, call->pad_lo, 0), hi = pair_of(call, call->pad_hi, 0);
    struct pair kernel = pair_of(call, call->kernel, 1), stride = pair_of(call, call->stride, 1);
    struct pair dilation = pair_of(call, call->dilation, 1);
    if (call->transposed)
        return xnn_create_deconvolution2d_nhwc_f32(lo.h, hi.w, hi.h, lo.w, kernel.h, kernel.w, stride.h,
                                                   stride.w, dilation.h, dilation.w, (uint32_t)groups,
                                                   in / groups, out / groups, in, out, work->weight, NULL,
                                                   -INFINITY, INFINITY, 0, &work->operation);
    return (call->layout == CALL_NHWC ? xnn_create_convolution2d_nhwc_f32 : xnn_create_convolution2d_nchw_f32)(
        lo.h, hi.w, hi.h, lo.w, kernel.h, kernel.w, stride.h, stride.w, dilation.h, dilation.w,
        (uint32_t)groups, in / groups, out / groups, in, out, work->weight, NULL, -INFINITY, INFINITY, 0,
        &work->operation);
}

static enum xnn_status set_up(struct work *work, const struct call *call, const struct peer_tensors *tensors)
{
    struct pair size = pair_of(call, call->input, 1), more = pair_of(call, call->output_padding, 0);
    size_t batch = (size_t)call->batch;
    if (call->transposed)
        return xnn_setup_deconvolution2d_nhwc_f32(work->operation, batch, size.h, size.w, more.h, more.w,
                                                  tensors->input, tensors->output, work->pool);
    return (call->layout == CALL_NHWC ? xnn_setup_convolution2d_nhwc_f32 : xnn_setup_convolution2d_nchw_f32)(
        work->operation, batch, size.h, size.w, tensors->input, tensors->output, work->pool);
}

static void close_work(void *opened)
{
    struct work *work = opened;
    if (work->operation)
        xnn_delete_operator(work->operation);
    pthreadpool_destroy(work->pool);
    free(work->weight);
    free(work);
}

static const char *refuse(const struct call *call)
{
    if (call->rank > 2)
        return "XNNPACK has no 3-D convolution";
    if (call->layout == CALL_OWN)
        return "XNNPACK has no blocked layout";
    if (call->layout == CALL_NCHW && call->transposed)
        return "XNNPACK has no transposed convolution in NCHW";
    return NULL;
}

static void *open_work(const struct call *call, const struct peer_tensors *tensors, char said[PEER_SAID])
{
    const char *reason = refuse(call);
    struct work *work = reason ? NULL : calloc(1, sizeof *work);
    snprintf(said, PEER_SAID, "%s", reason ? reason : "XNNPACK has no operator for it");
    if (!work)
        return NULL;
    work->weight = order_weight(call, tensors->weight);
    work->pool = call->threads > 1 ? pthreadpool_create((size_t)call->threads) : NULL;
    if (work->weight && xnn_initialize(NULL) == xnn_status_success &&
        create(work, call) == xnn_status_success && set_up(work, call, tensors) == xnn_status_success) {
        snprintf(said, PEER_SAID, "operator");
        return work;
    }
    close_work(work);
    return NULL;
}

static bool run(void *opened)
{
    struct work *work = opened;
    return xnn_run_operator(work->operation, work->pool) == xnn_status_success;
}

static bool finish(void *opened)
{
    return opened != NULL;
}

int main(void)
{
    static const struct peer_library library = {describe, open_work, run, finish, close_work};
    return peer_serve(&library);
}
