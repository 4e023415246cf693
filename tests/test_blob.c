/* From objects to position-independent code: right ones, ones that need what a blob cannot have, and damaged
 * ones, which lie at the end of a page that nothing follows. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

#include "../runtime/loader.h"
#include "../src/blob.h"
#include "support/elf_build.h"
#include "support/guard.h"

#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

/* ---- Right ones ---- */

static cj_status blob_of(const struct elf_parts *parts, struct blob *blob)
{
    unsigned char object[4096];
    size_t size = elf_build(parts, object);
    struct guarded guarded = guard_new(size, 1, GUARD_BEHIND);
    memcpy(guarded.data, object, size);
    cj_status status = blob_from_object(guarded.data, size, blob);
    guard_free(&guarded);
    return status;
}

/* What the function returns. */
static int call(const struct blob *blob)
{
    struct code code;
    assert_int_equal(loader_map(blob, &code), CJ_OK);
    int (*entry)(void) = (int (*)(void))((uintptr_t)code.pages + blob->entry);
    int result = entry();
    loader_unmap(&code);
    return result;
}

static void code_lies_in_front_and_finds_its_constant(void **state)
{
    (void)state;
#if !defined(__x86_64__)
    skip();
#endif
    struct elf_parts parts;
    struct blob blob;
    elf_parts_init(&parts);
    assert_int_equal(blob_of(&parts, &blob), CJ_OK);
    assert_int_equal(blob.entry, 0);
    assert_memory_equal(blob.bytes, parts.text, 2);           /* the displacement follows */
    assert_int_equal(blob.size, 64 + sizeof parts.constants); /* constants at their alignment */
    assert_memory_equal(blob.bytes + 64, parts.constants, sizeof parts.constants);
    assert_int_equal(call(&blob), 42);
    blob_free(&blob);
    assert_null(blob.bytes);
    blob_free(&blob);
}

static void the_entry_may_lie_inside_the_code(void **state)
{
    (void)state;
#if !defined(__x86_64__)
    skip();
#endif
    struct elf_parts parts;
    struct blob blob;
    elf_parts_init(&parts);
    memmove(parts.text + 5, parts.text, 7);
    parts.symbol[ELF_SYMBOL_KERNEL].st_value = 5;
    parts.relocation[0].r_offset += 5;
    assert_int_equal(blob_of(&parts, &blob), CJ_OK);
    assert_int_equal(blob.entry, 5);
    assert_int_equal(call(&blob), 42);
    blob_free(&blob);
}

/* A reference to the code itself, as calls between functions of one object are: symbol - place + addend. */
static void relocations_between_sections_are_differences(void **state)
{
    (void)state;
    static const struct {
        unsigned type;
        int bytes;
    } types[] = {{R_X86_64_PC32, 4}, {R_X86_64_PLT32, 4}, {R_X86_64_PC64, 8}};
    for (size_t i = 0; i < sizeof types / sizeof *types; i++) {
        struct elf_parts parts;
        struct blob blob;
        int64_t value = 0;
        elf_parts_init(&parts);
        parts.relocation[0] = (Elf64_Rela){8, ELF64_R_INFO(ELF_SYMBOL_KERNEL, types[i].type), -100};
        assert_int_equal(blob_of(&parts, &blob), CJ_OK);
        memcpy(&value, blob.bytes + 8, 8);
        assert_int_equal(types[i].bytes == 4 ? (int32_t)value : value, -108);
        blob_free(&blob);
    }
}

/* Unwinding tables and debugging sections are not of a blob, whatever their relocations need. */
static void sections_that_are_not_loaded_do_not_matter(void **state)
{
    (void)state;
    static const Elf64_Shdr extras[] = {
        {.sh_type = 0x70000001 /* SHT_X86_64_UNWIND */, .sh_flags = SHF_ALLOC},
        {.sh_type = SHT_NOTE, .sh_flags = SHF_ALLOC},
        {.sh_type = SHT_PROGBITS},
        {.sh_type = SHT_NOBITS, .sh_flags = SHF_ALLOC | SHF_WRITE}, /* an empty .bss */
        {.sh_type = SHT_PROGBITS, .sh_flags = SHF_ALLOC | SHF_WRITE},
    };
    for (size_t i = 0; i < sizeof extras / sizeof *extras; i++) {
        struct elf_parts parts;
        struct blob blob;
        elf_parts_init(&parts);
        parts.section[ELF_EXTRA] = extras[i];
        parts.bytes[ELF_EXTRA] = "junk that no blob has";
        parts.size[ELF_EXTRA] = extras[i].sh_flags & SHF_WRITE ? 0 : 21;
        parts.section[ELF_RELOCATIONS].sh_info = ELF_EXTRA;
        parts.relocation[0].r_info = ELF64_R_INFO(ELF_SYMBOL_MEMCPY, R_X86_64_64);
        assert_int_equal(blob_of(&parts, &blob), CJ_OK);
        assert_int_equal(blob.size, 64 + sizeof parts.constants);
        blob_free(&blob);
    }
}

/* ---- Ones that need what a blob cannot have ---- */

static void refused(const struct elf_parts *parts, const char *named)
{
    struct blob blob = {.size = 77};
    assert_int_equal(blob_of(parts, &blob), CJ_COMPILE);
    if (!strstr(cj_last_error(), named))
        fail_msg("\"%s\" does not name %s", cj_last_error(), named);
    assert_null(blob.bytes);
}

static void relocations_that_need_an_address_are_named(void **state)
{
    (void)state;
    static const unsigned types[] = {R_X86_64_64,
                                     R_X86_64_32,
                                     R_X86_64_32S,
                                     R_X86_64_GOTPCREL,
                                     R_X86_64_GOTPCRELX,
                                     R_X86_64_REX_GOTPCRELX,
                                     R_X86_64_GOT32,
                                     R_X86_64_GOTPC32,
                                     R_X86_64_TPOFF32,
                                     R_X86_64_TLSGD,
                                     0,
                                     255};
    for (size_t i = 0; i < sizeof types / sizeof *types; i++) {
        struct elf_parts parts;
        char type[32];
        elf_parts_init(&parts);
        parts.relocation[0].r_info = ELF64_R_INFO(ELF_SYMBOL_KERNEL, types[i]);
        snprintf(type, sizeof type, "type %u against convjit_kernel", types[i]);
        refused(&parts, type);
    }
}

static void symbols_outside_the_object_are_named(void **state)
{
    (void)state;
    static const unsigned places[] = {SHN_UNDEF, SHN_ABS, SHN_COMMON, ELF_NAMES, 200};
    static const unsigned types[] = {R_X86_64_PC32, R_X86_64_PLT32, R_X86_64_GOTPCREL};
    for (size_t i = 0; i < sizeof places / sizeof *places; i++)
        for (size_t j = 0; j < sizeof types / sizeof *types; j++) {
            struct elf_parts parts;
            elf_parts_init(&parts);
            parts.symbol[ELF_SYMBOL_MEMCPY].st_shndx = (Elf64_Half)places[i];
            parts.relocation[0].r_info = ELF64_R_INFO(ELF_SYMBOL_MEMCPY, types[j]);
            refused(&parts, "memcpy");
        }
}

static void the_kernel_must_be_there_and_be_code(void **state)
{
    (void)state;
    struct elf_parts parts;
    elf_parts_init(&parts);
    parts.symbol[ELF_SYMBOL_KERNEL].st_shndx = SHN_UNDEF;
    refused(&parts, "convjit_kernel");
    elf_parts_init(&parts);
    parts.symbol[ELF_SYMBOL_KERNEL].st_name = 2;
    refused(&parts, "convjit_kernel");
    elf_parts_init(&parts);
    parts.symbol[ELF_SYMBOL_KERNEL].st_shndx = ELF_CONSTANTS;
    refused(&parts, "convjit_kernel");
    elf_parts_init(&parts);
    parts.symbol[ELF_SYMBOL_KERNEL].st_value = sizeof parts.text; /* behind the last instruction */
    refused(&parts, "convjit_kernel");
    elf_parts_init(&parts);
    parts.section[ELF_SYMBOLS].sh_type = SHT_PROGBITS;
    parts.size[ELF_RELOCATIONS] = 0;
    refused(&parts, "convjit_kernel");
    elf_parts_init(&parts);
    parts.header.e_shnum = 0;
    refused(&parts, "convjit_kernel");
}

static void writable_data_is_refused(void **state)
{
    (void)state;
    static const unsigned types[] = {SHT_PROGBITS, SHT_NOBITS};
    for (size_t i = 0; i < sizeof types / sizeof *types; i++) {
        struct elf_parts parts;
        elf_parts_init(&parts);
        parts.section[ELF_EXTRA] = (Elf64_Shdr){.sh_type = types[i], .sh_flags = SHF_ALLOC | SHF_WRITE};
        parts.bytes[ELF_EXTRA] = "data";
        parts.size[ELF_EXTRA] = 4;
        refused(&parts, "writable data");
    }
}

static void what_is_no_object_for_this_machine_is_refused(void **state)
{
    (void)state;
    static const struct {
        size_t at;
        unsigned char value;
    } changes[] = {{0, 0},
                   {1, 'e'},
                   {3, 0},
                   {EI_CLASS, ELFCLASS32},
                   {EI_DATA, ELFDATA2MSB},
                   {16, ET_DYN},
                   {16, ET_EXEC},
                   {18, EM_AARCH64},
                   {18, EM_386}};
    for (size_t i = 0; i < sizeof changes / sizeof *changes; i++) {
        struct elf_parts parts;
        elf_parts_init(&parts);
        ((unsigned char *)&parts.header)[changes[i].at] = changes[i].value;
        refused(&parts, "not a relocatable one for x86-64");
    }
    struct blob blob;
    assert_int_equal(blob_from_object("", 0, &blob), CJ_COMPILE);
    assert_int_equal(blob_from_object("; ModuleID = 'convjit'", 22, &blob), CJ_COMPILE);
}

/* ---- Damaged ones ---- */

/* Fields that lie: added to what would be right. */
static void offsets_and_sizes_that_lie_are_refused(void **state)
{
    (void)state;
    static const uint64_t lies[] = {1u << 20, INT64_MAX, UINT64_MAX - 8192, (uint64_t)1 << 63};
    for (size_t i = 0; i < sizeof lies / sizeof *lies; i++)
        for (int section = 1; section < ELF_SECTIONS; section++)
            for (int field = 0; field < 2; field++) {
                struct elf_parts parts;
                elf_parts_init(&parts);
                *(field ? &parts.section[section].sh_offset : &parts.section[section].sh_size) += lies[i];
                refused(&parts, "broken");
            }
    for (size_t i = 0; i < sizeof lies / sizeof *lies; i++) {
        struct elf_parts parts;
        elf_parts_init(&parts);
        parts.header.e_shoff += lies[i];
        refused(&parts, "broken");
        elf_parts_init(&parts);
        parts.relocation[0].r_offset += lies[i];
        refused(&parts, "broken");
        elf_parts_init(&parts);
        parts.relocation[0].r_addend = (int64_t)lies[i] > 0 ? (int64_t)(lies[i] | 1u << 31) : INT64_MIN;
        refused(&parts, "broken");
        elf_parts_init(&parts);
        parts.symbol[ELF_SYMBOL_KERNEL].st_value += lies[i];
        refused(&parts, "broken");
    }
}

static void tables_that_lie_are_refused(void **state)
{
    (void)state;
    struct elf_parts parts;
    elf_parts_init(&parts);
    parts.relocation[0].r_offset = sizeof parts.text - 3; /* its last byte would be behind the code */
    refused(&parts, "broken");
    elf_parts_init(&parts);
    parts.relocation[0].r_info = ELF64_R_INFO(4, R_X86_64_PC32);
    refused(&parts, "broken");
    elf_parts_init(&parts);
    parts.section[ELF_RELOCATIONS].sh_info = ELF_SECTIONS;
    refused(&parts, "broken");
    elf_parts_init(&parts);
    parts.section[ELF_RELOCATIONS].sh_type = SHT_REL;
    refused(&parts, "addends");
    elf_parts_init(&parts);
    parts.section[ELF_TEXT].sh_addralign = 3;
    refused(&parts, "alignment");
    elf_parts_init(&parts);
    parts.section[ELF_CONSTANTS].sh_addralign = (uint64_t)1 << 40;
    refused(&parts, "alignment");
    elf_parts_init(&parts);
    parts.section[ELF_TEXT].sh_type = SHT_NOBITS;
    refused(&parts, "broken");
    elf_parts_init(&parts);
    parts.header.e_shentsize = 63;
    refused(&parts, "broken");
}

/* A section without bytes in the file may have any size: names must not be looked for in it. */
static void names_in_a_section_without_bytes_are_not_read(void **state)
{
    (void)state;
    static const uint64_t offsets[] = {0, 1u << 20, (uint64_t)1 << 40};
    for (size_t i = 0; i < sizeof offsets / sizeof *offsets; i++) {
        struct elf_parts parts;
        elf_parts_init(&parts);
        parts.section[ELF_NAMES].sh_type = SHT_NOBITS;
        parts.section[ELF_NAMES].sh_offset = offsets[i];
        parts.section[ELF_NAMES].sh_size = (uint64_t)1 << 50;
        refused(&parts, "");
        parts.section[ELF_SYMBOLS].sh_link = 5000;
        refused(&parts, "");
    }
}

/* A status with its sentence, or a blob with all that it says it has. */
static void take_or_refuse(const unsigned char *object, size_t size)
{
    struct blob blob;
    cj_status status = blob_from_object(object, size, &blob);
    if (status != CJ_OK) {
        assert_int_equal(status, CJ_COMPILE);
        assert_true(*cj_last_error());
        assert_null(blob.bytes);
        return;
    }
    assert_true(blob.entry < blob.size);
    unsigned char all = 0;
    for (size_t i = 0; i < blob.size; i++)
        all |= blob.bytes[i];
    assert_true(all);
    blob_free(&blob);
}

/* Each byte with each of `values` xor-ed to it, in place. */
static void damage_bytes(const unsigned char *object, size_t size, const unsigned char *values, int count)
{
    struct guarded buffer = guard_new(size, 1, GUARD_BEHIND);
    unsigned char *bytes = buffer.data;
    memcpy(bytes, object, size);
    for (size_t at = 0; at < size; at++)
        for (int i = 0; i < count; i++) {
            bytes[at] ^= values[i];
            take_or_refuse(bytes, size);
            bytes[at] ^= values[i];
        }
    guard_free(&buffer);
}

/* Every truncation, its end at the end of the page. */
static void truncate_everywhere(const unsigned char *object, size_t size)
{
    struct guarded buffer = guard_new(size, 1, GUARD_BEHIND);
    for (size_t length = 0; length < size; length++) {
        unsigned char *bytes = (unsigned char *)buffer.data + size - length;
        memcpy(bytes, object, length);
        take_or_refuse(bytes, length);
    }
    guard_free(&buffer);
}

static void damage_to_a_small_object_does_no_harm(void **state)
{
    (void)state;
    struct elf_parts parts;
    unsigned char object[4096], values[255];
    elf_parts_init(&parts);
    size_t size = elf_build(&parts, object);
    for (int i = 0; i < 255; i++)
        values[i] = (unsigned char)(i + 1);
    damage_bytes(object, size, values, 255);
    truncate_everywhere(object, size);
}

/* Objects as the compiler makes them, with constants for activations among them. */
static void damage_to_real_objects_does_no_harm(void **state)
{
    (void)state;
    static const char *const shapes[] = {"conv2d:c8:o8:i9:k3:p1:lnhwc", "conv1d:c3:o5:i9:k3:post=gelu:b1",
                                         "depthwise_conv2d:c16:i9:k3:s2:tf64:lnhwc"};
    static const unsigned char flips[] = {0xff, 0x01, 0x80};
    cj_context *context;
    assert_int_equal(cj_context_create(NULL, &context), CJ_OK);
    for (size_t i = 0; i < sizeof shapes / sizeof *shapes; i++) {
        cj_conv_desc desc;
        int64_t batch;
        void *object;
        size_t size;
        assert_int_equal(cj_desc_parse(shapes[i], &desc, &batch), CJ_OK);
        cj_status status =
            cj_emit(context, &desc, &(cj_emit_options){.format = CJ_FORMAT_OBJECT}, &object, &size);
        if (status == CJ_NO_CODEGEN) {
            cj_context_destroy(context);
            skip(); /* a build without the compiler */
        }
        if (status != CJ_OK)
            fail_msg("%s: %s", shapes[i], cj_last_error());
        take_or_refuse(object, size);
        damage_bytes(object, size, flips, sizeof flips);
        truncate_everywhere(object, size);
        cj_free(object);
    }
    cj_context_destroy(context);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(code_lies_in_front_and_finds_its_constant),
        cmocka_unit_test(the_entry_may_lie_inside_the_code),
        cmocka_unit_test(relocations_between_sections_are_differences),
        cmocka_unit_test(sections_that_are_not_loaded_do_not_matter),
        cmocka_unit_test(relocations_that_need_an_address_are_named),
        cmocka_unit_test(symbols_outside_the_object_are_named),
        cmocka_unit_test(the_kernel_must_be_there_and_be_code),
        cmocka_unit_test(writable_data_is_refused),
        cmocka_unit_test(what_is_no_object_for_this_machine_is_refused),
        cmocka_unit_test(offsets_and_sizes_that_lie_are_refused),
        cmocka_unit_test(tables_that_lie_are_refused),
        cmocka_unit_test(names_in_a_section_without_bytes_are_not_read),
        cmocka_unit_test(damage_to_a_small_object_does_no_harm),
        cmocka_unit_test(damage_to_real_objects_does_no_harm),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
