/* The picture as a whole: title, legend, and the places of the two charts. */
#include "plot.h"

#include "charts.h"

#include <string.h>

/* In pixels: what fits beside a page's text, and the roofline large enough that 69 dots stay apart. */
enum {
    WIDTH = 1040,
    ROOFLINE_TOP = 86,
    ROOFLINE_BOTTOM = 576,
    BARS_TOP = 690,
    LEFT = 64,
    BARS_LEFT = 214,
    MARGIN = 28
};

int series_of(const struct series *series, const char *algorithm)
{
    for (int i = 0; i < series->count; i++)
        if (strcmp(series->names[i], algorithm) == 0)
            return i;
    return SERIES - 1;
}

static struct series all_series(const struct result *results, int count)
{
    struct series series = {.count = 0};
    for (int i = 0; i < count && series.count < SERIES; i++) {
        int found = 0;
        while (found < series.count && strcmp(series.names[found], results[i].algorithm) != 0)
            found++;
        if (found == series.count)
            series.names[series.count++] = found == SERIES - 1 ? "other" : results[i].algorithm;
    }
    return series;
}

static double percent_of(const struct result *result, double us)
{
    const struct layer_shape *shape = result->layer->shape;
    if (us <= 0 || shape->peers.peak_gflops <= 0 || result->threads != 1 || shape->desc.dtype != CJ_F32)
        return 0;
    /* The same work as convjit's own figure counts, whatever the table's author counted. */
    double flops = result->gflops * 1e9 * result->least;
    return 100 * flops / (us * 1e-6) / (shape->peers.peak_gflops * 1e9);
}

double peer_percent(const struct result *result)
{
    const struct layer_shape *shape = result->layer->shape;
    bool nhwc = shape->desc.input_layout == CJ_NHWC;
    return percent_of(result, nhwc ? shape->peers.nhwc_us : shape->peers.nchw_us);
}

double peer_best_percent(const struct result *result)
{
    return percent_of(result, result->layer->shape->peers.best_us);
}

void chart_tooltip(const struct chart *chart, const struct result *result)
{
    const struct layer *layer = result->layer;
    FILE *out = chart->out;
    fprintf(out, "<title>");
    svg_escaped(out, layer->shape->name);
    fprintf(out, "\n");
    svg_escaped(out, layer->text);
    fprintf(out, "\n%s, %.1f us, %.1f GFLOP/s, %.1f%% of peak, %.1f%% of bound, %.2f flops a byte",
            result->algorithm, result->least * 1e6, result->gflops, result->percent_of_peak,
            result->percent_of_bound, result->gflops * 1e9 * result->least / (double)layer->bytes);
    if (peer_percent(result) > 0)
        fprintf(out, "\nbest peer in this layout: %.1f%% of its peak", peer_percent(result));
    if (peer_best_percent(result) > 0)
        fprintf(out, "\nbest peer in any layout: %.1f%% of its peak", peer_best_percent(result));
    fprintf(out, "</title>");
}

static void draw_head(const struct chart *chart)
{
    char text[256];
    const struct bench_machine *machine = chart->machine;
    const struct result *first = &chart->results[0];
    svg_text(chart->out, "title", LEFT, 30, "convjit bench");
    snprintf(text, sizeof text, "%s, %s, %d layer%s, %d thread%s, convjit %s", machine->facts.cpu,
             choice_word(isa_choices, (int)machine->facts.isa), chart->count, chart->count == 1 ? "" : "s",
             first->threads, first->threads == 1 ? "" : "s", cj_version());
    svg_text(chart->out, "soft", LEFT, 48, text);
}

static void draw_legend(const struct chart *chart)
{
    double x = LEFT;
    for (int i = 0; i < chart->series.count; i++) {
        fprintf(chart->out, "<circle class=\"dot s%d\" cx=\"%.1f\" cy=\"64\" r=\"5\"/>\n", i, x + 5);
        svg_text(chart->out, "", x + 15, 68, chart->series.names[i]);
        x += 30 + svg_text_width(chart->series.names[i]);
    }
}

int plot_write(FILE *out, const struct bench_machine *machine, const struct result *results, int count)
{
    struct chart chart = {.out = out, .machine = machine, .results = results, .count = count};
    double bottom = BARS_TOP + bars_height(count);
    chart.series = all_series(results, count);
    svg_begin(out, WIDTH, bottom + MARGIN);
    draw_head(&chart);
    draw_legend(&chart);
    chart.frame = (struct box){LEFT, ROOFLINE_TOP, WIDTH - MARGIN, ROOFLINE_BOTTOM};
    TRY(roofline_draw(&chart));
    chart.frame = (struct box){BARS_LEFT, BARS_TOP, WIDTH - 2 * MARGIN, bottom};
    bars_draw(&chart);
    svg_end(out);
    return EXIT_DONE;
}
