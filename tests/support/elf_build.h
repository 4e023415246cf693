/* Relocatable ELF objects put together by hand, right or wrong in any field. */
#ifndef CONVJIT_ELF_BUILD_H
#define CONVJIT_ELF_BUILD_H

#include <elf.h>
#include <stddef.h>

enum { ELF_TEXT = 1, ELF_CONSTANTS, ELF_SYMBOLS, ELF_NAMES, ELF_RELOCATIONS, ELF_EXTRA, ELF_SECTIONS };

/* The sections' headers and contents. elf_build adds to sh_offset and sh_size what they should be: 0 is right.
 */
struct elf_parts {
    Elf64_Ehdr header;
    Elf64_Shdr section[ELF_SECTIONS];
    const void *bytes[ELF_SECTIONS];
    size_t size[ELF_SECTIONS];
    unsigned char text[16], constants[8];
    Elf64_Sym symbol[4];
    Elf64_Rela relocation[1];
};

/* Symbols: 0 none, 1 the section of constants, 2 convjit_kernel, 3 "memcpy", undefined and not used. */
enum { ELF_SYMBOL_CONSTANTS = 1, ELF_SYMBOL_KERNEL, ELF_SYMBOL_MEMCPY };

/* A right one: `mov eax, [rip + constant]; ret`, where the constant is 42, 4 bytes into its section. The
 * seventh section is empty. It points into itself: do not copy it. */
void elf_parts_init(struct elf_parts *parts);

/* Put the sections one behind the other, headers last. Returns the size; `object` has room for 4096. */
size_t elf_build(const struct elf_parts *parts, unsigned char *object);

#endif
