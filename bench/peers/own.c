#include "own.h"

#include "translate.h"

#include <stdio.h>

/* layer_open gives the tensors numbers of its own. */
static int refill(struct layer *layer, const struct call *call)
{
    const cj_tensors *t = &layer->tensors;
    values_fill_input(call, layer->shape->desc.input_layout == CJ_NHWC, (float *)t->input);
    values_fill_weight(call, (float *)t->weight);
    return complain_status(cj_pack_weights(layer->kernel, t->weight, NULL, (void *)t->packed));
}

static int run_once(struct layer *layer, const struct call *call, struct check *check)
{
    TRY(refill(layer, call));
    TRY(complain_status(cj_run(layer->kernel, layer->shape->batch, &layer->tensors, NULL)));
    *check = check_of_output(call, layer->shape->desc.output_layout == CJ_NHWC, layer->tensors.output);
    return EXIT_DONE;
}

int own_expect(cj_context *context, const struct call *call, const char *name, struct check *check)
{
    struct layer_shape shape = {.desc = desc_of_call(call), .batch = call->batch};
    struct layer layer;
    snprintf(shape.name, sizeof shape.name, "%s", name);
    shape.desc.accuracy = CJ_STRICT;
    int status = layer_open(&layer, &shape, context, 1);
    if (status == EXIT_DONE)
        status = run_once(&layer, call, check);
    layer_close(&layer);
    return status;
}

int own_open(struct layer *layer, const struct layer_shape *shape, cj_context *context, const struct call *call,
             const struct check *expected)
{
    struct check got;
    TRY(layer_open(layer, shape, context, call->threads));
    TRY(run_once(layer, call, &got));
    if (!check_agrees(&got, expected))
        return complain(EXIT_MACHINE,
                        "%s: the result is not that of a plain sum of products: a defect in convjit",
                        layer->text);
    return EXIT_DONE;
}
