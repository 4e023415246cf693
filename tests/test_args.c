/* Option tables: what is read, what is refused, and that the sentence names option and value. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

#include "../runtime/cli/args.h"
#include "support/capture.h"

#include <getopt.h>
#include <stdio.h>
#include <string.h>

struct settings {
    bool flag;
    const char *text;
    int choice, threads;
    double seconds;
};

static const struct choice colours[] = {{"red", 3}, {"green", 5}, {0}};
static const struct option_row rows[] = {
    {"flag", NULL, "a switch", read_flag, offsetof(struct settings, flag), NULL},
    {"text", "FILE", "a file", read_text, offsetof(struct settings, text), NULL},
    {"colour", "red|green", "a colour", read_choice, offsetof(struct settings, choice), colours},
    {"threads", "N", "how many", read_threads, offsetof(struct settings, threads), NULL},
    {"seconds", "S", "how long", read_amount, offsetof(struct settings, seconds), NULL},
};
static const struct command command = {"try", "WORD", "Tries.", rows, sizeof rows / sizeof *rows, NULL};

/* Words of a line, split at spaces; "_" is the empty word. */
struct line {
    char text[200];
    char *words[20];
    int count;
};

static void split(struct line *line, const char *text)
{
    char *save;
    snprintf(line->text, sizeof line->text, "try %s", text);
    line->count = 0;
    for (char *word = strtok_r(line->text, " ", &save); word; word = strtok_r(NULL, " ", &save))
        line->words[line->count++] = strcmp(word, "_") == 0 ? "" : word;
    line->words[line->count] = NULL;
    optind = 0; /* getopt starts again */
}

static int read_line(const char *text, struct settings *settings, struct arguments *rest)
{
    static struct line line; /* the settings point into it */
    split(&line, text);
    *settings = (struct settings){.choice = -1};
    return args_read(&command, line.count, line.words, settings, rest);
}

static void options_reach_their_fields(void **state)
{
    (void)state;
    struct settings s;
    struct arguments rest;
    assert_int_equal(
        read_line("one --text=a.npy --colour green two --flag --threads 1024 --seconds 2.5", &s, &rest),
        EXIT_DONE);
    assert_string_equal(s.text, "a.npy");
    assert_int_equal(s.choice, 5);
    assert_true(s.flag);
    assert_int_equal(s.threads, 1024);
    assert_true(s.seconds == 2.5);
    assert_int_equal(rest.count, 2);
    assert_string_equal(rest.words[0], "one");
    assert_string_equal(rest.words[1], "two");
    assert_int_equal(rest.given, 31);
}

static void what_is_not_given_is_left_alone(void **state)
{
    (void)state;
    struct settings s;
    struct arguments rest;
    assert_int_equal(read_line("--threads 1", &s, &rest), EXIT_DONE);
    assert_int_equal(s.choice, -1);
    assert_null(s.text);
    assert_false(s.flag);
    assert_int_equal(rest.given, 8);
    assert_int_equal(rest.count, 0);
    assert_int_equal(read_line("", &s, &rest), EXIT_DONE);
    assert_int_equal(rest.count, 0);
}

/* Behind "--" everything is a word; a value may look like an option. */
static void words_may_look_like_options(void **state)
{
    (void)state;
    struct settings s;
    struct arguments rest;
    assert_int_equal(read_line("--text --flag -- --colour", &s, &rest), EXIT_DONE);
    assert_string_equal(s.text, "--flag");
    assert_false(s.flag);
    assert_int_equal(rest.count, 1);
    assert_string_equal(rest.words[0], "--colour");
}

static void errors_name_option_and_value(void **state)
{
    (void)state;
    static const struct {
        const char *line, *named[2];
    } wrong[] = {
        {"--colour blue", {"--colour", "blue"}},
        {"--colour blue", {"red", "green"}},
        {"--colour _", {"--colour", "red"}},
        {"--colour RED", {"--colour", "RED"}},
        {"--text _", {"--text", "FILE"}},
        {"--text", {"--text", "value"}},
        {"one --seconds", {"--seconds", "value"}},
        {"--flag=yes", {"--flag=yes", "no value"}},
        {"--flag --flag", {"--flag", "twice"}},
        {"--threads 1 --threads 2", {"--threads", "twice"}},
        {"--threads 0", {"--threads", "0"}},
        {"--threads 1025", {"--threads", "1025"}},
        {"--threads -1", {"--threads", "-1"}},
        {"--threads 2x", {"--threads", "2x"}},
        {"--threads 1.5", {"--threads", "1.5"}},
        {"--threads _", {"--threads", "1024"}},
        {"--threads 99999999999999999999", {"--threads", "99999999999999999999"}},
        {"--seconds 0", {"--seconds", "0"}},
        {"--seconds -1", {"--seconds", "-1"}},
        {"--seconds nan", {"--seconds", "nan"}},
        {"--seconds inf", {"--seconds", "inf"}},
        {"--seconds 1s", {"--seconds", "1s"}},
        {"--seconds _", {"--seconds", "number"}},
        {"--bogus", {"--bogus", "convjit try"}},
        {"one two --bogus=3", {"--bogus=3", "convjit try"}},
        {"one -x", {"-x", "convjit try"}},
        {"one -xy", {"-x", "convjit try"}},
    };
    for (size_t i = 0; i < sizeof wrong / sizeof *wrong; i++) {
        struct settings s;
        struct arguments rest;
        char text[400];
        capture_begin();
        int status = read_line(wrong[i].line, &s, &rest);
        int lines = capture_end(text, sizeof text);
        if (status != EXIT_WRONG || lines != 1)
            fail_msg("%s: status %d, %d lines: %s", wrong[i].line, status, lines, text);
        for (int j = 0; j < 2; j++)
            if (!strstr(text, wrong[i].named[j]))
                fail_msg("%s: \"%s\" does not name %s", wrong[i].line, text, wrong[i].named[j]);
    }
}

/* Standard output goes to `text` meanwhile. */
static int read_printed(const char *line, char *text, size_t size)
{
    struct settings s;
    struct arguments rest;
    FILE *before = stdout;
    stdout = fmemopen(text, size, "w");
    int status = read_line(line, &s, &rest);
    fclose(stdout);
    stdout = before;
    return status;
}

static void help_names_every_option(void **state)
{
    (void)state;
    static const char *const lines[] = {"--help", "-h", "--text a --help", "--help --bogus"};
    for (size_t i = 0; i < sizeof lines / sizeof *lines; i++) {
        char text[4000] = "";
        assert_int_equal(read_printed(lines[i], text, sizeof text), EXIT_HELP);
        for (int j = 0; j < command.count; j++) {
            assert_non_null(strstr(text, rows[j].name));
            assert_non_null(strstr(text, rows[j].help));
        }
        assert_non_null(strstr(text, "Tries."));
        assert_non_null(strstr(text, "--version"));
    }
    char text[200] = "";
    assert_int_equal(read_printed("--version", text, sizeof text), EXIT_HELP);
    assert_string_equal(text, "convjit " CJ_VERSION "\n");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(options_reach_their_fields),  cmocka_unit_test(what_is_not_given_is_left_alone),
        cmocka_unit_test(words_may_look_like_options), cmocka_unit_test(errors_name_option_and_value),
        cmocka_unit_test(help_names_every_option),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
