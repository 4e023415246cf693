/* Files that appear whole or not at all: written beside their place under another name, then renamed. */
#ifndef CONVJIT_OUTFILE_H
#define CONVJIT_OUTFILE_H

#include <stdbool.h>
#include <stdio.h>

struct outfile {
    FILE *stream;
    char *path; /* where it goes; NULL: the stream already writes there */
    char *temporary;
};

/* Each returns 0 or an error number. A path to something that is no regular file (/dev/null, a pipe) is
 * written in place. Whatever happens to the others, an open file ends with one commit or one abandon. */
int outfile_open(struct outfile *file, const char *path);
int outfile_commit(struct outfile *file);
void outfile_abandon(struct outfile *file);

/* A whole file of `size` bytes. */
int outfile_write(const char *path, const void *bytes, size_t size);

/* Whether an error number, of reading too, blames the path rather than the machine. */
bool outfile_wrong_path(int error);

#endif
