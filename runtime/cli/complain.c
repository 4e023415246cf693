#include "cli.h"

#include "outfile.h"

#include <ctype.h>
#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

/* One line, though a file's name or a value may hold line breaks or what a terminal obeys. */
int complain(int exit_status, const char *format, ...)
{
    char text[2048];
    va_list args;
    va_start(args, format);
    vsnprintf(text, sizeof text, format, args);
    va_end(args);
    for (char *c = text; *c; c++)
        if (iscntrl((unsigned char)*c))
            *c = '?';
    fprintf(stderr, "convjit: %s\n", text);
    return exit_status;
}

int exit_of_status(cj_status status)
{
    static const int exits[] = {
        [CJ_OK] = EXIT_DONE,           [CJ_INVALID] = EXIT_WRONG,      [CJ_UNSUPPORTED] = EXIT_CANNOT,
        [CJ_NO_MEMORY] = EXIT_MACHINE, [CJ_NO_CODEGEN] = EXIT_MACHINE, [CJ_COMPILE] = EXIT_MACHINE,
        [CJ_SYSTEM] = EXIT_MACHINE,
    };
    return (size_t)status < sizeof exits / sizeof *exits ? exits[status] : EXIT_MACHINE;
}

int complain_status(cj_status status)
{
    return status == CJ_OK ? EXIT_DONE : complain(exit_of_status(status), "%s", cj_last_error());
}

int exit_of_errno(int error)
{
    return outfile_wrong_path(error) ? EXIT_WRONG : EXIT_MACHINE;
}

int finish_output(void)
{
    if (fflush(stdout) != 0 || ferror(stdout))
        return complain(EXIT_MACHINE, "standard output cannot be written: %s", strerror(errno));
    return EXIT_DONE;
}
