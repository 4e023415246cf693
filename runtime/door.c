/* Loads the plug-in and checks that it is this build's. A plug-in of other sources would turn the same plan,
 * so the same key, into other code. A loaded plug-in is never unloaded: LLVM does not survive that. */
#include "door.h"

#include "../src/status.h"

#include <dlfcn.h>
#include <limits.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

void door_init(struct door *door, const char *path, const char *codegen_id)
{
    *door = (struct door){.path = path, .codegen_id = codegen_id};
    pthread_mutex_init(&door->lock, NULL);
}

void door_free(struct door *door)
{
    pthread_mutex_destroy(&door->lock);
}

static cj_status own_directory(char directory[PATH_MAX])
{
    Dl_info self;
    const char *slash = dladdr((const void *)(uintptr_t)door_open, &self) ? strrchr(self.dli_fname, '/') : NULL;
    if (!slash || slash - self.dli_fname >= PATH_MAX)
        return fail(CJ_NO_CODEGEN,
                    "the code generator could not be found, since the directory of libconvjit is "
                    "unknown; options.codegen_path or CONVJIT_CODEGEN may name its file");
    snprintf(directory, PATH_MAX, "%.*s", (int)(slash - self.dli_fname), self.dli_fname);
    return CJ_OK;
}

/* The first of the plug-in's names that lies beside this library. */
static cj_status path_beside_library(char path[2 * PATH_MAX])
{
    static const char *const names[] = {"libconvjit-codegen.so." CONVJIT_SOVERSION, "libconvjit-codegen.so"};
    char directory[PATH_MAX];
    TRY(own_directory(directory));
    for (size_t i = 0; i < sizeof names / sizeof *names; i++) {
        snprintf(path, 2 * PATH_MAX, "%s/%s", directory, names[i]);
        if (access(path, F_OK) == 0)
            return CJ_OK;
    }
    return fail(CJ_NO_CODEGEN,
                "there is no code generator: %s is not beside libconvjit in %s; it is built with "
                "CONVJIT_BUILD_CODEGEN=ON, and options.codegen_path or CONVJIT_CODEGEN may name its file",
                names[0], directory);
}

static cj_status check(const struct door *door, const char *path, const struct plugin *plugin)
{
    if (plugin->abi != PLUGIN_ABI)
        return fail(CJ_NO_CODEGEN, "the code generator %s has interface %d; this libconvjit needs %d", path,
                    plugin->abi, PLUGIN_ABI);
    if (strcmp(plugin->codegen_id, door->codegen_id) != 0)
        return fail(CJ_NO_CODEGEN, "the code generator %s is of build %s; this libconvjit needs %s", path,
                    plugin->codegen_id, door->codegen_id);
    return CJ_OK;
}

static cj_status load(const struct door *door, const char *path, const struct plugin **plugin)
{
    void *library = dlopen(path, RTLD_NOW | RTLD_LOCAL);
    if (!library)
        return fail(CJ_NO_CODEGEN, "the code generator could not be loaded: %s", dlerror());
    plugin_entry *entry = (plugin_entry *)(uintptr_t)dlsym(library, PLUGIN_SYMBOL);
    cj_status status = CJ_OK;
    if (!entry)
        status = fail(CJ_NO_CODEGEN, "%s is not a code generator: %s", path, dlerror());
    else
        status = check(door, path, entry());
    if (status != CJ_OK)
        dlclose(library);
    else
        *plugin = entry();
    return status;
}

static cj_status find_and_load(struct door *door)
{
    char beside[2 * PATH_MAX];
    if (door->path)
        return load(door, door->path, &door->plugin);
    TRY(path_beside_library(beside));
    return load(door, beside, &door->plugin);
}

cj_status door_open(struct door *door, const struct plugin **plugin)
{
    pthread_mutex_lock(&door->lock);
    cj_status status = door->plugin ? CJ_OK : find_and_load(door);
    *plugin = door->plugin;
    pthread_mutex_unlock(&door->lock);
    return status;
}
