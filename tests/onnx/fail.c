/* What is wrong with a model or a tensor, as a sentence. */
#include "fail.h"

#include <stdarg.h>
#include <stdio.h>

bool onnx_fail(struct onnx_problem *problem, const char *format, ...)
{
    va_list arguments;
    va_start(arguments, format);
    vsnprintf(problem->text, sizeof problem->text, format, arguments);
    va_end(arguments);
    return false;
}
