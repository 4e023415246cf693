/* What the subcommands share: exit statuses and the one line on standard error that explains a failure.
 *
 * A function of the command that can fail prints its sentence and returns an exit status; EXIT_DONE means go
 * on. Whoever sees another one returns it. */
#ifndef CONVJIT_CLI_H
#define CONVJIT_CLI_H

#include <convjit/convjit.h>

enum {
    EXIT_HELP = -1, /* help or version was asked for and printed: the command ends well */
    EXIT_DONE = 0,
    EXIT_WRONG = 1,   /* the arguments or the data are wrong */
    EXIT_CANNOT = 2,  /* not supported */
    EXIT_MACHINE = 3, /* memory, disk or compiler failed */
    EXIT_SLOWER = 5   /* bench --compare: all is done and written, and a layer lost speed */
};

/* Return early with a failure. */
#define TRY(expression)              \
    do {                             \
        int try_exit = (expression); \
        if (try_exit != EXIT_DONE)   \
            return try_exit;         \
    } while (0)

/* Print "convjit: SENTENCE" on standard error, as one line whatever is in it, and return `exit_status`. */
int complain(int exit_status, const char *format, ...) __attribute__((format(printf, 2, 3)));

/* The same for what the library said last; EXIT_DONE, silent, for CJ_OK. */
int complain_status(cj_status status);

/* The exit status of a library's status. */
int exit_of_status(cj_status status);

/* Whether an error number means a wrong path (EXIT_WRONG) or a failing machine (EXIT_MACHINE). */
int exit_of_errno(int error);

/* Flush standard output: a full disk or a closed pipe must not look like success. */
int finish_output(void);

#endif
