/* Where a channel lies, in generated code: every one of a tensor, against walking block by block. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

#include "../codegen/channels.h"
#include "words/trials.h"

#include <stdlib.h>

enum { CHANNELS = 150 };

static const struct strides tensors[] = {{.c = 1},
                                         {.c = 3136},
                                         {.c = 1, .block = 2, .block_step = 98},
                                         {.c = 1, .block = 16, .block_step = 50176},
                                         {.c = 1, .block = 64, .block_step = 64}};
enum { TENSORS_HERE = sizeof tensors / sizeof *tensors };

static int64_t walked(const struct strides *strides, int64_t channel)
{
    int64_t offset = 0;
    for (; strides->block && channel >= strides->block; channel -= strides->block)
        offset += strides->block_step;
    return offset + channel * strides->c;
}

/* Channels first .. last, as the call numbers them: they are not known while emitting. */
static void emit_offsets(struct em *em, const struct plan *plan, const void *arg)
{
    (void)plan;
    EM_FOR(em, channel, em_first_unit(em), em_last_unit(em))
    words_store_int(em, em_argument(em, EM_DST), channel.at, channel_offset(em, arg, channel.at));
}

static bool offsets_are_right(const struct words *target, const void *arg)
{
    struct plan plan = words_plan(target);
    int64_t offsets[CHANNELS];
    words_run(&plan, emit_offsets, arg, &(struct words_call){.dst = offsets, .last = CHANNELS});
    for (int64_t c = 0; c < CHANNELS; c++)
        if (offsets[c] != walked(arg, c))
            return words_wrong(target, "channel %lld is at %lld", (long long)c, (long long)offsets[c]);
    return true;
}

static void channels_are_where_walking_leads(void **state)
{
    (void)state;
    for (int i = 0; i < TENSORS_HERE; i++)
        assert_int_equal(words_wrong_ones(offsets_are_right, &tensors[i]), 0);
}

static void emit_known(struct em *em, const struct plan *plan, const void *arg)
{
    (void)plan;
    for (int64_t c = 0; c < CHANNELS; c++) {
        int64_t offset = -1;
        assert_true(em_known(channel_offset(em, arg, em_i(em, c)), &offset));
        assert_int_equal(offset, walked(arg, c));
    }
}

static bool constants_fold(const struct words *target, const void *arg)
{
    struct plan plan = words_plan(target);
    words_run(&plan, emit_known, arg, &(struct words_call){0});
    return true;
}

static void known_channels_need_no_code(void **state)
{
    (void)state;
    for (int i = 0; i < TENSORS_HERE; i++)
        assert_int_equal(words_wrong_ones(constants_fold, &tensors[i]), 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(channels_are_where_walking_leads),
        cmocka_unit_test(known_channels_need_no_code),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
