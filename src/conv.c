/* From the user's words to a correct convolution, in three steps: check each field, derive the output, make
 * the result canonical (src/canon.c). Nothing behind this file checks again. */
#include "conv.h"

#include "arith.h"
#include "canon.h"
#include "fields.h"
#include "status.h"
#include "strides.h"
#include "target.h"

#include <assert.h>
#include <math.h>
#include <stdbool.h>
#include <string.h>

/* ---- Fields ---- */

cj_status check_range(const char *field, int64_t value, int64_t low, int64_t high)
{
    if (value >= low && value <= high)
        return CJ_OK;
    if (high == MOST)
        return fail(CJ_INVALID, "%s is %lld; it must be at least %lld and no more than 2^60", field,
                    (long long)value, (long long)low);
    return fail(CJ_INVALID, "%s is %lld; it must be %lld to %lld", field, (long long)value, (long long)low,
                (long long)high);
}

cj_status check_entry(const char *field, int index, int64_t value, int64_t low, int64_t high)
{
    char name[40];
    name[0] = 0;
    strncat(name, field, 32);
    strncat(name, (const char *[]){"[0]", "[1]", "[2]", "[3]", "[4]"}[index], 4);
    return check_range(name, value, low, high);
}

/* One array of the descriptor with a number for each spatial dimension. */
struct field {
    const char *name;
    const int64_t *values;
    int64_t low, high;
};

static cj_status check_spatial(const struct field *field, int rank)
{
    for (int i = 0; i < 3; i++) {
        if (i < rank)
            TRY(check_entry(field->name, i, field->values[i], field->low, field->high));
        else if (field->values[i])
            return fail(CJ_INVALID, "%s[%d] is %lld; entries behind rank %d must be 0", field->name, i,
                        (long long)field->values[i], rank);
    }
    return CJ_OK;
}

static cj_status check_kind(const cj_conv_desc *d, int i)
{
    int kind = (int)d->post[i].kind;
    if (kind >= CJ_POST_NONE && kind <= CJ_POST_CLAMP)
        return CJ_OK;
    return fail(CJ_INVALID, "post[%d].kind is %d; it must be %d to %d", i, kind, CJ_POST_NONE, CJ_POST_CLAMP);
}

/* Enumerations without a negative value are unsigned to the compiler; what a caller put there is an int. */
cj_status conv_check_enums(const cj_conv_desc *d)
{
    TRY(check_range("op", (int)d->op, CJ_CONV, CJ_SEPARABLE));
    TRY(check_range("rank", d->rank, 0, 3));
    TRY(check_range("dtype", (int)d->dtype, CJ_F32, CJ_F64));
    TRY(check_range("auto_pad", (int)d->auto_pad, CJ_PAD_EXPLICIT, CJ_PAD_VALID));
    TRY(check_range("pad_mode", (int)d->pad_mode, CJ_PAD_ZEROS, CJ_PAD_CIRCULAR));
    TRY(check_range("input_layout", (int)d->input_layout, CJ_NCHW, CJ_NCHWC));
    TRY(check_range("output_layout", (int)d->output_layout, CJ_NCHW, CJ_NCHWC));
    TRY(check_range("accuracy", (int)d->accuracy, CJ_FAST, CJ_STRICT));
    for (int i = 0; i < CJ_MAX_POST; i++)
        TRY(check_kind(d, i));
    return check_range("isa", (int)d->isa, CJ_ISA_HOST, CJ_ISA_AVX512);
}

static cj_status check_sizes(const cj_conv_desc *d, int rank)
{
    const struct field fields[] = {
        {"input", d->input, 1, MOST},
        {"kernel", d->kernel, 1, MOST},
        {"stride", d->stride, 0, MOST},
        {"dilation", d->dilation, 0, MOST},
        {"pad_lo", d->pad_lo, 0, MOST},
        {"pad_hi", d->pad_hi, 0, MOST},
        {"output_padding", d->output_padding, 0, MOST},
        {"output_size", d->output_size, 0, MOST},
    };
    for (size_t i = 0; i < sizeof fields / sizeof *fields; i++)
        TRY(check_spatial(&fields[i], rank));
    return CJ_OK;
}

static cj_status check_channels(const cj_conv_desc *d)
{
    TRY(check_range("in_channels", d->in_channels, 1, MOST));
    TRY(check_range("out_channels", d->out_channels, 1, MOST));
    TRY(check_range("groups", d->groups, 0, MOST));
    TRY(check_range("multiplier", d->multiplier, 0, MOST));
    if (d->multiplier && d->op != CJ_SEPARABLE)
        return fail(CJ_INVALID, "multiplier is %lld; it is for CJ_SEPARABLE only (set out_channels)",
                    (long long)d->multiplier);
    int64_t groups = d->groups ? d->groups : 1;
    if (d->op == CJ_SEPARABLE)
        return CJ_OK;
    if (d->in_channels % groups)
        return fail(CJ_INVALID, "in_channels is %lld; it must be divisible by groups, %lld",
                    (long long)d->in_channels, (long long)groups);
    if (d->out_channels % groups)
        return fail(CJ_INVALID, "out_channels is %lld; it must be divisible by groups, %lld",
                    (long long)d->out_channels, (long long)groups);
    return CJ_OK;
}

static cj_status check_post(const cj_conv_desc *d, int i, int seen[])
{
    const cj_post *post = &d->post[i];
    int kind = (int)post->kind;
    if (post->kind != CJ_POST_NONE && i > 0 && d->post[i - 1].kind == CJ_POST_NONE)
        return fail(CJ_INVALID, "post[%d].kind is %d; behind the end of the list, post[%d], it must be 0", i,
                    kind, i - 1);
    bool once = post->kind == CJ_POST_RESIDUAL || post->kind == CJ_POST_SCALE_SHIFT;
    if (once && seen[post->kind]++)
        return fail(CJ_INVALID, "post[%d].kind is %d, a second one; a call has operands for one", i, kind);
    if (isnan(post->alpha) || isnan(post->beta))
        return fail(CJ_INVALID, "post[%d].%s is nan; it must be a number", i,
                    isnan(post->alpha) ? "alpha" : "beta");
    if (post->kind == CJ_POST_CLAMP && post->alpha > post->beta)
        return fail(CJ_INVALID, "post[%d].alpha is %g; it must be at most beta, %g", i, post->alpha,
                    post->beta);
    return CJ_OK;
}

static cj_status check_posts(const cj_conv_desc *d)
{
    int seen[CJ_POST_CLAMP + 1] = {0};
    for (int i = 0; i < CJ_MAX_POST; i++)
        TRY(check_post(d, i, seen));
    return CJ_OK;
}

/* ---- One axis ---- */

/* Dimension i of the descriptor with its defaults. `span` is the dilated kernel. */
struct dimension {
    int i;
    int64_t span;
    struct axis axis;
};

static cj_status open_dimension(const cj_conv_desc *d, int i, struct dimension *dim)
{
    struct axis *axis = &dim->axis;
    dim->i = i;
    *axis = (struct axis){.in = d->input[i], .kernel = d->kernel[i]};
    axis->stride = d->stride[i] ? d->stride[i] : 1;
    axis->dilation = d->dilation[i] ? d->dilation[i] : 1;
    axis->pad_lo = d->pad_lo[i];
    axis->pad_hi = d->pad_hi[i];
    if (!mul_fits(axis->kernel - 1, axis->dilation, &dim->span) || dim->span > MOST)
        return fail(CJ_INVALID, "dilation[%d] is %lld; times kernel[%d], %lld, it is too large", i,
                    (long long)axis->dilation, i, (long long)axis->kernel);
    dim->span++;
    return CJ_OK;
}

/* Deal the padding out so that the output is ceil(in / stride); transposed: in * stride. */
static void pad_same(const cj_conv_desc *d, struct dimension *dim)
{
    struct axis *axis = &dim->axis;
    int64_t in = axis->in, stride = axis->stride;
    int64_t total =
        dim->span - (d->op == CJ_CONV_TRANSPOSE ? stride : in - (ceil_div(in, stride) - 1) * stride);
    total = max64(total, 0);
    int64_t small = total / 2;
    axis->pad_lo = d->auto_pad == CJ_PAD_SAME ? small : total - small;
    axis->pad_hi = total - axis->pad_lo;
}

static cj_status resolve_padding(const cj_conv_desc *d, struct dimension *dim)
{
    int i = dim->i;
    if (d->auto_pad == CJ_PAD_EXPLICIT)
        return CJ_OK;
    if (d->pad_lo[i] || d->pad_hi[i])
        return fail(CJ_INVALID, "%s[%d] is %lld; with auto_pad it must be 0",
                    d->pad_lo[i] ? "pad_lo" : "pad_hi", i,
                    (long long)(d->pad_lo[i] ? d->pad_lo[i] : d->pad_hi[i]));
    if (d->auto_pad != CJ_PAD_VALID)
        pad_same(d, dim);
    return CJ_OK;
}

static cj_status check_pad_mode(const cj_conv_desc *d, const struct dimension *dim)
{
    if (d->pad_mode == CJ_PAD_ZEROS || d->pad_mode == CJ_PAD_REPLICATE)
        return CJ_OK;
    int64_t most = d->pad_mode == CJ_PAD_REFLECT ? dim->axis.in - 1 : dim->axis.in;
    int64_t pad = max64(dim->axis.pad_lo, dim->axis.pad_hi);
    if (pad <= most)
        return CJ_OK;
    return fail(CJ_INVALID, "%s[%d] is %lld; with pad_mode %s and input %lld it must be at most %lld",
                dim->axis.pad_lo > most ? "pad_lo" : "pad_hi", dim->i,
                (long long)(dim->axis.pad_lo > most ? dim->axis.pad_lo : pad),
                d->pad_mode == CJ_PAD_REFLECT ? "reflect" : "circular", (long long)dim->axis.in,
                (long long)most);
}

static cj_status forward_output(const cj_conv_desc *d, struct dimension *dim)
{
    struct axis *axis = &dim->axis;
    if (d->output_padding[dim->i])
        return fail(CJ_INVALID, "output_padding[%d] is %lld; it is for CJ_CONV_TRANSPOSE only", dim->i,
                    (long long)d->output_padding[dim->i]);
    if (d->output_size[dim->i])
        return fail(CJ_INVALID, "output_size[%d] is %lld; it is for CJ_CONV_TRANSPOSE only", dim->i,
                    (long long)d->output_size[dim->i]);
    int64_t padded = axis->in + axis->pad_lo + axis->pad_hi;
    if (padded < dim->span)
        return fail(
            CJ_INVALID,
            "kernel[%d] is %lld; dilated it spans %lld, more than the padded input, %lld, so the output "
            "would be empty",
            dim->i, (long long)axis->kernel, (long long)dim->span, (long long)padded);
    axis->out = (padded - dim->span) / axis->stride + 1;
    return CJ_OK;
}

static cj_status wanted_output(const cj_conv_desc *d, const struct dimension *dim, int64_t least, int64_t *out)
{
    int i = dim->i;
    int64_t limit = max64(dim->axis.stride, dim->axis.dilation), extra = d->output_padding[i];
    if (d->output_size[i] && extra)
        return fail(CJ_INVALID, "output_padding[%d] is %lld; with output_size it must be 0", i,
                    (long long)extra);
    if (extra >= limit && extra)
        return fail(CJ_INVALID, "output_padding[%d] is %lld; it must be less than stride or dilation, %lld", i,
                    (long long)extra, (long long)limit);
    int64_t most = least + limit - 1;
    if (d->output_size[i] && (d->output_size[i] < least || d->output_size[i] > most))
        return fail(CJ_INVALID, "output_size[%d] is %lld; it can be %lld to %lld", i,
                    (long long)d->output_size[i], (long long)least, (long long)most);
    *out = d->output_size[i] ? d->output_size[i] : least + extra;
    return CJ_OK;
}

static cj_status transposed_output(const cj_conv_desc *d, struct dimension *dim)
{
    struct axis *axis = &dim->axis;
    int64_t reach;
    if (!mul_fits(axis->in - 1, axis->stride, &reach) || reach > MOST)
        return fail(CJ_INVALID, "stride[%d] is %lld; times input[%d], %lld, it is too large", dim->i,
                    (long long)axis->stride, dim->i, (long long)axis->in);
    int64_t least = reach + dim->span - axis->pad_lo - axis->pad_hi;
    TRY(wanted_output(d, dim, least, &axis->out));
    if (axis->out < 1)
        return fail(CJ_INVALID, "pad_lo[%d] + pad_hi[%d] is %lld; the output would be empty", dim->i, dim->i,
                    (long long)axis->pad_lo + (long long)axis->pad_hi);
    return CJ_OK;
}

static cj_status resolve_dimension(const cj_conv_desc *d, int i, struct axis *axis)
{
    struct dimension dim;
    TRY(open_dimension(d, i, &dim));
    TRY(resolve_padding(d, &dim));
    TRY(check_pad_mode(d, &dim));
    if (d->op == CJ_CONV_TRANSPOSE)
        TRY(transposed_output(d, &dim));
    else
        TRY(forward_output(d, &dim));
    *axis = dim.axis;
    return CJ_OK;
}

static cj_status resolve_axes(const cj_conv_desc *d, struct axis axes[3])
{
    int rank = d->rank ? d->rank : 2;
    TRY(check_sizes(d, rank));
    for (int i = 0; i < rank; i++)
        TRY(resolve_dimension(d, i, &axes[i]));
    return CJ_OK;
}

cj_status conv_output(const cj_conv_desc *desc, int64_t output[3])
{
    struct axis axes[3] = {{0}};
    TRY(conv_check_enums(desc));
    TRY(resolve_axes(desc, axes));
    for (int i = 0; i < 3; i++)
        output[i] = axes[i].out;
    return CJ_OK;
}

/* ---- Tensors ---- */

static cj_status check_product(const char *what, const int64_t *factors, int count, int bytes)
{
    int64_t product = bytes;
    for (int i = 0; i < count; i++)
        if (!mul_fits(product, factors[i], &product) || product > MOST)
            return fail(CJ_INVALID, "%s would take more than 2^60 bytes", what);
    return CJ_OK;
}

/* Input elements along an axis from the first to the last that any tap asks for, inside or outside. */
static int64_t input_reach(const cj_conv_desc *d, const struct axis *axis)
{
    if (d->op == CJ_CONV_TRANSPOSE)
        return axis->in + 2 * (axis->kernel - 1) * axis->dilation;
    return axis->in + axis->pad_lo + axis->pad_hi;
}

int64_t conv_settled_block(const cj_conv_desc *d, cj_layout layout, int64_t block)
{
    cj_isa isa = d->isa == CJ_ISA_HOST ? CJ_ISA_AVX512 : d->isa;
    int64_t usual = isa_info(isa)->vector_bytes / dtype_bytes(d->dtype);
    return layout != CJ_NCHWC ? 0 : block ? block : usual;
}

static cj_status resolve_strides(const struct tensor *t, int rank, int bytes, struct strides *strides)
{
    int64_t channels = t->block ? round_up(t->channels, t->block) : t->channels;
    int64_t factors[4] = {channels, t->reach[0], t->reach[1], t->reach[2]};
    TRY(check_product(t->may_broadcast ? "the padded input" : "the output", factors, 4, bytes));
    return strides_of_tensor(t, rank, strides);
}

static cj_status resolve_tensors(const cj_conv_desc *d, const struct axis axes[3], struct conv *conv)
{
    int rank = d->rank ? d->rank : 2, bytes = d->dtype == CJ_F64 ? 8 : 4;
    struct tensor in = {.strides_name = "input_strides",
                        .layout = d->input_layout,
                        .given = d->input_strides,
                        .channels = d->in_channels,
                        .block = conv_settled_block(d, d->input_layout, d->input_block),
                        .size = {1, 1, 1},
                        .reach = {1, 1, 1},
                        .may_broadcast = true};
    struct tensor out = {.strides_name = "output_strides",
                         .layout = d->output_layout,
                         .given = d->output_strides,
                         .channels = d->out_channels,
                         .block = conv_settled_block(d, d->output_layout, d->output_block),
                         .size = {1, 1, 1},
                         .reach = {1, 1, 1}};
    int64_t weights[5] = {conv->ic, conv->mid ? conv->mid / conv->ic : conv->oc, 1, 1, 1};
    for (int i = 0; i < rank; i++) {
        in.size[i] = axes[i].in;
        in.reach[i] = input_reach(d, &axes[i]);
        out.size[i] = out.reach[i] = axes[i].out;
        weights[2 + i] = axes[i].kernel;
    }
    /* Packed weights round channels up, to less than 64 more. */
    weights[0] += 64;
    weights[1] += 64;
    TRY(check_product("the weights", weights, 5, bytes));
    TRY(strides_check_block("input_block", d->input_layout, d->input_block));
    TRY(strides_check_block("output_block", d->output_layout, d->output_block));
    TRY(resolve_strides(&in, rank, bytes, &conv->src));
    conv->zeros = out.block ? round_up(conv->oc, out.block) - conv->oc : 0;
    return resolve_strides(&out, rank, bytes, &conv->dst);
}

/* ---- The whole ---- */

static cj_status resolve_channels(const cj_conv_desc *d, struct conv *conv)
{
    conv->ic = d->in_channels;
    conv->oc = d->out_channels;
    conv->groups = d->op == CJ_SEPARABLE ? conv->ic : d->groups ? d->groups : 1;
    if (d->op != CJ_SEPARABLE)
        return CJ_OK;
    int64_t factors[] = {d->multiplier ? d->multiplier : 1, conv->ic, conv->oc + 64}; /* tails, as below */
    TRY(check_product("the pointwise weights", factors, 3, 8));
    conv->mid = factors[0] * conv->ic;
    return CJ_OK;
}

static void copy_posts(const cj_conv_desc *d, struct conv *conv)
{
    for (int i = 0; i < CJ_MAX_POST && d->post[i].kind != CJ_POST_NONE; i++) {
        const cj_post *post = &d->post[i];
        int64_t kind = post->kind;
        conv->post[i].kind = kind;
        conv->post[i].alpha = kind == CJ_POST_LEAKY_RELU || kind == CJ_POST_CLAMP ? post->alpha : 0;
        conv->post[i].beta = kind == CJ_POST_CLAMP ? post->beta : 0;
        conv->posts = i + 1;
    }
}

cj_status conv_from_desc(const cj_conv_desc *desc, struct conv *conv)
{
    memset(conv, 0, sizeof *conv);
    TRY(conv_check_enums(desc));
    TRY(check_channels(desc));
    TRY(check_posts(desc));
    if (desc->op == CJ_CONV_TRANSPOSE && desc->pad_mode != CJ_PAD_ZEROS)
        return fail(CJ_INVALID, "pad_mode is %d; CJ_CONV_TRANSPOSE takes CJ_PAD_ZEROS only",
                    (int)desc->pad_mode);
    struct axis axes[3] = {{0}};
    TRY(resolve_axes(desc, axes));
    TRY(resolve_channels(desc, conv));
    TRY(resolve_tensors(desc, axes, conv));
    int rank = desc->rank ? desc->rank : 2;
    for (int a = 0; a < AXES; a++)
        conv->axis[a] = a < AXES - rank ? (struct axis){1, 1, 1, 1, 1, 0, 0} : axes[a - (AXES - rank)];
    conv->op = desc->op;
    conv->dtype = desc->dtype;
    conv->pad_mode = desc->pad_mode;
    conv->has_bias = desc->bias != 0;
    conv->accuracy = desc->accuracy;
    copy_posts(desc, conv);
    conv_canonicalise(conv);
    return CJ_OK;
}
