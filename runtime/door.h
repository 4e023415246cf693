/* The way to the code generator: libconvjit-codegen.so, loaded at the first miss. */
#ifndef CONVJIT_DOOR_H
#define CONVJIT_DOOR_H

#include "../src/plugin.h"

#include <pthread.h>

struct door {
    const char *path;       /* the plug-in's file; NULL: look beside this library */
    const char *codegen_id; /* what the plug-in's must equal */
    pthread_mutex_t lock;
    const struct plugin *plugin; /* under the lock; NULL until loaded */
};

/* Both strings must outlive the door. */
void door_init(struct door *door, const char *path, const char *codegen_id);
void door_free(struct door *door);

/* Load the plug-in if it is not yet. CJ_NO_CODEGEN: it is not there, does not load, or is another build's.
 * A failure is not remembered: the next call tries again. */
cj_status door_open(struct door *door, const struct plugin **plugin);

#endif
