#include "overrides.h"

const struct choice dtype_choices[] = {{"f32", CJ_F32}, {"f64", CJ_F64}, {0}};
const struct choice layout_choices[] = {{"nchw", CJ_NCHW}, {"nhwc", CJ_NHWC}, {"nchwc", CJ_NCHWC}, {0}};
const struct choice accuracy_choices[] = {{"fast", CJ_FAST}, {"strict", CJ_STRICT}, {0}};
const struct choice isa_choices[] = {
    {"host", CJ_ISA_HOST}, {"sse2", CJ_ISA_SSE2}, {"avx2", CJ_ISA_AVX2}, {"avx512", CJ_ISA_AVX512}, {0}};

const char *choice_word(const struct choice *choices, int value)
{
    for (; choices->word; choices++)
        if (choices->value == value)
            return choices->word;
    return "unknown";
}

void overrides_apply(const struct overrides *overrides, cj_conv_desc *desc)
{
    if (overrides->layout >= 0) {
        desc->input_layout = desc->output_layout = (cj_layout)overrides->layout;
        desc->input_block = desc->output_block = 0;
    }
    if (overrides->dtype >= 0)
        desc->dtype = (cj_dtype)overrides->dtype;
    if (overrides->accuracy >= 0)
        desc->accuracy = (cj_accuracy)overrides->accuracy;
    if (overrides->isa >= 0)
        desc->isa = (cj_isa)overrides->isa;
    if (overrides->algorithm)
        desc->algorithm = overrides->algorithm;
}

int shape_read(const char *where, const char *shape, const struct overrides *overrides, cj_conv_desc *desc,
               int64_t *batch)
{
    int64_t output[3];
    cj_status status = cj_desc_parse(shape, desc, batch);
    if (status == CJ_OK) {
        overrides_apply(overrides, desc);
        status = cj_output_size(desc, output);
    }
    return status == CJ_OK ? EXIT_DONE
                           : complain(exit_of_status(status), "%s%s: %s", where, shape, cj_last_error());
}
