/* .npy files, made here byte by byte as the format's description says. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

#include "../runtime/cli/npy.h"
#include "support/folder.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

/* A file's bytes. */
struct bytes {
    unsigned char at[4096];
    size_t size;
};

static void add(struct bytes *file, const void *bytes, size_t size)
{
    assert_true(file->size + size <= sizeof file->at);
    if (size)
        memcpy(file->at + file->size, bytes, size);
    file->size += size;
}

/* Version 1 has two bytes for the header's length, later ones four; the data begin at a multiple of 64. */
static struct bytes file_of(int version, const char *dictionary, const void *data, size_t size)
{
    struct bytes file = {.size = 0};
    size_t front = version == 1 ? 10 : 12, length = strlen(dictionary);
    size_t padded = (front + length + 1 + 63) / 64 * 64 - front;
    const unsigned char prefix[] = {0x93,
                                    'N',
                                    'U',
                                    'M',
                                    'P',
                                    'Y',
                                    (unsigned char)version,
                                    0,
                                    (unsigned char)padded,
                                    (unsigned char)(padded >> 8),
                                    0,
                                    0};
    add(&file, prefix, front);
    add(&file, dictionary, length);
    while (file.size < front + padded - 1)
        add(&file, " ", 1);
    add(&file, "\n", 1);
    add(&file, data, size);
    return file;
}

static struct bytes floats_of(const char *order, const char *shape, const float *data, int count)
{
    char dictionary[256];
    snprintf(dictionary, sizeof dictionary, "{'descr': '<f4', 'fortran_order': %s, 'shape': %s, }", order,
             shape);
    return file_of(1, dictionary, data, (size_t)count * sizeof *data);
}

static npy_status read_bytes(struct folder *folder, const struct bytes *file, struct npy *array, char *error)
{
    folder_write(folder, "x.npy", file->at, file->size);
    *error = 0;
    return npy_read(folder_path(folder, "x.npy"), array, error);
}

static void check_floats(const struct npy *array, const float *want, int64_t count)
{
    assert_int_equal(array->dtype, CJ_F32);
    assert_int_equal(array->count, count);
    assert_non_null(array->data);
    assert_int_equal((uintptr_t)array->data % 64, 0);
    assert_memory_equal(array->data, want, (size_t)count * sizeof *want);
}

static void every_version_is_read(void **state)
{
    static const float data[] = {1, 2.5f, -3, 0x1p-149f, 5, -0.0f};
    for (int version = 1; version <= 3; version++) {
        struct npy array;
        char error[NPY_ERROR_SIZE];
        struct bytes file =
            file_of(version, "{'descr': '<f4', 'fortran_order': False, 'shape': (2, 3), }", data, sizeof data);
        assert_int_equal(read_bytes(*state, &file, &array, error), NPY_OK);
        assert_int_equal(array.rank, 2);
        assert_int_equal(array.shape[0], 2);
        assert_int_equal(array.shape[1], 3);
        check_floats(&array, data, 6);
        npy_free(&array);
        assert_null(array.data);
    }
}

/* Version 1 holds headers of up to 65535 bytes; beyond a megabyte no header is taken for one. */
static void long_headers_are_read(void **state)
{
    static const struct {
        int version;
        size_t length;
        npy_status status;
    } rows[] = {{1, 65535, NPY_OK}, {2, 65536, NPY_OK}, {3, 1 << 20, NPY_OK}, {2, (1 << 20) + 1, NPY_WRONG}};
    static const char dictionary[] = "{'descr': '<f4', 'fortran_order': False, 'shape': (1,), }";
    static const float data = 7;
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        struct npy array;
        char error[NPY_ERROR_SIZE] = "";
        size_t length = rows[i].length, front = rows[i].version == 1 ? 10 : 12;
        unsigned char *bytes = malloc(front + length + sizeof data);
        assert_non_null(bytes);
        memcpy(bytes, "\x93NUMPY", 6);
        const unsigned char rest[] = {(unsigned char)rows[i].version, 0,
                                      (unsigned char)length,          (unsigned char)(length >> 8),
                                      (unsigned char)(length >> 16),  0};
        memcpy(bytes + 6, rest, front - 6);
        memset(bytes + front, ' ', length);
        memcpy(bytes + front, dictionary, sizeof dictionary - 1);
        bytes[front + length - 1] = '\n';
        memcpy(bytes + front + length, &data, sizeof data);
        folder_write(*state, "x.npy", bytes, front + length + sizeof data);
        free(bytes);
        assert_int_equal(npy_read(folder_path(*state, "x.npy"), &array, error), rows[i].status);
        if (rows[i].status == NPY_OK)
            check_floats(&array, &data, 1);
        npy_free(&array);
    }
}

static void doubles_are_read(void **state)
{
    static const double data[] = {1.0 / 3, -1e300};
    struct npy array;
    char error[NPY_ERROR_SIZE];
    struct bytes file =
        file_of(1, "{'descr': '<f8', 'fortran_order': False, 'shape': (2,), }", data, sizeof data);
    assert_int_equal(read_bytes(*state, &file, &array, error), NPY_OK);
    assert_int_equal(array.dtype, CJ_F64);
    assert_int_equal(array.count, 2);
    assert_memory_equal(array.data, data, sizeof data);
    npy_free(&array);
}

/* Element (a, b, c) of a shape (2, 3, 4) is the a + 2*b + 6*c-th in Fortran's order. */
static void fortran_order_is_turned(void **state)
{
    float data[24], want[24];
    struct npy array;
    char error[NPY_ERROR_SIZE];
    for (int a = 0; a < 2; a++)
        for (int b = 0; b < 3; b++)
            for (int c = 0; c < 4; c++)
                data[a + 2 * b + 6 * c] = want[(a * 3 + b) * 4 + c] = (float)(100 * a + 10 * b + c);
    struct bytes file = floats_of("True", "(2, 3, 4)", data, 24);
    assert_int_equal(read_bytes(*state, &file, &array, error), NPY_OK);
    check_floats(&array, want, 24);
    npy_free(&array);
    file = floats_of("True", "(24,)", data, 24);
    assert_int_equal(read_bytes(*state, &file, &array, error), NPY_OK);
    check_floats(&array, data, 24);
    npy_free(&array);
}

static void doubles_in_fortran_order_are_turned(void **state)
{
    static const double data[] = {1, 2, 3, 4, 5, 6}, want[] = {1, 3, 5, 2, 4, 6};
    struct npy array;
    char error[NPY_ERROR_SIZE];
    struct bytes file =
        file_of(2, "{'descr': '<f8', 'fortran_order': True, 'shape': (2, 3), }", data, sizeof data);
    assert_int_equal(read_bytes(*state, &file, &array, error), NPY_OK);
    assert_memory_equal(array.data, want, sizeof want);
    npy_free(&array);
}

static void single_numbers_and_nothing_are_arrays(void **state)
{
    static const float data[] = {7};
    static const struct {
        const char *shape;
        int rank, count;
    } rows[] = {{"()", 0, 1},     {"(1, 1, 1)", 3, 1},
                {"(0,)", 1, 0},   {"(3, 0, 2)", 3, 0},
                {"(0, 0)", 2, 0}, {"(9223372036854775807, 9223372036854775807, 0)", 3, 0}};
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        for (int fortran = 0; fortran < 2; fortran++) {
            struct npy array;
            char error[NPY_ERROR_SIZE];
            struct bytes file = floats_of(fortran ? "True" : "False", rows[i].shape, data, rows[i].count);
            if (read_bytes(*state, &file, &array, error) != NPY_OK)
                fail_msg("%s: %s", rows[i].shape, error);
            assert_int_equal(array.rank, rows[i].rank);
            check_floats(&array, data, rows[i].count);
            npy_free(&array);
        }
    }
}

/* ---- Files that are refused ---- */

static void check_refused(struct folder *folder, const struct bytes *file, npy_status status, const char *words)
{
    struct npy array;
    char error[NPY_ERROR_SIZE];
    npy_status got = read_bytes(folder, file, &array, error);
    const char *path = folder_path(folder, "x.npy");
    if (got != status || !strstr(error, words) || strncmp(error, path, strlen(path)) != 0)
        fail_msg("status %d, \"%s\", which should begin with the path and hold \"%s\"", (int)got, error, words);
    assert_null(array.data);
}

static void sizes_that_lie_are_refused(void **state)
{
    static const float data[6] = {0};
    static const char *const shapes[] = {"()",
                                         "(0,)",
                                         "(5,)",
                                         "(7,)",
                                         "(2, 4)",
                                         "(1000000000000,)",
                                         "(1152921504606846976,)",
                                         "(4294967296, 4294967296)",
                                         "(9223372036854775807, 9223372036854775807)",
                                         "(6, 4611686018427387904, 4)"};
    for (size_t i = 0; i < sizeof shapes / sizeof *shapes; i++) {
        for (int fortran = 0; fortran < 2; fortran++) {
            struct bytes file = floats_of(fortran ? "True" : "False", shapes[i], data, 6);
            check_refused(*state, &file, NPY_WRONG, "shape");
        }
    }
}

static void what_is_no_npy_file_is_refused(void **state)
{
    static const float data[6] = {0};
    const struct bytes right = floats_of("False", "(6,)", data, 6);
    struct bytes file = right;
    file.at[0] = 'x';
    check_refused(*state, &file, NPY_WRONG, "is no .npy file");
    file = right, file.at[6] = 4;
    check_refused(*state, &file, NPY_UNSUPPORTED, "version 4.0");
    file = right, file.at[6] = 0;
    check_refused(*state, &file, NPY_UNSUPPORTED, "version 0.0");
    file = right, file.at[7] = 1;
    check_refused(*state, &file, NPY_UNSUPPORTED, "version 1.1");
    file = right, add(&file, "\0", 1);
    check_refused(*state, &file, NPY_WRONG, "its shape");
    file = right, file.at[8] = file.at[9] = 255;
    check_refused(*state, &file, NPY_WRONG, "header");
    file = file_of(2, "{'descr': '<f4', 'fortran_order': False, 'shape': (6,), }", data, sizeof data);
    memset(file.at + 8, 255, 4);
    check_refused(*state, &file, NPY_WRONG, "header of 4294967295 bytes");
    file = file_of(1, "{'descr': '>f4', 'fortran_order': False, 'shape': (6,), }", data, sizeof data);
    check_refused(*state, &file, NPY_UNSUPPORTED, "'>f4'");
    file = file_of(1, "{'descr': '<i4', 'fortran_order': False, 'shape': (6,), }", data, sizeof data);
    check_refused(*state, &file, NPY_UNSUPPORTED, "'<i4'");
    file = file_of(1, "{'descr': '<f4', 'fortran_order': False}", data, sizeof data);
    check_refused(*state, &file, NPY_WRONG, "'shape'");
}

static void files_that_end_early_are_refused(void **state)
{
    static const float data[6] = {0};
    for (int version = 1; version <= 2; version++) {
        struct bytes file =
            file_of(version, "{'descr': '<f4', 'fortran_order': True, 'shape': (2, 3), }", data, sizeof data);
        while (file.size-- > 0)
            check_refused(*state, &file, NPY_WRONG, file.size < 128 ? "ends inside" : "bytes of data");
    }
}

/* A pipe has no size to compare with. */
static npy_status read_pipe(const struct bytes *file, struct npy *array, char *error)
{
    int ends[2];
    char path[32];
    assert_int_equal(pipe(ends), 0);
    assert_int_equal(write(ends[1], file->at, file->size), file->size);
    close(ends[1]);
    snprintf(path, sizeof path, "/dev/fd/%d", ends[0]);
    npy_status status = npy_read(path, array, error);
    close(ends[0]);
    return status;
}

static void pipes_are_read(void **state)
{
    (void)state;
    static const float data[] = {1, 2, 3, 4};
    struct npy array;
    char error[NPY_ERROR_SIZE];
    struct bytes file = floats_of("True", "(2, 2)", data, 4);
    assert_int_equal(read_pipe(&file, &array, error), NPY_OK);
    check_floats(&array, (const float[]){1, 3, 2, 4}, 4);
    npy_free(&array);
    add(&file, data, 1);
    assert_int_equal(read_pipe(&file, &array, error), NPY_WRONG);
    assert_null(array.data);
    file.size -= 2;
    assert_int_equal(read_pipe(&file, &array, error), NPY_WRONG);
    assert_null(array.data);
}

static void paths_that_lead_nowhere_are_wrong(void **state)
{
    struct folder *folder = *state;
    const char *const paths[] = {folder_path(folder, "none.npy"), folder->path, "", "/dev/null"};
    for (size_t i = 0; i < sizeof paths / sizeof *paths; i++) {
        struct npy array;
        char error[NPY_ERROR_SIZE] = "";
        assert_int_equal(npy_read(paths[i], &array, error), NPY_WRONG);
        assert_ptr_equal(strstr(error, paths[i]), error);
        assert_null(array.data);
    }
}

/* Overwriting any byte of the header gives a verdict; what is read then still fits the file. */
static void damaged_files_have_a_verdict(void **state)
{
    static const float data[6] = {0};
    static const unsigned char with[] = {0, 1, ' ', '0', '9', '\'', '(', ',', 255};
    const struct bytes right = floats_of("True", "(2, 3)", data, 6);
    for (size_t at = 0; at < 80; at++) {
        for (size_t i = 0; i < sizeof with; i++) {
            struct bytes file = right;
            struct npy array;
            char error[NPY_ERROR_SIZE];
            file.at[at] = with[i];
            npy_status status = read_bytes(*state, &file, &array, error);
            assert_true(status == NPY_OK ? array.count == 6 && array.data : *error && !array.data);
            npy_free(&array);
        }
    }
}

/* ---- Writing ---- */

static void check_written(struct folder *folder, const struct npy *array, const char *dictionary)
{
    char error[NPY_ERROR_SIZE] = "";
    size_t bytes = (size_t)array->count * (array->dtype == CJ_F64 ? 8 : 4);
    struct bytes want = file_of(1, dictionary, array->data, bytes);
    if (npy_write(folder_path(folder, "y.npy"), array, error) != NPY_OK)
        fail_msg("%s", error);
    assert_memory_equal(folder_read(folder, "y.npy"), want.at, want.size);
    FILE *file = fopen(folder_path(folder, "y.npy"), "rb");
    assert_non_null(file);
    fseek(file, 0, SEEK_END);
    assert_int_equal(ftell(file), want.size);
    fclose(file);
}

static void files_are_written_as_numpy_does(void **state)
{
    float narrow[6] = {1, -2, 3.5f, INFINITY, NAN, 0};
    double wide[6] = {1, -2, 1.0 / 3};
    struct npy array = {.dtype = CJ_F32, .rank = 2, .shape = {2, 3}, .count = 6, .data = narrow};
    check_written(*state, &array, "{'descr': '<f4', 'fortran_order': False, 'shape': (2, 3), }");
    array = (struct npy){.dtype = CJ_F64, .rank = 1, .shape = {6}, .count = 6, .data = wide};
    check_written(*state, &array, "{'descr': '<f8', 'fortran_order': False, 'shape': (6,), }");
    array = (struct npy){.dtype = CJ_F32, .rank = 0, .count = 1, .data = narrow};
    check_written(*state, &array, "{'descr': '<f4', 'fortran_order': False, 'shape': (), }");
    array = (struct npy){.dtype = CJ_F32, .rank = 3, .shape = {0, 4, 1}, .count = 0, .data = narrow};
    check_written(*state, &array, "{'descr': '<f4', 'fortran_order': False, 'shape': (0, 4, 1), }");
}

/* Dictionaries of many lengths, some of which end at a multiple of 64 of themselves. */
static void data_begin_at_a_multiple_of_64(void **state)
{
    float none[1];
    char text[128];
    for (int64_t size = 1, digits = 0; digits < 18; size *= 10, digits++) {
        struct npy array = {.dtype = CJ_F32,
                            .rank = 6,
                            .shape = {0, size, 1000000000, 10000000, 1, 1},
                            .count = 0,
                            .data = none};
        snprintf(text, sizeof text,
                 "{'descr': '<f4', 'fortran_order': False, 'shape': (0, %lld, 1000000000, 10000000, 1, 1), }",
                 (long long)size);
        check_written(*state, &array, text);
    }
}

static void what_cannot_be_written_leaves_nothing(void **state)
{
    struct folder *folder = *state;
    static float data[100000];
    char error[NPY_ERROR_SIZE] = "";
    struct npy array = {.dtype = CJ_F32, .rank = 1, .shape = {100000}, .count = 100000, .data = data};
    const char *path = folder_path(folder, "no/such/place.npy");
    assert_int_equal(npy_write(path, &array, error), NPY_WRONG);
    assert_ptr_equal(strstr(error, path), error);
    assert_int_equal(npy_write(folder->path, &array, error), NPY_WRONG);
    assert_int_equal(folder_entries(folder), 0);
    if (access("/dev/full", W_OK) != 0)
        skip();
    assert_int_equal(npy_write("/dev/full", &array, error), NPY_SYSTEM);
    array.count = array.shape[0] = 1;
    assert_int_equal(npy_write("/dev/full", &array, error), NPY_SYSTEM);
    assert_ptr_equal(strstr(error, "/dev/full"), error);
}

/* ---- Memory and types ---- */

static void sizes_that_overflow_get_no_memory(void **state)
{
    (void)state;
    struct npy array = {.dtype = CJ_F32, .rank = 2, .shape = {INT64_MAX, 2}};
    assert_false(npy_allocate(&array));
    array.shape[1] = 1;
    assert_false(npy_allocate(&array)); /* whose bytes overflow */
    array.shape[0] = 3;
    assert_true(npy_allocate(&array));
    check_floats(&array, (const float[]){0, 0, 0}, 3);
    npy_free(&array);
}

static void narrowing_rounds_to_nearest(void **state)
{
    (void)state;
    static const double wide[] = {1 + 0x1p-24, 1 + 0x1.8p-23, 1 + 0x1.000002p-24, -1e-50, 1e300, 0.1};
    static const float narrow[] = {1, 1 + 0x1p-22f, 1 + 0x1p-23f, -0.0f, INFINITY, 0.1f};
    struct npy array = {.dtype = CJ_F64, .rank = 1, .shape = {6}};
    assert_true(npy_allocate(&array));
    memcpy(array.data, wide, sizeof wide);
    assert_true(npy_convert(&array, CJ_F64));
    assert_memory_equal(array.data, wide, sizeof wide);
    assert_true(npy_convert(&array, CJ_F32));
    assert_int_equal(array.rank, 1);
    assert_int_equal(array.shape[0], 6);
    check_floats(&array, narrow, 6);
    assert_true(npy_convert(&array, CJ_F64));
    assert_int_equal(array.dtype, CJ_F64);
    for (int i = 0; i < 6; i++)
        assert_true(((const double *)array.data)[i] == (double)narrow[i]);
    npy_free(&array);
}

/* A row of the table below. */
#define IN_FOLDER(test) cmocka_unit_test_setup_teardown(test, folder_set_up, folder_tear_down)

int main(void)
{
    const struct CMUnitTest tests[] = {
        IN_FOLDER(every_version_is_read),
        IN_FOLDER(long_headers_are_read),
        IN_FOLDER(doubles_are_read),
        IN_FOLDER(fortran_order_is_turned),
        IN_FOLDER(doubles_in_fortran_order_are_turned),
        IN_FOLDER(single_numbers_and_nothing_are_arrays),
        IN_FOLDER(sizes_that_lie_are_refused),
        IN_FOLDER(what_is_no_npy_file_is_refused),
        IN_FOLDER(files_that_end_early_are_refused),
        IN_FOLDER(pipes_are_read),
        IN_FOLDER(paths_that_lead_nowhere_are_wrong),
        IN_FOLDER(damaged_files_have_a_verdict),
        IN_FOLDER(files_are_written_as_numpy_does),
        IN_FOLDER(data_begin_at_a_multiple_of_64),
        IN_FOLDER(what_cannot_be_written_leaves_nothing),
        IN_FOLDER(sizes_that_overflow_get_no_memory),
        IN_FOLDER(narrowing_rounds_to_nearest),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
