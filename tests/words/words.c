#include "words.h"

#include <stdio.h>

void words_close(struct words_kernel *kernel)
{
    loader_unmap(&kernel->code);
}

double words_get(const struct words *words, const void *array, int64_t index)
{
    return words->dtype == CJ_F64 ? ((const double *)array)[index] : (double)((const float *)array)[index];
}

void words_set(const struct words *words, void *array, int64_t index, double value)
{
    if (words->dtype == CJ_F64)
        ((double *)array)[index] = value;
    else
        ((float *)array)[index] = (float)value;
}

const char *words_name(const struct words *words)
{
    static char text[64];
    snprintf(text, sizeof text, "%s %s x%d", isa_info(words->isa)->name, dtype_name(words->dtype),
             words->lanes);
    return text;
}
