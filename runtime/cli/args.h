/* Subcommands and their options as tables: what getopt_long reads, what --help prints and what an error names
 * all come from the same rows. */
#ifndef CONVJIT_ARGS_H
#define CONVJIT_ARGS_H

#include "cli.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* A word and what it stands for; a table of them ends with a NULL word. */
struct choice {
    const char *word;
    int value;
};

/* One option. `read` puts the text's meaning at `into`, a field of the command's settings, or complains. */
struct option_row {
    const char *name;  /* without the dashes */
    const char *value; /* what the help calls its value; NULL: it takes none */
    const char *help;
    int (*read)(const struct option_row *row, const char *text, void *into);
    size_t offset;                /* of the field in the command's settings */
    const struct choice *choices; /* read_choice's */
};

enum { MOST_OPTIONS = 40 };

struct command {
    const char *name;
    const char *words; /* what may stand beside the options: "OP" */
    const char *summary;
    const struct option_row *options;
    int count;                                                        /* at most MOST_OPTIONS */
    int (*run)(const struct command *command, int argc, char **argv); /* argv[0] is the command's name */
};

/* What stood on the command line beside the options' values. */
struct arguments {
    char **words;
    int count;
    uint64_t given; /* bit i: options[i] was there */
};

/* Read the options into `settings`. EXIT_HELP: --help or --version was there and is answered. */
int args_read(const struct command *command, int argc, char **argv, void *settings, struct arguments *rest);

void args_help(const struct command *command);

/* Readers, with the type of `into`. */
int read_flag(const struct option_row *row, const char *text, void *into);    /* bool, true */
int read_text(const struct option_row *row, const char *text, void *into);    /* const char * */
int read_choice(const struct option_row *row, const char *text, void *into);  /* int */
int read_threads(const struct option_row *row, const char *text, void *into); /* int, 1 to 1024 */
int read_amount(const struct option_row *row, const char *text, void *into);  /* double, above 0 */

/* "--name is TEXT; it must be SHOULD", as EXIT_WRONG. */
int wrong_value(const struct option_row *row, const char *text, const char *should);

#endif
