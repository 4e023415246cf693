/* A folder of its own for a test that writes files. */
#ifndef CONVJIT_FOLDER_H
#define CONVJIT_FOLDER_H

#include <stddef.h>

struct folder {
    char *path;
    char text[4][128]; /* the paths given out last */
    int turn;
    char *content; /* of the file read last */
};

/* Setup and teardown: *state is the folder, empty at first, gone with all in it at last. */
int folder_set_up(void **state);
int folder_tear_down(void **state);

/* A path in it; valid until three more have been asked for. */
const char *folder_path(struct folder *folder, const char *name);

/* A file's content as text, valid until the next call; "" if there is no file. */
const char *folder_read(struct folder *folder, const char *name);

void folder_write(struct folder *folder, const char *name, const void *bytes, size_t size);

/* How many entries lie in it, hidden ones too. */
int folder_entries(const struct folder *folder);

#endif
