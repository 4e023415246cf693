/* The thread's error text: the one piece of state in src/. */
#include "status.h"

#include <stdarg.h>
#include <stdio.h>

static _Thread_local char text[512];

void fail_say(const char *format, ...)
{
    va_list args;
    va_start(args, format);
    vsnprintf(text, sizeof text, format, args);
    va_end(args);
}

const char *fail_text(void)
{
    return text;
}
