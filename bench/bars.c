/* Percent of peak, a bar for each layer in the order of the list. Convolutions that save multiplications go
 * beyond 100, so the axis ends where the longest bar does, and 100 has a line of its own. */
#include "charts.h"

#include <math.h>

/* In pixels. */
enum { ROW = 17, BAR = 11 };

double bars_height(int count)
{
    return (double)ROW * count;
}

static double longest(const struct chart *chart)
{
    double most = 100;
    for (int i = 0; i < chart->count; i++)
        most = fmax(most, fmax(chart->results[i].percent_of_peak,
                               fmax(peer_percent(&chart->results[i]), peer_best_percent(&chart->results[i]))));
    return most;
}

/* 25, 50, 100, 250, 500, ...: at most ten lines. */
static double step_for(double most)
{
    static const double growth[] = {2, 2, 2.5};
    double step = 25;
    for (int i = 0; most / step > 10; i++)
        step *= growth[i % 3];
    return step;
}

static void draw_axis(const struct chart *chart, const struct axis *axis)
{
    char text[32];
    const struct box *frame = &chart->frame;
    double step = step_for(axis->high);
    for (int i = 0; i * step <= axis->high; i++) {
        double value = i * step, x = axis_at(axis, value);
        svg_line(chart->out, "grid", (struct box){x, frame->top - 4, x, frame->bottom});
        snprintf(text, sizeof text, "%.0f", value);
        svg_text(chart->out, "soft middle", x, frame->top - 10, text);
    }
}

static void draw_bar(const struct chart *chart, const struct axis *axis, int index)
{
    const struct result *result = &chart->results[index];
    char text[32];
    double top = chart->frame.top + ROW * index + (ROW - BAR) / 2.0,
           end = axis_at(axis, result->percent_of_peak);
    fprintf(chart->out, "<g>");
    chart_tooltip(chart, result);
    fprintf(chart->out, "<text class=\"end\" x=\"%.1f\" y=\"%.1f\">", chart->frame.left - 8, top + BAR - 1);
    snprintf(text, sizeof text, "%.28s", result->layer->shape->name);
    svg_escaped(chart->out, text);
    fprintf(chart->out, "</text><rect class=\"bar s%d\" x=\"%.1f\" y=\"%.1f\" width=\"%.1f\" height=\"%d\"/>\n",
            series_of(&chart->series, result->algorithm), axis->from, top, fmax(end - axis->from, 0.5), BAR);
    snprintf(text, sizeof text, "%.0f", result->percent_of_peak);
    svg_text(chart->out, "end", chart->frame.right + 40, top + BAR - 1, text);
    fprintf(chart->out, "</g>\n");
}

static void draw_peers(const struct chart *chart, const struct axis *axis, int index)
{
    const struct result *result = &chart->results[index];
    double middle = chart->frame.top + ROW * (index + 0.5);
    double best = peer_best_percent(result), same = peer_percent(result);
    if (best > 0)
        fprintf(chart->out, "<path class=\"best\" d=\"M%.1f %.1fl4 4-4 4-4-4z\"/>\n", axis_at(axis, best),
                middle - 4);
    if (same > 0)
        svg_line(chart->out, "peer",
                 (struct box){axis_at(axis, same), middle - ROW / 2.0 + 1, axis_at(axis, same),
                              middle + ROW / 2.0 - 1});
}

static void draw_legend(const struct chart *chart)
{
    const struct box *frame = &chart->frame;
    double peak = 0;
    for (int i = 0; i < chart->count; i++)
        peak = fmax(peak, peer_best_percent(&chart->results[i]) > 0
                              ? chart->results[i].layer->shape->peers.peak_gflops
                              : 0);
    svg_text(chart->out, "title", 64, frame->top - 52, "Percent of peak");
    if (peak <= 0)
        return;
    char text[160];
    double y = frame->top - 56;
    svg_line(chart->out, "peer", (struct box){frame->left + 50, y - 7, frame->left + 50, y + 7});
    svg_text(chart->out, "soft", frame->left + 58, y + 4, "best other library in the same layout");
    fprintf(chart->out, "<path class=\"best\" d=\"M%.1f %.1fl4 4-4 4-4-4z\"/>\n", frame->left + 320, y - 4);
    snprintf(text, sizeof text, "the same in any layout; both of their own peak, %.0f GFLOP/s", peak);
    svg_text(chart->out, "soft", frame->left + 330, y + 4, text);
}

void bars_draw(const struct chart *chart)
{
    const struct axis axis = {0, longest(chart) * 1.02, chart->frame.left, chart->frame.right, 0};
    draw_legend(chart);
    draw_axis(chart, &axis);
    for (int i = 0; i < chart->count; i++)
        draw_bar(chart, &axis, i);
    double x = axis_at(&axis, 100);
    svg_line(chart->out, "limit", (struct box){x, chart->frame.top - 4, x, chart->frame.bottom});
    for (int i = 0; i < chart->count; i++)
        draw_peers(chart, &axis, i);
}
