/* Layers as calls: ranks, defaults, what is refused, and calls put another way. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

#include "../bench/peers/translate.h"
#include "support/capture.h"

#include <string.h>

static const struct overrides none = OVERRIDES_NONE;

static int translate(const char *shape, struct call *call)
{
    struct layer_list list = {0};
    assert_int_equal(layers_add(&list, "", shape, &none), EXIT_DONE);
    int status = call_of_layer(&list.at[0], 2, call);
    layers_free(&list);
    return status;
}

/* The line that a call of a layer is; as rewritten in NCHW if asked for, "" where there is no such call. */
static void expect(const char *shape, bool rewrite, const char *line)
{
    struct call call, rewritten;
    char text[CALL_TEXT] = "";
    assert_int_equal(translate(shape, &call), EXIT_DONE);
    if (!rewrite)
        call_write(&call, text);
    else if (call_rewrite(&call, &rewritten))
        call_write(&rewritten, text);
    if (strcmp(text, line) != 0)
        print_error("%s%s\n", shape, rewrite ? ", rewritten" : "");
    assert_string_equal(text, line);
}

static void numbers_are_those_of_the_layer(void **state)
{
    (void)state;
    expect("conv2d:n3:c4:o6:g2:i9x8:k3x2:s2x1:p1~0x0~1:d1x2", false,
           "nchw 2 0 2 3 2 4 6 9 8 4 7 3 2 2 1 1 2 1 0 0 1 0 0");
    expect("conv_transpose2d:c4:o6:i5x7:k3x2:s2x1:op1x0", false,
           "nchw 2 1 2 1 1 4 6 5 7 12 8 3 2 2 1 1 1 0 0 0 0 1 0");
}

static void leading_unit_dimensions_are_left_out(void **state)
{
    (void)state;
    expect("conv3d:c4:o4:i1x9x8:k1x3x3", false, "nchw 2 0 2 1 1 4 4 9 8 7 6 3 3 1 1 1 1 0 0 0 0 0 0");
    expect("conv3d:c4:o4:i1x1x8:k1x1x3", false, "nchw 2 0 1 1 1 4 4 8 6 3 1 1 0 0 0");
    expect("conv3d:c4:o4:i1x1x1:k1x1x1", false, "nchw 2 0 2 1 1 4 4 1 1 1 1 1 1 1 1 1 1 0 0 0 0 0 0");
    expect("conv3d:c4:o4:i1x4x4:k1x1x1:p1x0x0", false,
           "nchw 2 0 3 1 1 4 4 1 4 4 3 4 4 1 1 1 1 1 1 1 1 1 1 0 0 1 0 0 0 0 0");
    expect("conv_transpose3d:c4:o4:i1x1x1:k1x4x4", false, "nchw 2 1 2 1 1 4 4 1 1 4 4 4 4 1 1 1 1 0 0 0 0 0 0");
}

static void calls_are_put_another_way(void **state)
{
    (void)state;
    expect("conv1d:c4:o6:i9:k3:s2:p1:d2", true, "nchw 2 0 2 1 1 4 6 1 9 1 4 1 3 1 2 1 2 0 1 0 1 0 0");
    expect("conv_transpose1d:c4:o6:i9:k3:s2:op1", true, "nchw 2 1 2 1 1 4 6 1 9 1 20 1 3 1 2 1 1 0 0 0 0 0 1");
    expect("conv2d:n7:c4:o6:i1x1:k1x1", true, "nhwc 2 0 2 1 1 4 6 1 7 1 7 1 1 1 1 1 1 0 0 0 0 0 0");
    expect("conv2d:n1:c4:o6:i1x1:k1x1", true, "");
    expect("conv2d:n7:c4:o6:g2:i1x1:k1x1", true, "");
    expect("conv2d:n7:c4:o6:i2x1:k1x1", true, "");
    expect("conv2d:n7:c4:o6:i1x1:k1x1:p1x0", true, "");
    expect("conv_transpose2d:n7:c4:o6:i1x1:k1x1", true, "");
    expect("conv2d:n7:c4:o6:i4x4:k3x3", true, "");
}

static void a_call_describes_the_layer(void **state)
{
    (void)state;
    static const char *const shapes[] = {"conv2d:n3:c4:o6:g2:i9x8:k3x2:s2x1:p1~0x0~1:d1x2",
                                         "conv_transpose3d:n1:c4:o6:i5x7x3:k3x2x1:s2x1x1:op1x0x0"};
    for (size_t i = 0; i < 2; i++) {
        struct call call;
        char text[512], given[512];
        cj_conv_desc desc, parsed;
        int64_t batch;
        assert_int_equal(translate(shapes[i], &call), EXIT_DONE);
        desc = desc_of_call(&call);
        assert_int_equal(cj_desc_print(&desc, call.batch, text, sizeof text), CJ_OK);
        assert_int_equal(cj_desc_parse(shapes[i], &parsed, &batch), CJ_OK);
        assert_int_equal(cj_desc_print(&parsed, batch, given, sizeof given), CJ_OK);
        assert_string_equal(text, given);
    }
}

static void what_peers_cannot_be_asked_is_refused(void **state)
{
    (void)state;
    static const char *const shapes[] = {"separable_conv2d:c4:o4:i9:k3", "conv2d:c4:o4:i9:k3:tf64",
                                         "conv2d:c4:o4:i9:k3:b1",        "conv2d:c4:o4:i9:k3:post=relu",
                                         "conv2d:c4:o4:i9:k3:psame",     "conv2d:c4:o4:i9:k3:p1:pmreflect"};
    for (size_t i = 0; i < sizeof shapes / sizeof *shapes; i++) {
        struct call call;
        char told[512];
        capture_begin();
        int status = translate(shapes[i], &call);
        assert_int_equal(capture_end(told, sizeof told), 1);
        assert_int_equal(status, EXIT_CANNOT);
        assert_non_null(strstr(told, shapes[i]));
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(numbers_are_those_of_the_layer),
        cmocka_unit_test(leading_unit_dimensions_are_left_out),
        cmocka_unit_test(calls_are_put_another_way),
        cmocka_unit_test(a_call_describes_the_layer),
        cmocka_unit_test(what_peers_cannot_be_asked_is_refused),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
