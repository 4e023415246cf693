/* Keys are compared and hashed as bytes, so nothing in them may be padding. */
#include "key.h"

#include <assert.h>
#include <stdio.h>
#include <string.h>

#define XXH_INLINE_ALL
#include <xxhash.h>

#define KEY_FORMAT 1

static_assert(sizeof(struct key) == 8 + 32 + 8 + sizeof(struct plan), "a key has padding");
static_assert(sizeof(CONVJIT_CODEGEN_ID) == 33, "the id of the code generator is 32 digits");

struct key key_of_plan(const struct plan *plan)
{
    struct key key = {.format = KEY_FORMAT, .llvm_version = CONVJIT_LLVM_VERSION, .plan = *plan};
    memcpy(key.codegen_id, CONVJIT_CODEGEN_ID, sizeof key.codegen_id);
    return key;
}

struct key_hash key_hash(const struct key *key)
{
    XXH128_hash_t hash = XXH3_128bits(key, sizeof *key);
    return (struct key_hash){hash.low64, hash.high64};
}

int key_equal(const struct key *a, const struct key *b)
{
    return memcmp(a, b, sizeof *a) == 0;
}

void key_print(struct key_hash hash, char text[33])
{
    snprintf(text, 33, "%016llx%016llx", (unsigned long long)hash.high, (unsigned long long)hash.low);
}
