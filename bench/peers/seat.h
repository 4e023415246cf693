/* A peer program that runs, and the conversation with it. */
#ifndef CONVJIT_SEAT_H
#define CONVJIT_SEAT_H

#include <stdbool.h>
#include <stddef.h>
#include <sys/types.h>

enum { SEAT_LINE = 2048 };

struct seat {
    pid_t pid; /* 0: not running */
    int to, from;
    char held[SEAT_LINE]; /* read, and not yet asked for */
    size_t count;
};

/* Start a program. The line it begins with goes to `hello`. False, with nothing running: it could not be
 * started or did not say one in time. SIGPIPE has to be ignored. */
bool seat_start(struct seat *seat, const char *path, double seconds, char hello[SEAT_LINE]);

/* Send a line and take the answer, without its end. False, and the program is ended: it has died, or `seconds`
 * have passed. */
bool seat_ask(struct seat *seat, const char *line, double seconds, char answer[SEAT_LINE]);

/* End the program, if it runs. */
void seat_stop(struct seat *seat);

#endif
