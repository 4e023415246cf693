#include "folder.h"

#include <dirent.h>
#include <ftw.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

int folder_set_up(void **state)
{
    struct folder *folder = calloc(1, sizeof *folder);
    if (!folder)
        return -1;
    folder->path = strdup("/tmp/convjit-test-XXXXXX");
    *state = folder;
    return folder->path && mkdtemp(folder->path) ? 0 : -1;
}

static int remove_entry(const char *path, const struct stat *entry, int type, struct FTW *walk)
{
    (void)entry, (void)type, (void)walk;
    return remove(path);
}

int folder_tear_down(void **state)
{
    struct folder *folder = *state;
    nftw(folder->path, remove_entry, 16, FTW_DEPTH | FTW_PHYS);
    free(folder->content);
    free(folder->path);
    free(folder);
    return 0;
}

const char *folder_path(struct folder *folder, const char *name)
{
    char *text = folder->text[folder->turn++ % 4];
    size_t length = strlen(folder->path);
    memcpy(text, folder->path, length);
    snprintf(text + length, sizeof folder->text[0] - length, "/%s", name);
    return text;
}

const char *folder_read(struct folder *folder, const char *name)
{
    struct stat entry;
    const char *path = folder_path(folder, name);
    FILE *file = stat(path, &entry) == 0 ? fopen(path, "rb") : NULL;
    if (!file)
        return "";
    free(folder->content);
    folder->content = calloc(1, (size_t)entry.st_size + 1);
    size_t length = fread(folder->content, 1, (size_t)entry.st_size, file);
    folder->content[length] = 0;
    fclose(file);
    return folder->content;
}

void folder_write(struct folder *folder, const char *name, const void *bytes, size_t size)
{
    FILE *file = fopen(folder_path(folder, name), "wb");
    fwrite(bytes, 1, size, file);
    fclose(file);
}

int folder_entries(const struct folder *folder)
{
    DIR *entries = opendir(folder->path);
    int count = 0;
    while (readdir(entries))
        count++;
    closedir(entries);
    return count - 2; /* . and .. */
}
