/* How an internal function fails: it returns a status and leaves one sentence in the thread's error text. */
#ifndef CONVJIT_STATUS_H
#define CONVJIT_STATUS_H

#include <convjit/convjit.h>

/* Set the thread's sentence and return `status`, so that a caller writes `return fail(CJ_INVALID, ...)`.
 * The sentence names the field and its value: "stride[1] is 0; it must be at least 1". */
#define fail(status, ...) (fail_say(__VA_ARGS__), (status))

/* Set the sentence alone. `fail` is a macro so that the status stays visible where it is returned: to the
 * reader of a warning, the analyser included. */
void fail_say(const char *format, ...) __attribute__((format(printf, 1, 2)));

/* The thread's sentence; "" before the first failure. */
const char *fail_text(void);

/* Return early with a failure. */
#define TRY(expression)                      \
    do {                                     \
        cj_status try_status = (expression); \
        if (try_status != CJ_OK)             \
            return try_status;               \
    } while (0)

#endif
