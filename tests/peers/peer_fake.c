/* A peer that needs no library: the sums as they are defined. FAKE_PEER makes it misbehave: `chats`; `wrong`,
 * `dies` or `hangs` when a call is opened; `cannot`, or `blocked` (there is no layout of its own). */
#include "../../bench/peers/peer.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

struct work {
    struct call call;
    struct peer_tensors tensors;
};

static bool behaves(const char *how)
{
    const char *set = getenv("FAKE_PEER");
    return set && strcmp(set, how) == 0;
}

static void describe(char text[PEER_SAID])
{
    if (behaves("chats"))
        printf("what a library prints is no answer\n");
    snprintf(text, PEER_SAID, "Fake 1.0");
}

static void *open_work(const struct call *call, const struct peer_tensors *tensors, char said[PEER_SAID])
{
    if (behaves("dies"))
        abort();
    if (behaves("hangs"))
        pause();
    bool refuses = behaves("cannot") || (behaves("blocked") && call->layout == CALL_OWN);
    snprintf(said, PEER_SAID, refuses ? "it does not want to" : "plain loops");
    struct work *work = refuses ? NULL : malloc(sizeof *work);
    if (work)
        *work = (struct work){*call, *tensors};
    return work;
}

static int64_t at(const struct call *call, int64_t channels, const int64_t *sizes, const int64_t index[5])
{
    int64_t pixel = 0, pixels = call_product(sizes, call->rank);
    for (int i = 0; i < call->rank; i++)
        pixel = pixel * sizes[i] + index[2 + i];
    return call->layout == CALL_NHWC ? (index[0] * pixels + pixel) * channels + index[1]
                                     : (index[0] * channels + index[1]) * pixels + pixel;
}

/* Next index of as many sizes; false behind the last. */
static bool next(int64_t *index, const int64_t *sizes, int rank)
{
    for (int i = rank - 1; i >= 0; i--) {
        if (++index[i] < sizes[i])
            return true;
        index[i] = 0;
    }
    return false;
}

/* Where a tap joins input and output: in the index of the bigger side, of the smaller one's. False: in the
 * padding, or beyond the other side. */
static bool join(const struct call *call, const int64_t *small, const int64_t *tap, int64_t *big)
{
    const int64_t *sizes = call->transposed ? call->output : call->input;
    for (int i = 0; i < call->rank; i++) {
        big[i] = small[i] * call->stride[i] + tap[i] * call->dilation[i] - call->pad_lo[i];
        if (big[i] < 0 || big[i] >= sizes[i])
            return false;
    }
    return true;
}

/* All products of one pair of channels in one image. The weights' order is PyTorch's. */
static void add_channels(const struct work *work, int64_t image, int64_t in, int64_t out)
{
    const struct call *call = &work->call;
    int64_t ins = call->in_channels / call->groups, outs = call->out_channels / call->groups;
    int64_t row = call->transposed ? in * outs + out % outs : out * ins + in % ins;
    const int64_t *smaller = call->transposed ? call->input : call->output;
    int64_t input[5] = {image, in}, output[5] = {image, out}, tap[3] = {0}, number = 0;
    int64_t *small = (call->transposed ? input : output) + 2, *big = (call->transposed ? output : input) + 2;
    do {
        const float weight = work->tensors.weight[row * call_product(call->kernel, call->rank) + number++];
        memset(small, 0, 3 * sizeof *small);
        do {
            if (join(call, small, tap, big))
                work->tensors.output[at(call, call->out_channels, call->output, output)] +=
                    weight * work->tensors.input[at(call, call->in_channels, call->input, input)];
        } while (next(small, smaller, call->rank));
    } while (next(tap, call->kernel, call->rank));
}

static bool run(void *opened)
{
    const struct work *work = opened;
    const struct call *call = &work->call;
    int64_t ins = call->in_channels / call->groups, outs = call->out_channels / call->groups;
    memset(work->tensors.output, 0, (size_t)call_output_count(call) * sizeof(float));
    for (int64_t image = 0; image < call->batch; image++)
        for (int64_t out = 0; out < call->out_channels; out++)
            for (int64_t i = 0; i < ins; i++)
                add_channels(work, image, out / outs * ins + i, out);
    return true;
}

static bool finish(void *opened)
{
    const struct work *work = opened;
    if (behaves("wrong"))
        work->tensors.output[call_output_count(&work->call) - 1] += 1;
    return true;
}

int main(void)
{
    static const struct peer_library library = {describe, open_work, run, finish, free};
    return peer_serve(&library);
}
