/* A hash table in shards, each under its own lock. An entry whose kernel is being made has a flight: those who
 * ask meanwhile wait on its condition, and the last one to leave frees it. */
#include "memcache.h"

#include "../src/plugin.h"
#include "../src/status.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { FIRST_CAPACITY = 16 };

struct flight {
    pthread_cond_t landed;
    int users; /* threads that still look at it; under the shard's lock, as all of it */
    int done;
    cj_status status;
    cj_kernel *kernel;                /* where status is CJ_OK, with a reference of its own */
    char sentence[PLUGIN_ERROR_SIZE]; /* where it is not */
};

struct memcache_entry {
    struct memcache_entry *next;
    struct key_hash hash;
    cj_kernel *kernel;     /* NULL as long as it is being made */
    struct flight *flight; /* not NULL as long as it is being made */
    size_t size;
    unsigned char bytes[]; /* the key */
};

/* What one lookup works on. */
struct place {
    struct memcache_shard *shard;
    const struct memcache_key *key;
};

static cj_status no_memory(void)
{
    return fail(CJ_NO_MEMORY, "no memory for an entry of the kernel cache");
}

static cj_status shard_init(struct memcache_shard *shard)
{
    *shard = (struct memcache_shard){.capacity = FIRST_CAPACITY};
    shard->buckets = calloc(shard->capacity, sizeof(struct memcache_entry *));
    if (!shard->buckets)
        return no_memory();
    pthread_mutex_init(&shard->lock, NULL);
    return CJ_OK;
}

static void shard_free(struct memcache_shard *shard)
{
    for (size_t i = 0; i < shard->capacity; i++) {
        for (struct memcache_entry *entry = shard->buckets[i], *next; entry; entry = next) {
            next = entry->next;
            cj_release(entry->kernel);
            free(entry);
        }
    }
    free(shard->buckets);
    pthread_mutex_destroy(&shard->lock);
}

cj_status memcache_init(struct memcache *cache)
{
    for (int i = 0; i < MEMCACHE_SHARDS; i++) {
        cj_status status = shard_init(&cache->shards[i]);
        if (status != CJ_OK) {
            while (i-- > 0)
                shard_free(&cache->shards[i]);
            return status;
        }
    }
    return CJ_OK;
}

void memcache_free(struct memcache *cache)
{
    for (int i = 0; i < MEMCACHE_SHARDS; i++)
        shard_free(&cache->shards[i]);
}

static struct memcache_entry **bucket_of(const struct memcache_shard *shard, struct key_hash hash)
{
    return &shard->buckets[hash.low & (shard->capacity - 1)];
}

static struct memcache_entry *find(const struct place *place)
{
    const struct memcache_key *key = place->key;
    struct memcache_entry *entry = *bucket_of(place->shard, key->hash);
    for (; entry; entry = entry->next)
        if (entry->hash.low == key->hash.low && entry->hash.high == key->hash.high &&
            entry->size == key->size && memcmp(entry->bytes, key->bytes, key->size) == 0)
            return entry;
    return NULL;
}

/* Twice the buckets. Without memory for them the chains grow longer instead, which is no failure. */
static void grow(struct memcache_shard *shard)
{
    struct memcache_shard wider = *shard;
    wider.capacity = 2 * shard->capacity;
    wider.buckets = calloc(wider.capacity, sizeof(struct memcache_entry *));
    if (!wider.buckets)
        return;
    for (size_t i = 0; i < shard->capacity; i++) {
        for (struct memcache_entry *entry = shard->buckets[i], *next; entry; entry = next) {
            next = entry->next;
            struct memcache_entry **bucket = bucket_of(&wider, entry->hash);
            entry->next = *bucket;
            *bucket = entry;
        }
    }
    free(shard->buckets);
    shard->buckets = wider.buckets;
    shard->capacity = wider.capacity;
}

/* A pending entry with a flight that this thread uses; NULL without memory. */
static struct memcache_entry *insert(const struct place *place)
{
    const struct memcache_key *key = place->key;
    struct memcache_entry *entry = malloc(sizeof *entry + key->size);
    struct flight *flight = malloc(sizeof *flight);
    if (!entry || !flight) {
        free(entry);
        free(flight);
        return NULL;
    }
    if (place->shard->count == place->shard->capacity)
        grow(place->shard);
    struct memcache_entry **bucket = bucket_of(place->shard, key->hash);
    *flight = (struct flight){.users = 1};
    pthread_cond_init(&flight->landed, NULL);
    *entry = (struct memcache_entry){.next = *bucket, .hash = key->hash, .flight = flight, .size = key->size};
    memcpy(entry->bytes, key->bytes, key->size);
    *bucket = entry;
    place->shard->count++;
    return entry;
}

static void erase(struct memcache_shard *shard, struct memcache_entry *entry)
{
    struct memcache_entry **link = bucket_of(shard, entry->hash);
    while (*link != entry)
        link = &(*link)->next;
    *link = entry->next;
    shard->count--;
    free(entry);
}

static void leave(struct flight *flight)
{
    if (--flight->users > 0)
        return;
    cj_release(flight->kernel);
    pthread_cond_destroy(&flight->landed);
    free(flight);
}

/* Wait for the thread that makes the kernel, and take over its result or its sentence. */
static cj_status wait_for(struct flight *flight, pthread_mutex_t *lock, cj_kernel **kernel)
{
    flight->users++;
    while (!flight->done)
        pthread_cond_wait(&flight->landed, lock);
    cj_status status = flight->status;
    if (status == CJ_OK)
        *kernel = cj_retain(flight->kernel);
    else
        fail_say("%s", flight->sentence);
    leave(flight);
    return status;
}

/* Under the lock: the flight's result reaches those who wait, and the table if it is a kernel. */
static void land(struct memcache_shard *shard, struct memcache_entry *entry, cj_status status,
                 cj_kernel *kernel)
{
    struct flight *flight = entry->flight;
    flight->done = 1;
    flight->status = status;
    if (status == CJ_OK) {
        flight->kernel = cj_retain(kernel);
        entry->kernel = cj_retain(kernel);
        entry->flight = NULL;
    } else {
        snprintf(flight->sentence, sizeof flight->sentence, "%s", fail_text());
        erase(shard, entry);
    }
    pthread_cond_broadcast(&flight->landed);
    leave(flight);
}

static cj_status make(struct memcache_shard *shard, struct memcache_entry *entry,
                      const struct memcache_maker *maker, cj_kernel **kernel)
{
    *kernel = NULL;
    cj_status status = maker->make(maker->arg, kernel);
    pthread_mutex_lock(&shard->lock);
    land(shard, entry, status, *kernel);
    pthread_mutex_unlock(&shard->lock);
    return status;
}

/* Under the lock: the entry as it is, or a new pending one, which makes this thread the maker. */
static struct memcache_entry *find_or_insert(const struct place *place, enum memcache_outcome *outcome)
{
    struct memcache_entry *entry = find(place);
    if (entry)
        *outcome = entry->kernel ? MEMCACHE_HIT : MEMCACHE_WAITED;
    else {
        *outcome = MEMCACHE_MADE;
        entry = insert(place);
    }
    return entry;
}

cj_status memcache_get(struct memcache *cache, const struct memcache_key *key,
                       const struct memcache_maker *maker, cj_kernel **kernel, enum memcache_outcome *outcome)
{
    struct memcache_shard *shard = &cache->shards[key->hash.high % MEMCACHE_SHARDS];
    cj_status status = CJ_OK;
    pthread_mutex_lock(&shard->lock);
    struct memcache_entry *entry = find_or_insert(&(struct place){shard, key}, outcome);
    if (!entry)
        status = no_memory();
    else if (*outcome == MEMCACHE_HIT)
        *kernel = cj_retain(entry->kernel);
    else if (*outcome == MEMCACHE_WAITED)
        status = wait_for(entry->flight, &shard->lock, kernel);
    pthread_mutex_unlock(&shard->lock);
    return entry && *outcome == MEMCACHE_MADE ? make(shard, entry, maker, kernel) : status;
}
