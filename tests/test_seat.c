/* Conversations with a program of a peer: one that behaves, one that dies, one that hangs, one that is none. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

#include "../bench/peers/numbers.h"
#include "../bench/peers/seat.h"

#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define PEER PEERS_DIR "/peer_fake"
#define OPEN "open nchw 1 0 1 1 1 1 1 3 2 2 1 1 0 0 0"

static void a_peer_answers_line_by_line(void **state)
{
    (void)state;
    struct seat seat;
    char answer[SEAT_LINE];
    setenv("FAKE_PEER", "chats", 1);
    assert_true(seat_start(&seat, PEER, 10, answer));
    unsetenv("FAKE_PEER");
    assert_string_equal(answer, "library Fake 1.0");
    assert_true(seat_ask(&seat, "run 1", 10, answer));
    assert_string_equal(answer, "cannot run");
    assert_true(seat_ask(&seat, "open nchw", 10, answer));
    assert_string_equal(answer, "cannot the line is not understood");
    assert_true(seat_ask(&seat, "walk", 10, answer));
    assert_string_equal(answer, "cannot understand");
    for (int i = 0; i < 2; i++) {
        struct check check;
        int at = 0;
        double first = value_at(0, SEED_INPUT) * value_at(0, SEED_WEIGHT) +
                       value_at(1, SEED_INPUT) * value_at(1, SEED_WEIGHT);
        assert_true(seat_ask(&seat, OPEN, 10, answer));
        assert_int_equal(sscanf(answer, "ready plain_loops %n", &at), 0);
        assert_true(check_read(answer + at, &check));
        assert_true(check.sample[0] - first < 1e-6 && first - check.sample[0] < 1e-6);
        assert_true(seat_ask(&seat, "run 1000", 10, answer));
        assert_int_equal(strncmp(answer, "time ", 5), 0);
        assert_true(atof(answer + 5) > 0 && atof(answer + 5) < 1e5);
    }
    seat_stop(&seat);
    assert_int_equal(seat.pid, 0);
    assert_false(seat_ask(&seat, OPEN, 10, answer));
    seat_stop(&seat);
}

/* Whoever asks is told, and the program is gone. */
static void fails(const char *behaviour, double patience)
{
    struct seat seat;
    char answer[SEAT_LINE];
    setenv("FAKE_PEER", behaviour, 1);
    assert_true(seat_start(&seat, PEER, 10, answer));
    pid_t pid = seat.pid;
    assert_false(seat_ask(&seat, OPEN, patience, answer));
    assert_int_equal(seat.pid, 0);
    assert_int_equal(kill(pid, 0), -1);
    assert_int_equal(errno, ESRCH);
    unsetenv("FAKE_PEER");
}

static void a_peer_that_dies_or_hangs_is_told(void **state)
{
    (void)state;
    fails("dies", 10);
    fails("hangs", 0.1);
}

static void what_is_no_peer_does_not_start(void **state)
{
    (void)state;
    struct seat seat;
    char answer[SEAT_LINE];
    assert_false(seat_start(&seat, PEERS_DIR "/missing", 10, answer));
    assert_int_equal(seat.pid, 0);
    assert_false(seat_start(&seat, "/bin/true", 10, answer));
    assert_int_equal(seat.pid, 0);
    assert_false(seat_start(&seat, "/bin/yes", 10, answer) && strncmp(answer, "library ", 8) == 0);
    seat_stop(&seat);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_peer_answers_line_by_line),
        cmocka_unit_test(a_peer_that_dies_or_hangs_is_told),
        cmocka_unit_test(what_is_no_peer_does_not_start),
    };
    signal(SIGPIPE, SIG_IGN);
    return cmocka_run_group_tests(tests, NULL, NULL);
}
