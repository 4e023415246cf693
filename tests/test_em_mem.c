/* label: full */
/* Words on memory: each moves the elements that it names and touches no other, in buffers between pages that
 * fault.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

#include "support/guard.h"
#include "words/trials.h"

#include <string.h>

/* Elements of a target's type, from `guard_new`. */
struct field {
    cj_dtype dtype;
    int64_t count;
    struct guarded memory;
};

/* Where buffers lie, one case at a time. */
static struct field field_new(const struct words *target, int64_t count, enum guard_side side)
{
    size_t element = (size_t)dtype_bytes(target->dtype);
    return (struct field){target->dtype, count, guard_new((size_t)count * element, element, side)};
}

/* Elements 1, 2, 3, ... that only may be read. */
static struct field field_of_numbers(const struct words *target, int64_t count, enum guard_side side)
{
    struct field field = field_new(target, count, side);
    for (int64_t i = 0; i < count; i++)
        element_put(field.dtype, field.memory.data, i, (double)(i + 1));
    guard_seal(&field.memory);
    return field;
}

/* Bytes of an element that nothing has written. */
static bool untouched(const struct field *field, int64_t index)
{
    static const unsigned char blank[8] = {0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff};
    size_t element = (size_t)dtype_bytes(field->dtype);
    return memcmp((const char *)field->memory.data + (size_t)index * element, blank, element) == 0;
}

static int64_t extent(int64_t count, int64_t stride)
{
    return count ? (count - 1) * stride + 1 : 0;
}

/* ---- Loads and stores ---- */

enum word { LOAD, LOAD_ALIGNED, LOAD_N, LOAD_STRIDED, LOAD_CYCLE, BROADCAST, STORE, STORE_N };

struct access {
    const char *name;
    enum word word;
    int64_t stride;
};

static const struct access accesses[] = {
    {"em_load", LOAD, 1},
    {"em_load_aligned", LOAD_ALIGNED, 1},
    {"em_load_n", LOAD_N, 1},
    {"em_load_strided", LOAD_STRIDED, 1},
    {"em_load_strided", LOAD_STRIDED, 0},
    {"em_load_strided", LOAD_STRIDED, 2},
    {"em_load_strided", LOAD_STRIDED, 7},
    {"em_load_cycle", LOAD_CYCLE, 1},
    {"em_broadcast", BROADCAST, 0},
    {"em_store", STORE, 1},
    {"em_store_n", STORE_N, 1},
};

struct case_of {
    const struct access *access;
    int n;
};

/* Where the cycle of em_load_cycle starts. */
static int skip_of(const struct case_of *c)
{
    return c->n * 2 / 3;
}

/* One vector from src to dst, by the word on its side and by a whole vector on the other. */
static void emit_access(struct em *em, const struct plan *plan, const void *arg)
{
    (void)plan;
    const struct case_of *c = arg;
    em_ptr src = em_argument(em, EM_SRC), dst = em_argument(em, EM_DST);
    switch (c->access->word) {
    case LOAD:
        em_store(em, dst, em_load(em, src));
        break;
    case LOAD_ALIGNED:
        em_store(em, dst, em_load_aligned(em, src));
        break;
    case LOAD_N:
        em_store(em, dst, em_load_n(em, src, c->n));
        break;
    case LOAD_STRIDED:
        em_store(em, dst, em_load_strided(em, src, c->access->stride, c->n));
        break;
    case LOAD_CYCLE:
        em_store(em, dst, em_load_cycle(em, src, c->n, skip_of(c)));
        break;
    case BROADCAST:
        em_store(em, dst, em_broadcast(em, src));
        break;
    case STORE:
        em_store(em, dst, em_load(em, src));
        break;
    case STORE_N:
        em_store_n(em, dst, em_load(em, src), c->n);
        break;
    }
}

static bool loaded_right(const struct words *target, const struct case_of *c, const struct field *dst)
{
    for (int i = 0; i < target->lanes; i++) {
        double got = element_get(target->dtype, dst->memory.data, i);
        double want = i < c->n ? (double)(i * c->access->stride + 1) : 0;
        if (c->access->word == LOAD_CYCLE)
            want = (skip_of(c) + i) % c->n + 1;
        if (got != want)
            return words_wrong(target, "%s, stride %lld, %d of them: lane %d is %g, should be %g",
                               c->access->name, (long long)c->access->stride, c->n, i, got, want);
    }
    return true;
}

static bool stored_right(const struct words *target, const struct case_of *c, const struct field *dst)
{
    for (int64_t i = 0; i < dst->count; i++) {
        double got = element_get(target->dtype, dst->memory.data, i);
        if (got != (double)(i + 1))
            return words_wrong(target, "%s, %d of them: element %lld is %g", c->access->name, c->n,
                               (long long)i, got);
    }
    return true;
}

static bool access_runs(const struct words *target, const struct case_of *c, kernel_fn *run,
                        enum guard_side side)
{
    bool stores = c->access->word >= STORE;
    int64_t touched = extent(c->n, c->access->stride);
    struct field src = field_of_numbers(target, stores ? target->lanes : touched, side);
    struct field dst = field_new(target, stores ? touched : target->lanes, side);
    run(dst.memory.data, src.memory.data, NULL, NULL, NULL, NULL, 0, 1);
    bool right = stores ? stored_right(target, c, &dst) : loaded_right(target, c, &dst);
    if (right && !guard_intact(&dst.memory))
        right = words_wrong(target, "%s, stride %lld, %d of them: writes beside them", c->access->name,
                            (long long)c->access->stride, c->n);
    guard_free(&src.memory);
    guard_free(&dst.memory);
    return right;
}

static bool takes_n(enum word word)
{
    return word == LOAD_N || word == LOAD_STRIDED || word == LOAD_CYCLE || word == STORE_N;
}

static bool accesses_are_right(const struct words *target, const void *arg)
{
    const struct access *access = arg;
    struct plan plan = words_plan(target);
    bool right = true;
    for (int n = takes_n(access->word) ? 1 : target->lanes; n <= target->lanes && right; n++) {
        struct case_of c = {access, n};
        struct words_kernel words = words_open_plan(&plan, emit_access, &c);
        for (int side = 0; side < GUARD_SIDES && right; side++) {
            bool aligned = side == GUARD_FRONT || (side == GUARD_BEHIND && access->word == LOAD_ALIGNED);
            if (access->word != LOAD_ALIGNED || aligned)
                right = access_runs(target, &c, words.run, (enum guard_side)side);
        }
        words_close(&words);
    }
    return right;
}

static void loads_and_stores_touch_their_elements_alone(void **state)
{
    (void)state;
    int wrong = 0;
    for (size_t i = 0; i < sizeof accesses / sizeof accesses[0]; i++)
        wrong += words_wrong_ones(accesses_are_right, &accesses[i]);
    assert_int_equal(wrong, 0);
}

/* ---- Runs ---- */

enum { UNKNOWN = -1 };

struct run {
    int64_t to_stride, from_stride; /* from 0: em_zero_run */
    int64_t count;                  /* known while emitting, or UNKNOWN */
};

static void emit_run(struct em *em, const struct plan *plan, const void *arg)
{
    (void)plan;
    const struct run *run = arg;
    em_int count = run->count == UNKNOWN ? em_first_unit(em) : em_i(em, run->count);
    struct em_run to = {em_argument(em, EM_DST), run->to_stride};
    struct em_run from = {em_argument(em, EM_SRC), run->from_stride};
    if (run->from_stride)
        em_copy_run(em, to, from, count);
    else
        em_zero_run(em, to, count);
}

static bool run_is_right(const struct words *target, const struct run *run, int64_t count,
                         const struct field *dst)
{
    for (int64_t i = 0; i < dst->count; i++) {
        double got = element_get(target->dtype, dst->memory.data, i);
        double want = run->from_stride ? (double)(i / run->to_stride * run->from_stride + 1) : 0;
        if (i % run->to_stride ? !untouched(dst, i) : got != want)
            return words_wrong(target, "%lld elements from stride %lld to %lld: element %lld is %g",
                               (long long)count, (long long)run->from_stride, (long long)run->to_stride,
                               (long long)i, got);
    }
    return guard_intact(&dst->memory) ||
           words_wrong(target, "%lld elements from stride %lld to %lld: writes beside them", (long long)count,
                       (long long)run->from_stride, (long long)run->to_stride);
}

static bool run_of(const struct words *target, const struct run *run, kernel_fn *call, int64_t count)
{
    bool right = true;
    for (int side = 0; side < GUARD_SIDES && right; side++) {
        struct field src = field_of_numbers(target, extent(count, run->from_stride), (enum guard_side)side);
        struct field dst = field_new(target, extent(count, run->to_stride), (enum guard_side)side);
        call(dst.memory.data, src.memory.data, NULL, NULL, NULL, NULL, count, 0);
        right = run_is_right(target, run, count, &dst);
        guard_free(&src.memory);
        guard_free(&dst.memory);
    }
    return right;
}

/* Counts around one, two and several vectors. */
static bool unknown_counts(const struct words *target, struct run run)
{
    struct plan plan = words_plan(target);
    run.count = UNKNOWN;
    struct words_kernel words = words_open_plan(&plan, emit_run, &run);
    bool right = true;
    for (int64_t count = 0; count < 3 * target->lanes + 3 && right; count++)
        right = run_of(target, &run, words.run, count);
    words_close(&words);
    return right;
}

static bool known_count(const struct words *target, struct run run, int64_t count)
{
    struct plan plan = words_plan(target);
    run.count = count;
    struct words_kernel words = words_open_plan(&plan, emit_run, &run);
    bool right = run_of(target, &run, words.run, count);
    words_close(&words);
    return right;
}

/* Each count for vectors of up to two lanes; else those beside whole vectors. */
static bool known_counts(const struct words *target, struct run run)
{
    bool right = true;
    for (int64_t count = 0; count <= 3 * target->lanes && right; count++) {
        int64_t beside = (count + 1) % target->lanes;
        if (target->lanes <= 2 || beside <= 2)
            right = known_count(target, run, count);
    }
    return right;
}

/* Strides from 1 to 5 and one that is longer. Known counts for what goes by vectors, and for some that does
 * not. */
static bool runs_are_right(const struct words *target, const void *arg)
{
    (void)arg;
    static const int64_t from[] = {0, 1, 2, 3, 4, 5, 9};
    bool right = true;
    for (int64_t to = 1; to <= 5; to++)
        for (size_t f = 0; f < sizeof from / sizeof from[0]; f++) {
            struct run run = {to, from[f], 0};
            right = unknown_counts(target, run) && right;
            bool known = to == 1 || (to == 5 && from[f] < 2);
            right = (!known || known_counts(target, run)) && right;
        }
    return right;
}

static void runs_touch_their_elements_alone(void **state)
{
    (void)state;
    assert_int_equal(words_wrong_ones(runs_are_right, NULL), 0);
}

/* ---- Addresses ---- */

static void emit_addresses(struct em *em, const struct plan *plan, const void *arg)
{
    (void)plan;
    (void)arg;
    em_ptr dst = em_argument(em, EM_DST), src = em_argument(em, EM_SRC);
    em_ptr pointers[] = {
        em_offset(em, src, em_first_unit(em)),
        em_offset(em, src, em_i(em, -3)),
        em_at(em, src, 0),
        em_at(em, src, (int64_t)1 << 40),
        em_at(em, src, -5),
        em_byte_offset(em, src, 0),
        em_byte_offset(em, src, -13),
        em_load_pointer(em, em_argument(em, EM_EXTRA), 0),
        em_load_pointer(em, em_argument(em, EM_EXTRA), 2),
    };
    for (size_t i = 0; i < sizeof pointers / sizeof pointers[0]; i++)
        words_store_int(em, dst, em_i(em, (int64_t)i), words_distance(em, src, pointers[i]));
}

static bool addresses_are_right(const struct words *target, const void *arg)
{
    (void)arg;
    struct plan plan = words_plan(target);
    int64_t got[9], element = dtype_bytes(target->dtype), place[8];
    const void *extra[] = {place + 1, place + 2, place + 5};
    int64_t want[] = {-77 * element, -3 * element, 0, element << 40, -5 * element, 0, -13, 8, 40};
    words_run(&plan, emit_addresses, NULL,
              &(struct words_call){.dst = got, .src = place, .extra = extra, .first = -77});
    for (int i = 0; i < 9; i++)
        if (got[i] != want[i])
            return words_wrong(target, "pointer %d is %lld bytes off, should be %lld", i, (long long)got[i],
                               (long long)want[i]);
    return true;
}

static void addresses_count_in_elements(void **state)
{
    (void)state;
    assert_int_equal(words_wrong_ones(addresses_are_right, NULL), 0);
}

/* ---- Variables ---- */

/* dst = the sum of src's vectors over the units, doubled in front of each but the first three; then the room on
 * the stack, which the vectors passed through. */
static void emit_variables(struct em *em, const struct plan *plan, const void *arg)
{
    (void)plan;
    (void)arg;
    em_var sum = em_var_new(em, em_vconst(em, 0)), other = em_var_new(em, em_vconst(em, 3));
    em_ptr src = em_argument(em, EM_SRC);
    em_ptr room = em_room(em, 3 * em_lanes(em));
    EM_FOR(em, i, em_first_unit(em), em_last_unit(em))
    {
        EM_IF(em, em_lt(em, em_i(em, 2), i.at))
        em_set(em, sum, em_vadd(em, em_get(em, sum), em_get(em, sum)));
        em_store(em, em_at(em, room, 2 * em_lanes(em)),
                 em_load(em, em_offset(em, src, em_mulc(em, i.at, em_lanes(em)))));
        em_vec value = em_load_aligned(em, em_at(em, room, 2 * em_lanes(em)));
        em_set(em, sum, em_vadd(em, em_get(em, sum), value));
    }
    em_store(em, em_argument(em, EM_DST), em_get(em, sum));
    em_store(em, em_at(em, em_argument(em, EM_DST), em_lanes(em)), em_get(em, other));
}

static bool variables_are_right(const struct words *target, const void *arg)
{
    (void)arg;
    struct plan plan = words_plan(target);
    enum { UNITS = 6 };
    int lanes = target->lanes;
    struct field src = field_of_numbers(target, UNITS * lanes, GUARD_BEHIND);
    struct field dst = field_new(target, 2 * lanes, GUARD_BEHIND);
    words_run(&plan, emit_variables, NULL,
              &(struct words_call){.dst = dst.memory.data, .src = src.memory.data, .last = UNITS});
    bool right = true;
    for (int lane = 0; lane < lanes; lane++) {
        double sum = 0;
        for (int i = 0; i < UNITS; i++)
            sum = (i > 2 ? 2 * sum : sum) + i * lanes + lane + 1;
        right = right && element_get(target->dtype, dst.memory.data, lane) == sum;
        right = right && element_get(target->dtype, dst.memory.data, lanes + lane) == 3;
    }
    guard_free(&src.memory);
    guard_free(&dst.memory);
    return right || words_wrong(target, "a variable has lost its value");
}

static void variables_keep_their_values(void **state)
{
    (void)state;
    assert_int_equal(words_wrong_ones(variables_are_right, NULL), 0);
}

/* ---- Room ---- */

enum { ROOMS = 3, TURNS = 3 };
static const int64_t room_sizes[ROOMS] = {1, 17, 5};

/* Where each room lies in each turn, as its address; then what its elements still are when all are full. */
static void emit_rooms(struct em *em, const struct plan *plan, const void *arg)
{
    (void)plan;
    (void)arg;
    em_ptr places = em_argument(em, EM_DST), kept = em_argument(em, EM_SCRATCH), src = em_argument(em, EM_SRC);
    em_ptr null = em_argument(em, EM_BIAS);
    EM_FOR(em, turn, em_first_unit(em), em_last_unit(em))
    {
        em_ptr room[ROOMS];
        for (int k = 0; k < ROOMS; k++) {
            room[k] = em_room(em, room_sizes[k]);
            words_store_int(em, places, em_addc(em, em_mulc(em, turn.at, ROOMS), k),
                            words_distance(em, null, room[k]));
        }
        for (int64_t k = 0, at = 0; k < ROOMS; at += room_sizes[k++])
            em_copy_run(em, (struct em_run){room[k], 1}, (struct em_run){em_at(em, src, at), 1},
                        em_i(em, room_sizes[k]));
        for (int64_t k = 0, at = 0; k < ROOMS; at += room_sizes[k++])
            em_copy_run(em, (struct em_run){em_at(em, kept, at), 1}, (struct em_run){room[k], 1},
                        em_i(em, room_sizes[k]));
    }
}

/* Aligned for a whole vector; the same in each turn, so that loops do not eat the stack. */
static bool places_are_right(const struct words *target, const int64_t places[TURNS][ROOMS])
{
    int64_t vector = target->lanes * dtype_bytes(target->dtype);
    for (int k = 0; k < ROOMS; k++)
        for (int turn = 0; turn < TURNS; turn++)
            if (places[turn][k] % vector || places[turn][k] != places[0][k])
                return words_wrong(target, "room %d lies at %#llx in turn %d", k,
                                   (unsigned long long)places[turn][k], turn);
    return true;
}

static bool rooms_are_right(const struct words *target, const void *arg)
{
    (void)arg;
    enum { ELEMENTS = 1 + 17 + 5 };
    int64_t places[TURNS][ROOMS] = {{0}};
    struct plan plan = words_plan(target);
    struct field src = field_of_numbers(target, ELEMENTS, GUARD_BEHIND);
    struct field kept = field_new(target, ELEMENTS, GUARD_BEHIND);
    words_run(
        &plan, emit_rooms, NULL,
        &(struct words_call){
            .dst = places, .src = src.memory.data, .scratch = kept.memory.data, .first = 0, .last = TURNS});
    bool right = places_are_right(target, places);
    for (int64_t i = 0; i < ELEMENTS && right; i++)
        right = element_get(target->dtype, kept.memory.data, i) == (double)(i + 1) ||
                words_wrong(target, "element %lld of the rooms is lost", (long long)i);
    guard_free(&src.memory);
    guard_free(&kept.memory);
    return right;
}

static void rooms_are_aligned_and_apart(void **state)
{
    (void)state;
    assert_int_equal(words_wrong_ones(rooms_are_right, NULL), 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(loads_and_stores_touch_their_elements_alone),
        cmocka_unit_test(runs_touch_their_elements_alone),
        cmocka_unit_test(addresses_count_in_elements),
        cmocka_unit_test(rooms_are_aligned_and_apart),
        cmocka_unit_test(variables_keep_their_values),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
