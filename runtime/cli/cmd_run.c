/* convjit run: tensors in files through one convolution. Files hold activations plain: for a kernel that takes
 * blocks of channels they are put into blocks, and the output is put back. */
#include "blocks.h"
#include "commands.h"
#include "problem.h"
#include "stopwatch.h"

#include <stdio.h>
#include <stdlib.h>

/* A tensor in the layout of the kernel: the file's own memory, or blocks. */
struct activation {
    struct blocks blocks; /* block 0: the file's own memory */
    void *data;
};

/* All that a run takes and gives back. */
struct session {
    struct problem problem;
    struct npy output;
    struct activation to_kernel[TENSOR_FILES], from_kernel;
    cj_context *context;
    cj_kernel *kernel;
    cj_pool *pool;
    void *packed, *scratch;
    bool hit;
    double load_npy, pack, first_run, second_run; /* seconds */
};

static void *take_memory(size_t bytes)
{
    return aligned_alloc(64, (bytes / 64 + 1) * 64);
}

/* Room for the blocks of a tensor as large as `plain`, if the kernel takes blocks. */
static bool open_activation(const struct session *s, const struct npy *plain, int64_t channels,
                            const cj_placement *placement, struct activation *activation)
{
    int64_t batch = s->problem.batch;
    activation->data = plain->data;
    if (!placement->block || !plain->data)
        return true;
    activation->blocks = (struct blocks){.images = batch,
                                         .channels = channels,
                                         .pixels = batch ? plain->count / batch / channels : 0,
                                         .block = placement->block,
                                         .dtype = plain->dtype};
    activation->data = take_memory((size_t)(placement->image_step * batch) * (plain->dtype == CJ_F64 ? 8 : 4));
    return activation->data;
}

static bool open_activations(struct session *s, const cj_placement *input, const cj_placement *output)
{
    const struct npy *t = s->problem.tensor;
    const cj_conv_desc *desc = &s->problem.desc;
    struct activation *to = s->to_kernel;
    return open_activation(s, &t[FILE_INPUT], desc->in_channels, input, &to[FILE_INPUT]) &&
           open_activation(s, &t[FILE_RESIDUAL], desc->out_channels, output, &to[FILE_RESIDUAL]) &&
           open_activation(s, &s->output, desc->out_channels, output, &s->from_kernel);
}

static void close_activation(struct activation *activation)
{
    if (activation->blocks.block)
        free(activation->data);
}

static void fill_activation(const struct npy *plain, const struct activation *activation)
{
    if (activation->blocks.block)
        blocks_fill(&activation->blocks, plain->data, activation->data);
}

static int prepare(struct session *s, const struct run_settings *settings)
{
    cj_counters counters;
    TRY(complain_status(cj_context_create(NULL, &s->context)));
    TRY(complain_status(cj_prepare(s->context, &s->problem.desc, &s->kernel)));
    cj_context_counters(s->context, &counters);
    s->hit = counters.hits > 0;
    if (settings->threads > 1)
        TRY(complain_status(cj_pool_create(settings->threads, &s->pool)));
    s->packed = take_memory(cj_packed_bytes(s->kernel));
    s->scratch = take_memory(cj_scratch_bytes(s->kernel, settings->threads));
    cj_placement input, output;
    TRY(complain_status(cj_placement_of(s->context, &s->problem.desc, &input, &output)));
    if (!s->packed || !s->scratch || !npy_allocate(&s->output) || !open_activations(s, &input, &output))
        return complain(EXIT_MACHINE, "there is no memory for the output, the packed weights and the scratch");
    return EXIT_DONE;
}

static int run_once(struct session *s, double *seconds)
{
    const struct npy *t = s->problem.tensor;
    cj_tensors tensors = {.output = s->from_kernel.data,
                          .input = s->to_kernel[FILE_INPUT].data,
                          .packed = s->packed,
                          .bias = t[FILE_BIAS].data,
                          .residual = s->to_kernel[FILE_RESIDUAL].data,
                          .scale = t[FILE_SCALE].data,
                          .shift = t[FILE_SHIFT].data,
                          .scratch = s->scratch};
    double start = seconds_now();
    cj_status status =
        cj_run(s->kernel, s->problem.batch, &tensors, s->pool ? cj_pool_parallel(s->pool) : NULL);
    *seconds = seconds_now() - start;
    return complain_status(status);
}

/* The second run, of what every later call costs, is for the report only: it writes the same bits again. */
static int compute(struct session *s, const struct run_settings *settings)
{
    const struct npy *t = s->problem.tensor;
    double start = seconds_now();
    TRY(complain_status(cj_pack_weights(s->kernel, t[FILE_WEIGHT].data, t[FILE_POINTWISE].data, s->packed)));
    s->pack = seconds_now() - start;
    fill_activation(&t[FILE_INPUT], &s->to_kernel[FILE_INPUT]);
    fill_activation(&t[FILE_RESIDUAL], &s->to_kernel[FILE_RESIDUAL]);
    TRY(run_once(s, &s->first_run));
    if (settings->verbose)
        TRY(run_once(s, &s->second_run));
    if (s->from_kernel.blocks.block)
        blocks_empty(&s->from_kernel.blocks, s->from_kernel.data, s->output.data);
    return EXIT_DONE;
}

static void report(const struct session *s)
{
    char shape[512];
    cj_kernel_stats stats;
    cj_kernel_get_stats(s->kernel, &stats);
    if (cj_desc_print(&s->problem.desc, s->problem.batch, shape, sizeof shape) == CJ_OK)
        fprintf(stderr, "shape       %s\n", shape);
    fprintf(stderr, "plan        %s\n", cj_kernel_plan(s->kernel));
    fprintf(stderr, "key         %s\n", cj_kernel_key(s->kernel));
    fprintf(stderr, "cache       %s\n", s->hit ? "hit" : "miss");
    fprintf(stderr, "code        %llu bytes\n", (unsigned long long)stats.code_bytes);
    const struct {
        const char *name;
        double seconds;
    } phases[] = {{"load npy", s->load_npy},
                  {"plan", (double)stats.plan_ns * 1e-9},
                  {"compile", (double)stats.compile_ns * 1e-9},
                  {"load", (double)stats.load_ns * 1e-9},
                  {"pack", s->pack},
                  {"run", s->first_run},
                  {"run again", s->second_run}};
    for (size_t i = 0; i < sizeof phases / sizeof *phases; i++)
        fprintf(stderr, "%-11s %.3f ms\n", phases[i].name, phases[i].seconds * 1e3);
    if (s->second_run > 0 && s->problem.batch > 0)
        fprintf(stderr, "speed       %.1f GFLOP/s\n",
                stats.flops * (double)s->problem.batch / s->second_run * 1e-9);
}

static int write_output(const struct session *s, const char *path)
{
    char error[NPY_ERROR_SIZE];
    return complain_npy(npy_write(path, &s->output, error), "output", error);
}

static int run_session(struct session *s, const struct form *form, const struct run_settings *settings)
{
    double start = seconds_now();
    TRY(problem_load(form, settings, &s->problem));
    s->load_npy = seconds_now() - start;
    TRY(problem_output(&s->problem, settings, &s->output));
    TRY(prepare(s, settings));
    TRY(compute(s, settings));
    TRY(write_output(s, settings->output));
    if (settings->verbose)
        report(s);
    return EXIT_DONE;
}

static void end_session(struct session *s)
{
    free(s->packed);
    free(s->scratch);
    cj_pool_destroy(s->pool);
    cj_release(s->kernel);
    cj_context_destroy(s->context);
    close_activation(&s->to_kernel[FILE_INPUT]);
    close_activation(&s->to_kernel[FILE_RESIDUAL]);
    close_activation(&s->from_kernel);
    npy_free(&s->output);
    problem_free(&s->problem);
}

static int run(const struct command *command, int argc, char **argv)
{
    struct run_settings settings = {.overrides = OVERRIDES_NONE, .threads = 1};
    struct arguments rest;
    struct session session = {0};
    TRY(args_read(command, argc, argv, &settings, &rest));
    if (rest.count != 1)
        return complain(EXIT_WRONG, "%s; convjit run takes one operator, such as conv2d",
                        rest.count ? "there are several words beside the options" : "the operator is missing");
    const struct form *form = form_by_name(rest.words[0]);
    if (!form)
        return complain(EXIT_WRONG,
                        "%s is no operator; they are conv, conv_transpose, depthwise_conv and separable_conv, "
                        "each with 1d, 2d or 3d",
                        rest.words[0]);
    if (!settings.output)
        return complain(EXIT_WRONG, "--output is missing");
    int status = run_session(&session, form, &settings);
    end_session(&session);
    return status;
}

static const struct option_row rows[] = {
    PROBLEM_ROWS,
    {"output", "Y.npy", "written whole or not at all", read_text, offsetof(struct run_settings, output), NULL},
    OVERRIDE_ROWS(struct run_settings),
    {"threads", "N", "default 1", read_threads, offsetof(struct run_settings, threads), NULL},
    {"verbose", NULL, "plan, key, cache and times on standard error", read_flag,
     offsetof(struct run_settings, verbose), NULL},
};

const struct command run_command = {
    "run",
    "OP --input X.npy --weight W.npy --output Y.npy [options]",
    "Run a convolution on tensors in .npy files.\n"
    "OP is conv, conv_transpose, depthwise_conv or separable_conv, with 1d, 2d or 3d: conv2d.",
    rows,
    sizeof rows / sizeof *rows,
    run};
