#include "words.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

#include "../../codegen/compile.h"
#include "../../runtime/host.h"
#include "../../src/blob.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* Only these fields of a plan reach the frame of a kernel. */
static struct plan plan_of(const struct words *words)
{
    return (struct plan){.conv = {.dtype = words->dtype}, .isa = words->isa, .lanes = words->lanes};
}

struct words_kernel words_open(const struct words *words, void (*emit)(struct em *em, const void *arg),
                               const void *arg)
{
    struct plan plan = plan_of(words);
    struct plugin_request request = {.plan = &plan, .format = CJ_FORMAT_OBJECT};
    struct words_kernel kernel;
    struct blob blob;
    void *object;
    size_t size;
    if (compile_emission(&request, &(struct emission){emit, arg}, &object, &size) != CJ_OK ||
        blob_from_object(object, size, &blob) != CJ_OK || loader_map(&blob, &kernel.code) != CJ_OK)
        fail_msg("%s: %s", words_name(words), cj_last_error());
    kernel.run = (kernel_fn *)((uintptr_t)kernel.code.pages + blob.entry);
    blob_free(&blob);
    free(object);
    return kernel;
}

void words_close(struct words_kernel *kernel)
{
    loader_unmap(&kernel->code);
}

void words_each(void (*test)(const struct words *words))
{
    struct host host;
    host_probe(&host);
    for (cj_isa isa = CJ_ISA_SSE2; isa <= host.isa; isa++)
        for (cj_dtype dtype = CJ_F32; dtype <= CJ_F64; dtype++) {
            struct target target = {.isa = isa};
            for (int lanes = 1; lanes <= target_lanes(&target, dtype); lanes *= 2)
                test(&(struct words){isa, dtype, lanes});
        }
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
