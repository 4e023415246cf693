/* convjit bench: how fast kernels are, as a share of what the machine can do.
 *
 * The run goes round all shapes several times, and measures the peak between them, so that what else happens on
 * the machine falls on all of them and the best of each is taken. Threads are pinned to cores. */
#include "../runtime/cli/commands.h"
#include "../runtime/cli/outfile.h"
#include "../runtime/cli/overrides.h"
#include "compare.h"
#include "plot.h"
#include "report.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { ROUNDS = 5 };

struct bench_settings {
    const char *shapes, *filter, *json, *plot, *compare;
    struct overrides overrides;
    int threads;
    double min_time;   /* seconds for one shape, over all rounds */
    double peers_peak; /* GFLOP/s beside which other libraries were measured, where the table has no column */
};

struct bench {
    const struct bench_settings *settings;
    struct layer_list shapes;
    struct bench_machine machine;
    struct past past; /* of --compare */
    cj_context *context;
    cj_pool *pool;
    struct layer *layers;
    struct result *results;
    int opened;
    struct outfile json, plot; /* stream NULL: not open */
};

static void complete_peers(struct layer_list *list, double peak_gflops)
{
    for (int i = 0; i < list->count; i++)
        if (list->at[i].peers.peak_gflops <= 0)
            list->at[i].peers.peak_gflops = peak_gflops;
}

static int collect_shapes(struct bench *bench, const struct arguments *rest)
{
    const struct bench_settings *s = bench->settings;
    TRY(layers_collect(&bench->shapes, rest, s->shapes, s->filter, &s->overrides));
    complete_peers(&bench->shapes, s->peers_peak);
    if (bench->shapes.count)
        return EXIT_DONE;
    if (s->shapes)
        return complain(EXIT_WRONG, "--shapes %s has no shape in it", s->shapes);
    return complain(EXIT_WRONG, "there is no shape to measure; give SHAPEs or --shapes FILE");
}

static int open_layers(struct bench *bench)
{
    size_t count = (size_t)bench->shapes.count;
    bench->layers = calloc(count, sizeof *bench->layers);
    bench->results = calloc(count, sizeof *bench->results);
    if (!bench->layers || !bench->results)
        return complain(EXIT_MACHINE, "there is no memory for %zu shapes", count);
    for (int i = 0; i < bench->shapes.count; i++) {
        bench->opened++;
        TRY(layer_open(&bench->layers[i], &bench->shapes.at[i], bench->context, bench->settings->threads));
    }
    return EXIT_DONE;
}

static int measure(struct bench *bench)
{
    const cj_parallel *parallel = bench->pool ? cj_pool_parallel(bench->pool) : NULL;
    for (int round = 0; round < ROUNDS; round++) {
        for (int i = 0; i < bench->shapes.count; i++) {
            peak_measure(&bench->machine.peak);
            TRY(layer_measure(&bench->layers[i], parallel, bench->settings->min_time / ROUNDS));
        }
    }
    return EXIT_DONE;
}

/* Sets whether a layer lost speed. */
static int compare(const struct bench *bench, bool *slower)
{
    const char *path = bench->settings->compare;
    int lost = path ? compare_report(stdout, &bench->past, path, bench->results, bench->shapes.count) : 0;
    *slower = lost > 0;
    return lost < 0 ? complain(EXIT_MACHINE, "there is no memory for the comparison with %s", path) : EXIT_DONE;
}

static int report(struct bench *bench, bool *slower)
{
    int count = bench->shapes.count;
    report_machine(&bench->machine);
    report_head();
    for (int i = 0; i < count; i++) {
        bench->results[i] = result_of_layer(&bench->layers[i], bench->settings->threads, &bench->machine);
        report_row(&bench->results[i]);
    }
    report_summary(bench->results, count);
    TRY(compare(bench, slower));
    return finish_output();
}

static int complain_of_file(const char *option, const char *path, int error)
{
    return error
               ? complain(exit_of_errno(error), "--%s %s cannot be written: %s", option, path, strerror(error))
               : EXIT_DONE;
}

/* Before anything is measured: a wrong path must not cost the time of a run. */
static int open_files(struct bench *bench)
{
    const struct bench_settings *s = bench->settings;
    if (s->json)
        TRY(complain_of_file("json", s->json, outfile_open(&bench->json, s->json)));
    return s->plot ? complain_of_file("plot", s->plot, outfile_open(&bench->plot, s->plot)) : EXIT_DONE;
}

static int commit(struct outfile *file, const char *option, const char *path)
{
    int error = outfile_commit(file);
    file->stream = NULL;
    return complain_of_file(option, path, error);
}

/* All is written before the first file appears. */
static int write_files(struct bench *bench)
{
    const struct bench_settings *s = bench->settings;
    int count = bench->shapes.count;
    if (s->json)
        report_json(bench->json.stream, &bench->machine, bench->results, count);
    if (s->plot)
        TRY(plot_write(bench->plot.stream, &bench->machine, bench->results, count));
    if (s->json)
        TRY(commit(&bench->json, "json", s->json));
    return s->plot ? commit(&bench->plot, "plot", s->plot) : EXIT_DONE;
}

static int place_threads(struct bench *bench)
{
    if (bench->settings->threads == 1) {
        pin_thread();
        return EXIT_DONE;
    }
    TRY(complain_status(cj_pool_create(bench->settings->threads, &bench->pool)));
    pin_workers(cj_pool_parallel(bench->pool));
    return EXIT_DONE;
}

static int run_bench(struct bench *bench, const struct arguments *rest)
{
    bool slower;
    TRY(collect_shapes(bench, rest));
    if (bench->settings->compare)
        TRY(past_read(&bench->past, bench->settings->compare));
    TRY(complain_status(cj_context_create(NULL, &bench->context)));
    cj_machine_info(bench->context, &bench->machine.facts);
    TRY(place_threads(bench));
    TRY(open_layers(bench));
    TRY(open_files(bench));
    measure_bandwidth(&bench->machine);
    TRY(measure(bench));
    TRY(report(bench, &slower));
    TRY(write_files(bench));
    return slower ? EXIT_SLOWER : EXIT_DONE;
}

static void end_bench(struct bench *bench)
{
    struct outfile *files[] = {&bench->json, &bench->plot};
    for (int i = 0; i < 2; i++)
        if (files[i]->stream)
            outfile_abandon(files[i]);
    for (int i = 0; i < bench->opened; i++)
        layer_close(&bench->layers[i]);
    free(bench->layers);
    free(bench->results);
    cj_pool_destroy(bench->pool);
    cj_context_destroy(bench->context);
    layers_free(&bench->shapes);
    past_free(&bench->past);
}

static int run(const struct command *command, int argc, char **argv)
{
    struct bench_settings settings = {.overrides = OVERRIDES_NONE, .threads = 1, .min_time = 0.5};
    struct arguments rest;
    struct bench bench = {.settings = &settings};
    TRY(args_read(command, argc, argv, &settings, &rest));
    int status = run_bench(&bench, &rest);
    end_bench(&bench);
    return status;
}

static const struct option_row rows[] = {
    {"shapes", "FILE", "a table or a list of SHAPEs; see the README", read_text,
     offsetof(struct bench_settings, shapes), NULL},
    {"filter", "RE", "only shapes whose name matches this extended regular expression", read_text,
     offsetof(struct bench_settings, filter), NULL},
    {"min-time", "SECONDS", "for each shape; default 0.5", read_amount,
     offsetof(struct bench_settings, min_time), NULL},
    {"threads", "N", "default 1; each is pinned to a core", read_threads,
     offsetof(struct bench_settings, threads), NULL},
    {"json", "FILE", "write the results there too", read_text, offsetof(struct bench_settings, json), NULL},
    {"plot", "FILE.svg", "draw a roofline of all layers, and a bar for each", read_text,
     offsetof(struct bench_settings, plot), NULL},
    {"peers-peak", "GFLOPS", "of the table's other libraries, where it has no such column", read_amount,
     offsetof(struct bench_settings, peers_peak), NULL},
    {"compare", "OLD.json", "what an earlier run wrote; status 5 if a layer lost over 5% of peak", read_text,
     offsetof(struct bench_settings, compare), NULL},
    OVERRIDE_ROWS(struct bench_settings),
};

const struct command bench_command = {
    "bench",
    "SHAPE... | --shapes FILE [options]",
    "Measure convolutions: the steady call, weights packed beforehand.\n"
    "peak% is of the multiply-add peak measured in the same run, bound% of what the\n"
    "tighter one of that and the bandwidth of the cache that holds the tensors allows.",
    rows,
    sizeof rows / sizeof *rows,
    run};
