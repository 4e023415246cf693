/* Maps machine code. Pages are written first and made executable then: no page is ever both, so this works
 * under W^X policies too. A kernel has pages of its own, so that it can be unmapped alone. */
#include "loader.h"

#include "../src/status.h"

#include <errno.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

static cj_status protect(const struct code *code)
{
    if (mprotect(code->pages, code->bytes, PROT_READ | PROT_EXEC))
        return fail(CJ_SYSTEM, "%zu bytes of machine code could not be made executable: %s", code->bytes,
                    strerror(errno));
    __builtin___clear_cache((char *)code->pages, (char *)code->pages + code->bytes);
    return CJ_OK;
}

cj_status loader_map(const struct blob *blob, struct code *code)
{
    size_t page = (size_t)sysconf(_SC_PAGESIZE);
    code->bytes = (blob->size + page - 1) / page * page;
    code->pages = mmap(NULL, code->bytes, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    if (code->pages == MAP_FAILED)
        return fail(CJ_SYSTEM, "%zu bytes for machine code could not be mapped: %s", code->bytes,
                    strerror(errno));
    memcpy(code->pages, blob->bytes, blob->size);
    cj_status status = protect(code);
    if (status != CJ_OK)
        loader_unmap(code);
    return status;
}

void loader_unmap(struct code *code)
{
    munmap(code->pages, code->bytes);
}
