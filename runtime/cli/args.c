#include "args.h"

#include <errno.h>
#include <getopt.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* getopt_long's value for row i is FIRST_ROW + i. */
enum { HELP = 'h', VERSION = 'V', FIRST_ROW = 256 };

static void fill_options(const struct command *command, struct option *options)
{
    int count = command->count < MOST_OPTIONS ? command->count : MOST_OPTIONS;
    for (int i = 0; i < count; i++)
        options[i] =
            (struct option){command->options[i].name,
                            command->options[i].value ? required_argument : no_argument, NULL, FIRST_ROW + i};
    options[count] = (struct option){"help", no_argument, NULL, HELP};
    options[count + 1] = (struct option){"version", no_argument, NULL, VERSION};
    options[count + 2] = (struct option){0};
}

/* What getopt_long returned `?` or `:` for. `text` is the word, but in a cluster of letters, "-xy", it may be
 * the word before it. */
static int complain_of_option(const struct command *command, int what, const char *text)
{
    const char letter[] = {'-', (char)optopt, '\0'};
    if (what == '?' && optopt > 0 && optopt < FIRST_ROW && strncmp(text, "--", 2) != 0)
        text = letter;
    if (what == ':')
        return complain(EXIT_WRONG, "%s needs a value; see convjit %s --help", text, command->name);
    if (optopt >= FIRST_ROW || (optopt && strncmp(text, "--", 2) == 0))
        return complain(EXIT_WRONG, "%s: this option takes no value", text);
    return complain(EXIT_WRONG, "%s is no option of convjit %s; see convjit %s --help", text, command->name,
                    command->name);
}

static int read_row(const struct option_row *row, int index, void *settings, struct arguments *rest)
{
    if (rest->given & UINT64_C(1) << index)
        return complain(EXIT_WRONG, "--%s is given twice", row->name);
    rest->given |= UINT64_C(1) << index;
    return row->read(row, optarg, (char *)settings + row->offset);
}

int args_read(const struct command *command, int argc, char **argv, void *settings, struct arguments *rest)
{
    struct option options[MOST_OPTIONS + 3];
    fill_options(command, options);
    *rest = (struct arguments){0};
    opterr = 0;
    for (int what; (what = getopt_long(argc, argv, ":hV", options, NULL)) != -1;) {
        if (what == HELP)
            return args_help(command), EXIT_HELP;
        if (what == VERSION)
            return printf("convjit %s\n", cj_version()), EXIT_HELP;
        if (what < FIRST_ROW)
            return complain_of_option(command, what, argv[optind - 1]);
        TRY(read_row(&command->options[what - FIRST_ROW], what - FIRST_ROW, settings, rest));
    }
    rest->words = argv + optind;
    rest->count = argc - optind;
    return EXIT_DONE;
}

void args_help(const struct command *command)
{
    printf("convjit %s %s\n\n%s\n\n", command->name, command->words, command->summary);
    for (int i = 0; i < command->count; i++) {
        const struct option_row *row = &command->options[i];
        char left[64];
        snprintf(left, sizeof left, "--%s %s", row->name, row->value ? row->value : "");
        printf("  %-24s %s\n", left, row->help);
    }
    printf("  %-24s %s\n  %-24s %s\n", "--help", "this text", "--version", "the library's version");
}

int wrong_value(const struct option_row *row, const char *text, const char *should)
{
    return complain(EXIT_WRONG, "--%s is %s; it must be %s", row->name, text, should);
}

int read_flag(const struct option_row *row, const char *text, void *into)
{
    (void)row, (void)text;
    *(bool *)into = true;
    return EXIT_DONE;
}

int read_text(const struct option_row *row, const char *text, void *into)
{
    if (!*text)
        return wrong_value(row, "empty", row->value);
    *(const char **)into = text;
    return EXIT_DONE;
}

int read_choice(const struct option_row *row, const char *text, void *into)
{
    char words[256] = "";
    size_t length = 0;
    for (const struct choice *choice = row->choices; choice->word; choice++) {
        if (strcmp(choice->word, text) == 0)
            return *(int *)into = choice->value, EXIT_DONE;
        length += (size_t)snprintf(words + length, sizeof words - length, "%s%s",
                                   choice == row->choices ? "one of " : ", ", choice->word);
    }
    return wrong_value(row, text, words);
}

int read_threads(const struct option_row *row, const char *text, void *into)
{
    char *end;
    errno = 0;
    long value = strtol(text, &end, 10);
    if (errno || end == text || *end || value < 1 || value > 1024)
        return wrong_value(row, text, "a whole number from 1 to 1024");
    *(int *)into = (int)value;
    return EXIT_DONE;
}

int read_amount(const struct option_row *row, const char *text, void *into)
{
    char *end;
    double value = strtod(text, &end);
    if (end == text || *end || !isfinite(value) || value <= 0)
        return wrong_value(row, text, "a number above 0");
    *(double *)into = value;
    return EXIT_DONE;
}
