/* A correct convolution: validated, every default filled in, canonical, compared by its bytes.
 *
 * Canonical means that convolutions that are the same computation have the same bytes: 1-D and 2-D are 3-D
 * with unit axes in front; an axis that does nothing (in = kernel = out = 1) is moved in front; neighbouring
 * axes that a 1x1 kernel walks as one are merged into one; strides replace layouts, and channels are in blocks
 * only where there are several and no one stride says it; depthwise is groups = ic.
 *
 * Invariants that everything behind may rely on: all sizes at least 1; ic and oc divisible by groups; every
 * offset within one image, padded or not, fits in 62 bits; unused entries and padding bytes are zero. */
#ifndef CONVJIT_CONV_H
#define CONVJIT_CONV_H

#include <convjit/convjit.h>

#include <stdbool.h>

enum { AXIS_D, AXIS_H, AXIS_W, AXES };

/* One spatial axis. `out` = what the descriptor implies. For transposed ones `pad_*` cut off the output. */
struct axis {
    int64_t in, out, kernel, stride, dilation, pad_lo, pad_hi;
};

/* Elements from one index to the next: image, channel, each spatial axis. Channels may lie in blocks: then so
 * many are `c` = 1 apart, and blocks `block_step`; both are 0 where all channels are `c` apart. */
struct strides {
    int64_t n, c, axis[AXES];
    int64_t block, block_step;
};

/* Elements from channel 0 to channel `channel`. */
int64_t strides_channel(const struct strides *strides, int64_t channel);

/* Whether `count` channels from every multiple of `first` on lie side by side. */
bool strides_side_by_side(const struct strides *strides, int64_t first, int64_t count);

struct post {
    int64_t kind; /* enum cj_post_kind */
    double alpha, beta;
};

struct conv {
    int64_t op;    /* enum cj_op */
    int64_t dtype; /* enum cj_dtype */
    int64_t groups, ic, oc;
    int64_t mid; /* CJ_SEPARABLE: channels between the stages, ic * multiplier (groups is ic); else 0 */
    struct axis axis[AXES];
    struct strides src, dst;
    int64_t zeros;    /* elements behind the last output channel of each pixel, which pad a block with zeros */
    int64_t pad_mode; /* enum cj_pad_mode; CJ_PAD_ZEROS where nothing is padded */
    int64_t has_bias; /* 0 or 1 */
    int64_t accuracy; /* enum cj_accuracy */
    int64_t posts;    /* how many of post[] are used */
    struct post post[CJ_MAX_POST];
};

/* Validate and make canonical. CJ_INVALID names the field and its value. */
cj_status conv_from_desc(const cj_conv_desc *desc, struct conv *conv);

/* Whether every enumeration of a descriptor, and its rank, has a value that exists. */
cj_status conv_check_enums(const cj_conv_desc *desc);

/* The output's size for a descriptor, in its own order of dimensions; 0 behind its rank. Checks what it reads.
 */
cj_status conv_output(const cj_conv_desc *desc, int64_t output[3]);

/* The channels in a block that a layout of the descriptor has, `block` being what it says: by default the
 * elements of a vector of its instruction set, of the widest where it names none. 0 without blocks. */
int64_t conv_settled_block(const cj_conv_desc *desc, cj_layout layout, int64_t block);

/* Whether the first input channel of every group begins one of the blocks that channels lie in, if they do. */
bool conv_groups_begin_blocks(const struct conv *conv);

/* Multiplications and additions for one image: only products with an element inside the input. */
double conv_flops(const struct conv *conv);

/* Taps that an output of an axis meets in the mean: only those inside the input, where zeros are around it. */
double conv_mean_taps(const struct conv *conv, int axis);

/* Elements of one image from the lowest to behind the highest address, and elements of plain weights. */
int64_t conv_src_extent(const struct conv *conv);
int64_t conv_dst_extent(const struct conv *conv);

/* The largest batch whose images do not overlap in the output; INT64_MAX where n is the outermost stride. */
int64_t conv_most_batch(const struct conv *conv);

/* A phase: the outputs that share their taps. An ordinary convolution has one phase; a transposed one of
 * stride s has s along an axis, each an ordinary convolution of stride 1. Output j of a phase (0 <= j < outs)
 * is element out0 + j*out_step of the output; its tap t (0 <= t < taps) multiplies element
 * j*in_step + off0 + t*off_step of the (padded) input with kernel element k0 + t*k_step.
 * off_step is at least 1 and the same in all phases of a convolution, as are in_step and out_step.
 * taps may be 0: those outputs are the sum of nothing. A phase without outputs does not exist. */
struct phase_axis {
    int64_t outs, out0, out_step;
    int64_t in_step, off0, off_step;
    int64_t taps, k0, k_step;
};

struct phase {
    struct phase_axis axis[AXES];
};

/* How many phases an axis has, and each of them. Plans are made for MOST_PHASES at most: what differs between
 * phases comes from tables behind the code. */
enum { MOST_PHASES = 1 << 14 };
int64_t conv_axis_phases(const struct conv *conv, int axis);
struct phase_axis conv_axis_phase(const struct conv *conv, int axis, int64_t index);

/* The same for all axes: every combination of theirs, the last axis counting fastest. */
int64_t conv_phases(const struct conv *conv);
struct phase conv_phase(const struct conv *conv, int64_t index);

#endif
