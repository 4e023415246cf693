/* The loop of a peer program. Times are taken here, so that they mean the same for every library. */
#include "peer.h"

#include "../../runtime/cli/stopwatch.h"
#include "numbers.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

/* The clock has a grain of some 30 ns: this is 0.1% of a sample. */
#define SAMPLE_SECONDS 30e-6

struct session {
    const struct peer_library *library;
    FILE *answers;
    struct call call;
    struct peer_tensors tensors;
    void *work; /* NULL: nothing is open */
};

static void end_work(struct session *session)
{
    if (session->work)
        session->library->close(session->work);
    session->work = NULL;
    free(session->tensors.input);
    free(session->tensors.weight);
    free(session->tensors.output);
    session->tensors = (struct peer_tensors){0};
}

static float *take(int64_t count)
{
    size_t bytes = ((size_t)count * sizeof(float) / 64 + 2) * 64;
    float *memory = aligned_alloc(64, bytes);
    if (memory)
        memset(memory, 0, bytes);
    return memory;
}

static bool take_tensors(struct session *session)
{
    const struct call *call = &session->call;
    struct peer_tensors *t = &session->tensors;
    t->input = take(call_input_count(call));
    t->weight = take(call_weight_count(call));
    t->output = take(call_output_count(call));
    if (!t->input || !t->weight || !t->output)
        return false;
    values_fill_input(call, call->layout == CALL_NHWC, t->input);
    values_fill_weight(call, t->weight);
    return true;
}

/* NULL, or why it cannot be done. */
static const char *try_open(struct session *session, const char *text, char said[PEER_SAID])
{
    const struct peer_library *library = session->library;
    if (!call_read(text, &session->call))
        return "the line is not understood";
    if (!take_tensors(session))
        return "there is no memory";
    session->work = library->open(&session->call, &session->tensors, said);
    if (!session->work)
        return said;
    if (!library->run(session->work) || !library->finish(session->work))
        return "the first call failed";
    return NULL;
}

static void open_call(struct session *session, const char *text)
{
    char said[PEER_SAID] = "no reason given", numbers[CHECK_TEXT];
    end_work(session);
    const char *reason = try_open(session, text, said);
    if (reason) {
        fprintf(session->answers, "cannot %s\n", reason);
        end_work(session);
        return;
    }
    struct check check =
        check_of_output(&session->call, session->call.layout == CALL_NHWC, session->tensors.output);
    check_write(&check, numbers);
    for (char *at = said; (at = strchr(at, ' '));)
        *at = '_';
    fprintf(session->answers, "ready %s %s\n", said, numbers);
}

/* Seconds of one call, the mean of `calls`; negative if one failed. */
static double sample(const struct session *session, int calls)
{
    double start = seconds_now();
    for (int i = 0; i < calls; i++)
        if (!session->library->run(session->work))
            return -1;
    return (seconds_now() - start) / calls;
}

static void run_call(const struct session *session, const char *text)
{
    double seconds = atof(text) * 1e-6, least = session->work ? sample(session, 1) : -1;
    int calls = least < SAMPLE_SECONDS ? (int)(SAMPLE_SECONDS / (least + 1e-9)) + 1 : 1;
    if (least >= 0) {
        double end = seconds_now() + seconds;
        least = sample(session, calls); /* the first one only warmed the caches */
        while (least >= 0 && seconds_now() < end) {
            double next = sample(session, calls);
            least = next < least ? next : least;
        }
    }
    if (least < 0)
        fprintf(session->answers, "cannot run\n");
    else
        fprintf(session->answers, "time %.4f\n", least * 1e6);
}

static void answer_lines(struct session *session)
{
    char line[CALL_TEXT + 8];
    while (fgets(line, sizeof line, stdin) && strncmp(line, "quit", 4) != 0) {
        if (strncmp(line, "open ", 5) == 0)
            open_call(session, line + 5);
        else if (strncmp(line, "run ", 4) == 0)
            run_call(session, line + 4);
        else
            fprintf(session->answers, "cannot understand\n");
        fflush(session->answers);
    }
}

int peer_serve(const struct peer_library *library)
{
    char name[PEER_SAID];
    int copy = dup(STDOUT_FILENO);
    struct session session = {.library = library, .answers = copy < 0 ? NULL : fdopen(copy, "w")};
    if (!session.answers || dup2(STDERR_FILENO, STDOUT_FILENO) < 0)
        return 1;
    library->describe(name);
    fprintf(session.answers, "library %s\n", name);
    fflush(session.answers);
    answer_lines(&session);
    end_work(&session);
    return fclose(session.answers) != 0;
}
