#include "guard.h"

#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

static size_t page_size(void)
{
    return (size_t)sysconf(_SC_PAGESIZE);
}

static unsigned char *room_of(const struct guarded *buffer)
{
    return (unsigned char *)buffer->map + page_size();
}

static size_t room_size(const struct guarded *buffer)
{
    return buffer->map_size - 2 * page_size();
}

struct guarded guard_new(size_t bytes, size_t alignment, enum guard_side side)
{
    size_t page = page_size(), room = (bytes + alignment + page) / page * page;
    struct guarded g = {.bytes = bytes, .map_size = room + 2 * page};
    g.map = mmap(NULL, g.map_size, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    if (g.map == MAP_FAILED || mprotect(room_of(&g), room, PROT_READ | PROT_WRITE))
        abort();
    memset(room_of(&g), 0xff, room);
    size_t behind = (room - bytes) / alignment * alignment;
    g.data = room_of(&g) + (side == GUARD_FRONT ? 0 : side == GUARD_ODD ? alignment : behind);
    return g;
}

void guard_free(struct guarded *buffer)
{
    munmap(buffer->map, buffer->map_size);
}

void guard_seal(const struct guarded *buffer)
{
    if (mprotect(room_of(buffer), room_size(buffer), PROT_READ))
        abort();
}

static bool all_set(const unsigned char *from, const unsigned char *to)
{
    while (from < to && *from == 0xff)
        from++;
    return from == to;
}

bool guard_intact(const struct guarded *buffer)
{
    const unsigned char *room = room_of(buffer), *data = buffer->data;
    return all_set(room, data) && all_set(data + buffer->bytes, room + room_size(buffer));
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
