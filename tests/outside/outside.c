/* A program that knows convjit only by its installed header and library.
 *
 *   outside DIRECTORY   the code generator must be loaded from there, and not before it is needed
 *   outside none        there is no code generator: the library must say so */
#include <convjit/convjit.h>

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { C = 3, O = 16, H = 12, W = 17, BATCH = 2 };

static float input[BATCH][C][H][W], weight[O][C][3][3], bias[O], output[BATCH][O][H][W];

static const cj_conv_desc desc = {.in_channels = C,
                                  .out_channels = O,
                                  .input = {H, W},
                                  .kernel = {3, 3},
                                  .pad_lo = {1, 1},
                                  .pad_hi = {1, 1},
                                  .bias = 1,
                                  .post = {{.kind = CJ_POST_RELU}}};

static void die(const char *what, const char *why)
{
    fprintf(stderr, "outside: %s: %s\n", what, why);
    exit(1);
}

static void want(int fine, const char *what)
{
    if (!fine)
        die(what, cj_last_error());
}

/* Is a file mapped whose path begins and goes on like this? */
static int is_mapped(const char *directory, const char *name)
{
    char line[8192];
    int found = 0;
    FILE *maps = fopen("/proc/self/maps", "r");
    want(maps != NULL, "/proc/self/maps");
    while (fgets(line, sizeof line, maps)) {
        const char *path = strchr(line, '/'), *slash = strrchr(line, '/');
        size_t length = strlen(directory);
        found |= path && strncmp(slash + 1, name, strlen(name)) == 0 &&
                 (length == 0 || ((size_t)(slash - path) == length && strncmp(path, directory, length) == 0));
    }
    fclose(maps);
    return found;
}

static void fill(float *at, size_t count, unsigned seed)
{
    for (size_t i = 0; i < count; i++) {
        seed = seed * 1664525u + 1013904223u;
        at[i] = (float)(seed >> 16) / 32768.0f - 1.0f;
    }
}

static double expected(int n, int o, int y, int x)
{
    double sum = bias[o];
    for (int c = 0; c < C; c++)
        for (int ky = 0; ky < 3; ky++)
            for (int kx = 0; kx < 3; kx++) {
                int iy = y + ky - 1, ix = x + kx - 1;
                if (iy >= 0 && iy < H && ix >= 0 && ix < W)
                    sum += (double)input[n][c][iy][ix] * weight[o][c][ky][kx];
            }
    return sum > 0 ? sum : 0;
}

static void check_output(const char *way)
{
    for (int n = 0; n < BATCH; n++)
        for (int o = 0; o < O; o++)
            for (int y = 0; y < H; y++)
                for (int x = 0; x < W; x++)
                    if (!(fabs(output[n][o][y][x] - expected(n, o, y, x)) < 1e-5))
                        die(way, "an element is wrong");
    memset(output, 0xff, sizeof output);
}

/* What needs no compiler does not load one. */
static void look_around(cj_context *context)
{
    char *text;
    cj_machine machine;
    int64_t size[3];
    cj_machine_info(context, &machine);
    want(cj_explain(context, &desc, &text) == CJ_OK, "cj_explain");
    want(strstr(text, "chosen") != NULL, "cj_explain's text");
    cj_free(text);
    want(cj_output_size(&desc, size) == CJ_OK && size[0] == H && size[1] == W, "cj_output_size");
    want(!is_mapped("", "libLLVM"), "LLVM is loaded though nothing was compiled");
    want(!is_mapped("", "libconvjit-codegen"), "the plug-in is loaded though nothing was compiled");
}

static void prepare_pack_run(cj_context *context)
{
    cj_kernel *kernel;
    want(cj_prepare(context, &desc, &kernel) == CJ_OK, "cj_prepare");
    void *packed = aligned_alloc(64, cj_packed_bytes(kernel) / 64 * 64 + 64);
    void *scratch = aligned_alloc(64, cj_scratch_bytes(kernel, 1) / 64 * 64 + 64);
    cj_tensors tensors = {.output = output, .input = input, .packed = packed, .bias = bias, .scratch = scratch};
    want(cj_pack_weights(kernel, weight, NULL, packed) == CJ_OK, "cj_pack_weights");
    want(cj_run(kernel, BATCH, &tensors, NULL) == CJ_OK, "cj_run");
    check_output("cj_run");
    cj_release(kernel);
    free(packed);
    free(scratch);
}

static void functional(cj_context *context)
{
    cj_tensors tensors = {.output = output, .input = input, .weight = weight, .bias = bias};
    want(cj_conv2d(context, &desc, BATCH, &tensors, NULL) == CJ_OK, "cj_conv2d");
    check_output("cj_conv2d");
}

static void without_codegen(cj_context *context)
{
    cj_kernel *kernel;
    want(cj_prepare(context, &desc, &kernel) == CJ_NO_CODEGEN, "cj_prepare without a code generator");
    want(strstr(cj_last_error(), "code generator") != NULL, "the sentence about it");
    puts(cj_last_error());
}

int main(int argc, char **argv)
{
    cj_context *context;
    want(argc == 2, "one argument is needed");
    want(strcmp(cj_version(), CJ_VERSION) == 0, "the header's version is not the library's");
    fill(&input[0][0][0][0], sizeof input / sizeof(float), 1);
    fill(&weight[0][0][0][0], sizeof weight / sizeof(float), 2);
    fill(bias, O, 3);
    want(cj_context_create(NULL, &context) == CJ_OK, "cj_context_create");
    look_around(context);
    if (strcmp(argv[1], "none") == 0) {
        without_codegen(context);
    } else {
        prepare_pack_run(context);
        functional(context);
        want(is_mapped("", "libLLVM"), "LLVM is not loaded though something was compiled");
        want(is_mapped(argv[1], "libconvjit-codegen"), "the plug-in was loaded from elsewhere");
    }
    cj_context_destroy(context);
    return 0;
}
