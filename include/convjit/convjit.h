/* convjit - one machine-code kernel for each convolution.
 *
 * A convolution is described by a `cj_conv_desc`. `cj_prepare` turns it into a `cj_kernel`: machine code
 * written for exactly that convolution, compiled once, kept in the context's cache under a hash of its
 * parameters, and callable for any batch size. Two ways in:
 *
 *     prepare -> pack weights once -> run many times      cj_prepare, cj_pack_weights, cj_run
 *     functional: weights are arguments of each call      cj_conv2d and its eleven siblings
 *
 * A first program:
 *
 *     cj_context *ctx;
 *     cj_kernel *kernel;
 *     cj_conv_desc desc = {.in_channels = 64, .out_channels = 64, .input = {56, 56}, .kernel = {3, 3},
 *                          .pad_lo = {1, 1}, .pad_hi = {1, 1}, .post = {{.kind = CJ_POST_RELU}}};
 *     if (cj_context_create(NULL, &ctx) || cj_prepare(ctx, &desc, &kernel))
 *         return fprintf(stderr, "%s\n", cj_last_error()), 1;
 *     void *packed = aligned_alloc(64, cj_packed_bytes(kernel));
 *     void *scratch = aligned_alloc(64, cj_scratch_bytes(kernel, 1));
 *     cj_pack_weights(kernel, weight, NULL, packed);
 *     cj_run(kernel, 8, &(cj_tensors){.output = y, .input = x, .packed = packed, .scratch = scratch}, NULL);
 *
 * Every field that is left zero means its default, so a zeroed descriptor states only what is unusual.
 * Functions that can fail return a status; `cj_last_error` then holds a sentence that names the field and
 * the value. Nothing here prints, exits or aborts. Sizes are in elements unless a name ends in `_bytes`.
 */
#ifndef CONVJIT_H
#define CONVJIT_H

#include <stddef.h>
#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

#if defined(CONVJIT_BUILDING) && defined(__GNUC__)
#define CJ_API __attribute__((visibility("default")))
#else
#define CJ_API
#endif

#define CJ_VERSION_MAJOR 0
#define CJ_VERSION_MINOR 1
#define CJ_VERSION_PATCH 0
#define CJ_VERSION "0.1.0"

/* ---- Status ------------------------------------------------------------------------------------------ */

typedef enum cj_status {
    CJ_OK = 0,
    CJ_INVALID,     /* an argument is wrong: the sentence names the field, its value and what it may be */
    CJ_UNSUPPORTED, /* correct, but this build, this CPU or the algorithm asked for cannot do it */
    CJ_NO_MEMORY,   /* an allocation failed */
    CJ_NO_CODEGEN,  /* the kernel is not cached and libconvjit-codegen could not be loaded */
    CJ_COMPILE,     /* the compiler refused the generated code: a defect in convjit */
    CJ_SYSTEM       /* the operating system refused something: the sentence holds its reason */
} cj_status;

/* The constant's name ("CJ_INVALID"); a static string. Thread-safe. */
CJ_API const char *cj_status_name(cj_status status);

/* The sentence about the calling thread's last failed call; "" before the first. It stays valid until that
 * thread's next failing call. Thread-safe: each thread has its own. */
CJ_API const char *cj_last_error(void);

/* The library's version, as CJ_VERSION was when it was built; a static string. Thread-safe. */
CJ_API const char *cj_version(void);

/* ---- The convolution --------------------------------------------------------------------------------- */

typedef enum cj_op {
    CJ_CONV = 0,       /* depthwise is this with groups == in_channels */
    CJ_CONV_TRANSPOSE, /* the gradient of CJ_CONV with respect to its input; "deconvolution" */
    CJ_SEPARABLE       /* a depthwise convolution, then a pointwise (1x1) one, fused */
} cj_op;

typedef enum cj_dtype { CJ_F32 = 0, CJ_F64 } cj_dtype; /* also the type that sums are taken in */

typedef enum cj_layout {
    CJ_NCHW = 0, /* [n, c, spatial...], dense */
    CJ_NHWC,     /* [n, spatial..., c], dense */
    CJ_STRIDED,  /* the strides given in the descriptor */
    CJ_NCHWC     /* [n, ceil(c / B), spatial..., B], dense: channels in blocks of B. Behind the last channel
                  * the last block is padded: a kernel uses nothing there in the input, whatever it holds, and
                  * writes zeros there in the output. */
} cj_layout;

typedef enum cj_pad_mode {
    CJ_PAD_ZEROS = 0,
    CJ_PAD_REFLECT,   /* c b | a b c | b a : padding must be less than the input */
    CJ_PAD_REPLICATE, /* a a | a b c | c c */
    CJ_PAD_CIRCULAR   /* b c | a b c | a b : padding must be at most the input */
} cj_pad_mode;

typedef enum cj_auto_pad {
    CJ_PAD_EXPLICIT = 0, /* pad_lo and pad_hi */
    CJ_PAD_SAME,         /* output = ceil(input / stride), an odd element of padding goes behind; transposed:
                          * output = input * stride, or more where the kernel spans less than the stride */
    CJ_PAD_SAME_LOWER,   /* the same, an odd element of padding goes in front */
    CJ_PAD_VALID         /* none */
} cj_auto_pad;

typedef enum cj_accuracy {
    CJ_FAST = 0, /* any algorithm, within the error that the README states for each */
    CJ_STRICT    /* a plain sum of products, each product and sum rounded once (fused where the CPU fuses) */
} cj_accuracy;

/* The widest instruction set that generated code may use. */
typedef enum cj_isa { CJ_ISA_HOST = 0, CJ_ISA_SSE2, CJ_ISA_AVX2, CJ_ISA_AVX512 } cj_isa;

/* What follows the sum of products, element by element, in the order given. `y` is the value so far, `c` its
 * output channel. Bias is added before all of them. */
typedef enum cj_post_kind {
    CJ_POST_NONE = 0,    /* ends the list */
    CJ_POST_RESIDUAL,    /* y + residual, a tensor with the output's shape and strides */
    CJ_POST_SCALE_SHIFT, /* y * scale[c] + shift[c]: a folded batch normalisation */
    CJ_POST_RELU,        /* max(y, 0) */
    CJ_POST_RELU6,       /* min(max(y, 0), 6) */
    CJ_POST_LEAKY_RELU,  /* y < 0 ? alpha * y : y */
    CJ_POST_SIGMOID,     /* 1 / (1 + exp(-y)) */
    CJ_POST_TANH,        /* tanh(y) */
    CJ_POST_SILU,        /* y * sigmoid(y) */
    CJ_POST_GELU,        /* y * (1 + erf(y / sqrt(2))) / 2 */
    CJ_POST_HARDSWISH,   /* y * min(max(y + 3, 0), 6) / 6 */
    CJ_POST_CLAMP        /* min(max(y, alpha), beta) */
} cj_post_kind;

typedef struct cj_post {
    cj_post_kind kind;
    double alpha, beta; /* CJ_POST_LEAKY_RELU: the slope; CJ_POST_CLAMP: low and high */
} cj_post;

#define CJ_MAX_POST 6

/* Spatial arrays are in the order of the tensor's own dimensions: {w} for rank 1, {h, w} for rank 2,
 * {d, h, w} for rank 3; entries behind the rank must be zero.
 *
 * The output's size follows from the rest, for each spatial dimension:
 *   convolution  (input + pad_lo + pad_hi - dilation*(kernel-1) - 1) / stride + 1, rounded down
 *   transposed   (input-1)*stride - pad_lo - pad_hi + dilation*(kernel-1) + 1 + output_padding
 * and must be at least 1. `output_size`, for transposed only, asks for a size instead of output_padding. */
typedef struct cj_conv_desc {
    cj_op op;
    int rank; /* spatial dimensions, 1 to 3; default 2 */
    cj_dtype dtype;
    int64_t in_channels, out_channels; /* at least 1 each; both divisible by groups */
    int64_t groups;                    /* default 1; CJ_SEPARABLE ignores it */
    int64_t multiplier;                /* CJ_SEPARABLE: depthwise outputs for each input channel; default 1 */
    int64_t input[3];                  /* at least 1 each */
    int64_t kernel[3];                 /* at least 1 each */
    int64_t stride[3], dilation[3];    /* default 1 */
    int64_t pad_lo[3], pad_hi[3];      /* in front of and behind the input; transposed: cut off the output */
    int64_t output_padding[3];         /* transposed: rows added behind; less than stride or dilation */
    int64_t output_size[3];            /* transposed: the size wanted, as PyTorch's output_size */
    cj_auto_pad auto_pad;              /* other than CJ_PAD_EXPLICIT, pad_lo and pad_hi must be zero */
    cj_pad_mode pad_mode;              /* other than CJ_PAD_ZEROS, for CJ_CONV and CJ_SEPARABLE only */
    cj_layout input_layout, output_layout;
    int64_t input_strides[5];  /* CJ_STRIDED: elements from one n, c, then spatial index to the next. A zero */
    int64_t output_strides[5]; /* is a broadcast, for the input only. Output strides must nest: each steps over
                                * all that the smaller ones reach, so that no two outputs overlap. */
    int64_t input_block, output_block; /* CJ_NCHWC: B, a power of two from 2 to 64. Default: elements in a
                                        * vector of the kernel's instruction set; cj_placement_of says it */
    int bias;                          /* not zero: bias[out_channels] is added */
    cj_post post[CJ_MAX_POST];
    cj_accuracy accuracy;
    const char *algorithm; /* NULL: the planner's choice; else a name that `convjit explain` lists */
    cj_isa isa;            /* a cap; the context's cap and the CPU's features bound it too */
} cj_conv_desc;

/* ---- Context: the cache and its settings -------------------------------------------------------------- */

typedef struct cj_context cj_context;

typedef struct cj_options {
    const char *codegen_path; /* the plug-in's file; default: CONVJIT_CODEGEN, then beside libconvjit.so */
    cj_isa isa;               /* a cap for every kernel; default: CONVJIT_ISA (sse2 avx2 avx512), then none */
} cj_options;

typedef struct cj_counters {
    uint64_t hits, misses; /* lookups by cj_prepare and the functional calls */
    uint64_t compiles;     /* kernels compiled; less than misses where threads waited for one compile */
    uint64_t kernels;      /* kernels held now */
    uint64_t code_bytes;   /* machine code and constants mapped now */
    uint64_t compile_ns;   /* time spent compiling, summed */
} cj_counters;

/* Make a context. `options` may be NULL. It is cheap: LLVM is loaded at the first miss.
 * CJ_INVALID: an environment variable or option has a value that it cannot have. Thread-safe. */
CJ_API cj_status cj_context_create(const cj_options *options, cj_context **context);

/* Drop the caller's hold. Kernels that are still held stay usable. NULL is allowed. Not while another thread
 * uses the context. */
CJ_API void cj_context_destroy(cj_context *context);

/* A snapshot of the counters. Thread-safe. */
CJ_API void cj_context_counters(const cj_context *context, cj_counters *counters);

/* ---- Kernels ----------------------------------------------------------------------------------------- */

typedef struct cj_kernel cj_kernel;

/* Find or make the kernel for a convolution. Batch size is not part of it. The first call for a convolution
 * compiles (milliseconds); later ones find it (well under a microsecond). When several threads ask for the
 * same one at once, one compiles and the others wait for it; threads that hit never wait.
 * The caller holds a reference: cj_release it. Thread-safe.
 * CJ_INVALID: the descriptor is wrong. CJ_UNSUPPORTED: the algorithm or ISA asked for cannot do it.
 * CJ_NO_CODEGEN, CJ_COMPILE, CJ_NO_MEMORY, CJ_SYSTEM: as their names say. */
CJ_API cj_status cj_prepare(cj_context *context, const cj_conv_desc *desc, cj_kernel **kernel);

/* Take and drop references. NULL is allowed. Thread-safe. */
CJ_API cj_kernel *cj_retain(cj_kernel *kernel);
CJ_API void cj_release(cj_kernel *kernel);

/* The output's spatial size for a descriptor, `rank` numbers. CJ_INVALID as for cj_prepare. Thread-safe. */
CJ_API cj_status cj_output_size(const cj_conv_desc *desc, int64_t output[3]);

/* Where a tensor of a convolution lies: `batch` images take (batch - 1) * image_step + elements elements. */
typedef struct cj_placement {
    int64_t block;      /* CJ_NCHWC: channels in a block, the B that a default of 0 means; else 0 */
    int64_t elements;   /* of one image, from its first to behind its last, what pads a block included */
    int64_t image_step; /* elements from one image to the next */
} cj_placement;

/* The placements of input and output (and residual) for kernels of this context, and for those that are emitted
 * for another CPU. CJ_INVALID: a pointer is NULL or the descriptor is wrong. CJ_UNSUPPORTED: there is no ISA
 * for this CPU. Thread-safe. */
CJ_API cj_status cj_placement_of(const cj_context *context, const cj_conv_desc *desc, cj_placement *input,
                                 cj_placement *output);

/* Bytes that cj_pack_weights writes. Thread-safe. */
CJ_API size_t cj_packed_bytes(const cj_kernel *kernel);

/* Bytes of scratch that a run on `threads` threads needs; may be 0. Thread-safe. */
CJ_API size_t cj_scratch_bytes(const cj_kernel *kernel, int threads);

/* The plan as one line of text ("algorithm=direct lanes=8 ..."); valid as long as the kernel. Thread-safe. */
CJ_API const char *cj_kernel_plan(const cj_kernel *kernel);

/* The kernel's 128-bit key as 32 hexadecimal digits; valid as long as the kernel. Thread-safe. */
CJ_API const char *cj_kernel_key(const cj_kernel *kernel);

/* What cj_prepare did for this kernel when it was made: compile time and size. Thread-safe. */
typedef struct cj_kernel_stats {
    uint64_t plan_ns, compile_ns, load_ns; /* choosing the plan, emission to object, mapping it */
    uint64_t code_bytes;
    double flops; /* useful multiply and add operations for one image */
} cj_kernel_stats;
CJ_API void cj_kernel_get_stats(const cj_kernel *kernel, cj_kernel_stats *stats);

/* Put weights into the order that the kernel reads.
 * weight     convolution [out, in/groups, spatial...], transposed [in, out/groups, spatial...],
 *            separable (the depthwise ones) [in*multiplier, 1, spatial...]; dense, PyTorch's order
 * pointwise  separable [out, in*multiplier, 1...]; else NULL
 * packed     cj_packed_bytes bytes, 64-byte aligned, owned by the caller
 * Packed weights belong to this kernel's key: the same key on another context takes them too.
 * CJ_INVALID: a pointer is NULL, or `packed` is not aligned. Thread-safe. */
CJ_API cj_status cj_pack_weights(const cj_kernel *kernel, const void *weight, const void *pointwise,
                                 void *packed);

/* The tensors of one call. Elements are of the descriptor's dtype, aligned as that type is, no more. No
 * output may overlap an input, a weight, the scratch or, residual included, another tensor of the call. */
typedef struct cj_tensors {
    void *output;
    const void *input;
    const void *weight, *pointwise; /* functional calls: plain weights as for cj_pack_weights */
    const void *packed;             /* cj_run: packed weights */
    const void *bias;               /* [out_channels] if the descriptor has a bias */
    const void *residual;           /* if it has CJ_POST_RESIDUAL */
    const void *scale, *shift;      /* [out_channels] each, if it has CJ_POST_SCALE_SHIFT */
    void *scratch;                  /* cj_run: cj_scratch_bytes bytes, 64-byte aligned; NULL if that is 0 */
} cj_tensors;

/* How to run on several threads: `run` must call task(arg, 0) .. task(arg, threads-1), each once, in any
 * order, on any threads, and return when all have returned. Results have the same bits for any `threads`. */
typedef struct cj_parallel {
    int threads; /* 1 or more */
    void (*run)(void *pool, int threads, void (*task)(void *arg, int index), void *arg);
    void *pool;
} cj_parallel;

/* Run a kernel on `batch` images. `parallel` NULL runs on the calling thread. Neither allocates nor locks.
 * CJ_INVALID: batch is negative or so large that images would overlap (output strides with n inside), or a
 * tensor that the descriptor asks for is NULL or misaligned. With batch 0 nothing is read or written.
 * Thread-safe as long as outputs and scratch are not shared. */
CJ_API cj_status cj_run(const cj_kernel *kernel, int64_t batch, const cj_tensors *tensors,
                        const cj_parallel *parallel);

/* A pool of `threads` threads (the caller of cj_run is one of them) for callers without one of their own.
 * `cj_pool_parallel` gives what cj_run takes; it is valid as long as the pool. One run at a time on a pool.
 * CJ_INVALID: threads is not 1 to 1024. CJ_SYSTEM: a thread could not be started. */
typedef struct cj_pool cj_pool;
CJ_API cj_status cj_pool_create(int threads, cj_pool **pool);
CJ_API void cj_pool_destroy(cj_pool *pool);
CJ_API const cj_parallel *cj_pool_parallel(const cj_pool *pool);

/* ---- Functional calls --------------------------------------------------------------------------------- */

/* Look the kernel up (or make it), pack the weights, run. `tensors->weight` (and `pointwise`) are plain;
 * `packed` and `scratch` are ignored: the call takes memory for them itself and gives it back. Weights may
 * change from call to call, so each call packs them, and the kernel is the one that is quickest for an image
 * with its packing: often another one than cj_prepare's, which is better for weights that stay.
 * The function's name sets `op` and `rank`; in the descriptor they must be zero or agree. The depthwise calls
 * set `groups` to in_channels; `out_channels` 0 means in_channels. Statuses as cj_prepare and cj_run.
 * Thread-safe. */
CJ_API cj_status cj_conv1d(cj_context *context, const cj_conv_desc *desc, int64_t batch,
                           const cj_tensors *tensors, const cj_parallel *parallel);
CJ_API cj_status cj_conv2d(cj_context *context, const cj_conv_desc *desc, int64_t batch,
                           const cj_tensors *tensors, const cj_parallel *parallel);
CJ_API cj_status cj_conv3d(cj_context *context, const cj_conv_desc *desc, int64_t batch,
                           const cj_tensors *tensors, const cj_parallel *parallel);
CJ_API cj_status cj_conv_transpose1d(cj_context *context, const cj_conv_desc *desc, int64_t batch,
                                     const cj_tensors *tensors, const cj_parallel *parallel);
CJ_API cj_status cj_conv_transpose2d(cj_context *context, const cj_conv_desc *desc, int64_t batch,
                                     const cj_tensors *tensors, const cj_parallel *parallel);
CJ_API cj_status cj_conv_transpose3d(cj_context *context, const cj_conv_desc *desc, int64_t batch,
                                     const cj_tensors *tensors, const cj_parallel *parallel);
CJ_API cj_status cj_depthwise_conv1d(cj_context *context, const cj_conv_desc *desc, int64_t batch,
                                     const cj_tensors *tensors, const cj_parallel *parallel);
CJ_API cj_status cj_depthwise_conv2d(cj_context *context, const cj_conv_desc *desc, int64_t batch,
                                     const cj_tensors *tensors, const cj_parallel *parallel);
CJ_API cj_status cj_depthwise_conv3d(cj_context *context, const cj_conv_desc *desc, int64_t batch,
                                     const cj_tensors *tensors, const cj_parallel *parallel);
CJ_API cj_status cj_separable_conv1d(cj_context *context, const cj_conv_desc *desc, int64_t batch,
                                     const cj_tensors *tensors, const cj_parallel *parallel);
CJ_API cj_status cj_separable_conv2d(cj_context *context, const cj_conv_desc *desc, int64_t batch,
                                     const cj_tensors *tensors, const cj_parallel *parallel);
CJ_API cj_status cj_separable_conv3d(cj_context *context, const cj_conv_desc *desc, int64_t batch,
                                     const cj_tensors *tensors, const cj_parallel *parallel);

/* ---- Text: SHAPE strings ------------------------------------------------------------------------------ */

/* Read "conv2d:n1:c64:o64:i56x56:k3x3:s1:p1:d1:g1" (the README's grammar) or oneDNN's benchdnn form
 * "g1mb1_ic64ih56_oc64oh56_kh3sh1dh0ph1[n\"name\"]" into a descriptor and a batch size.
 * CJ_INVALID: the sentence names the part and its value. Thread-safe. */
CJ_API cj_status cj_desc_parse(const char *shape, cj_conv_desc *desc, int64_t *batch);

/* Write a descriptor as a SHAPE string; with `size` too small the text is cut and CJ_INVALID returned. The
 * result parses back to the same convolution. CJ_STRIDED layouts have no SHAPE. Thread-safe. */
CJ_API cj_status cj_desc_print(const cj_conv_desc *desc, int64_t batch, char *text, size_t size);

/* ---- Looking inside ----------------------------------------------------------------------------------- */

/* Every algorithm with its estimate or its reason for declining, then the plan chosen, as lines of text.
 * Free it with cj_free. CJ_INVALID as cj_prepare. Does not load LLVM. Thread-safe. */
CJ_API cj_status cj_explain(cj_context *context, const cj_conv_desc *desc, char **text);

typedef enum cj_format {
    CJ_FORMAT_IR = 0, /* LLVM IR as emitted */
    CJ_FORMAT_LL_OPT, /* LLVM IR after the passes */
    CJ_FORMAT_ASM,    /* assembly */
    CJ_FORMAT_OBJECT  /* a relocatable object; the function is `convjit_kernel` */
} cj_format;

typedef struct cj_emit_options {
    cj_format format;
    const char *cpu; /* LLVM's name of an x86-64 CPU with the ISA's features; NULL: the ISA preset's level */
    const char
        *triple; /* an LLVM target triple; NULL: x86_64-unknown-linux-gnu. Of another family: a generic CPU */
} cj_emit_options;

/* What the compiler makes of a convolution. Nothing is cached. Free `*bytes` with cj_free.
 * CJ_UNSUPPORTED: LLVM does not know the CPU or the triple, or the CPU lacks the ISA's instructions; others as
 * cj_prepare. Thread-safe. */
CJ_API cj_status cj_emit(cj_context *context, const cj_conv_desc *desc, const cj_emit_options *options,
                         void **bytes, size_t *size);

/* The machine as convjit sees it. */
typedef struct cj_machine {
    char cpu[64];         /* CPU model */
    cj_isa isa;           /* the widest preset usable here, under the context's cap */
    const char *features; /* the CPU features that its code may use, as words; a static string */
    int cores;            /* usable by this process */
    int64_t l1, l2, l3;   /* bytes of data cache for one core; 0: unknown */
} cj_machine;
CJ_API void cj_machine_info(const cj_context *context, cj_machine *machine);

/* LLVM's version from the plug-in, which this loads; a static string. CJ_NO_CODEGEN. Thread-safe. */
CJ_API cj_status cj_llvm_version(cj_context *context, const char **version);

/* Free what cj_explain and cj_emit returned. NULL is allowed. Thread-safe. */
CJ_API void cj_free(void *memory);

#ifdef __cplusplus
}
#endif

#endif
