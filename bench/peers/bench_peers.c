/* bench_peers: convjit beside other libraries, on the same layers in the same run.
 *
 * Each library is a program of its own (call.h) that stands in the folder of peers; one runs for each library,
 * layout and form, with one convolution open at a time. For each layer the rounds go convjit, peer, peer, ...,
 * so that what else happens on the machine falls on all of them, and the best of each counts. A result that is
 * not convjit's, or a program that dies, is told and left out. */
#include "../../runtime/cli/outfile.h"
#include "own.h"
#include "seat.h"
#include "standing.h"
#include "translate.h"

#include <dirent.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

enum { ROUNDS = 5 };

/* Far above any honest time: a program that hangs must not hang the run. */
#define PATIENCE_SECONDS 120.0

struct settings {
    const char *shapes, *filter, *json, *peers;
    bool markdown;
    struct overrides overrides;
    int threads;
    double min_time; /* seconds for one time of the table */
};

struct driver {
    const struct settings *settings;
    struct layer_list shapes;
    struct bench_machine machine;
    cj_context *context;
    cj_pool *pool;
    char path[MOST_PEERS][512], name[MOST_PEERS][SAID_SIZE];
    int peer_count;
    struct seat seats[MOST_PEERS][CALL_LAYOUTS][FORMS];
    struct row *rows;
    int row_count;
    struct outfile json; /* stream NULL: not open */
};

/* ---- Peers ---- */

static int is_peer(const struct dirent *entry)
{
    return strncmp(entry->d_name, "peer_", 5) == 0 && !strchr(entry->d_name, '.');
}

/* Each is started once to hear what it is; one that cannot start is told and left out. */
static void greet(struct driver *driver, const char *folder, const char *file)
{
    struct seat seat;
    char hello[SEAT_LINE], *path = driver->path[driver->peer_count];
    snprintf(path, sizeof driver->path[0], "%.250s/%.250s", folder, file);
    if (!seat_start(&seat, path, PATIENCE_SECONDS, hello) || strncmp(hello, "library ", 8) != 0) {
        fprintf(stderr, "%s does not start; it is left out\n", path);
        return;
    }
    snprintf(driver->name[driver->peer_count++], SAID_SIZE, "%.*s", SAID_SIZE - 1, hello + 8);
    seat_stop(&seat);
}

/* Where the build puts them: the folder `peers` beside this program. */
static int default_folder(char folder[256])
{
    ssize_t length = readlink("/proc/self/exe", folder, 240);
    if (length < 0)
        return complain(EXIT_MACHINE, "/proc/self/exe cannot be read; give --peers");
    folder[length] = '\0';
    snprintf(strrchr(folder, '/') + 1, 8, "peers");
    return EXIT_DONE;
}

static int find_peers(struct driver *driver)
{
    char folder[256];
    struct dirent **entries;
    if (driver->settings->peers)
        snprintf(folder, sizeof folder, "%s", driver->settings->peers);
    else
        TRY(default_folder(folder));
    int found = scandir(folder, &entries, is_peer, alphasort);
    for (int i = 0; i < found; i++) {
        if (driver->peer_count < MOST_PEERS)
            greet(driver, folder, entries[i]->d_name);
        free(entries[i]);
    }
    if (found >= 0)
        free(entries);
    return driver->peer_count ? EXIT_DONE
                              : complain(EXIT_WRONG,
                                         "--peers %s has no program peer_NAME that starts; build with "
                                         "CONVJIT_BUILD_PEERS=ON",
                                         folder);
}

/* Open a call on a seat and look at the result. */
static void open_seat(struct driver *driver, int peer, struct seat *seat, const struct call *call,
                      const struct check *expected, struct timing *timing)
{
    char line[CALL_TEXT + 8] = "open ", answer[SEAT_LINE];
    int at = 0;
    struct check got;
    timing->outcome = DIED;
    call_write(call, line + 5);
    if (!seat->pid && !seat_start(seat, driver->path[peer], PATIENCE_SECONDS, answer))
        return;
    if (!seat_ask(seat, line, PATIENCE_SECONDS, answer))
        return;
    if (sscanf(answer, "ready %127s %n", timing->said, &at) == 1 && at && check_read(answer + at, &got)) {
        timing->outcome = check_agrees(&got, expected) ? MEASURED : WRONG;
        return;
    }
    timing->outcome = CANNOT;
    snprintf(timing->said, sizeof timing->said, "%.*s", SAID_SIZE - 1,
             strncmp(answer, "cannot ", 7) == 0 ? answer + 7 : answer);
}

static void time_seat(const struct driver *driver, struct seat *seat, struct timing *timing)
{
    char line[64], answer[SEAT_LINE];
    double us;
    if (timing->outcome != MEASURED)
        return;
    snprintf(line, sizeof line, "run %.0f", driver->settings->min_time / ROUNDS * 1e6);
    if (!seat_ask(seat, line, PATIENCE_SECONDS, answer) || sscanf(answer, "time %lf", &us) != 1)
        timing->outcome = DIED;
    else if (timing->us <= 0 || us < timing->us)
        timing->us = us;
    /* Threads of some libraries spin on for a while, and would take a core from whoever comes next. */
    if (driver->settings->threads > 1)
        usleep(20000);
}

/* ---- A layer ---- */

/* A layer under measurement: as called and rewritten. */
struct round {
    struct call calls[FORMS];
    struct check expected[FORMS];
    int forms;
    struct layer_shape shapes[OWN_LAYOUTS];
    struct layer layers[OWN_LAYOUTS];
    int opened;
};

static int open_own(struct driver *driver, struct round *round)
{
    for (int form = 0; form < round->forms; form++)
        TRY(own_expect(driver->context, &round->calls[form], round->shapes[0].name, &round->expected[form]));
    for (int l = 0; l < OWN_LAYOUTS; l++) {
        static const cj_layout layouts[OWN_LAYOUTS] = {CJ_NCHW, CJ_NHWC};
        cj_conv_desc *desc = &round->shapes[l].desc;
        desc->input_layout = desc->output_layout = layouts[l];
        round->opened++;
        TRY(own_open(&round->layers[l], &round->shapes[l], driver->context, &round->calls[0],
                     &round->expected[0]));
    }
    return EXIT_DONE;
}

static void open_peers(struct driver *driver, const struct round *round, struct row *row)
{
    for (int p = 0; p < driver->peer_count; p++)
        for (int l = 0; l < CALL_LAYOUTS; l++)
            for (int form = 0; form < round->forms; form++) {
                struct call call = round->calls[0], rewritten;
                call.layout = (enum call_layout)l;
                call_rewrite(&call, &rewritten);
                open_seat(driver, p, &driver->seats[p][l][form], form ? &rewritten : &call,
                          &round->expected[form], &row->peer[p].at[l][form]);
            }
}

static int measure(struct driver *driver, struct round *round, struct row *row)
{
    const cj_parallel *parallel = driver->pool ? cj_pool_parallel(driver->pool) : NULL;
    for (int i = 0; i < ROUNDS; i++) {
        peak_measure(&driver->machine.peak);
        for (int l = 0; l < OWN_LAYOUTS; l++)
            TRY(layer_measure(&round->layers[l], parallel, driver->settings->min_time / ROUNDS));
        for (int p = 0; p < driver->peer_count; p++)
            for (int k = 0; k < CALL_LAYOUTS * FORMS; k++)
                time_seat(driver, &driver->seats[p][k / FORMS][k % FORMS],
                          &row->peer[p].at[k / FORMS][k % FORMS]);
    }
    return EXIT_DONE;
}

static int compare_layer(struct driver *driver, const struct layer_shape *shape, struct round *round,
                         struct row *row)
{
    TRY(call_of_layer(shape, driver->settings->threads, &round->calls[0]));
    round->forms = call_rewrite(&round->calls[0], &round->calls[1]) ? FORMS : 1;
    for (int l = 0; l < OWN_LAYOUTS; l++)
        round->shapes[l] = *shape;
    TRY(open_own(driver, round));
    open_peers(driver, round, row);
    TRY(measure(driver, round, row));
    snprintf(row->name, sizeof row->name, "%s", shape->name);
    snprintf(row->shape, sizeof row->shape, "%s", round->layers[0].text);
    row->flops = round->layers[0].stats.flops * (double)shape->batch;
    for (int l = 0; l < OWN_LAYOUTS; l++) {
        row->own_us[l] = layer_least(&round->layers[l]) * 1e6;
        layer_algorithm(&round->layers[l], row->algorithm[l]);
    }
    return EXIT_DONE;
}

static int add_row(struct driver *driver, const struct layer_shape *shape)
{
    struct round *round = calloc(1, sizeof *round);
    if (!round)
        return complain(EXIT_MACHINE, "there is no memory for %s", shape->name);
    int status = compare_layer(driver, shape, round, &driver->rows[driver->row_count]);
    for (int l = 0; l < round->opened; l++)
        layer_close(&round->layers[l]);
    free(round);
    driver->row_count += status == EXIT_DONE;
    return status;
}

/* ---- The run ---- */

/* Told apart from the table: what counts against a library. */
static void tell_failures(const struct driver *driver)
{
    for (int i = 0; i < driver->row_count; i++)
        for (int p = 0; p < driver->peer_count; p++)
            for (int k = 0; k < CALL_LAYOUTS * FORMS; k++) {
                const struct timing *timing = &driver->rows[i].peer[p].at[k / FORMS][k % FORMS];
                if (timing->outcome == DIED || timing->outcome == WRONG)
                    printf("%s: %s in %s%s %s\n", driver->rows[i].name, driver->name[p],
                           call_layout_name(k / FORMS), k % FORMS ? ", rewritten," : "",
                           timing->outcome == DIED ? "died" : "gave another result");
            }
}

static int compare_all(struct driver *driver, struct standing *standing)
{
    driver->rows = calloc((size_t)driver->shapes.count, sizeof *driver->rows);
    if (!driver->rows)
        return complain(EXIT_MACHINE, "there is no memory for %d layers", driver->shapes.count);
    *standing = (struct standing){.machine = &driver->machine,
                                  .peers = driver->name,
                                  .rows = driver->rows,
                                  .peer_count = driver->peer_count,
                                  .threads = driver->settings->threads,
                                  .markdown = driver->settings->markdown};
    standing_head(standing);
    for (int i = 0; i < driver->shapes.count; i++) {
        TRY(add_row(driver, &driver->shapes.at[i]));
        standing_row(standing, &driver->rows[i]);
    }
    standing->row_count = driver->row_count;
    standing_means(standing);
    tell_failures(driver);
    return finish_output();
}

static int collect_shapes(struct driver *driver, const struct arguments *rest)
{
    const struct settings *s = driver->settings;
    TRY(layers_collect(&driver->shapes, rest, s->shapes, s->filter, &s->overrides));
    return driver->shapes.count ? EXIT_DONE
                                : complain(EXIT_WRONG, "there is no shape; give SHAPEs or --shapes FILE");
}

/* Peers inherit it: each at its best. A heap that is given back to the system after every call costs a page
 * fault for each of its pages in the next. */
static void set_environment(const struct settings *settings)
{
    static const char *const keep[] = {"MALLOC_TRIM_THRESHOLD_", "MALLOC_MMAP_THRESHOLD_", "MALLOC_TOP_PAD_"};
    static const char *const counts[] = {"OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS"};
    char threads[16];
    snprintf(threads, sizeof threads, "%d", settings->threads);
    for (size_t i = 0; i < sizeof keep / sizeof *keep; i++)
        setenv(keep[i], i == 2 ? "67108864" : "4294967296", 1);
    for (size_t i = 0; i < sizeof counts / sizeof *counts; i++)
        setenv(counts[i], threads, 1);
    signal(SIGPIPE, SIG_IGN);
}

static int complain_of_json(const struct settings *settings, int error)
{
    return error ? complain(exit_of_errno(error), "--json %s cannot be written: %s", settings->json,
                            strerror(error))
                 : EXIT_DONE;
}

/* The file is opened before anything is measured: a wrong path must not cost the time of a run. */
static int open_json(struct driver *driver)
{
    const char *path = driver->settings->json;
    return path ? complain_of_json(driver->settings, outfile_open(&driver->json, path)) : EXIT_DONE;
}

static int write_json(struct driver *driver, const struct standing *standing)
{
    if (!driver->json.stream)
        return EXIT_DONE;
    standing_json(driver->json.stream, standing);
    int error = outfile_commit(&driver->json);
    driver->json.stream = NULL;
    return complain_of_json(driver->settings, error);
}

static int run_driver(struct driver *driver, const struct arguments *rest)
{
    struct standing standing;
    TRY(collect_shapes(driver, rest));
    TRY(open_json(driver));
    set_environment(driver->settings);
    TRY(complain_status(cj_context_create(NULL, &driver->context)));
    cj_machine_info(driver->context, &driver->machine.facts);
    if (driver->settings->threads == 1)
        pin_thread();
    else
        TRY(complain_status(cj_pool_create(driver->settings->threads, &driver->pool)));
    TRY(find_peers(driver));
    measure_bandwidth(&driver->machine);
    TRY(compare_all(driver, &standing));
    return write_json(driver, &standing);
}

static void end_driver(struct driver *driver)
{
    for (int p = 0; p < MOST_PEERS; p++)
        for (int k = 0; k < CALL_LAYOUTS * FORMS; k++)
            seat_stop(&driver->seats[p][k / FORMS][k % FORMS]);
    if (driver->json.stream)
        outfile_abandon(&driver->json);
    free(driver->rows);
    cj_pool_destroy(driver->pool);
    cj_context_destroy(driver->context);
    layers_free(&driver->shapes);
    free(driver);
}

static int run(const struct command *command, int argc, char **argv)
{
    struct settings settings = {.overrides = OVERRIDES_NONE, .threads = 1, .min_time = 0.1};
    struct arguments rest;
    TRY(args_read(command, argc, argv, &settings, &rest));
    struct driver *driver = calloc(1, sizeof *driver);
    if (!driver)
        return complain(EXIT_MACHINE, "there is no memory");
    driver->settings = &settings;
    int status = run_driver(driver, &rest);
    end_driver(driver);
    return status;
}

int main(int argc, char **argv)
{
    static const struct option_row rows[] = {
        {"shapes", "FILE", "a table or a list of SHAPEs", read_text, offsetof(struct settings, shapes), NULL},
        {"filter", "RE", "only shapes whose name matches", read_text, offsetof(struct settings, filter), NULL},
        {"peers", "DIR", "the folder of programs peer_NAME; default: peers, beside this program", read_text,
         offsetof(struct settings, peers), NULL},
        {"threads", "N", "default 1, which is pinned to a core", read_threads,
         offsetof(struct settings, threads), NULL},
        {"min-time", "SECONDS", "for each time of the table; default 0.1", read_amount,
         offsetof(struct settings, min_time), NULL},
        {"json", "FILE", "write all that was measured there too", read_text, offsetof(struct settings, json),
         NULL},
        {"markdown", NULL, "print the table as Markdown", read_flag, offsetof(struct settings, markdown), NULL},
    };
    static const struct command command = {
        "bench_peers",
        "SHAPE... | --shapes FILE [options]",
        "Measure convjit beside other libraries, on the same layers in the same run.\n"
        "ratio: the best peer's time in any layout over convjit's best; above 1, convjit is faster.",
        rows,
        sizeof rows / sizeof *rows,
        run};
    int status = run(&command, argc, argv);
    return status == EXIT_HELP ? finish_output() : status;
}
