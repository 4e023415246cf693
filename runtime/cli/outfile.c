#include "outfile.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

bool outfile_wrong_path(int error)
{
    static const int errors[] = {ENOENT, ENOTDIR, EISDIR, EACCES, EPERM, EROFS, ENAMETOOLONG, ELOOP};
    for (size_t i = 0; i < sizeof errors / sizeof *errors; i++)
        if (errors[i] == error)
            return true;
    return false;
}

static int open_in_place(struct outfile *file, const char *path)
{
    file->stream = fopen(path, "wb");
    return file->stream ? 0 : errno;
}

/* "DIRECTORY/.convjit-PID-TURN": the directory is the target's, since a rename does not cross file systems. */
static char *temporary_beside(const char *path, int turn)
{
    const char *slash = strrchr(path, '/');
    int length = slash ? (int)(slash - path + 1) : 0;
    char *text;
    if (asprintf(&text, "%.*s.convjit-%ld-%d", length, path, (long)getpid(), turn) < 0)
        return NULL;
    return text;
}

static void forget(struct outfile *file)
{
    free(file->path);
    free(file->temporary);
    *file = (struct outfile){0};
}

/* A name may be taken by a process of this number that was killed. O_CREAT with 0666 leaves the file's mode to
 * the umask, as for any output. */
static int create_temporary(struct outfile *file, int *descriptor)
{
    int error = EEXIST;
    for (int turn = 0; turn < 100 && error == EEXIST; turn++) {
        free(file->temporary);
        file->temporary = temporary_beside(file->path, turn);
        if (!file->temporary)
            return ENOMEM;
        *descriptor = open(file->temporary, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0666);
        error = *descriptor < 0 ? errno : 0;
    }
    return error;
}

static int open_temporary(struct outfile *file)
{
    int descriptor = -1, error = create_temporary(file, &descriptor);
    if (error)
        return error;
    file->stream = fdopen(descriptor, "wb");
    if (file->stream)
        return 0;
    close(descriptor);
    unlink(file->temporary);
    return ENOMEM;
}

int outfile_open(struct outfile *file, const char *path)
{
    struct stat there;
    *file = (struct outfile){0};
    bool exists = stat(path, &there) == 0;
    if (exists && S_ISDIR(there.st_mode))
        return EISDIR;
    if (exists && !S_ISREG(there.st_mode))
        return open_in_place(file, path);
    if (exists && access(path, W_OK) != 0)
        return errno;
    file->path = exists ? realpath(path, NULL) : strdup(path); /* a link's target is replaced, not the link */
    int error = file->path ? open_temporary(file) : ENOMEM;
    if (error)
        forget(file);
    return error;
}

int outfile_commit(struct outfile *file)
{
    int error = 0;
    bool failed = ferror(file->stream);
    if (fclose(file->stream) != 0)
        error = errno;
    else if (failed)
        error = EIO;
    if (file->temporary && !error && rename(file->temporary, file->path) != 0)
        error = errno;
    if (file->temporary && error)
        unlink(file->temporary);
    forget(file);
    return error;
}

void outfile_abandon(struct outfile *file)
{
    fclose(file->stream);
    if (file->temporary)
        unlink(file->temporary);
    forget(file);
}

int outfile_write(const char *path, const void *bytes, size_t size)
{
    struct outfile file;
    int error = outfile_open(&file, path);
    if (error)
        return error;
    if (fwrite(bytes, 1, size, file.stream) == size)
        return outfile_commit(&file);
    error = errno;
    outfile_abandon(&file);
    return error;
}
