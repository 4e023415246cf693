/* Pieces of text: what a word is, at the ends too, and which numbers are numbers. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

#include "../src/words.h"

#include <math.h>
#include <string.h>

/* A word in memory of exactly its size, so that a sanitizer sees a read behind it. */
static struct word word_of(const char *text)
{
    size_t length = strlen(text);
    char *copy = test_malloc(length + !length);
    memcpy(copy, text, length);
    return (struct word){copy, length};
}

static void drop(struct word word)
{
    test_free((char *)word.at);
}

static void pieces_are_what_lies_between_separators(void **state)
{
    (void)state;
    static const struct {
        const char *text, *pieces[5];
    } rows[] = {
        {"a:b:c", {"a", "b", "c"}}, {"abc", {"abc"}},         {"", {""}}, {":", {"", ""}}, {"a:", {"a", ""}},
        {":a", {"", "a"}},          {"a::b", {"a", "", "b"}},
    };
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        struct word whole = word_of(rows[i].text), rest = whole, word;
        int count = 0;
        while (word_next(&rest, ':', &word)) {
            assert_non_null(rows[i].pieces[count]);
            assert_true(word_is(word, rows[i].pieces[count]));
            count++;
        }
        assert_null(rows[i].pieces[count]);
        assert_false(word_next(&rest, ':', &word));
        drop(whole);
    }
}

static void a_word_is_all_of_it(void **state)
{
    (void)state;
    struct word word = word_of("same");
    assert_true(word_is(word, "same"));
    assert_false(word_is(word, "same_lower"));
    assert_false(word_is(word, "sam"));
    assert_false(word_is(word, ""));
    assert_true(word_is((struct word){word.at, 0}, ""));
    drop(word);
}

static void whole_numbers_are_digits_that_fit(void **state)
{
    (void)state;
    static const struct {
        const char *text;
        bool is;
        int64_t number;
    } rows[] = {
        {"0", true, 0},
        {"007", true, 7},
        {"9223372036854775807", true, INT64_MAX},
        {"9223372036854775808", false, 0},
        {"92233720368547758070", false, 0},
        {"18446744073709551617", false, 0},
        {"", false, 0},
        {"-1", false, 0},
        {"+1", false, 0},
        {" 1", false, 0},
        {"1 ", false, 0},
        {"1.0", false, 0},
        {"0x10", false, 0},
        {"1\n", false, 0},
        {"\xd9\xa3", false, 0}, /* a digit of another script */
    };
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        struct word word = word_of(rows[i].text);
        int64_t number = -1;
        if (word_number(word, &number) != rows[i].is)
            fail_msg("\"%s\" is %sa number", rows[i].text, rows[i].is ? "not taken for " : "taken for ");
        if (rows[i].is)
            assert_int_equal(number, rows[i].number);
        drop(word);
    }
}

static void real_numbers_are_decimal_and_whole_words(void **state)
{
    (void)state;
    static const struct {
        const char *text;
        bool is;
        double number;
    } rows[] = {
        {"0.1", true, 0.1},     {"-3", true, -3},    {"1e-5", true, 1e-5}, {".5", true, 0.5},
        {"1e20", true, 1e20},   {"-0", true, -0.0},  {"", false, 0},       {"x", false, 0},
        {"1x", false, 0},       {"1 ", false, 0},    {" 1", false, 0},     {"\t1", false, 0},
        {"nan", false, 0},      {"1e999", false, 0}, {"0x10", false, 0},   {"-0X1p3", false, 0},
        {"infinite", false, 0}, {"--1", false, 0},   {"1,5", false, 0},    {"1e", false, 0},
        {"nan(7)", false, 0},
    };
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        struct word word = word_of(rows[i].text);
        double number = 99;
        if (word_real(word, &number) != rows[i].is)
            fail_msg("\"%s\" is %sa number", rows[i].text, rows[i].is ? "not taken for " : "taken for ");
        if (rows[i].is)
            assert_true(number == rows[i].number && signbit(number) == signbit(rows[i].number));
        drop(word);
    }
}

/* A bound may be without end: clamp@0@inf. */
static void infinity_is_a_number(void **state)
{
    (void)state;
    struct word up = word_of("inf"), down = word_of("-inf");
    double number = 0;
    assert_true(word_real(up, &number));
    assert_true(isinf(number) && number > 0);
    assert_true(word_real(down, &number));
    assert_true(isinf(number) && number < 0);
    drop(up);
    drop(down);
}

static void numbers_longer_than_any_are_refused(void **state)
{
    (void)state;
    char digits[200];
    double real;
    int64_t whole;
    memset(digits, '1', sizeof digits);
    assert_false(word_real((struct word){digits, sizeof digits}, &real));
    assert_false(word_number((struct word){digits, sizeof digits}, &whole));
    assert_true(word_number((struct word){digits, 18}, &whole));
    assert_int_equal(whole, 111111111111111111);
}

static void copies_fit_with_their_end(void **state)
{
    (void)state;
    struct word word = word_of("four");
    char text[5];
    assert_true(word_copy(word, text, 5));
    assert_string_equal(text, "four");
    assert_false(word_copy(word, text, 4));
    assert_false(word_copy((struct word){word.at, 0}, text, 5));
    assert_false(word_copy(word, text, 0));
    drop(word);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(pieces_are_what_lies_between_separators),
        cmocka_unit_test(a_word_is_all_of_it),
        cmocka_unit_test(whole_numbers_are_digits_that_fit),
        cmocka_unit_test(real_numbers_are_decimal_and_whole_words),
        cmocka_unit_test(infinity_is_a_number),
        cmocka_unit_test(numbers_longer_than_any_are_refused),
        cmocka_unit_test(copies_fit_with_their_end),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
