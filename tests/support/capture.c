#include "capture.h"

#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

/* Standard error is moved to this descriptor meanwhile, so that nothing else needs remembering. */
enum { ASIDE = 200 };

void capture_begin(void)
{
    int file = memfd_create("stderr", 0);
    fflush(stderr);
    dup2(STDERR_FILENO, ASIDE);
    dup2(file, STDERR_FILENO);
    close(file);
}

int capture_end(char *text, size_t size)
{
    fflush(stderr);
    ssize_t length = pread(STDERR_FILENO, text, size - 1, 0);
    dup2(ASIDE, STDERR_FILENO);
    close(ASIDE);
    text[length > 0 ? length : 0] = 0;
    int lines = 0;
    for (const char *at = text; (at = strchr(at, '\n')); at++)
        lines++;
    return lines;
}
