/* Files that appear whole or not at all. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

#include "../runtime/cli/outfile.h"
#include "support/folder.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

static void before_the_commit_there_is_no_file(void **state)
{
    struct folder *folder = *state;
    const char *path = folder_path(folder, "new");
    struct outfile file;
    assert_int_equal(outfile_open(&file, path), 0);
    fputs("all of it", file.stream);
    fflush(file.stream);
    assert_int_equal(access(path, F_OK), -1);
    assert_int_equal(outfile_commit(&file), 0);
    assert_string_equal(folder_read(folder, "new"), "all of it");
    assert_int_equal(folder_entries(folder), 1);
}

static void an_abandoned_file_leaves_nothing(void **state)
{
    struct folder *folder = *state;
    struct outfile file;
    assert_int_equal(outfile_open(&file, folder_path(folder, "new")), 0);
    fputs("half", file.stream);
    outfile_abandon(&file);
    assert_int_equal(folder_entries(folder), 0);
}

static void what_was_there_stays_until_the_commit(void **state)
{
    struct folder *folder = *state;
    const char *path = folder_path(folder, "old");
    struct outfile file;
    assert_int_equal(outfile_write(path, "old", 3), 0);
    assert_int_equal(outfile_open(&file, path), 0);
    fputs("half", file.stream);
    outfile_abandon(&file);
    assert_string_equal(folder_read(folder, "old"), "old");
    assert_int_equal(outfile_open(&file, path), 0);
    fputs("new", file.stream);
    fflush(file.stream);
    assert_string_equal(folder_read(folder, "old"), "old");
    assert_int_equal(outfile_commit(&file), 0);
    assert_string_equal(folder_read(folder, "old"), "new");
    assert_int_equal(folder_entries(folder), 1);
}

static void a_link_stays_a_link(void **state)
{
    struct folder *folder = *state;
    struct stat link;
    assert_int_equal(mkdir(folder_path(folder, "elsewhere"), 0700), 0);
    assert_int_equal(outfile_write(folder_path(folder, "elsewhere/target"), "old", 3), 0);
    assert_int_equal(symlink("elsewhere/target", folder_path(folder, "link")), 0);
    assert_int_equal(outfile_write(folder_path(folder, "link"), "new", 3), 0);
    assert_int_equal(lstat(folder_path(folder, "link"), &link), 0);
    assert_true(S_ISLNK(link.st_mode));
    assert_string_equal(folder_read(folder, "elsewhere/target"), "new");
    assert_int_equal(folder_entries(folder), 2);
}

/* What a killed process of the same number left must not stand in the way. */
static void leftovers_are_no_hindrance(void **state)
{
    struct folder *folder = *state;
    struct outfile first, second;
    assert_int_equal(outfile_open(&first, folder_path(folder, "a")), 0); /* takes the name that comes first */
    assert_int_equal(outfile_open(&second, folder_path(folder, "b")), 0);
    fputs("a", first.stream);
    fputs("b", second.stream);
    assert_int_equal(outfile_commit(&first), 0);
    assert_int_equal(outfile_commit(&second), 0);
    assert_string_equal(folder_read(folder, "a"), "a");
    assert_string_equal(folder_read(folder, "b"), "b");
    assert_int_equal(folder_entries(folder), 2);
}

static void the_mode_is_left_to_the_umask(void **state)
{
    struct folder *folder = *state;
    struct stat file;
    mode_t before = umask(027);
    assert_int_equal(outfile_write(folder_path(folder, "new"), "x", 1), 0);
    umask(before);
    assert_int_equal(stat(folder_path(folder, "new"), &file), 0);
    assert_int_equal(file.st_mode & 0777, 0640);
}

static void wrong_paths_have_their_errors(void **state)
{
    struct folder *folder = *state;
    struct outfile file;
    assert_int_equal(outfile_open(&file, folder_path(folder, "")), EISDIR);
    assert_int_equal(outfile_open(&file, folder_path(folder, "no/such/place")), ENOENT);
    assert_int_equal(outfile_write(folder_path(folder, "plain"), "x", 1), 0);
    assert_int_equal(outfile_open(&file, folder_path(folder, "plain/below")), ENOTDIR);
    assert_int_equal(folder_entries(folder), 1);
}

static void a_full_disk_is_seen(void **state)
{
    (void)state;
    static const char bytes[100000];
    static const size_t sizes[] = {1, 4096, sizeof bytes};
    if (access("/dev/full", W_OK) != 0)
        skip();
    for (size_t i = 0; i < sizeof sizes / sizeof *sizes; i++)
        assert_int_equal(outfile_write("/dev/full", bytes, sizes[i]), ENOSPC);
    struct outfile file;
    assert_int_equal(outfile_open(&file, "/dev/full"), 0);
    fwrite(bytes, 1, sizeof bytes, file.stream);
    assert_int_not_equal(outfile_commit(&file), 0); /* though closing may succeed */
}

static void a_device_is_written_in_place(void **state)
{
    (void)state;
    struct stat device;
    assert_int_equal(outfile_write("/dev/null", "x", 1), 0);
    assert_int_equal(stat("/dev/null", &device), 0);
    assert_true(S_ISCHR(device.st_mode));
}

/* A long file and an empty one. */
static void every_byte_is_there(void **state)
{
    struct folder *folder = *state;
    static char bytes[1 << 20];
    struct stat file;
    for (size_t i = 0; i < sizeof bytes; i++)
        bytes[i] = (char)(i * 31 >> 3 | 1);
    bytes[sizeof bytes - 1] = 0;
    assert_int_equal(outfile_write(folder_path(folder, "long"), bytes, sizeof bytes - 1), 0);
    assert_string_equal(folder_read(folder, "long"), bytes);
    assert_int_equal(outfile_write(folder_path(folder, "empty"), "", 0), 0);
    assert_int_equal(stat(folder_path(folder, "empty"), &file), 0);
    assert_int_equal(file.st_size, 0);
}

/* A row of the table below. */
#define IN_FOLDER(test) cmocka_unit_test_setup_teardown(test, folder_set_up, folder_tear_down)

int main(void)
{
    const struct CMUnitTest tests[] = {
        IN_FOLDER(before_the_commit_there_is_no_file),
        IN_FOLDER(an_abandoned_file_leaves_nothing),
        IN_FOLDER(what_was_there_stays_until_the_commit),
        IN_FOLDER(a_link_stays_a_link),
        IN_FOLDER(leftovers_are_no_hindrance),
        IN_FOLDER(the_mode_is_left_to_the_umask),
        IN_FOLDER(wrong_paths_have_their_errors),
        IN_FOLDER(a_full_disk_is_seen),
        IN_FOLDER(a_device_is_written_in_place),
        IN_FOLDER(every_byte_is_there),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
