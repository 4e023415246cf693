/* The words that charts are drawn in: axes, and text that any name may be. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

#include "../bench/svg.h"

#include <math.h>
#include <stdlib.h>

static void axes_map_values_to_pixels(void **state)
{
    (void)state;
    const struct axis plain = {0, 400, 100, 900, 0}, down = {1, 1000, 500, 200, 1};
    assert_true(fabs(axis_at(&plain, 100) - 300) < 1e-9);
    assert_true(fabs(axis_at(&down, 10) - 400) < 1e-9);
    assert_true(fabs(axis_at(&down, 1000) - 200) < 1e-9);
    assert_true(axis_at(&plain, 500) == 900);
    assert_true(axis_at(&plain, -5) == 100);
    assert_true(axis_at(&down, 0.001) == 500);
}

static void any_text_becomes_xml(void **state)
{
    (void)state;
    static const struct {
        const char *text, *escaped;
    } cases[] = {
        {"", ""},
        {"conv2d:c8", "conv2d:c8"},
        {"a<b>&\"c\"'", "a&lt;b&gt;&amp;&quot;c&quot;'"},
        {"caf\xc3\xa9 \xe2\x82\xac \xf0\x9f\x98\x80", "caf\xc3\xa9 \xe2\x82\xac \xf0\x9f\x98\x80"},
        {"\x01\t\x7f", "???"},
        {"\xff\xc3", "??"},             /* no first byte; one that is alone */
        {"\xc0\xaf", "??"},             /* too long a form of '/' */
        {"\xed\xa0\x80", "???"},        /* half of a pair */
        {"\xef\xbf\xbf", "???"},        /* XML does not take U+FFFF */
        {"\xf4\x90\x80\x80z", "????z"}, /* behind the last character */
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        char *text;
        size_t size;
        FILE *out = open_memstream(&text, &size);
        svg_escaped(out, cases[i].text);
        fclose(out);
        assert_string_equal(text, cases[i].escaped);
        free(text);
    }
}

static void a_character_has_one_width(void **state)
{
    (void)state;
    assert_true(svg_text_width("caf\xc3\xa9") == svg_text_width("cafe"));
    assert_true(svg_text_width("") == 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(axes_map_values_to_pixels),
        cmocka_unit_test(any_text_becomes_xml),
        cmocka_unit_test(a_character_has_one_width),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
