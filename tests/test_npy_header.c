/* The dictionary in front of an .npy file's data, read and written. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

#include "../runtime/cli/npy_header.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* Parse a copy that ends where the text does, so that a sanitizer sees a read behind it. */
static npy_status parse(const char *text, struct npy *array, bool *fortran, char *error)
{
    size_t size = strlen(text);
    char *copy = malloc(size ? size : 1);
    assert_non_null(copy);
    memcpy(copy, text, size);
    *array = (struct npy){0};
    npy_status status = npy_header_parse(copy, size, array, fortran, error);
    free(copy);
    return status;
}

static void headers_are_read(void **state)
{
    (void)state;
    static const struct {
        const char *text;
        cj_dtype dtype;
        bool fortran;
        int rank;
        int64_t shape[4];
    } rows[] = {
        {"{'descr': '<f4', 'fortran_order': False, 'shape': (3, 4), }", CJ_F32, false, 2, {3, 4}},
        {"{'descr': '<f8', 'fortran_order': True, 'shape': (3,), }   \n", CJ_F64, true, 1, {3}},
        {"{\"shape\":(5,6,7),\"fortran_order\":False,\"descr\":\"<f4\"}", CJ_F32, false, 3, {5, 6, 7}},
        {"{'descr': '<f4', 'fortran_order': False, 'shape': ()}", CJ_F32, false, 0, {0}},
        {"{'descr': '<f4', 'fortran_order': False, 'shape': ( ) , }", CJ_F32, false, 0, {0}},
        {"{'descr': '<f4', 'fortran_order': False, 'shape': (0, 2)}", CJ_F32, false, 2, {0, 2}},
        {"{'descr': '<f4', 'fortran_order': False, 'shape': (2L, 3L), }", CJ_F32, false, 2, {2, 3}},
        {" {\n'descr' : '<f8' ,\t'fortran_order' : True , 'shape' : ( 1 , 2 , ) } ", CJ_F64, true, 2, {1, 2}},
        {"{'descr': '<f4', 'fortran_order': False, 'shape': (9223372036854775807,)}",
         CJ_F32,
         false,
         1,
         {INT64_MAX}},
    };
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        struct npy array;
        bool fortran;
        char error[NPY_ERROR_SIZE] = "";
        if (parse(rows[i].text, &array, &fortran, error) != NPY_OK)
            fail_msg("%s: %s", rows[i].text, error);
        assert_int_equal(array.dtype, rows[i].dtype);
        assert_int_equal(fortran, rows[i].fortran);
        assert_int_equal(array.rank, rows[i].rank);
        for (int d = 0; d < array.rank; d++)
            assert_int_equal(array.shape[d], rows[i].shape[d]);
    }
}

static void check_refused(const char *text, npy_status status, const char *words)
{
    struct npy array;
    bool fortran;
    char error[NPY_ERROR_SIZE] = "";
    npy_status got = parse(text, &array, &fortran, error);
    if (got != status || !strstr(error, words) || strchr(error, '\n'))
        fail_msg("%s: status %d, \"%s\", which should hold \"%s\"", text, (int)got, error, words);
}

static void what_is_no_header_is_refused(void **state)
{
    (void)state;
    static const struct {
        const char *text, *words;
    } rows[] = {
        {"", "dictionary"},
        {"   ", "dictionary"},
        {"[1]", "dictionary"},
        {"{", "dictionary"},
        {"{}", "no 'descr'"},
        {"{'descr'}", "dictionary"},
        {"{'descr':", "descr"},
        {"{'descr': '<f4", "descr"},
        {"{'descr': '<f4\\x00'", "descr"},
        {"{'descr': 4, 'fortran_order': False, 'shape': (3,)}", "descr"},
        {"{'descr': 'a type of forty letters and of no sense', 'shape': (3,)}", "descr"},
        {"{'descr': 'four bytes', 'fortran_order': False, 'shape': (3,)}", "descr 'four bytes'"},
        {"{'descr': '', 'fortran_order': False, 'shape': (3,)}", "descr ''"},
        {"{'descr': '<f4' 'fortran_order': False, 'shape': (3,)}", "dictionary"},
        {"{'descr': '<f4', 'fortran_order': 0, 'shape': (3,)}", "fortran_order"},
        {"{'descr': '<f4', 'fortran_order': Tru", "fortran_order"},
        {"{'descr': '<f4', 'fortran_order': False, 'shape': 3}", "shape"},
        {"{'descr': '<f4', 'fortran_order': False, 'shape': [3]}", "shape"},
        {"{'descr': '<f4', 'fortran_order': False, 'shape': (3)}", "shape"},
        {"{'descr': '<f4', 'fortran_order': False, 'shape': (3", "shape"},
        {"{'descr': '<f4', 'fortran_order': False, 'shape': (3,", "shape"},
        {"{'descr': '<f4', 'fortran_order': False, 'shape': (,)}", "entry 0"},
        {"{'descr': '<f4', 'fortran_order': False, 'shape': (2, -3)}", "entry 1"},
        {"{'descr': '<f4', 'fortran_order': False, 'shape': (2, 3.5)}", "shape"},
        {"{'descr': '<f4', 'fortran_order': False, 'shape': (2 3)}", "shape"},
        {"{'descr': '<f4', 'fortran_order': False, 'shape': (9223372036854775808,)}", "entry 0"},
        {"{'descr': '<f4', 'fortran_order': False, 'shape': (99999999999999999999999,)}", "entry 0"},
        {"{'descr': '<f4', 'fortran_order': False}", "no 'shape'"},
        {"{'descr': '<f4', 'shape': (3,)}", "no 'fortran_order'"},
        {"{'descr': '<f4', 'fortran_order': False, 'shape': (3,), 'descr': '<f4'}", "'descr' twice"},
        {"{'descr': '<f4', 'fortran_order': False, 'shape': (3,), 'extra': 1}", "'extra'"},
        {"{'descr': '<f4', 'fortran_order': False, 'shape': (3,)} more", "behind"},
        {"{'descr': '<f4', 'fortran_order': False, 'shape': (3,)}}", "behind"},
    };
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++)
        check_refused(rows[i].text, NPY_WRONG, rows[i].words);
}

/* Right, but of another kind: that is not the file's fault. */
static void other_types_are_not_supported(void **state)
{
    (void)state;
    static const char *const types[] = {">f4", ">f8", "<f2", "<i4", "<i8", "|u1", "|b1",  "<c8",
                                        "=f4", "f4",  "<U5", "|S3", "|O",  "|V2", "<f16", "<M8[ns]"};
    for (size_t i = 0; i < sizeof types / sizeof *types; i++) {
        char text[128];
        snprintf(text, sizeof text, "{'descr': '%s', 'fortran_order': False, 'shape': (3,)}", types[i]);
        check_refused(text, NPY_UNSUPPORTED, types[i]);
    }
    check_refused("{'descr': [('x', '<f4')], 'fortran_order': False, 'shape': (3,)}", NPY_UNSUPPORTED,
                  "structured");
}

/* NumPy's own limit was 32 dimensions. */
static void shapes_have_at_most_so_many_dimensions(void **state)
{
    (void)state;
    for (int rank = NPY_MAX_RANK; rank <= NPY_MAX_RANK + 1; rank++) {
        char text[512] = "{'descr': '<f4', 'fortran_order': False, 'shape': (";
        for (int i = 0; i < rank; i++)
            strcat(text, "1, ");
        strcat(text, ")}");
        struct npy array;
        bool fortran;
        char error[NPY_ERROR_SIZE] = "";
        npy_status status = parse(text, &array, &fortran, error);
        assert_int_equal(status, rank > NPY_MAX_RANK ? NPY_UNSUPPORTED : NPY_OK);
    }
}

/* Whatever is cut off or overwritten, there is a verdict, and a sentence where it is no. */
static void damaged_headers_have_a_verdict(void **state)
{
    (void)state;
    static const char whole[] = "{'descr': '<f4', 'fortran_order': False, 'shape': (3, 4), }";
    static const char with[] = "{}()',:0-L <T\\\x01\xff";
    for (size_t at = 0; at < sizeof whole - 1; at++) {
        struct npy array;
        bool fortran;
        char text[sizeof whole], error[NPY_ERROR_SIZE] = "";
        memcpy(text, whole, sizeof whole);
        text[at] = 0;
        assert_int_equal(parse(text, &array, &fortran, error), NPY_WRONG);
        for (size_t i = 0; i < sizeof with - 1; i++) {
            memcpy(text, whole, sizeof whole);
            text[at] = with[i];
            *error = 0;
            npy_status status = parse(text, &array, &fortran, error);
            assert_true(status == NPY_OK ? array.rank <= 3 : *error != 0);
        }
    }
}

/* As NumPy writes them: a comma stands behind a single size. */
static void headers_are_written_as_numpy_does(void **state)
{
    (void)state;
    static const struct {
        struct npy array;
        const char *text;
    } rows[] = {
        {{.dtype = CJ_F32, .rank = 0}, "{'descr': '<f4', 'fortran_order': False, 'shape': (), }"},
        {{.dtype = CJ_F64, .rank = 1, .shape = {3}},
         "{'descr': '<f8', 'fortran_order': False, 'shape': (3,), }"},
        {{.dtype = CJ_F32, .rank = 3, .shape = {2, 0, 40}},
         "{'descr': '<f4', 'fortran_order': False, 'shape': (2, 0, 40), }"},
        {{.dtype = CJ_F32, .rank = 2, .shape = {INT64_MAX, 1}},
         "{'descr': '<f4', 'fortran_order': False, 'shape': (9223372036854775807, 1), }"},
    };
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        char text[200], cut[8];
        assert_int_equal(npy_header_print(&rows[i].array, text, sizeof text), (int)strlen(rows[i].text));
        assert_string_equal(text, rows[i].text);
        assert_int_equal(npy_header_print(&rows[i].array, cut, sizeof cut), (int)strlen(rows[i].text));
        assert_string_equal(cut, "{'descr");
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(headers_are_read),
        cmocka_unit_test(what_is_no_header_is_refused),
        cmocka_unit_test(other_types_are_not_supported),
        cmocka_unit_test(shapes_have_at_most_so_many_dimensions),
        cmocka_unit_test(damaged_headers_have_a_verdict),
        cmocka_unit_test(headers_are_written_as_numpy_does),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
