/* A context's settings: options first, then the environment, read once when the context is made. */
#ifndef CONVJIT_CONFIG_H
#define CONVJIT_CONFIG_H

#include <convjit/convjit.h>

struct config {
    cj_isa isa;         /* a cap; CJ_ISA_HOST: none */
    char *codegen_path; /* owned; NULL: look beside the library */
};

/* CJ_INVALID: an option or a variable has a value that it cannot have. `options` may be NULL. */
cj_status config_read(const cj_options *options, struct config *config);
void config_free(struct config *config);

/* CJ_INVALID unless `isa` is an enumerator of cj_isa; `field` is its name in the sentence. */
cj_status config_check_isa(const char *field, cj_isa isa);

#endif
