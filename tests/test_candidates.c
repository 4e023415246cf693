/* label: full */
/* Plans that algorithms offer, chosen or not, compute what the reference computes: any of them may be the
 * choice of another machine's estimates. Random convolutions in guarded memory, two images. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

#include "../codegen/compile.h"
#include "support/guard.h"
#include "words/trials.h"
#include "words/units.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

enum { EXTRAS = 2 * CJ_MAX_POST };

static struct words_kernel open_plan(const struct plan *plan)
{
    struct plugin_request request = {.plan = plan, .format = CJ_FORMAT_OBJECT};
    struct words_kernel kernel;
    struct blob blob;
    void *object;
    size_t size;
    if (compile_plan(&request, &object, &size) != CJ_OK || blob_from_object(object, size, &blob) != CJ_OK ||
        loader_map(&blob, &kernel.code) != CJ_OK)
        fail_msg("%s", cj_last_error());
    kernel.run = (kernel_fn *)((uintptr_t)kernel.code.pages + blob.entry);
    blob_free(&blob);
    free(object);
    return kernel;
}

/* ---- Operands ---- */

/* Numbers of [-1, 1] that neither type rounds. `seed` tells tensors apart. */
static struct guarded numbers(cj_dtype dtype, int64_t count, unsigned seed)
{
    size_t element = (size_t)dtype_bytes(dtype);
    struct guarded memory = guard_new((size_t)count * element, element, (enum guard_side)(seed % GUARD_SIDES));
    for (int64_t i = 0; i < count; i++) {
        seed = seed * 1664525 + 1013904223;
        element_put(dtype, memory.data, i, (double)(seed >> 16) / 32768 - 1);
    }
    guard_seal(&memory);
    return memory;
}

/* What every plan of a convolution is given, and what the reference makes of it. */
struct problem {
    struct conv conv;
    cj_dtype dtype;
    int64_t batch, outs;
    struct guarded src, weight, pointwise, channels, residual;
    const void *extra[EXTRAS];
};

static int64_t weight_count(const struct conv *conv)
{
    int64_t count = conv->op == CJ_SEPARABLE ? conv->mid : conv->oc * (conv->ic / conv->groups);
    for (int a = 0; a < AXES; a++)
        count *= conv->axis[a].kernel;
    return count;
}

static struct problem open_problem(const struct conv *conv)
{
    struct problem p = {.conv = *conv, .dtype = (cj_dtype)conv->dtype};
    p.batch = conv_most_batch(conv) < 2 ? 1 : 2;
    p.outs = conv_dst_extent(conv) + (p.batch - 1) * conv->dst.n;
    p.src = numbers(p.dtype, conv_src_extent(conv) + (p.batch - 1) * conv->src.n, 1);
    p.weight = numbers(p.dtype, weight_count(conv), 2);
    p.pointwise = numbers(p.dtype, conv->op == CJ_SEPARABLE ? conv->oc * conv->mid : 1, 3);
    p.channels = numbers(p.dtype, conv->oc, 4);
    p.residual = numbers(p.dtype, p.outs, 6);
    int extra = 0;
    for (int64_t i = 0; i < conv->posts; i++) {
        if (conv->post[i].kind == CJ_POST_RESIDUAL)
            p.extra[extra++] = p.residual.data;
        for (int k = 0; k < 2 && conv->post[i].kind == CJ_POST_SCALE_SHIFT; k++)
            p.extra[extra++] = p.channels.data;
    }
    return p;
}

static void close_problem(struct problem *p)
{
    guard_free(&p->src);
    guard_free(&p->weight);
    guard_free(&p->pointwise);
    guard_free(&p->channels);
    guard_free(&p->residual);
}

/* ---- One plan ---- */

/* The output; what is not written stays all ones. False if something else was written. */
static bool run_plan(const struct problem *p, const struct plan *plan, struct guarded *dst)
{
    size_t element = (size_t)dtype_bytes(p->dtype);
    struct words_kernel kernel = open_plan(plan);
    *dst = guard_new((size_t)p->outs * element, element, GUARD_BEHIND);
    struct guarded packed = guard_new((size_t)plan->packed_bytes, 64, GUARD_BEHIND),
                   scratch = guard_new((size_t)plan->scratch_bytes, 64, GUARD_BEHIND);
    pack_weights(plan, p->weight.data, p->pointwise.data, packed.data);
    guard_seal(&packed);
    int64_t units = plan->units * p->batch, middle = units / 2;
    for (int half = 1; half >= 0; half--)
        kernel.run(dst->data, p->src.data, packed.data, p->channels.data, p->extra, scratch.data,
                   half ? middle : 0, half ? units : middle);
    bool right = guard_intact(dst) && guard_intact(&packed) && guard_intact(&scratch);
    guard_free(&packed);
    guard_free(&scratch);
    words_close(&kernel);
    return right;
}

/* Errors of Winograd's tiles are some hundred units in the last place of all magnitudes that are summed; those
 * of scaled and activated sums no more than a few times that. */
static double slack_of(const struct conv *conv)
{
    double products = (double)weight_count(conv) / (double)(conv->op == CJ_SEPARABLE ? conv->mid : conv->oc);
    if (conv->op == CJ_CONV_TRANSPOSE)
        products = (double)weight_count(conv) / (double)conv->oc;
    if (conv->op == CJ_SEPARABLE)
        products *= (double)conv->mid;
    return (conv->dtype == CJ_F64 ? 0x1p-53 : 0x1p-24) * 1000 * (products + 4);
}

static bool is_same(const struct sample *s, const struct problem *p, const struct guarded *got,
                    const struct guarded *want)
{
    for (int64_t i = 0; i < p->outs; i++) {
        double y = element_get(p->dtype, got->data, i), expected = element_get(p->dtype, want->data, i);
        if (!(fabs(y - expected) <= slack_of(&p->conv)) && !(isnan(y) && isnan(expected)))
            return sample_wrong(s, "element %lld is %.9g, should be %.9g", (long long)i, y, expected);
    }
    return true;
}

static struct plan reference_plan(const struct sample *s)
{
    struct plan plan;
    assert_int_equal(plan_choose(&s->plan->conv, s->target, "reference", &plan), CJ_OK);
    return plan;
}

static bool plan_is_right(const struct sample *s, unsigned one_of)
{
    if (s->plan->algo == ALGO_reference || !units_chosen(s->plan, one_of))
        return true;
    struct problem p = open_problem(&s->plan->conv);
    struct plan reference = reference_plan(s);
    struct guarded want, got;
    guard_announce(sample_shape(s->desc));
    assert_true(run_plan(&p, &reference, &want));
    bool right = run_plan(&p, s->plan, &got) || sample_wrong(s, "something beside the tensors was written");
    right = right && is_same(s, &p, &got, &want);
    guard_free(&want);
    guard_free(&got);
    close_problem(&p);
    return right;
}

/* ---- The tests ---- */

static bool few_are_right(const struct sample *s)
{
    return plan_is_right(s, 40);
}

/* Winograd offers many, and has more ways of its own to cut an image. */
static bool winograds_are_right(const struct sample *s)
{
    return s->plan->algo != ALGO_winograd || plan_is_right(s, 25);
}

static void every_algorithms_plans_agree_with_the_reference(void **state)
{
    (void)state;
    assert_int_equal(sample_plans(91, 500, 24, few_are_right), 0);
}

static void winograds_plans_agree_with_the_reference(void **state)
{
    (void)state;
    assert_int_equal(sample_plans(92, 700, 12, winograds_are_right), 0);
    assert_int_equal(sample_plans(93, 100, 48, winograds_are_right), 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_algorithms_plans_agree_with_the_reference),
        cmocka_unit_test(winograds_plans_agree_with_the_reference),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
