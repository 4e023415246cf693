/* convjit explain: what the planner thinks of a convolution, and whether it is right. */
#include "../../bench/verdict.h"
#include "commands.h"
#include "problem.h"

#include <stdio.h>

/* The rows of struct run_settings fill its first member. */
struct explain_settings {
    struct run_settings tensors;
    bool measure;
};

static int explain_desc(cj_context *context, const cj_conv_desc *desc, int64_t batch, bool measure)
{
    char shape[512], *text;
    cj_status status = cj_explain(context, desc, &text);
    TRY(complain_status(status));
    if (cj_desc_print(desc, batch, shape, sizeof shape) == CJ_OK)
        printf("%s\n", shape);
    int outcome = EXIT_DONE;
    if (measure)
        outcome = verdict_print(context, desc, batch, text);
    else
        fputs(text, stdout);
    cj_free(text);
    return outcome;
}

static int explain_shapes(cj_context *context, const struct explain_settings *settings,
                          const struct arguments *rest)
{
    for (int i = 0; i < rest->count; i++) {
        cj_conv_desc desc;
        int64_t batch;
        TRY(shape_read("", rest->words[i], &settings->tensors.overrides, &desc, &batch));
        if (i > 0)
            putchar('\n');
        TRY(explain_desc(context, &desc, batch, settings->measure));
    }
    return EXIT_DONE;
}

static int explain_tensors(cj_context *context, const struct explain_settings *settings,
                           const struct form *form)
{
    struct problem problem;
    struct npy output;
    TRY(problem_load(form, &settings->tensors, &problem));
    int status = problem_output(&problem, &settings->tensors, &output);
    if (status == EXIT_DONE)
        status = explain_desc(context, &problem.desc, problem.batch, settings->measure);
    problem_free(&problem);
    return status;
}

/* A SHAPE says all that the options before --dtype say of tensors. */
static int explain(cj_context *context, const struct explain_settings *settings, const struct arguments *rest,
                   const struct option_row *rows)
{
    const struct form *form = form_by_name(rest->words[0]);
    if (form && rest->count > 1)
        return complain(EXIT_WRONG, "%s stands behind an operator; it must be an option", rest->words[1]);
    if (form)
        return explain_tensors(context, settings, form);
    for (int i = 0; i < PROBLEM_OPTIONS; i++)
        if (rest->given & UINT64_C(1) << i)
            return complain(EXIT_WRONG,
                            "--%s is given; a SHAPE says that itself, only an operator such as conv2d needs it",
                            rows[i].name);
    return explain_shapes(context, settings, rest);
}

static int run(const struct command *command, int argc, char **argv)
{
    struct explain_settings settings = {.tensors = {.overrides = OVERRIDES_NONE}};
    struct arguments rest;
    cj_context *context;
    TRY(args_read(command, argc, argv, &settings, &rest));
    if (rest.count == 0)
        return complain(EXIT_WRONG, "the SHAPE is missing, such as conv2d:c64:o64:i56:k3:p1");
    TRY(complain_status(cj_context_create(NULL, &context)));
    int status = explain(context, &settings, &rest, command->options);
    cj_context_destroy(context);
    return status == EXIT_DONE ? finish_output() : status;
}

static const struct option_row rows_of_explain[] = {
    PROBLEM_ROWS,
    OVERRIDE_ROWS(struct run_settings),
    {"measure", NULL, "behind each estimate, what its plan takes", read_flag,
     offsetof(struct explain_settings, measure), NULL},
};

const struct command explain_command = {
    "explain",
    "SHAPE... [options] | OP --input X.npy --weight W.npy [options]",
    "Show every algorithm with its estimate or its reason for declining, and the plan chosen.\n"
    "The options of tensors are those of convjit run.",
    rows_of_explain,
    sizeof rows_of_explain / sizeof *rows_of_explain,
    run};
