/* A convolution as `convjit run` meets it: an operator's name, tensors in files and options. */
#ifndef CONVJIT_PROBLEM_H
#define CONVJIT_PROBLEM_H

#include "npy.h"
#include "overrides.h"
#include "values.h"

enum tensor_file {
    FILE_INPUT,
    FILE_WEIGHT,
    FILE_POINTWISE,
    FILE_BIAS,
    FILE_SCALE,
    FILE_SHIFT,
    FILE_RESIDUAL,
    TENSOR_FILES
};

struct form {
    const char *name; /* "depthwise_conv2d" */
    cj_op op;
    int rank;
    bool depthwise;
};

struct run_settings {
    const char *path[TENSOR_FILES]; /* NULL: not given */
    const char *output;
    struct sizes stride, dilation, output_padding, output_size;
    struct padding padding;
    int pad_mode;
    int64_t groups; /* 0: not given */
    cj_post activation;
    struct overrides overrides;
    int threads;
    bool verbose;
};

struct problem {
    const struct form *form;
    struct npy tensor[TENSOR_FILES]; /* data NULL: not given */
    cj_conv_desc desc;
    int64_t batch;
    bool batched; /* the input has a batch dimension, so the output gets one */
};

extern const struct choice pad_mode_choices[];

/* Rows of an option table for struct run_settings: everything that describes a problem. */
#define PROBLEM_ROWS                                                                                         \
    {"input",                                                                                                \
     "X.npy",                                                                                                \
     "[n, c, spatial...], or without n",                                                                     \
     read_text,                                                                                              \
     offsetof(struct run_settings, path[FILE_INPUT]),                                                        \
     NULL},                                                                                                  \
        {"weight",                                                                                           \
         "W.npy",                                                                                            \
         "[out, in/groups, kernel...]; transposed [in, out/groups, kernel...]",                              \
         read_text,                                                                                          \
         offsetof(struct run_settings, path[FILE_WEIGHT]),                                                   \
         NULL},                                                                                              \
        {"pointwise",                                                                                        \
         "P.npy",                                                                                            \
         "separable: [out, in*multiplier, 1...]",                                                            \
         read_text,                                                                                          \
         offsetof(struct run_settings, path[FILE_POINTWISE]),                                                \
         NULL},                                                                                              \
        {"bias", "B.npy", "[out]", read_text, offsetof(struct run_settings, path[FILE_BIAS]), NULL},         \
        {"scale",                                                                                            \
         "S.npy",                                                                                            \
         "[out]: y*scale + shift follows the bias",                                                          \
         read_text,                                                                                          \
         offsetof(struct run_settings, path[FILE_SCALE]),                                                    \
         NULL},                                                                                              \
        {"shift", "T.npy", "[out]", read_text, offsetof(struct run_settings, path[FILE_SHIFT]), NULL},       \
        {"residual",                                                                                         \
         "R.npy",                                                                                            \
         "of the output's shape, added before the activation",                                               \
         read_text,                                                                                          \
         offsetof(struct run_settings, path[FILE_RESIDUAL]),                                                 \
         NULL},                                                                                              \
        {"activation",                                                                                       \
         "NAME",                                                                                             \
         "relu, relu6, leaky_relu:S, sigmoid, tanh, silu, gelu, hardswish, clamp:LO:HI",                     \
         read_activation,                                                                                    \
         offsetof(struct run_settings, activation),                                                          \
         NULL},                                                                                              \
        {"stride", "N[,N...]", "default 1", read_positive, offsetof(struct run_settings, stride), NULL},     \
        {"dilation", "N[,N...]", "default 1", read_positive, offsetof(struct run_settings, dilation), NULL}, \
        {"padding",                                                                                          \
         "P",                                                                                                \
         "N, N,N..., front:back,..., same, same_lower or valid; default 0",                                  \
         read_padding,                                                                                       \
         offsetof(struct run_settings, padding),                                                             \
         NULL},                                                                                              \
        {"padding-mode",                                                                                     \
         "MODE",                                                                                             \
         "zeros, reflect, replicate or circular",                                                            \
         read_choice,                                                                                        \
         offsetof(struct run_settings, pad_mode),                                                            \
         pad_mode_choices},                                                                                  \
        {"groups",                                                                                           \
         "N",                                                                                                \
         "default 1; depthwise sets it itself",                                                              \
         read_count,                                                                                         \
         offsetof(struct run_settings, groups),                                                              \
         NULL},                                                                                              \
        {"output-padding",                                                                                   \
         "N[,N...]",                                                                                         \
         "transposed: added behind",                                                                         \
         read_whole,                                                                                         \
         offsetof(struct run_settings, output_padding),                                                      \
         NULL},                                                                                              \
    {                                                                                                        \
        "output-size", "N[,N...]", "transposed: the size wanted", read_positive,                             \
            offsetof(struct run_settings, output_size), NULL                                                 \
    }
enum { PROBLEM_OPTIONS = 15 };

/* The operator of that name, or NULL. */
const struct form *form_by_name(const char *name);

/* Load the files, check their shapes and fill the descriptor. On failure nothing is left to free. */
int problem_load(const struct form *form, const struct run_settings *settings, struct problem *problem);
void problem_free(struct problem *problem);

/* The output's type and shape, without data. Complains where the descriptor or the residual is wrong. */
int problem_output(const struct problem *problem, const struct run_settings *settings, struct npy *output);

/* describe.c: the tensors' shapes and the options as a descriptor. */
int problem_describe(struct problem *problem, const struct run_settings *settings);

/* One dimension of a shape that a file should have. */
struct side {
    const char *word;
    int64_t size; /* or one of these */
};
enum { ANY_SIZE = -1 /* at least 1 */, ANY_BATCH = -2 /* at least 0 */ };

/* describe.c: complain unless the file has that shape: "(out, in/groups=4, kernel, kernel)". */
int check_shape(const struct problem *problem, const struct run_settings *settings, enum tensor_file file,
                const struct side *sides, int rank);

/* describe.c: the sides of an activation tensor. Returns how many. */
int activation_sides(const struct problem *problem, int64_t channels, const int64_t *spatial,
                     struct side sides[5]);

/* Complain of a file, by its option; EXIT_DONE, silent, for NPY_OK. */
int complain_npy(npy_status status, const char *option, const char *error);

/* The option that names a file: "weight". */
const char *file_option(enum tensor_file file);

#endif
