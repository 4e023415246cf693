#include "guard.h"

#include <signal.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

struct guarded guard_new(size_t bytes, size_t alignment, enum guard_side side)
{
    size_t page = (size_t)sysconf(_SC_PAGESIZE), room = (bytes + page) / page * page;
    struct guarded g = {.map_size = room + 2 * page};
    g.map = mmap(NULL, g.map_size, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    if (g.map == MAP_FAILED || mprotect((char *)g.map + page, room, PROT_READ | PROT_WRITE))
        abort();
    uintptr_t start = (uintptr_t)g.map + page, end = start + room - bytes;
    g.data = (void *)(side == GUARD_FRONT ? start : end / alignment * alignment);
    return g;
}

void guard_free(struct guarded *buffer)
{
    munmap(buffer->map, buffer->map_size);
}

static char announced[512];

static void on_fault(int signal_number)
{
    ssize_t ignored = write(2, announced, strlen(announced));
    (void)ignored;
    signal(signal_number, SIG_DFL);
    raise(signal_number);
}

void guard_announce(const char *text)
{
    snprintf(announced, sizeof announced, "\na fault in the case %s\n", text);
    signal(SIGSEGV, on_fault);
    signal(SIGBUS, on_fault);
    signal(SIGILL, on_fault);
}
