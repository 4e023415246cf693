/* The cache key: the emitter's only inputs as bytes, and their hash. */
#ifndef CONVJIT_KEY_H
#define CONVJIT_KEY_H

#include "plan.h"

/* Everything that decides the machine code. Plain data without padding, compared by its bytes. */
struct key {
    uint64_t format;       /* KEY_FORMAT */
    char codegen_id[32];   /* hex digits: the hash of the sources of codegen/ and src/ */
    uint64_t llvm_version; /* major * 10000 + minor * 100 + patch that the build was made with */
    struct plan plan;      /* with the isa, so the features used */
};

struct key_hash {
    uint64_t low, high; /* XXH3-128 of the key */
};

struct key key_of_plan(const struct plan *plan);
struct key_hash key_hash(const struct key *key);
int key_equal(const struct key *a, const struct key *b);

/* 32 hexadecimal digits and a NUL. */
void key_print(struct key_hash hash, char text[33]);

#endif
