/* What the model's estimates must obey, whatever its numbers are tuned to. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

#include "../src/model.h"

static const cj_isa isas[] = {CJ_ISA_SSE2, CJ_ISA_AVX2, CJ_ISA_AVX512};

/* A step takes time, and no less for more work or more loads, nor with instructions that can do more. */
static void more_work_takes_no_less_time(void **state)
{
    (void)state;
    for (int i = 0; i < 3; i++)
        for (int code = 0; code < 14 * 4 * 20; code++) {
            double rows = 1 + code % 14, vecs = 1 + code / 14 % 4, loads = code / 56;
            struct target target = target_preset(isas[i]), lesser = target_preset(isas[i ? i - 1 : 0]);
            double step = model_step(&target, rows, vecs, loads);
            assert_true(step > 0);
            assert_true(model_step(&target, rows + 1, vecs, loads) >= step);
            assert_true(model_step(&target, rows, vecs + 1, loads) >= step);
            assert_true(model_step(&target, rows, vecs, loads + 1) >= step);
            assert_true(model_step(&lesser, rows, vecs, loads) >= step);
        }
}

/* Two multiply-adds start in a cycle at most, and three loads. */
static void no_step_is_faster_than_any_machine(void **state)
{
    (void)state;
    for (int i = 0; i < 3; i++)
        for (int code = 0; code < 14 * 4 * 20; code++) {
            double rows = 1 + code % 14, vecs = 1 + code / 14 % 4, loads = code / 56;
            struct target target = target_preset(isas[i]);
            double step = model_step(&target, rows, vecs, loads);
            assert_true(step >= rows * vecs / 2);
            assert_true(step >= loads / 3);
        }
}

static void contiguous_lanes_move_as_they_lie(void **state)
{
    (void)state;
    assert_int_equal(model_move(1, 64), MOVE_RUNS);
    assert_int_equal(model_move(1, 1), MOVE_RUNS);
    assert_int_equal(model_move(64, 1), MOVE_EXCHANGED);
    assert_int_equal(model_move(64, 2), MOVE_NEAR);
    assert_int_equal(model_move(64, 64), MOVE_SCATTERED);
    assert_int_equal(model_move(2, 64), MOVE_NEAR);
    assert_int_equal(model_move(0, 0), MOVE_SCATTERED);
}

static void moving_costs_more_the_less_is_contiguous(void **state)
{
    (void)state;
    static const int64_t lanes[] = {2, 4, 8, 16};
    for (int i = 0; i < 4; i++) {
        struct plan plan = {.isa = CJ_ISA_AVX512, .lanes = lanes[i], .tile_rows = 4, .tile_vecs = 1};
        double runs = model_copy(&plan, 1000, MOVE_RUNS), exchanged = model_copy(&plan, 1000, MOVE_EXCHANGED);
        assert_true(runs > 0);
        assert_true(exchanged > runs);
        assert_true(model_copy(&plan, 1000, MOVE_NEAR) > exchanged);
        assert_true(model_copy(&plan, 1000, MOVE_SCATTERED) > model_copy(&plan, 1000, MOVE_NEAR));
        assert_true(model_copy(&plan, 2000, MOVE_RUNS) > runs);
        assert_true(model_store(&plan, MOVE_RUNS) > 0);
        assert_true(model_store(&plan, MOVE_EXCHANGED) > model_store(&plan, MOVE_RUNS));
        assert_true(model_store(&plan, MOVE_SCATTERED) > model_store(&plan, MOVE_EXCHANGED));
    }
}

/* L1 keeps the weights of a tile for the next one, and those of an image of one tile for the next image. */
static void weights_that_do_not_stay_in_l1_are_fetched(void **state)
{
    (void)state;
    cj_conv_desc desc = {.in_channels = 8, .out_channels = 8, .input = {1, 12}, .kernel = {1, 1}};
    struct target target = target_preset(CJ_ISA_AVX2);
    struct plan plan = {.isa = CJ_ISA_AVX2, .lanes = 8, .tile_rows = 12, .tile_vecs = 1};
    assert_int_equal(conv_from_desc(&desc, &plan.conv), CJ_OK);
    plan.packed_bytes = 1 << 20;
    assert_true(model_weight_distance(&plan, 100) == (double)plan.packed_bytes);
    plan.tile_rows = 6;
    assert_true(model_weight_distance(&plan, 100) == 100);
    double small = (double)target.l1 / 4, large = (double)target.l1;
    assert_true(model_fetch(&target, 64, small) == 0);
    assert_true(model_fetch(&target, 64, large) > 0);
    assert_true(model_fetch(&target, 192, large) == 3 * model_fetch(&target, 64, large));
}

static void narrower_vectors_take_no_longer(void **state)
{
    (void)state;
    struct plan plan = {.lanes = 16};
    for (int isa = CJ_ISA_SSE2; isa <= CJ_ISA_AVX512; isa++) {
        struct target target = target_preset((cj_isa)isa);
        plan.lanes = target_lanes(&target, CJ_F32);
        assert_true(model_width(&plan, &target) == 1);
        plan.lanes /= 2;
        assert_true(model_width(&plan, &target) > 0.5 && model_width(&plan, &target) <= 1);
    }
}

static void more_versions_of_the_code_cost_a_little(void **state)
{
    (void)state;
    assert_true(model_bodies(1) == 1);
    for (int64_t bodies = 1; bodies < 6; bodies++) {
        assert_true(model_bodies(bodies + 1) > model_bodies(bodies));
        assert_true(model_bodies(bodies + 1) < 1.1);
    }
}

/* Accumulators, loaded vectors and what cannot be folded or fused fit into the registers, and little is left.
 */
static void tiles_fill_the_registers(void **state)
{
    (void)state;
    for (int i = 0; i < 3; i++)
        for (int64_t vecs = 1; vecs <= 4; vecs++) {
            struct target target = target_preset(isas[i]);
            const struct isa_info *isa = isa_info(isas[i]);
            int64_t rows = model_tile_rows(&target, vecs), spare = !isa->folds_broadcast + !isa->has_fma;
            assert_true(rows >= 1);
            assert_true(rows * vecs + vecs + spare <= isa->registers);
            assert_true((rows + 2) * vecs + vecs + spare > isa->registers - 2);
        }
}

static void even_rows_divide_or_are_the_most(void **state)
{
    (void)state;
    for (int64_t count = 1; count < 120; count++)
        for (int64_t most = 1; most < 32; most++) {
            int64_t expected = most;
            for (int64_t rows = 1; rows <= most; rows++)
                expected = count % rows == 0 && 2 * rows >= most ? rows : expected;
            assert_int_equal(model_even_rows(count, most), expected);
        }
}

static void smaller_tiles_are_unrolled_further(void **state)
{
    (void)state;
    for (int64_t sums = 1; sums < 64; sums++) {
        assert_true(model_unroll(sums) >= 1);
        assert_true(model_unroll(sums) >= model_unroll(sums + 1));
    }
    assert_int_equal(model_unroll(64), 1);
}

/* Short rows of a kernel are unrolled whole; longer ones leave as few taps as a turn of 4 to 7 can. */
static void rows_of_a_depthwise_kernel_are_unrolled(void **state)
{
    (void)state;
    for (int i = 0; i < 3; i++)
        for (int64_t taps = 1; taps < 100; taps++) {
            int64_t unroll = model_depthwise_unroll(isas[i], taps), least = taps;
            int64_t most = isa_info(isas[i])->registers < 32 ? 4 : 7;
            for (int64_t turn = 4; turn <= most; turn++)
                least = taps % turn < least ? taps % turn : least;
            assert_int_equal(unroll, taps <= 7 ? taps : unroll);
            assert_true(taps <= 7 || (unroll >= 4 && unroll <= most && taps % unroll == least));
        }
}

/* By counting the lines under a vector at each element of a line. */
static void loads_at_any_element_cost_the_lines_they_touch(void **state)
{
    (void)state;
    for (int dtype = CJ_F32; dtype <= CJ_F64; dtype++)
        for (int64_t lanes = 1; lanes * dtype_bytes((cj_dtype)dtype) <= 64; lanes *= 2) {
            int64_t bytes = dtype_bytes((cj_dtype)dtype), lines = 0;
            struct plan plan = {.conv.dtype = dtype, .lanes = lanes};
            for (int64_t at = 0; at < 64; at += bytes)
                lines += 1 + (at + lanes * bytes > 64);
            assert_float_equal(model_unaligned(&plan), (double)(lines * bytes) / 64, 1e-9);
        }
}

/* The smallest power of two that holds the channels, by trying them. */
static void lanes_hold_the_channels(void **state)
{
    (void)state;
    for (int i = 0; i < 3; i++)
        for (int dtype = CJ_F32; dtype <= CJ_F64; dtype++)
            for (int64_t channels = 1; channels < 70; channels++) {
                struct target target = target_preset(isas[i]);
                int64_t most = target_lanes(&target, (cj_dtype)dtype), expected = most;
                for (int64_t lanes = most; lanes >= 2; lanes /= 2)
                    expected = lanes >= channels ? lanes : expected;
                assert_int_equal(model_lanes(&target, (cj_dtype)dtype, channels), expected);
            }
}

/* A vector of output channels never lies in two blocks. */
static void lanes_of_channels_fit_a_block(void **state)
{
    (void)state;
    for (int i = 0; i < 3; i++)
        for (int64_t channels = 1; channels < 70; channels++) {
            struct target target = target_preset(isas[i]);
            struct conv conv = {.dtype = CJ_F32};
            int64_t lanes = model_lanes(&target, CJ_F32, channels);
            assert_int_equal(model_channel_lanes(&target, &conv, channels), lanes);
            for (conv.dst.block = 2; conv.dst.block <= 64; conv.dst.block *= 2) {
                int64_t expected = lanes;
                while (conv.dst.block % expected)
                    expected /= 2;
                assert_int_equal(model_channel_lanes(&target, &conv, channels), expected);
            }
        }
}

/* Walked once beside arithmetic: no less than either alone, no more than both, and the further away the more.
 */
static void what_is_walked_hides_in_part(void **state)
{
    (void)state;
    for (int i = 0; i < 3; i++) {
        struct target target = target_preset(isas[i]);
        double l2 = (double)target.l2, l3 = (double)target.l3, last = 0;
        const double sizes[] = {l2 / 4, l2 + l3 / 4, 4 * l3};
        for (int k = 0; k < 3; k++) {
            double alone = model_streamed(&target, 0, 1e6, sizes[k]),
                   both = model_streamed(&target, 1e5, 1e6, sizes[k]);
            assert_true(alone >= last);
            assert_true(both >= 1e5 && both >= alone && both <= (1e5 + alone) * 1.000001);
            last = alone;
        }
        assert_true(model_streamed(&target, 0, 1e6, l2 / 4) == 0);
        target.passes = 2;
        assert_true(model_streamed(&target, 0, 1e6, 4 * l3) < last);
    }
}

static void half_vectors_suit_half_rests_on_split_units(void **state)
{
    (void)state;
    struct target target = target_preset(CJ_ISA_AVX512);
    struct plan plan = {.lanes = 16, .isa = CJ_ISA_AVX512};
    assert_false(model_halves(&plan, &target, 24));
    target.passes = 2;
    assert_true(model_halves(&plan, &target, 24));
    assert_true(model_halves(&plan, &target, 17));
    assert_false(model_halves(&plan, &target, 25));
    assert_false(model_halves(&plan, &target, 32));
    plan.lanes = 8;
    assert_false(model_halves(&plan, &target, 12));
}

static void what_fits_l2_does_not_spill(void **state)
{
    (void)state;
    struct target target = target_preset(CJ_ISA_AVX512);
    assert_true(model_spill(&target, (double)target.l2 / 4) == 0);
    assert_true(model_spill(&target, 2.0 * (double)target.l2) > 0);
    assert_true(model_spill(&target, 4.0 * (double)target.l2) > model_spill(&target, 2.0 * (double)target.l2));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(more_work_takes_no_less_time),
        cmocka_unit_test(no_step_is_faster_than_any_machine),
        cmocka_unit_test(contiguous_lanes_move_as_they_lie),
        cmocka_unit_test(moving_costs_more_the_less_is_contiguous),
        cmocka_unit_test(weights_that_do_not_stay_in_l1_are_fetched),
        cmocka_unit_test(narrower_vectors_take_no_longer),
        cmocka_unit_test(what_is_walked_hides_in_part),
        cmocka_unit_test(half_vectors_suit_half_rests_on_split_units),
        cmocka_unit_test(what_fits_l2_does_not_spill),
        cmocka_unit_test(more_versions_of_the_code_cost_a_little),
        cmocka_unit_test(tiles_fill_the_registers),
        cmocka_unit_test(even_rows_divide_or_are_the_most),
        cmocka_unit_test(smaller_tiles_are_unrolled_further),
        cmocka_unit_test(rows_of_a_depthwise_kernel_are_unrolled),
        cmocka_unit_test(loads_at_any_element_cost_the_lines_they_touch),
        cmocka_unit_test(lanes_hold_the_channels),
        cmocka_unit_test(lanes_of_channels_fit_a_block),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
