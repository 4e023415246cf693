/* What the scripts that test the command know of convolutions and of JSON, so that they need no Python. Tensors
 * are made and compared here without a line of the command's own code: it is not linked.
 *
 *   checker make SHAPE FOLDER [unbatched]          random tensors as .npy files
 *   checker compare SHAPE FILE.npy [unbatched]     against the definition; the file's header byte by byte
 *   checker pack SHAPE FOLDER                      raw tensors and packed weights, for an emitted kernel
 *   checker compare-raw SHAPE FILE                 against the definition
 *   checker json FILE                              what `convjit bench --json` promises
 *
 * Exit status 0: right; 1: wrong, with a sentence on standard error. */
#include "json.h"
#include "tensors.h"

#include "../support/check.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { SEED = 7 };

/* The problem of a SHAPE, the same whenever it is asked for. */
struct subject {
    cj_conv_desc desc;
    int64_t batch;
    struct check check;
};

static void open_subject(struct subject *s, const char *shape)
{
    if (cj_desc_parse(shape, &s->desc, &s->batch) != CJ_OK) {
        fprintf(stderr, "checker: %s: %s\n", shape, cj_last_error());
        exit(1);
    }
    s->check = check_open(&s->desc, s->batch, SEED);
}

static int fail_with(const char *file, const char *why)
{
    fprintf(stderr, "checker: %s %s\n", file, why);
    return 1;
}

static int make(const char *shape, const char *folder, bool batched)
{
    struct subject s;
    open_subject(&s, shape);
    int failed = 0;
    for (enum operand which = INPUT; which < OUTPUT; which++)
        failed |= !tensor_write(&s.check.problem, which, folder, batched);
    check_close(&s.check);
    return failed ? fail_with(folder, "cannot be written to") : 0;
}

static int compare(const char *shape, const char *file, bool batched, bool raw)
{
    struct subject s;
    open_subject(&s, shape);
    const char *why = tensor_read_output(&s.check.problem, file, batched, raw);
    int wrong = why ? fail_with(file, why) : !check_compare(&s.check, &s.desc);
    check_close(&s.check);
    return wrong;
}

static int pack(const char *shape, const char *folder)
{
    struct subject s;
    cj_context *context;
    cj_kernel *kernel;
    open_subject(&s, shape);
    if (cj_context_create(NULL, &context) != CJ_OK || cj_prepare(context, &s.desc, &kernel) != CJ_OK)
        return fail_with(shape, cj_last_error());
    bool written = tensors_write_raw(&s.check.problem, kernel, folder);
    cj_release(kernel);
    cj_context_destroy(context);
    check_close(&s.check);
    return written ? 0 : fail_with(folder, "cannot be written to");
}

static int usage(void)
{
    fprintf(stderr, "checker make|compare|pack|compare-raw SHAPE PLACE [unbatched], or checker json FILE\n");
    return 1;
}

int main(int argc, char **argv)
{
    bool batched = argc < 5 || strcmp(argv[4], "unbatched") != 0;
    if (argc == 3 && strcmp(argv[1], "json") == 0)
        return json_check(argv[2]);
    if (argc < 4)
        return usage();
    if (strcmp(argv[1], "make") == 0)
        return make(argv[2], argv[3], batched);
    if (strcmp(argv[1], "compare") == 0)
        return compare(argv[2], argv[3], batched, false);
    if (strcmp(argv[1], "compare-raw") == 0)
        return compare(argv[2], argv[3], true, true);
    return strcmp(argv[1], "pack") == 0 ? pack(argv[2], argv[3]) : usage();
}
