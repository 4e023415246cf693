/* Speed over arithmetic intensity, both in logarithms: the slanted roofs are what each level of memory can
 * feed, the flat one is the peak of multiply-adds. Intensity takes the least traffic that a call can have, each
 * tensor once. Dots may lie above a roof: convolutions that save multiplications beyond the peak, data that
 * stays in a nearer level beyond a slanted one. */
#include "charts.h"
#include "labels.h"

#include <math.h>
#include <stdlib.h>

enum { RADIUS = 5, MOST_BELOW = 9, MOST_LABELS = 14 };

struct roofline {
    const struct chart *chart;
    struct axis x, y;
    int threads;
};

static double intensity(const struct result *result)
{
    return result->gflops * 1e9 * result->least / (double)result->layer->bytes;
}

static double peak_of(const struct chart *chart, int dtype, int threads)
{
    return chart->machine->peak.gflops[dtype] * threads;
}

/* The next of 1, 2, 5, 10, 20, ... from a number down or up. */
static double round_down(double value)
{
    value = fmax(value, 1e-9); /* nothing that is measured is less */
    double power = pow(10, floor(log10(value)));
    return value >= 5 * power ? 5 * power : value >= 2 * power ? 2 * power : power;
}

static double round_up(double value)
{
    double low = round_down(value);
    return low >= value ? low : round_down(low * 2.6);
}

static void set_axes(struct roofline *r)
{
    const struct chart *chart = r->chart;
    const struct box *frame = &chart->frame;
    double least_x = 1e300, most_x = 0, least_y = 1e300, most_y = peak_of(chart, CJ_F32, r->threads);
    for (int i = 0; i < chart->count; i++) {
        least_x = fmin(least_x, intensity(&chart->results[i]));
        most_x = fmax(most_x, intensity(&chart->results[i]));
        least_y = fmin(least_y, chart->results[i].gflops);
        most_y = fmax(most_y, chart->results[i].gflops);
    }
    r->x = (struct axis){round_down(least_x / 1.2), round_up(most_x * 1.2), frame->left, frame->right, 1};
    r->y = (struct axis){round_down(least_y / 1.2), round_up(most_y * 1.2), frame->bottom, frame->top, 1};
}

static void draw_grid(const struct roofline *r)
{
    const struct box *frame = &r->chart->frame;
    FILE *out = r->chart->out;
    char text[32];
    double value = r->x.low;
    while (value < r->x.high * 1.001) {
        double x = axis_at(&r->x, value);
        svg_line(out, "grid", (struct box){x, frame->top, x, frame->bottom});
        snprintf(text, sizeof text, "%g", value);
        svg_text(out, "soft middle", x, frame->bottom + 16, text);
        value = round_up(value * 1.01);
    }
    value = r->y.low;
    while (value < r->y.high * 1.001) {
        double y = axis_at(&r->y, value);
        svg_line(out, "grid", (struct box){frame->left, y, frame->right, y});
        snprintf(text, sizeof text, "%g", value);
        svg_text(out, "soft end", frame->left - 6, y + 4, text);
        value = round_up(value * 1.01);
    }
    svg_text(out, "soft middle", (frame->left + frame->right) / 2, frame->bottom + 34,
             "arithmetic intensity: operations for each byte of input, weights and output");
    fprintf(out, "<text class=\"soft middle\" transform=\"translate(%.1f %.1f)rotate(-90)\">GFLOP/s</text>\n",
            frame->left - 46, (frame->top + frame->bottom) / 2);
}

/* From the frame's edge, where the line enters it, up to the peak; the text rides on its lower end. */
static void draw_slanted(const struct roofline *r, const char *level, double gbs)
{
    double peak = peak_of(r->chart, CJ_F32, r->threads), from = fmax(r->x.low, r->y.low / gbs), to = peak / gbs;
    if (gbs <= 0 || to <= from)
        return;
    to = fmin(to, r->x.high);
    struct box line = {axis_at(&r->x, from), axis_at(&r->y, from * gbs), axis_at(&r->x, to),
                       axis_at(&r->y, to * gbs)};
    svg_line(r->chart->out, "roof", line);
    double slope = atan2(line.bottom - line.top, line.right - line.left) * 180 / acos(-1);
    fprintf(r->chart->out,
            "<text class=\"halo\" transform=\"translate(%.1f %.1f)rotate(%.1f)\" x=\"10\" y=\"-4\">%s %.0f "
            "GB/s</text>\n",
            line.left, line.top, slope, level, gbs);
}

/* Its text stands where the steepest roof meets it: few calls have so little to do for each byte. Returns the
 * text's box, so that no label covers it. */
static struct box draw_flat(const struct roofline *r, cj_dtype dtype)
{
    const struct box *frame = &r->chart->frame;
    double peak = peak_of(r->chart, (int)dtype, r->threads), best = 0, y = axis_at(&r->y, peak);
    char text[64];
    for (int i = 0; i < MEMORY_LEVELS; i++)
        best = fmax(best, r->chart->machine->bandwidth[i] * r->threads);
    double from = best > 0 ? axis_at(&r->x, peak / best) : frame->left;
    svg_line(r->chart->out, "roof", (struct box){from, y, frame->right, y});
    snprintf(text, sizeof text, "multiply-add peak %s, %.0f GFLOP/s", choice_word(dtype_choices, (int)dtype),
             peak);
    svg_text(r->chart->out, "halo", from + 6, y - 6, text);
    return (struct box){from + 6, y - 18, from + 6 + svg_text_width(text), y};
}

static bool has_dtype(const struct chart *chart, cj_dtype dtype)
{
    for (int i = 0; i < chart->count; i++)
        if (chart->results[i].layer->shape->desc.dtype == dtype)
            return true;
    return false;
}

/* Returns how many boxes it filled. */
static int draw_roofs(const struct roofline *r, struct box taken[2])
{
    int count = 0;
    static const char *const levels[MEMORY_LEVELS] = {"L1", "L2", "L3", "memory"};
    for (int i = 0; i < MEMORY_LEVELS; i++)
        draw_slanted(r, levels[i], r->chart->machine->bandwidth[i] * r->threads);
    for (int dtype = CJ_F32; dtype <= CJ_F64; dtype++)
        if (has_dtype(r->chart, (cj_dtype)dtype))
            taken[count++] = draw_flat(r, (cj_dtype)dtype);
    return count;
}

static struct box dot_at(const struct roofline *r, const struct result *result)
{
    double x = axis_at(&r->x, intensity(result)), y = axis_at(&r->y, result->gflops);
    return (struct box){x - RADIUS, y - RADIUS, x + RADIUS, y + RADIUS};
}

static void draw_dots(const struct roofline *r, struct box *boxes)
{
    const struct chart *chart = r->chart;
    for (int i = 0; i < chart->count; i++) {
        const struct result *result = &chart->results[i];
        boxes[i] = dot_at(r, result);
        fprintf(chart->out, "<circle class=\"dot s%d\" cx=\"%.1f\" cy=\"%.1f\" r=\"%d\">",
                series_of(&chart->series, result->algorithm), boxes[i].left + RADIUS, boxes[i].top + RADIUS,
                RADIUS);
        chart_tooltip(chart, result);
        fprintf(chart->out, "</circle>\n");
    }
}

static int by_bound(const void *a, const void *b)
{
    double x = (*(const struct result *const *)a)->percent_of_bound;
    double y = (*(const struct result *const *)b)->percent_of_bound;
    return (x > y) - (x < y);
}

/* Labels and the names that they show, cut so that they find room. */
struct outliers {
    struct label labels[MOST_LABELS];
    char names[MOST_LABELS][28];
    int count;
};

static void add_outlier(const struct roofline *r, const struct result *result, struct outliers *outliers)
{
    int i = outliers->count++;
    struct box dot = dot_at(r, result);
    snprintf(outliers->names[i], sizeof outliers->names[i], "%.27s", result->layer->shape->name);
    outliers->labels[i] =
        (struct label){.text = outliers->names[i], .x = dot.left + RADIUS, .y = dot.top + RADIUS};
}

/* The farthest below what peak and bandwidth allow, then the farthest above. */
static void pick_outliers(const struct roofline *r, const struct result **sorted, struct outliers *outliers)
{
    const struct chart *chart = r->chart;
    for (int i = 0; i < chart->count; i++)
        sorted[i] = &chart->results[i];
    qsort(sorted, (size_t)chart->count, sizeof *sorted, by_bound);
    for (int i = 0; i < chart->count && i < MOST_BELOW && sorted[i]->percent_of_bound < 80; i++)
        add_outlier(r, sorted[i], outliers);
    for (int i = chart->count - 1; i >= 0 && outliers->count < MOST_LABELS; i--) {
        if (sorted[i]->percent_of_bound < 120)
            break;
        add_outlier(r, sorted[i], outliers);
    }
}

static void draw_label(const struct chart *chart, const struct label *label)
{
    const struct box *box = &label->box;
    double x = fmin(fmax(label->x, box->left), box->right), y = fmin(fmax(label->y, box->top), box->bottom);
    if (hypot(x - label->x, y - label->y) > 2.5 * RADIUS)
        svg_line(chart->out, "leader", (struct box){label->x, label->y, x, y});
    svg_text(chart->out, "halo middle", (box->left + box->right) / 2, box->bottom - 3, label->text);
}

static void draw_labels(const struct roofline *r, const struct result **sorted, const struct room *room)
{
    struct outliers outliers = {.count = 0};
    pick_outliers(r, sorted, &outliers);
    labels_place(outliers.labels, outliers.count, room);
    for (int i = 0; i < outliers.count; i++)
        if (outliers.labels[i].placed)
            draw_label(r->chart, &outliers.labels[i]);
}

int roofline_draw(const struct chart *chart)
{
    struct roofline r = {.chart = chart, .threads = chart->results[0].threads};
    struct box *taken = calloc((size_t)chart->count + 2, sizeof *taken); /* by dots and by roofs' names */
    const struct result **sorted = calloc((size_t)chart->count, sizeof *sorted);
    bool has_memory = taken && sorted;
    if (has_memory) {
        set_axes(&r);
        draw_grid(&r);
        int roofs = draw_roofs(&r, taken + chart->count);
        draw_dots(&r, taken);
        draw_labels(&r, sorted, &(struct room){taken, chart->count + roofs, chart->frame});
    }
    free(taken);
    free(sorted);
    return has_memory ? EXIT_DONE
                      : complain(EXIT_MACHINE, "there is no memory for a plot of %d layers", chart->count);
}
