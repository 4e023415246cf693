/* Options that change how any convolution is computed, whether it came from a SHAPE or from tensors. */
#ifndef CONVJIT_OVERRIDES_H
#define CONVJIT_OVERRIDES_H

#include "args.h"

/* -1 and NULL: not given. */
struct overrides {
    int dtype, layout, accuracy, isa;
    const char *algorithm;
};

#define OVERRIDES_NONE                                       \
    {                                                        \
        .dtype = -1, .layout = -1, .accuracy = -1, .isa = -1 \
    }

extern const struct choice dtype_choices[], layout_choices[], accuracy_choices[], isa_choices[];

/* Rows of an option table, for settings of a type that has the field `overrides`. */
#define OVERRIDE_ROWS(type)                                                                                  \
    {"dtype", "f32|f64", "the arithmetic", read_choice, offsetof(type, overrides.dtype), dtype_choices},     \
        {"layout",                                                                                           \
         "nchw|nhwc",                                                                                        \
         "of activations, in and out",                                                                       \
         read_choice,                                                                                        \
         offsetof(type, overrides.layout),                                                                   \
         layout_choices},                                                                                    \
        {"accuracy",                                                                                         \
         "fast|strict",                                                                                      \
         "strict: a plain sum of products",                                                                  \
         read_choice,                                                                                        \
         offsetof(type, overrides.accuracy),                                                                 \
         accuracy_choices},                                                                                  \
        {"algorithm",                                                                                        \
         "NAME",                                                                                             \
         "force one; convjit explain lists them",                                                            \
         read_text,                                                                                          \
         offsetof(type, overrides.algorithm),                                                                \
         NULL},                                                                                              \
    {                                                                                                        \
        "isa", "sse2|avx2|avx512", "the widest instruction set", read_choice, offsetof(type, overrides.isa), \
            isa_choices                                                                                      \
    }
enum { OVERRIDES = 5 };

/* Put what was given into a descriptor. */
void overrides_apply(const struct overrides *overrides, cj_conv_desc *desc);

/* The word of a value. */
const char *choice_word(const struct choice *choices, int value);

/* Read a SHAPE, put the overrides on it and see that there is such a convolution. Complains with the SHAPE and,
 * in front, with `where` it stands: "FILE, line 3: ", or "". */
int shape_read(const char *where, const char *shape, const struct overrides *overrides, cj_conv_desc *desc,
               int64_t *batch);

#endif
