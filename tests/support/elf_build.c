#include "elf_build.h"

#include <string.h>

/* Offsets 1, 16: the names of the symbols. */
static const char names[] = "\0convjit_kernel\0memcpy";

static void init_symbols(struct elf_parts *p)
{
    p->symbol[ELF_SYMBOL_CONSTANTS] =
        (Elf64_Sym){.st_info = ELF64_ST_INFO(STB_LOCAL, STT_SECTION), .st_shndx = ELF_CONSTANTS};
    p->symbol[ELF_SYMBOL_KERNEL] =
        (Elf64_Sym){.st_name = 1, .st_info = ELF64_ST_INFO(STB_GLOBAL, STT_FUNC), .st_shndx = ELF_TEXT};
    p->symbol[ELF_SYMBOL_MEMCPY] =
        (Elf64_Sym){.st_name = 16, .st_info = ELF64_ST_INFO(STB_GLOBAL, STT_NOTYPE), .st_shndx = SHN_UNDEF};
}

static void init_sections(struct elf_parts *p)
{
    static const Elf64_Shdr headers[ELF_SECTIONS] = {
        [ELF_TEXT] = {.sh_type = SHT_PROGBITS, .sh_flags = SHF_ALLOC | SHF_EXECINSTR, .sh_addralign = 16},
        [ELF_CONSTANTS] = {.sh_type = SHT_PROGBITS, .sh_flags = SHF_ALLOC, .sh_addralign = 64},
        [ELF_SYMBOLS] = {.sh_type = SHT_SYMTAB, .sh_link = ELF_NAMES, .sh_entsize = sizeof(Elf64_Sym)},
        [ELF_NAMES] = {.sh_type = SHT_STRTAB},
        [ELF_RELOCATIONS] = {.sh_type = SHT_RELA,
                             .sh_link = ELF_SYMBOLS,
                             .sh_info = ELF_TEXT,
                             .sh_entsize = sizeof(Elf64_Rela)},
        [ELF_EXTRA] = {.sh_type = SHT_PROGBITS},
    };
    const void *bytes[ELF_SECTIONS] = {NULL, p->text, p->constants, p->symbol, names, p->relocation, NULL};
    const size_t sizes[ELF_SECTIONS] = {
        0, sizeof p->text, sizeof p->constants, sizeof p->symbol, sizeof names, sizeof p->relocation, 0};
    memcpy(p->section, headers, sizeof headers);
    memcpy(p->bytes, bytes, sizeof bytes);
    memcpy(p->size, sizes, sizeof sizes);
}

void elf_parts_init(struct elf_parts *p)
{
    static const unsigned char code[] = {0x8b, 0x05, 0, 0, 0, 0, 0xc3};
    memset(p, 0, sizeof *p);
    memcpy(p->header.e_ident, (const char[]){ELFMAG0, ELFMAG1, ELFMAG2, ELFMAG3, ELFCLASS64, ELFDATA2LSB, 1},
           7);
    p->header.e_type = ET_REL;
    p->header.e_machine = EM_X86_64;
    p->header.e_version = 1;
    p->header.e_ehsize = sizeof(Elf64_Ehdr);
    p->header.e_shentsize = sizeof(Elf64_Shdr);
    p->header.e_shnum = ELF_SECTIONS;
    memset(p->text, 0x90, sizeof p->text);
    memcpy(p->text, code, sizeof code);
    p->constants[4] = 42;
    init_symbols(p);
    init_sections(p);
    /* The displacement counts from behind its four bytes, so it is symbol + 4 - 4 - place. */
    p->relocation[0] = (Elf64_Rela){2, ELF64_R_INFO(ELF_SYMBOL_CONSTANTS, R_X86_64_PC32), 4 - 4};
}

size_t elf_build(const struct elf_parts *p, unsigned char *object)
{
    Elf64_Ehdr header = p->header;
    Elf64_Shdr sections[ELF_SECTIONS];
    size_t at = sizeof header;
    memcpy(sections, p->section, sizeof sections);
    for (int i = 0; i < ELF_SECTIONS; i++) {
        sections[i].sh_offset += at;
        sections[i].sh_size += p->size[i];
        if (p->size[i])
            memcpy(object + at, p->bytes[i], p->size[i]);
        at += p->size[i];
    }
    header.e_shoff += at;
    memcpy(object, &header, sizeof header);
    memcpy(object + at, sections, sizeof sections);
    return at + sizeof sections;
}
