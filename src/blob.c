/* From a relocatable ELF object to a blob: lay the sections out, code first, then apply the relocations between
 * them. What would need an address - another symbol, a table of addresses, writable data - is refused. The
 * object is not trusted: each offset is checked against the file before it is used. */
#include "blob.h"

#include "arith.h"
#include "status.h"

#include <elf.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

enum { MOST_SECTIONS = 64, LARGEST_ALIGNMENT = 4096 };

struct object {
    const unsigned char *bytes;
    size_t size;
    int sections;
    Elf64_Shdr section[MOST_SECTIONS];
    int64_t place[MOST_SECTIONS]; /* offset in the blob, or -1 */
    int64_t blob_size;
};

static cj_status broken(const char *what)
{
    return fail(CJ_COMPILE, "the object's %s is broken", what);
}

static bool inside(const struct object *object, uint64_t offset, uint64_t length)
{
    return offset <= object->size && length <= object->size - offset;
}

static cj_status read_header(struct object *object)
{
    Elf64_Ehdr header;
    if (object->size < sizeof header)
        return broken("header");
    memcpy(&header, object->bytes, sizeof header);
    if (memcmp(header.e_ident, ELFMAG, SELFMAG) != 0 || header.e_ident[EI_CLASS] != ELFCLASS64 ||
        header.e_ident[EI_DATA] != ELFDATA2LSB || header.e_type != ET_REL || header.e_machine != EM_X86_64)
        return fail(CJ_COMPILE, "the object is not a relocatable one for x86-64");
    object->sections = header.e_shnum;
    if (object->sections > MOST_SECTIONS || header.e_shentsize != sizeof(Elf64_Shdr) ||
        !inside(object, header.e_shoff, (uint64_t)object->sections * sizeof(Elf64_Shdr)))
        return broken("section table");
    memcpy(object->section, object->bytes + header.e_shoff, (size_t)object->sections * sizeof(Elf64_Shdr));
    for (int i = 0; i < object->sections; i++)
        if (object->section[i].sh_type != SHT_NOBITS &&
            !inside(object, object->section[i].sh_offset, object->section[i].sh_size))
            return broken("section");
    return CJ_OK;
}

static bool is_code(const Elf64_Shdr *s)
{
    return (s->sh_flags & SHF_ALLOC) && (s->sh_flags & SHF_EXECINSTR);
}

/* Tables for unwinding are of no use: nothing in a kernel throws or is unwound through. */
static bool is_constant(const Elf64_Shdr *s)
{
    return (s->sh_flags & SHF_ALLOC) && !(s->sh_flags & SHF_EXECINSTR) && s->sh_type == SHT_PROGBITS;
}

static cj_status place_sections(struct object *object, bool (*kind)(const Elf64_Shdr *))
{
    for (int i = 0; i < object->sections; i++) {
        const Elf64_Shdr *s = &object->section[i];
        if (!kind(s) || s->sh_size == 0)
            continue;
        if (s->sh_type != SHT_PROGBITS)
            return broken("code section");
        uint64_t alignment = s->sh_addralign ? s->sh_addralign : 1;
        if (alignment > LARGEST_ALIGNMENT || (alignment & (alignment - 1)))
            return broken("alignment");
        object->place[i] = round_up(object->blob_size, (int64_t)alignment);
        object->blob_size = object->place[i] + (int64_t)s->sh_size;
    }
    return CJ_OK;
}

static cj_status check_no_data(const struct object *object)
{
    for (int i = 0; i < object->sections; i++)
        if ((object->section[i].sh_flags & SHF_WRITE) && object->section[i].sh_size)
            return fail(CJ_COMPILE, "the object has writable data, which a blob cannot hold");
    return CJ_OK;
}

/* ---- Symbols ---- */

static const Elf64_Shdr *symbol_table(const struct object *object)
{
    for (int i = 0; i < object->sections; i++)
        if (object->section[i].sh_type == SHT_SYMTAB)
            return &object->section[i];
    return NULL;
}

static const char *symbol_name(const struct object *object, const Elf64_Sym *symbol)
{
    const Elf64_Shdr *table = symbol_table(object);
    if (!table || table->sh_link >= (unsigned)object->sections)
        return "?";
    const Elf64_Shdr *names = &object->section[table->sh_link];
    const char *base = (const char *)object->bytes + names->sh_offset;
    if (names->sh_type != SHT_STRTAB || symbol->st_name >= names->sh_size ||
        !memchr(base + symbol->st_name, 0, names->sh_size - symbol->st_name))
        return "?";
    return base + symbol->st_name;
}

static cj_status read_symbol(const struct object *object, uint64_t index, Elf64_Sym *symbol)
{
    const Elf64_Shdr *table = symbol_table(object);
    if (!table || index >= table->sh_size / sizeof *symbol)
        return broken("symbol table");
    memcpy(symbol, object->bytes + table->sh_offset + index * sizeof *symbol, sizeof *symbol);
    return CJ_OK;
}

/* The symbol's offset in the blob. */
static cj_status locate_symbol(const struct object *object, const Elf64_Sym *symbol, int64_t *offset)
{
    unsigned section = symbol->st_shndx;
    if (section == SHN_UNDEF || section >= (unsigned)object->sections || object->place[section] < 0)
        return fail(CJ_COMPILE, "the object needs the symbol %s, which is outside it",
                    symbol_name(object, symbol));
    if (symbol->st_value > object->section[section].sh_size)
        return broken("symbol table");
    *offset = object->place[section] + (int64_t)symbol->st_value;
    return CJ_OK;
}

static cj_status find_entry(const struct object *object, size_t *entry)
{
    const Elf64_Shdr *table = symbol_table(object);
    uint64_t count = table ? table->sh_size / sizeof(Elf64_Sym) : 0;
    for (uint64_t i = 0; i < count; i++) {
        Elf64_Sym symbol;
        TRY(read_symbol(object, i, &symbol));
        if (strcmp(symbol_name(object, &symbol), BLOB_SYMBOL) != 0 || symbol.st_shndx == SHN_UNDEF)
            continue;
        int64_t offset;
        TRY(locate_symbol(object, &symbol, &offset));
        const Elf64_Shdr *section = &object->section[symbol.st_shndx];
        if (!is_code(section) || symbol.st_value == section->sh_size)
            return fail(CJ_COMPILE, "the object's %s is no function: it lies outside the code", BLOB_SYMBOL);
        *entry = (size_t)offset;
        return CJ_OK;
    }
    return fail(CJ_COMPILE, "the object has no function %s", BLOB_SYMBOL);
}

/* ---- Relocations ---- */

static cj_status apply(const struct object *object, int target, const Elf64_Rela *relocation,
                       unsigned char *blob)
{
    uint64_t type = ELF64_R_TYPE(relocation->r_info);
    Elf64_Sym symbol;
    int64_t value;
    TRY(read_symbol(object, ELF64_R_SYM(relocation->r_info), &symbol));
    TRY(locate_symbol(object, &symbol, &value));
    unsigned width = type == R_X86_64_PC64 ? 8 : 4;
    if (type != R_X86_64_PC32 && type != R_X86_64_PLT32 && type != R_X86_64_PC64)
        return fail(CJ_COMPILE, "the object has a relocation of type %llu against %s, which needs an address",
                    (unsigned long long)type, symbol_name(object, &symbol));
    uint64_t length = object->section[target].sh_size;
    if (length < width || relocation->r_offset > length - width)
        return broken("relocation table");
    int64_t place = object->place[target] + (int64_t)relocation->r_offset, difference;
    if (!add_fits(value - place, relocation->r_addend, &difference))
        return broken("relocation table");
    if (width == 4 && (difference < INT32_MIN || difference > INT32_MAX))
        return broken("relocation table");
    memcpy(blob + place, &difference, width); /* little endian, as the code itself */
    return CJ_OK;
}

static cj_status apply_section(const struct object *object, const Elf64_Shdr *table, unsigned char *blob)
{
    uint64_t target = table->sh_info;
    if (target >= (unsigned)object->sections)
        return broken("relocation table");
    if (object->place[target] < 0)
        return CJ_OK;
    for (uint64_t at = 0; at + sizeof(Elf64_Rela) <= table->sh_size; at += sizeof(Elf64_Rela)) {
        Elf64_Rela relocation;
        memcpy(&relocation, object->bytes + table->sh_offset + at, sizeof relocation);
        TRY(apply(object, (int)target, &relocation, blob));
    }
    return CJ_OK;
}

static cj_status fill(const struct object *object, struct blob *blob)
{
    for (int i = 0; i < object->sections; i++)
        if (object->place[i] >= 0)
            memcpy(blob->bytes + object->place[i], object->bytes + object->section[i].sh_offset,
                   object->section[i].sh_size);
    for (int i = 0; i < object->sections; i++) {
        if (object->section[i].sh_type == SHT_REL)
            return fail(CJ_COMPILE, "the object has relocations without addends, which x86-64 does not use");
        if (object->section[i].sh_type == SHT_RELA)
            TRY(apply_section(object, &object->section[i], blob->bytes));
    }
    return find_entry(object, &blob->entry);
}

cj_status blob_from_object(const void *bytes, size_t size, struct blob *blob)
{
    struct object object = {.bytes = bytes, .size = size};
    *blob = (struct blob){0};
    for (int i = 0; i < MOST_SECTIONS; i++)
        object.place[i] = -1;
    TRY(read_header(&object));
    TRY(check_no_data(&object));
    TRY(place_sections(&object, is_code));
    TRY(place_sections(&object, is_constant));
    blob->size = (size_t)object.blob_size;
    blob->bytes = calloc(1, blob->size ? blob->size : 1);
    if (!blob->bytes)
        return fail(CJ_NO_MEMORY, "no memory for %zu bytes of machine code", blob->size);
    cj_status status = fill(&object, blob);
    if (status != CJ_OK)
        blob_free(blob);
    return status;
}

void blob_free(struct blob *blob)
{
    free(blob->bytes);
    *blob = (struct blob){0};
}
