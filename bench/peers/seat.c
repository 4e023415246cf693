#include "seat.h"

#include "../../runtime/cli/stopwatch.h"

#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <spawn.h>
#include <stdio.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

extern char **environ;

static bool spawn(struct seat *seat, const char *path, const int in[2], const int out[2])
{
    posix_spawn_file_actions_t actions;
    char *const words[] = {(char *)path, NULL};
    if (posix_spawn_file_actions_init(&actions))
        return false;
    bool done = !posix_spawn_file_actions_adddup2(&actions, in[0], STDIN_FILENO) &&
                !posix_spawn_file_actions_adddup2(&actions, out[1], STDOUT_FILENO) &&
                !posix_spawn(&seat->pid, path, &actions, NULL, words, environ);
    posix_spawn_file_actions_destroy(&actions);
    return done;
}

/* The whole line, however long the program takes to write it. */
static bool read_line(struct seat *seat, double seconds, char line[SEAT_LINE])
{
    double end = seconds_now() + seconds;
    char *newline;
    while (!(newline = memchr(seat->held, '\n', seat->count))) {
        struct pollfd ready = {.fd = seat->from, .events = POLLIN};
        int left = (int)((end - seconds_now()) * 1000) + 1;
        if (seat->count == sizeof seat->held || left <= 0 || poll(&ready, 1, left) <= 0)
            return false;
        ssize_t got = read(seat->from, seat->held + seat->count, sizeof seat->held - seat->count);
        if (got <= 0)
            return false;
        seat->count += (size_t)got;
    }
    size_t length = (size_t)(newline - seat->held);
    memcpy(line, seat->held, length);
    line[length] = '\0';
    seat->count -= length + 1;
    memmove(seat->held, newline + 1, seat->count);
    return true;
}

bool seat_start(struct seat *seat, const char *path, double seconds, char hello[SEAT_LINE])
{
    int in[2], out[2];
    *seat = (struct seat){0};
    if (pipe2(in, O_CLOEXEC))
        return false;
    if (pipe2(out, O_CLOEXEC)) {
        close(in[0]);
        close(in[1]);
        return false;
    }
    bool started = spawn(seat, path, in, out);
    close(in[0]);
    close(out[1]);
    seat->to = in[1];
    seat->from = out[0];
    if (started && read_line(seat, seconds, hello))
        return true;
    if (!started) {
        close(seat->to);
        close(seat->from);
        seat->pid = 0;
    }
    seat_stop(seat);
    return false;
}

bool seat_ask(struct seat *seat, const char *line, double seconds, char answer[SEAT_LINE])
{
    bool sent = seat->pid && dprintf(seat->to, "%s\n", line) > 0;
    if (sent && read_line(seat, seconds, answer))
        return true;
    seat_stop(seat);
    return false;
}

/* A library may be in the middle of anything, so it is not asked to end. */
void seat_stop(struct seat *seat)
{
    if (!seat->pid)
        return;
    close(seat->to);
    close(seat->from);
    kill(seat->pid, SIGKILL);
    waitpid(seat->pid, NULL, 0);
    *seat = (struct seat){0};
}
