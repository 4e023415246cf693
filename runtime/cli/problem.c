#include "problem.h"

#include <stdio.h>
#include <string.h>

const struct choice pad_mode_choices[] = {{"zeros", CJ_PAD_ZEROS},
                                          {"reflect", CJ_PAD_REFLECT},
                                          {"replicate", CJ_PAD_REPLICATE},
                                          {"circular", CJ_PAD_CIRCULAR},
                                          {0}};

static const struct form forms[] = {
    {"conv1d", CJ_CONV, 1, false},
    {"conv2d", CJ_CONV, 2, false},
    {"conv3d", CJ_CONV, 3, false},
    {"conv_transpose1d", CJ_CONV_TRANSPOSE, 1, false},
    {"conv_transpose2d", CJ_CONV_TRANSPOSE, 2, false},
    {"conv_transpose3d", CJ_CONV_TRANSPOSE, 3, false},
    {"depthwise_conv1d", CJ_CONV, 1, true},
    {"depthwise_conv2d", CJ_CONV, 2, true},
    {"depthwise_conv3d", CJ_CONV, 3, true},
    {"separable_conv1d", CJ_SEPARABLE, 1, false},
    {"separable_conv2d", CJ_SEPARABLE, 2, false},
    {"separable_conv3d", CJ_SEPARABLE, 3, false},
};

const struct form *form_by_name(const char *name)
{
    for (size_t i = 0; i < sizeof forms / sizeof *forms; i++)
        if (strcmp(forms[i].name, name) == 0)
            return &forms[i];
    return NULL;
}

const char *file_option(enum tensor_file file)
{
    static const char *const options[] = {"input", "weight", "pointwise", "bias", "scale", "shift", "residual"};
    return options[file];
}

/* Which files must, and must not, be there. */
static int check_files(const struct form *form, const struct run_settings *s)
{
    bool separable = form->op == CJ_SEPARABLE;
    if (!s->path[FILE_INPUT] || !s->path[FILE_WEIGHT])
        return complain(EXIT_WRONG, "--%s is missing", s->path[FILE_INPUT] ? "weight" : "input");
    if (separable && !s->path[FILE_POINTWISE])
        return complain(EXIT_WRONG, "--pointwise is missing; %s needs its weights", form->name);
    if (!separable && s->path[FILE_POINTWISE])
        return complain(EXIT_WRONG, "--pointwise is %s; %s has none", s->path[FILE_POINTWISE], form->name);
    if (!s->path[FILE_SCALE] != !s->path[FILE_SHIFT])
        return complain(EXIT_WRONG, "--%s is missing; --scale and --shift belong together",
                        s->path[FILE_SCALE] ? "shift" : "scale");
    return EXIT_DONE;
}

int complain_npy(npy_status status, const char *option, const char *error)
{
    static const int exits[] = {[NPY_OK] = EXIT_DONE,
                                [NPY_WRONG] = EXIT_WRONG,
                                [NPY_UNSUPPORTED] = EXIT_CANNOT,
                                [NPY_SYSTEM] = EXIT_MACHINE};
    return status == NPY_OK ? EXIT_DONE : complain(exits[status], "--%s %s", option, error);
}

/* All in the type asked for; unasked, nothing is converted. */
static int settle_dtype(struct problem *problem, const struct run_settings *s)
{
    bool asked = s->overrides.dtype >= 0;
    cj_dtype dtype = asked ? (cj_dtype)s->overrides.dtype : problem->tensor[FILE_INPUT].dtype;
    for (enum tensor_file i = 0; i < TENSOR_FILES; i++) {
        struct npy *tensor = &problem->tensor[i];
        if (!tensor->data || tensor->dtype == dtype)
            continue;
        if (!asked)
            return complain(EXIT_WRONG, "--%s %s is %s, but --input is %s; --dtype %s would convert it",
                            file_option(i), s->path[i], choice_word(dtype_choices, (int)tensor->dtype),
                            choice_word(dtype_choices, (int)dtype), choice_word(dtype_choices, (int)dtype));
        if (!npy_convert(tensor, dtype))
            return complain(EXIT_MACHINE, "--%s %s needs more memory than there is to convert it",
                            file_option(i), s->path[i]);
    }
    problem->desc.dtype = dtype;
    return EXIT_DONE;
}

static int load(struct problem *problem, const struct run_settings *s)
{
    TRY(check_files(problem->form, s));
    overrides_apply(&s->overrides, &problem->desc);
    for (enum tensor_file i = 0; i < TENSOR_FILES; i++) {
        char error[NPY_ERROR_SIZE];
        if (s->path[i])
            TRY(complain_npy(npy_read(s->path[i], &problem->tensor[i], error), file_option(i), error));
    }
    TRY(settle_dtype(problem, s));
    return problem_describe(problem, s);
}

int problem_load(const struct form *form, const struct run_settings *settings, struct problem *problem)
{
    *problem = (struct problem){.form = form};
    int status = load(problem, settings);
    if (status != EXIT_DONE)
        problem_free(problem);
    return status;
}

void problem_free(struct problem *problem)
{
    for (int i = 0; i < TENSOR_FILES; i++)
        npy_free(&problem->tensor[i]);
}

int problem_output(const struct problem *problem, const struct run_settings *settings, struct npy *output)
{
    int64_t spatial[3];
    struct side sides[5];
    TRY(complain_status(cj_output_size(&problem->desc, spatial)));
    *output = (struct npy){.dtype = problem->desc.dtype};
    output->rank = activation_sides(problem, problem->desc.out_channels, spatial, sides);
    for (int i = 0; i < output->rank; i++)
        output->shape[i] = sides[i].size;
    if (!problem->tensor[FILE_RESIDUAL].data)
        return EXIT_DONE;
    return check_shape(problem, settings, FILE_RESIDUAL, sides, output->rank);
}
