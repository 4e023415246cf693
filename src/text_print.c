/* Writing SHAPE strings: the always present parts, then what differs from its default. */
#include "algo.h"
#include "conv.h"
#include "status.h"
#include "strides.h"
#include "text.h"

#include <stdarg.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>

struct printer {
    char *text;
    size_t size, length; /* length goes on counting behind the end */
    int rank;
};

static void add(struct printer *p, const char *format, ...) __attribute__((format(printf, 2, 3)));

static void add(struct printer *p, const char *format, ...)
{
    va_list args;
    va_start(args, format);
    bool room = p->length < p->size;
    int length = vsnprintf(room ? p->text + p->length : NULL, room ? p->size - p->length : 0, format, args);
    va_end(args);
    p->length += length > 0 ? (size_t)length : 0;
}

static void add_dimensions(struct printer *p, const char *prefix, const int64_t numbers[3])
{
    add(p, ":%s", prefix);
    for (int i = 0; i < p->rank; i++)
        add(p, "%s%lld", i ? "x" : "", (long long)numbers[i]);
}

/* Left out where every entry is `usual` or, meaning the same, 0. */
static void add_unusual(struct printer *p, const char *prefix, const int64_t numbers[3], int64_t usual)
{
    int64_t full[3];
    bool unusual = false;
    for (int i = 0; i < p->rank; i++) {
        full[i] = numbers[i] ? numbers[i] : usual;
        unusual |= full[i] != usual;
    }
    if (unusual)
        add_dimensions(p, prefix, full);
}

static void add_padding(struct printer *p, const cj_conv_desc *d)
{
    static const char *const automatic[] = {"", "same", "same_lower", "valid"};
    bool padded = false;
    for (int i = 0; i < p->rank; i++)
        padded |= d->pad_lo[i] || d->pad_hi[i];
    if (d->auto_pad != CJ_PAD_EXPLICIT)
        add(p, ":p%s", automatic[d->auto_pad]);
    if (!padded)
        return;
    add(p, ":p");
    for (int i = 0; i < p->rank; i++) {
        add(p, "%s%lld", i ? "x" : "", (long long)d->pad_lo[i]);
        if (d->pad_lo[i] != d->pad_hi[i])
            add(p, "~%lld", (long long)d->pad_hi[i]);
    }
}

/* All digits, without the + of an exponent, since that joins post-ops. */
static void add_real(struct printer *p, double value)
{
    char text[40];
    snprintf(text, sizeof text, "%.17g", value);
    const char *plus = strchr(text, '+');
    add(p, "@%.*s%s", plus ? (int)(plus - text) : (int)strlen(text), text, plus ? plus + 1 : "");
}

static void add_posts(struct printer *p, const cj_conv_desc *d)
{
    for (int i = 0; i < CJ_MAX_POST && d->post[i].kind != CJ_POST_NONE; i++) {
        const cj_post *post = &d->post[i];
        int parameters = 0;
        post_by_name(post_name(post->kind), &parameters);
        add(p, "%s%s", i ? "+" : ":post=", post_name(post->kind));
        if (parameters > 0)
            add_real(p, post->alpha);
        if (parameters > 1)
            add_real(p, post->beta);
    }
}

static void add_layout(struct printer *p, const char *prefix, cj_layout layout, int64_t block)
{
    if (layout == CJ_NCHWC && block)
        add(p, "%snchw%lldc", prefix, (long long)block);
    else if (layout != CJ_NCHW)
        add(p, "%s%s", prefix, layout == CJ_NHWC ? "nhwc" : "nchwc");
}

static void add_layouts(struct printer *p, const cj_conv_desc *d)
{
    if (d->input_layout == d->output_layout && d->input_block == d->output_block) {
        add_layout(p, ":l", d->input_layout, d->input_block);
        return;
    }
    add_layout(p, ":li", d->input_layout, d->input_block);
    add_layout(p, ":lo", d->output_layout, d->output_block);
}

static void add_settings(struct printer *p, const cj_conv_desc *d)
{
    static const char *const modes[] = {"zeros", "reflect", "replicate", "circular"};
    if (d->pad_mode != CJ_PAD_ZEROS)
        add(p, ":pm%s", modes[d->pad_mode]);
    add_layouts(p, d);
    if (d->dtype != CJ_F32)
        add(p, ":t%s", dtype_name(d->dtype));
    add(p, "%s", d->bias ? ":b1" : "");
    add_posts(p, d);
    add(p, "%s", d->accuracy == CJ_STRICT ? ":acc=strict" : "");
    if (d->isa != CJ_ISA_HOST)
        add(p, ":isa=%s", isa_info(d->isa)->name);
    if (d->algorithm)
        add(p, ":alg=%s", d->algorithm);
}

static void add_operator(struct printer *p, const cj_conv_desc *d, int64_t batch, bool depthwise)
{
    static const char *const names[] = {"conv", "conv_transpose", "separable_conv"};
    add(p, "%s%dd:n%lld:c%lld", depthwise ? "depthwise_conv" : names[d->op], p->rank, (long long)batch,
        (long long)d->in_channels);
    add(p, ":o%lld", (long long)d->out_channels);
    if (d->groups > 1 && !depthwise && d->op != CJ_SEPARABLE)
        add(p, ":g%lld", (long long)d->groups);
    if (d->multiplier > 1)
        add(p, ":m%lld", (long long)d->multiplier);
}

cj_status text_print_shape(const cj_conv_desc *d, int64_t batch, char *text, size_t size)
{
    TRY(conv_check_enums(d)); /* they are indexes below */
    if (d->input_layout == CJ_STRIDED || d->output_layout == CJ_STRIDED)
        return fail(CJ_INVALID, "input_layout or output_layout is CJ_STRIDED, which no SHAPE can say");
    TRY(strides_check_block("input_block", d->input_layout, d->input_block));
    TRY(strides_check_block("output_block", d->output_layout, d->output_block));
    struct printer p = {.text = text, .size = size, .rank = d->rank ? d->rank : 2};
    bool depthwise = d->op == CJ_CONV && d->groups > 1 && d->groups == d->in_channels;
    add_operator(&p, d, batch, depthwise);
    add_dimensions(&p, "i", d->input);
    add_dimensions(&p, "k", d->kernel);
    add_unusual(&p, "s", d->stride, 1);
    add_padding(&p, d);
    add_unusual(&p, "d", d->dilation, 1);
    add_unusual(&p, "op", d->output_padding, 0);
    add_unusual(&p, "os", d->output_size, 0);
    add_settings(&p, d);
    if (p.length >= size)
        return fail(CJ_INVALID, "size is %zu; the SHAPE needs %zu", size, p.length + 1);
    return CJ_OK;
}
