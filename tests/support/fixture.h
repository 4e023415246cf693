/* The shared libraries of tests/fixtures, and contexts that use the fake code generator among them. */
#ifndef CONVJIT_TEST_FIXTURE_H
#define CONVJIT_TEST_FIXTURE_H

#include "../../runtime/context.h"

#include <stdio.h>
#include <unistd.h>

/* A fixture's file, with or without the prefix of libraries. Valid until the next call. */
static inline const char *fixture_path(const char *name)
{
    static char path[4096];
    snprintf(path, sizeof path, "%s/%s.so", FIXTURE_DIR, name);
    if (access(path, F_OK) != 0)
        snprintf(path, sizeof path, "%s/lib%s.so", FIXTURE_DIR, name);
    return path;
}

/* A context whose kernels store their first unit in dst[0] and their last in dst[1]. NULL on failure. */
static inline cj_context *fake_context(void)
{
    cj_context *context;
    if (cj_context_create(&(cj_options){.codegen_path = fixture_path("fake_plugin")}, &context) != CJ_OK)
        return NULL;
    context->door.codegen_id = "fake";
    return context;
}

/* For setups and teardowns of tests that use such a context. */
static inline int set_up_fake(void **state)
{
    *state = fake_context();
    return *state ? 0 : -1;
}

static inline int tear_down_fake(void **state)
{
    cj_context_destroy((cj_context *)*state);
    return 0;
}

#endif
