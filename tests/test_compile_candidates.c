/* Code for whatever plans algorithms offer, chosen or not, by its own sections and instructions: the same bytes
 * again, nothing outside needed, no instruction that the plan's instruction set lacks. And code that no plan
 * has. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

#include "../codegen/compile.h"
#include "words/trials.h"
#include "words/units.h"

#include <elf.h>
#include <stdlib.h>
#include <string.h>

struct output {
    void *bytes;
    size_t size;
};

static struct output compiled(const struct plan *plan, cj_format format)
{
    struct output output = {NULL, 0};
    struct plugin_request request = {.plan = plan, .format = format};
    if (compile_plan(&request, &output.bytes, &output.size) != CJ_OK)
        fail_msg("%s", cj_last_error());
    return output;
}

/* ---- Objects: equal bytes, and nothing from outside ---- */

static const Elf64_Shdr *section_table(const struct output *object)
{
    const Elf64_Ehdr *header = object->bytes;
    return (const Elf64_Shdr *)((const char *)object->bytes + header->e_shoff);
}

/* What is wrong with a section, or NULL. */
static const char *symbols_fault(const struct output *object, const Elf64_Shdr *section)
{
    const Elf64_Sym *symbol = (const Elf64_Sym *)((const char *)object->bytes + section->sh_offset);
    for (size_t i = 1; i < section->sh_size / sizeof *symbol; i++)
        if (symbol[i].st_shndx == SHN_UNDEF || symbol[i].st_shndx == SHN_COMMON)
            return "needs a symbol from outside";
    return NULL;
}

static const char *relocations_fault(const struct output *object, const Elf64_Shdr *section)
{
    const Elf64_Shdr *target = &section_table(object)[section->sh_info];
    const Elf64_Rela *relocation = (const Elf64_Rela *)((const char *)object->bytes + section->sh_offset);
    if (!(target->sh_flags & SHF_EXECINSTR))
        return (target->sh_flags & SHF_ALLOC) && target->sh_type == SHT_PROGBITS
                   ? "has constants with addresses"
                   : NULL;
    for (size_t i = 0; i < section->sh_size / sizeof *relocation; i++)
        if (ELF64_R_TYPE(relocation[i].r_info) != R_X86_64_PC32)
            return "finds a constant by its address";
    return NULL;
}

static const char *object_fault(const struct output *object)
{
    const Elf64_Ehdr *header = object->bytes;
    for (int i = 0; i < header->e_shnum; i++) {
        const Elf64_Shdr *section = &section_table(object)[i];
        const char *fault = NULL;
        if (section->sh_type == SHT_SYMTAB)
            fault = symbols_fault(object, section);
        else if (section->sh_type == SHT_RELA)
            fault = relocations_fault(object, section);
        else if ((section->sh_flags & SHF_WRITE) && section->sh_size)
            fault = "has data that is written to";
        if (fault)
            return fault;
    }
    return NULL;
}

static const char *code_fault(const struct output *object)
{
    const char *fault = object_fault(object);
    struct blob blob;
    if (!fault && blob_from_object(object->bytes, object->size, &blob) != CJ_OK)
        return cj_last_error();
    if (!fault && blob.entry >= blob.size)
        fault = "starts behind its end";
    if (!fault)
        blob_free(&blob);
    return fault;
}

static bool object_is_right(const struct sample *s)
{
    if (!units_chosen(s->plan, 60))
        return true;
    struct output object = compiled(s->plan, CJ_FORMAT_OBJECT), again = compiled(s->plan, CJ_FORMAT_OBJECT);
    const char *fault = code_fault(&object);
    if (object.size != again.size || memcmp(object.bytes, again.bytes, object.size) != 0)
        fault = "is not the same again";
    free(object.bytes);
    free(again.bytes);
    return !fault || sample_wrong(s, "the object %s", fault);
}

static void objects_stand_alone_and_are_the_same_again(void **state)
{
    (void)state;
    assert_int_equal(sample_plans(31, 200, 40, object_is_right), 0);
}

/* ---- Instruction sets ---- */

/* What text of assembly may not hold: registers, and instructions by how they start. */
struct cap {
    const char *registers[48], *instructions[48];
};

/* sse2: no VEX encoding at all, nothing that came after SSE2, no bit manipulation. */
static const struct cap caps[] = {
    [CJ_ISA_SSE2] = {{"%ymm", "%zmm", "{%k"},
                     {"v",      "pshufb",   "palign",    "pabs",     "phadd",  "pmulhrsw", "hadd",
                      "addsub", "movddup",  "movshdup",  "movsldup", "lddqu",  "blend",    "pblend",
                      "round",  "insertps", "extractps", "pinsrb",   "pinsrd", "pinsrq",   "pextrb",
                      "pextrd", "pextrq",   "ptest",     "pmovsx",   "pmovzx", "pmulld",   "pmuldq",
                      "pmins",  "pmaxu",    "dpp",       "popcnt",   "lzcnt",  "tzcnt",    "andnl",
                      "andnq",  "bls",      "bextr",     "mulx",     "shlx",   "rorx"}},
    [CJ_ISA_AVX2] = {{"%zmm", "{%k", "%k0", "%k1", "mm16", "mm17", "mm18", "mm19", "mm2", "mm30", "mm31"},
                     {"vpermt2", "vpermi2", "vscalef", "vrndscale", "vgetexp", "vpternlog", "kmov", "valign",
                      "vcompress", "vexpand"}},
    [CJ_ISA_AVX512] = {{"%tmm"},
                       {"vdpbf16", "vpdpb", "vpdpw", "vcvtne", "vpermb", "vpermi2b", "vpermt2b", "vpmultishift",
                        "vpshld", "vpshrd", "vpopcnt", "vpmadd52", "vpcompressb", "vpcompressw", "vaddph",
                        "vmulph"}},
};

/* "%ymm2" is fine where "mm2" stands for 20 to 29. */
static bool holds_register(const char *line, const char *name)
{
    const char *at = strstr(line, name);
    if (strcmp(name, "mm2") != 0)
        return at != NULL;
    for (; at; at = strstr(at + 1, name))
        if (at[3] >= '0' && at[3] <= '9')
            return true;
    return false;
}

/* The first of its lines that breaks the cap, as a copy for the message; NULL. */
static const char *line_beyond(const struct cap *cap, char *text)
{
    char *rest = text;
    for (char *line = strtok_r(text, "\n", &rest); line; line = strtok_r(NULL, "\n", &rest)) {
        char *instruction = line + strspn(line, " \t");
        instruction[strcspn(instruction, "#")] = 0;
        if (instruction == line || *instruction == '.')
            continue;
        for (int i = 0; cap->registers[i]; i++)
            if (holds_register(instruction, cap->registers[i]))
                return instruction;
        for (int i = 0; cap->instructions[i]; i++)
            if (strncmp(instruction, cap->instructions[i], strlen(cap->instructions[i])) == 0)
                return instruction;
    }
    return NULL;
}

static bool code_is_within_its_cap(const struct sample *s)
{
    if (!units_chosen(s->plan, 60))
        return true;
    struct output text = compiled(s->plan, CJ_FORMAT_ASM);
    const char *line = line_beyond(&caps[s->plan->isa], text.bytes);
    bool right = !line || sample_wrong(s, "code has %s", line);
    free(text.bytes);
    return right;
}

static void code_keeps_to_its_instruction_set(void **state)
{
    (void)state;
    assert_int_equal(sample_plans(32, 200, 40, code_is_within_its_cap), 0);
}

/* Code for a wider instruction set breaks the narrower ones' caps: a test of the test. */
static void caps_notice_wider_code(void **state)
{
    (void)state;
    for (int isa = CJ_ISA_AVX2; isa <= CJ_ISA_AVX512; isa++) {
        cj_conv_desc desc = {.in_channels = 64, .out_channels = 64, .input = {28, 28}, .kernel = {3, 3}};
        struct target target = target_preset((cj_isa)isa);
        struct conv conv;
        struct plan plan;
        assert_int_equal(conv_from_desc(&desc, &conv), CJ_OK);
        assert_int_equal(plan_choose(&conv, &target, NULL, &plan), CJ_OK);
        for (int cap = CJ_ISA_SSE2; cap < isa; cap++) {
            struct output text = compiled(&plan, CJ_FORMAT_ASM);
            assert_non_null(line_beyond(&caps[cap], text.bytes));
            free(text.bytes);
        }
    }
}

/* ---- Code that no plan has ---- */

/* A vector from a branch that may not have been taken. */
static void emit_nonsense(struct em *em, const void *arg)
{
    (void)arg;
    em_vec value = em_vconst(em, 0);
    EM_IF(em, em_lt(em, em_first_unit(em), em_last_unit(em)))
    value = em_load(em, em_argument(em, EM_SRC));
    em_store(em, em_argument(em, EM_DST), value);
}

static void invalid_code_is_refused_in_llvms_words(void **state)
{
    (void)state;
    struct plan plan = words_plan(&(struct words){CJ_ISA_SSE2, CJ_F32, 4});
    struct plugin_request request = {.plan = &plan, .format = CJ_FORMAT_OBJECT};
    void *bytes = NULL;
    size_t size;
    assert_int_equal(compile_emission(&request, &(struct emission){emit_nonsense, NULL}, &bytes, &size),
                     CJ_COMPILE);
    assert_non_null(strstr(cj_last_error(), "not valid: Instruction does not dominate all uses"));
    assert_null(bytes);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(objects_stand_alone_and_are_the_same_again),
        cmocka_unit_test(code_keeps_to_its_instruction_set),
        cmocka_unit_test(caps_notice_wider_code),
        cmocka_unit_test(invalid_code_is_refused_in_llvms_words),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
