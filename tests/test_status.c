/* The sentence of the last failure: what it says, how long it may be, whose it is. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>
#undef fail /* CMocka's */

#include "../src/status.h"

#include <pthread.h>
#include <string.h>

static cj_status set_with_try(cj_status status, int *behind)
{
    *behind = 0;
    TRY(status);
    *behind = 1;
    return CJ_OK;
}

/* Runs first: nothing has failed on this thread yet. */
static void a_thread_starts_without_a_sentence(void **state)
{
    (void)state;
    assert_string_equal(fail_text(), "");
}

static void a_failure_returns_its_status_and_leaves_its_sentence(void **state)
{
    (void)state;
    static const cj_status all[] = {CJ_INVALID,    CJ_UNSUPPORTED, CJ_NO_MEMORY,
                                    CJ_NO_CODEGEN, CJ_COMPILE,     CJ_SYSTEM};
    for (size_t i = 0; i < sizeof all / sizeof *all; i++)
        assert_int_equal(fail(all[i], "stride[%d] is %lld", 1, -5LL), all[i]);
    assert_string_equal(fail_text(), "stride[1] is -5");
    assert_string_equal(cj_last_error(), "stride[1] is -5");
}

static void a_later_failure_replaces_the_sentence_and_success_leaves_it(void **state)
{
    (void)state;
    int behind;
    fail_say("%s", "a long sentence that a shorter one must not leave an end of");
    fail_say("short");
    assert_string_equal(fail_text(), "short");
    assert_int_equal(set_with_try(CJ_OK, &behind), CJ_OK);
    assert_true(behind);
    assert_string_equal(fail_text(), "short");
}

static void a_failed_step_ends_the_function(void **state)
{
    (void)state;
    int behind;
    assert_int_equal(set_with_try(CJ_SYSTEM, &behind), CJ_SYSTEM);
    assert_false(behind);
}

static void a_sentence_that_is_too_long_is_cut(void **state)
{
    (void)state;
    char sentence[5000];
    memset(sentence, 'x', sizeof sentence);
    sentence[sizeof sentence - 1] = 0;
    assert_int_equal(fail(CJ_INVALID, "begin %s", sentence), CJ_INVALID);
    size_t length = strlen(fail_text());
    assert_true(length >= 200 && length < sizeof sentence);
    assert_memory_equal(fail_text(), "begin ", 6);
    assert_int_equal(strspn(fail_text() + 6, "x"), length - 6);
}

struct other {
    char before[16], after[16];
};

static void *fail_elsewhere(void *argument)
{
    struct other *other = argument;
    strncpy(other->before, fail_text(), sizeof other->before - 1);
    fail_say("theirs");
    strncpy(other->after, fail_text(), sizeof other->after - 1);
    return NULL;
}

static void each_thread_has_its_own(void **state)
{
    (void)state;
    struct other other = {"", ""};
    pthread_t thread;
    fail_say("mine");
    assert_int_equal(pthread_create(&thread, NULL, fail_elsewhere, &other), 0);
    assert_int_equal(pthread_join(thread, NULL), 0);
    assert_string_equal(other.before, "");
    assert_string_equal(other.after, "theirs");
    assert_string_equal(fail_text(), "mine");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_thread_starts_without_a_sentence),
        cmocka_unit_test(a_failure_returns_its_status_and_leaves_its_sentence),
        cmocka_unit_test(a_later_failure_replaces_the_sentence_and_success_leaves_it),
        cmocka_unit_test(a_failed_step_ends_the_function),
        cmocka_unit_test(a_sentence_that_is_too_long_is_cut),
        cmocka_unit_test(each_thread_has_its_own),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
