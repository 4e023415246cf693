/* The cache in memory: kernels under keys that are compared by their bytes.
 *
 * Invariants: a key is made by one thread at a time, the others that ask for it wait for that one; no lock is
 * held while a kernel is made, so a hit never waits for a compile; a failure is handed to all who waited for
 * it and then forgotten. The hash only finds the place: equal hashes cost time, never a wrong kernel. */
#ifndef CONVJIT_MEMCACHE_H
#define CONVJIT_MEMCACHE_H

#include "../src/key.h"

#include <pthread.h>

enum { MEMCACHE_SHARDS = 16 };

struct memcache_entry;

struct memcache_shard {
    pthread_mutex_t lock;
    struct memcache_entry **buckets; /* as many as `capacity`, a power of two */
    size_t capacity, count;
};

struct memcache {
    struct memcache_shard shards[MEMCACHE_SHARDS];
};

/* The bytes that a kernel is found by. They are copied when they enter the table. */
struct memcache_key {
    const void *bytes;
    size_t size;
    struct key_hash hash;
};

/* Makes a kernel that is not there: one reference, which becomes the caller's; the table takes its own. */
struct memcache_maker {
    cj_status (*make)(void *arg, cj_kernel **kernel);
    void *arg;
};

/* What a lookup did: found the kernel, made it (or failed to), waited for another thread that made it. */
enum memcache_outcome { MEMCACHE_HIT, MEMCACHE_MADE, MEMCACHE_WAITED };

cj_status memcache_init(struct memcache *cache);

/* Drop the table's references. Not while another thread uses the table. */
void memcache_free(struct memcache *cache);

/* Find or make. The caller gets a reference. On failure the sentence is the maker's, for those who waited too.
 */
cj_status memcache_get(struct memcache *cache, const struct memcache_key *key,
                       const struct memcache_maker *maker, cj_kernel **kernel, enum memcache_outcome *outcome);

#endif
