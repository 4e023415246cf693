/* From files and options to a descriptor: each file's shape is checked against what the files before it and
 * the options say, and an error shows both shapes. */
#include "problem.h"

#include <stdio.h>
#include <string.h>

/* ---- Shapes ---- */

static bool fits(const struct npy *tensor, const struct side *sides, int rank)
{
    bool fit = tensor->rank == rank;
    for (int i = 0; fit && i < rank; i++)
        fit = sides[i].size >= 0           ? tensor->shape[i] == sides[i].size
              : sides[i].size == ANY_BATCH ? tensor->shape[i] >= 0
                                           : tensor->shape[i] >= 1;
    return fit;
}

/* "(2, 3)", cut at `size`. */
static void print_shape(const struct npy *tensor, char *text, size_t size)
{
    size_t length = (size_t)snprintf(text, size, "(");
    for (int i = 0; i < tensor->rank && length < size; i++)
        length +=
            (size_t)snprintf(text + length, size - length, i ? ", %lld" : "%lld", (long long)tensor->shape[i]);
    if (length < size)
        snprintf(text + length, size - length, tensor->rank == 1 ? ",)" : ")");
}

static void print_sides(const struct side *sides, int rank, char *text, size_t size)
{
    size_t length = (size_t)snprintf(text, size, "(");
    for (int i = 0; i < rank && length < size; i++) {
        length += (size_t)snprintf(text + length, size - length, "%s%s", i ? ", " : "", sides[i].word);
        if (sides[i].size >= 0 && length < size)
            length += (size_t)snprintf(text + length, size - length, "=%lld", (long long)sides[i].size);
    }
    if (length < size)
        snprintf(text + length, size - length, ")");
}

int check_shape(const struct problem *problem, const struct run_settings *settings, enum tensor_file file,
                const struct side *sides, int rank)
{
    const struct npy *tensor = &problem->tensor[file];
    char is[256], should[256];
    if (fits(tensor, sides, rank))
        return EXIT_DONE;
    print_shape(tensor, is, sizeof is);
    print_sides(sides, rank, should, sizeof should);
    return complain(EXIT_WRONG, "--%s %s has shape %s; for %s it must be %s%s%s", file_option(file),
                    settings->path[file], is, problem->form->name, should,
                    file == FILE_INPUT ? " or the same without n" : "",
                    tensor->count == 0 ? ", no size but n 0" : "");
}

int activation_sides(const struct problem *problem, int64_t channels, const int64_t *spatial,
                     struct side sides[5])
{
    static const char *const words[] = {"d", "h", "w"};
    int rank = problem->form->rank, count = 0;
    bool last = problem->desc.input_layout == CJ_NHWC;
    if (problem->batched)
        sides[count++] = (struct side){"n", problem->batch};
    if (!last)
        sides[count++] = (struct side){"c", channels};
    for (int i = 0; i < rank; i++)
        sides[count++] = (struct side){words[3 - rank + i], spatial ? spatial[i] : ANY_SIZE};
    if (last)
        sides[count++] = (struct side){"c", channels};
    return count;
}

/* ---- The input ---- */

static int describe_input(struct problem *problem, const struct run_settings *settings)
{
    const struct npy *input = &problem->tensor[FILE_INPUT];
    int rank = problem->form->rank;
    struct side sides[5];
    problem->batched = input->rank != rank + 1;
    problem->batch = ANY_BATCH;
    TRY(check_shape(problem, settings, FILE_INPUT, sides, activation_sides(problem, ANY_SIZE, NULL, sides)));
    const int64_t *shape = input->shape + problem->batched;
    bool last = problem->desc.input_layout == CJ_NHWC;
    problem->batch = problem->batched ? input->shape[0] : 1;
    problem->desc.in_channels = shape[last ? rank : 0];
    memcpy(problem->desc.input, shape + !last, (size_t)rank * sizeof *shape);
    return EXIT_DONE;
}

/* ---- Weights, channels and groups ---- */

static int describe_groups(struct problem *problem, const struct run_settings *settings)
{
    cj_conv_desc *desc = &problem->desc;
    bool per_channel = problem->form->depthwise || desc->op == CJ_SEPARABLE;
    long long groups = settings->groups, channels = desc->in_channels;
    if (per_channel && groups && groups != channels)
        return complain(EXIT_WRONG, "--groups is %lld; for %s it is the input's channels, %lld", groups,
                        problem->form->name, channels);
    if (groups && channels % groups != 0)
        return complain(EXIT_WRONG, "--groups is %lld; it must divide the input's %lld channels", groups,
                        channels);
    desc->groups = per_channel ? channels : groups ? groups : 1;
    return EXIT_DONE;
}

/* The first two sides of the weights; kernel sizes follow. */
static void weight_sides(const struct problem *problem, struct side sides[5])
{
    const cj_conv_desc *desc = &problem->desc;
    bool per_channel = problem->form->depthwise || desc->op == CJ_SEPARABLE;
    if (per_channel) {
        sides[0] = (struct side){"in*multiplier", ANY_SIZE};
        sides[1] = (struct side){"in/groups", 1};
    } else if (desc->op == CJ_CONV_TRANSPOSE) {
        sides[0] = (struct side){"in", desc->in_channels};
        sides[1] = (struct side){"out/groups", ANY_SIZE};
    } else {
        sides[0] = (struct side){"out", ANY_SIZE};
        sides[1] = (struct side){"in/groups", desc->in_channels / desc->groups};
    }
    for (int i = 0; i < problem->form->rank; i++)
        sides[2 + i] = (struct side){"kernel", ANY_SIZE};
}

static int describe_pointwise(struct problem *problem, const struct run_settings *settings)
{
    cj_conv_desc *desc = &problem->desc;
    int64_t middle = problem->tensor[FILE_WEIGHT].shape[0];
    struct side sides[5] = {{"out", ANY_SIZE}, {"in*multiplier", middle}};
    for (int i = 2; i < 5; i++)
        sides[i] = (struct side){"kernel", 1};
    TRY(check_shape(problem, settings, FILE_POINTWISE, sides, problem->form->rank + 2));
    desc->multiplier = middle / desc->in_channels;
    desc->out_channels = problem->tensor[FILE_POINTWISE].shape[0];
    return EXIT_DONE;
}

static int describe_weight(struct problem *problem, const struct run_settings *settings)
{
    cj_conv_desc *desc = &problem->desc;
    int rank = problem->form->rank;
    struct side sides[5];
    weight_sides(problem, sides);
    TRY(check_shape(problem, settings, FILE_WEIGHT, sides, rank + 2));
    const int64_t *shape = problem->tensor[FILE_WEIGHT].shape;
    if (desc->groups > 1 && desc->op != CJ_CONV_TRANSPOSE && shape[0] % desc->groups != 0)
        return complain(EXIT_WRONG,
                        "--weight %s has %lld output channels; they must be a multiple of the %lld groups",
                        settings->path[FILE_WEIGHT], (long long)shape[0], (long long)desc->groups);
    memcpy(desc->kernel, shape + 2, (size_t)rank * sizeof *shape);
    desc->out_channels = desc->op == CJ_CONV_TRANSPOSE ? shape[1] * desc->groups : shape[0];
    return desc->op == CJ_SEPARABLE ? describe_pointwise(problem, settings) : EXIT_DONE;
}

/* ---- What follows the sum ---- */

static int describe_posts(struct problem *problem, const struct run_settings *settings)
{
    static const enum tensor_file per_channel[] = {FILE_BIAS, FILE_SCALE, FILE_SHIFT};
    cj_conv_desc *desc = &problem->desc;
    const struct side side = {"out", desc->out_channels};
    int posts = 0;
    for (int i = 0; i < 3; i++)
        if (problem->tensor[per_channel[i]].data)
            TRY(check_shape(problem, settings, per_channel[i], &side, 1));
    desc->bias = problem->tensor[FILE_BIAS].data != NULL;
    if (problem->tensor[FILE_SCALE].data)
        desc->post[posts++].kind = CJ_POST_SCALE_SHIFT;
    if (problem->tensor[FILE_RESIDUAL].data)
        desc->post[posts++].kind = CJ_POST_RESIDUAL;
    desc->post[posts] = settings->activation;
    return EXIT_DONE;
}

static int describe_options(struct problem *problem, const struct run_settings *s)
{
    cj_conv_desc *d = &problem->desc;
    int rank = problem->form->rank;
    if (s->pad_mode != CJ_PAD_ZEROS && d->op == CJ_CONV_TRANSPOSE)
        return complain(EXIT_WRONG, "--padding-mode is %s; for %s it must be zeros",
                        choice_word(pad_mode_choices, s->pad_mode), problem->form->name);
    d->pad_mode = (cj_pad_mode)s->pad_mode;
    d->auto_pad = s->padding.automatic;
    TRY(sizes_spread(&s->stride, "stride", rank, d->stride));
    TRY(sizes_spread(&s->dilation, "dilation", rank, d->dilation));
    TRY(sizes_spread(&s->padding.front, "padding", rank, d->pad_lo));
    TRY(sizes_spread(&s->padding.back, "padding", rank, d->pad_hi));
    if ((s->output_padding.count || s->output_size.count) && d->op != CJ_CONV_TRANSPOSE)
        return complain(EXIT_WRONG, "--output-%s is for transposed convolutions; %s has none",
                        s->output_size.count ? "size" : "padding", problem->form->name);
    TRY(sizes_spread(&s->output_padding, "output-padding", rank, d->output_padding));
    return sizes_spread(&s->output_size, "output-size", rank, d->output_size);
}

int problem_describe(struct problem *problem, const struct run_settings *settings)
{
    problem->desc.op = problem->form->op;
    problem->desc.rank = problem->form->rank;
    TRY(describe_options(problem, settings));
    TRY(describe_input(problem, settings));
    TRY(describe_groups(problem, settings));
    TRY(describe_weight(problem, settings));
    return describe_posts(problem, settings);
}
