/* Machine code written by hand: mapped, callable, never writable, and gone after unmapping. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

#include "../runtime/loader.h"
#include "../src/plugin.h"

#include <stdint.h>
#include <stdio.h>
#include <string.h>

/* A constant, then code at offset 8: eax = [rip - 14], the constant; ret. */
static unsigned char with_constant[] = {42, 0, 0, 0, 0, 0, 0, 0, 0x8b, 0x05, 0xf2, 0xff, 0xff, 0xff, 0xc3};

/* The permissions of the mapping that holds `address`, as /proc/self/maps prints them; false if there is none.
 */
static int permissions_of(const void *address, char permissions[5])
{
    FILE *maps = fopen("/proc/self/maps", "r");
    assert_non_null(maps);
    char line[512];
    int found = 0;
    while (!found && fgets(line, sizeof line, maps)) {
        unsigned long from, to;
        if (sscanf(line, "%lx-%lx %4s", &from, &to, permissions) == 3)
            found = (uintptr_t)address >= from && (uintptr_t)address < to;
    }
    fclose(maps);
    return found;
}

static void code_runs_and_finds_its_constant(void **state)
{
    (void)state;
#if !defined(__x86_64__)
    skip();
#endif
    struct code code;
    struct blob blob = {.bytes = with_constant, .size = sizeof with_constant, .entry = 8};
    assert_int_equal(loader_map(&blob, &code), CJ_OK);
    int (*entry)(void) = (int (*)(void))((uintptr_t)code.pages + blob.entry);
    assert_int_equal(entry(), 42);
    loader_unmap(&code);
}

static void pages_are_executable_and_not_writable(void **state)
{
    (void)state;
    struct code code;
    char permissions[5];
    struct blob blob = {.bytes = with_constant, .size = sizeof with_constant};
    assert_int_equal(loader_map(&blob, &code), CJ_OK);
    assert_true(permissions_of(code.pages, permissions));
    assert_string_equal(permissions, "r-xp");
    loader_unmap(&code);
    int still_there = permissions_of(code.pages, permissions);
    assert_false(still_there && strcmp(permissions, "r-xp") == 0);
}

static void blobs_of_any_size_are_copied_whole(void **state)
{
    (void)state;
    static unsigned char bytes[3 * 4096 + 1];
    static const size_t sizes[] = {1, 4095, 4096, 4097, sizeof bytes};
    for (size_t i = 0; i < sizeof bytes; i++)
        bytes[i] = (unsigned char)(i * 7 + i / 256);
    for (size_t i = 0; i < sizeof sizes / sizeof *sizes; i++) {
        struct code code;
        assert_int_equal(loader_map(&(struct blob){.bytes = bytes, .size = sizes[i]}, &code), CJ_OK);
        assert_true(code.bytes >= sizes[i]);
        assert_memory_equal(code.pages, bytes, sizes[i]);
        loader_unmap(&code);
    }
}

static void what_cannot_be_mapped_is_a_system_failure(void **state)
{
    (void)state;
    struct code code;
    struct blob blob = {.bytes = with_constant, .size = (size_t)1 << 60};
    assert_int_equal(loader_map(&blob, &code), CJ_SYSTEM);
    assert_non_null(strstr(cj_last_error(), "could not be mapped: Cannot allocate memory"));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(code_runs_and_finds_its_constant),
        cmocka_unit_test(pages_are_executable_and_not_writable),
        cmocka_unit_test(blobs_of_any_size_are_copied_whole),
        cmocka_unit_test(what_cannot_be_mapped_is_a_system_failure),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
