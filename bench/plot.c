/* Winograd's kernels count the operations of the definition and do fewer, so shares of the peak go beyond 100%:
 * the roofline leaves room above the roof, and bars have the scale of the longest. */
#include "plot.h"

#include <math.h>
#include <stdbool.h>
#include <string.h>

/* Pixels. */
enum {
    WIDTH = 1100,
    LEFT = 70,
    RIGHT = 1080,
    TOP = 70,
    BOTTOM = 500,
    BARS_TOP = 600,
    BAR = 16,
    BARS_LEFT = 260,
    LINE = 13,
    LETTER = 6,
    DOT = 5
};

/* Light and dark; colours that differ in lightness, too (Okabe and Ito). */
static const char style[] =
    "<style>text{font:11px "
    "sans-serif;fill:#222;paint-order:stroke;stroke:#fff;stroke-width:3px}.title{font-size:15px}.roof{fill:"
    "none;stroke:#888}"
    ".grid{stroke:#ddd}.tick{stroke:#222;stroke-width:2}.paper{fill:#fff}"
    ".a0{fill:#0072b2}.a1{fill:#e69f00}.a2{fill:#009e73}.a3{fill:#d55e00}.a4{fill:#cc79a7}.a5{fill:#56b4e9}"
    ".a6{fill:#b8a800}.a7{fill:#777}"
    "@media(prefers-color-scheme:dark){text{fill:#ddd;stroke:#111}.paper{fill:#111}.grid{stroke:#333}.roof{"
    "stroke:#999}"
    ".tick{stroke:#eee}}</style>\n";

enum { COLOURS = 8 };

double scale_at(const struct scale *scale, double value)
{
    double share = log(value / scale->low) / log(scale->high / scale->low);
    return scale->from + share * (scale->to - scale->from);
}

bool labels_place(struct labels *labels, double x, double y, double width)
{
    for (int i = 0; i < labels->count; i++)
        if (fabs(labels->at[i].y - y) < LINE && x < labels->at[i].x + labels->at[i].width &&
            labels->at[i].x < x + width)
            return false;
    if (labels->count == MOST_LABELS)
        return false;
    labels->at[labels->count].x = x;
    labels->at[labels->count].y = y;
    labels->at[labels->count++].width = width;
    return true;
}

static void write_text(FILE *out, const char *text)
{
    for (; *text; text++)
        if (*text == '<' || *text == '&')
            fputs(*text == '<' ? "&lt;" : "&amp;", out);
        else if ((unsigned char)*text >= ' ')
            fputc(*text, out);
}

/* Algorithms in the order in which they appear. */
struct legend {
    const char *name[COLOURS];
    int count;
};

static int colour_of(struct legend *legend, const char *algorithm)
{
    for (int i = 0; i < legend->count; i++)
        if (strcmp(legend->name[i], algorithm) == 0)
            return i;
    if (legend->count < COLOURS)
        legend->name[legend->count++] = algorithm;
    return legend->count - 1;
}

/* Operations for each byte that has to move. */
static double intensity(const struct result *r)
{
    return r->gflops * 1e9 * r->least / (double)r->layer->bytes;
}

struct plot {
    FILE *out;
    const struct bench_machine *machine;
    const struct result *results;
    int count;
    double peak, peers_peak;
    struct scale x, y;
    struct legend legend;
};

static void set_scales(struct plot *p)
{
    double least_x = HUGE_VAL, most_x = 0, least_y = HUGE_VAL, most_y = p->peak;
    for (int i = 0; i < p->count; i++) {
        least_x = fmin(least_x, intensity(&p->results[i]));
        most_x = fmax(most_x, intensity(&p->results[i]));
        least_y = fmin(least_y, p->results[i].gflops);
        most_y = fmax(most_y, p->results[i].gflops);
    }
    p->x = (struct scale){least_x / 2, most_x * 2, LEFT, RIGHT};
    p->y = (struct scale){least_y / 2, most_y * 1.5, BOTTOM, TOP};
}

static void draw_line(struct plot *p, double value, double at, bool vertical)
{
    if (vertical)
        fprintf(p->out, "<path class=\"grid\" d=\"M%.1f %dV%d\"/><text x=\"%.1f\" y=\"%d\">%g</text>\n", at,
                TOP, BOTTOM, at - LETTER, BOTTOM + 15, value);
    else
        fprintf(p->out, "<path class=\"grid\" d=\"M%d %.1fH%d\"/><text x=\"%d\" y=\"%.1f\">%g</text>\n", LEFT,
                at, RIGHT, LEFT - 40, at + 4, value);
}

/* 1, 2, 5, 10, ... within a scale. */
static void draw_grid(struct plot *p, const struct scale *scale, bool vertical)
{
    static const double steps[] = {1, 2, 5};
    for (int tens = -3; tens < 7; tens++)
        for (int i = 0; i < 3; i++) {
            double value = pow(10, tens) * steps[i];
            if (value >= scale->low && value <= scale->high)
                draw_line(p, value, scale_at(scale, value), vertical);
        }
}

static void draw_roofs(struct plot *p)
{
    static const char *const levels[MEMORY_LEVELS] = {"L1", "L2", "L3", "memory"};
    for (int i = 0; i < MEMORY_LEVELS; i++) {
        double bandwidth = p->machine->bandwidth[i], ridge = p->peak / bandwidth;
        if (!(bandwidth > 0))
            continue;
        double start = fmax(p->x.low, p->y.low / bandwidth), end = fmin(ridge, p->x.high);
        if (start >= end)
            continue;
        fprintf(p->out, "<path class=\"roof\" d=\"M%.1f %.1fL%.1f %.1f\"/>", scale_at(&p->x, start),
                scale_at(&p->y, start * bandwidth), scale_at(&p->x, end), scale_at(&p->y, end * bandwidth));
        fprintf(p->out, "<text x=\"%.1f\" y=\"%.1f\">%s %.0f GB/s</text>\n", scale_at(&p->x, start) + 4,
                scale_at(&p->y, start * bandwidth) - 6, levels[i], bandwidth);
    }
    double roof = scale_at(&p->y, p->peak);
    fprintf(p->out,
            "<path class=\"roof\" d=\"M%d %.1fH%d\"/><text x=\"%d\" y=\"%.1f\">peak %.1f GFLOP/s</text>\n",
            LEFT, roof, RIGHT, RIGHT - 130, roof - 5, p->peak);
}

static void draw_title(struct plot *p, const struct result *r)
{
    fputs("<title>", p->out);
    write_text(p->out, r->layer->shape->name);
    fprintf(p->out, ", %s: %.1f us, %.1f GFLOP/s, %.1f%% of peak</title>", r->algorithm, r->least * 1e6,
            r->gflops, r->percent_of_peak);
}

/* Layers far from what bounds them, on either side, are named. */
static bool stands_out(const struct result *r)
{
    return r->percent_of_bound < 60 || r->percent_of_bound > 300;
}

static void draw_dots(struct plot *p)
{
    struct labels labels = {0};
    for (int i = 0; i < p->count; i++)
        labels_place(&labels, scale_at(&p->x, intensity(&p->results[i])) - DOT,
                     scale_at(&p->y, p->results[i].gflops) + DOT, 2 * DOT);
    for (int i = 0; i < p->count; i++) {
        const struct result *r = &p->results[i];
        double x = scale_at(&p->x, intensity(r)), y = scale_at(&p->y, r->gflops);
        fprintf(p->out, "<circle class=\"a%d\" cx=\"%.1f\" cy=\"%.1f\" r=\"5\">",
                colour_of(&p->legend, r->algorithm), x, y);
        draw_title(p, r);
        fputs("</circle>\n", p->out);
        double width = (double)strlen(r->layer->shape->name) * LETTER;
        double left = x + 8 + width < RIGHT ? x + 8 : x - 8 - width;
        if (!stands_out(r) || !labels_place(&labels, left, y + 4, width))
            continue;
        fprintf(p->out, "<text x=\"%.1f\" y=\"%.1f\">", left, y + 4);
        write_text(p->out, r->layer->shape->name);
        fputs("</text>\n", p->out);
    }
}

static void draw_legend(struct plot *p)
{
    for (int i = 0; i < p->legend.count; i++)
        fprintf(p->out,
                "<circle class=\"a%d\" cx=\"%d\" cy=\"%d\" r=\"5\"/><text x=\"%d\" y=\"%d\">%s</text>\n", i,
                LEFT + 110 * i, BOTTOM + 50, LEFT + 110 * i + 10, BOTTOM + 54, p->legend.name[i]);
}

/* What another library reached, as a share of the peak beside which it was measured. */
static double peer_share(const struct plot *p, const struct result *r)
{
    double us = r->layer->shape->peer_us;
    if (!(us > 0) || !(p->peers_peak > 0))
        return 0;
    return 100 * r->gflops * r->least * 1e6 / us / p->peers_peak;
}

static void draw_bars(struct plot *p)
{
    double most = 100;
    for (int i = 0; i < p->count; i++)
        most = fmax(most, fmax(p->results[i].percent_of_peak, peer_share(p, &p->results[i])));
    double of_percent = (RIGHT - BARS_LEFT - 50) / most;
    for (int i = 0; i < p->count; i++) {
        const struct result *r = &p->results[i];
        double y = BARS_TOP + (double)i * BAR, length = r->percent_of_peak * of_percent,
               peer = peer_share(p, r);
        fprintf(p->out, "<rect class=\"a%d\" x=\"%d\" y=\"%.1f\" width=\"%.1f\" height=\"%d\">",
                colour_of(&p->legend, r->algorithm), BARS_LEFT, y, length, BAR - 4);
        draw_title(p, r);
        fprintf(p->out, "</rect><text x=\"%.1f\" y=\"%.1f\">%.0f</text><text x=\"10\" y=\"%.1f\">",
                BARS_LEFT + length + 5, y + 10, r->percent_of_peak, y + 10);
        write_text(p->out, r->layer->shape->name);
        fputs("</text>\n", p->out);
        if (peer > 0)
            fprintf(p->out,
                    "<path class=\"tick\" d=\"M%.1f %.1fv%d\"><title>another library: %.0f%%</title></path>\n",
                    BARS_LEFT + peer * of_percent, y - 1, BAR - 2, peer);
    }
    double full = BARS_LEFT + 100 * of_percent;
    fprintf(p->out, "<path class=\"roof\" d=\"M%.1f %dV%d\"/>\n", full, BARS_TOP - 5,
            BARS_TOP + p->count * BAR);
}

void plot_svg(FILE *out, const struct bench_machine *machine, const struct result *results, int count,
              double peers_peak)
{
    struct plot p = {
        .out = out, .machine = machine, .results = results, .count = count, .peers_peak = peers_peak};
    p.peak = machine->peak.gflops[results[0].layer->shape->desc.dtype] * results[0].threads;
    set_scales(&p);
    int height = BARS_TOP + count * BAR + 20;
    fprintf(out,
            "<svg xmlns=\"http://www.w3.org/2000/svg\" width=\"%d\" height=\"%d\" viewBox=\"0 0 %d %d\">\n%s",
            WIDTH, height, WIDTH, height, style);
    fprintf(out, "<rect class=\"paper\" width=\"%d\" height=\"%d\"/><text class=\"title\" x=\"10\" y=\"24\">",
            WIDTH, height);
    write_text(out, machine->facts.cpu);
    fprintf(out,
            ", %d thread%s</text><text x=\"10\" y=\"50\">GFLOP/s over operations for each byte that has to move"
            "</text>\n",
            results[0].threads, results[0].threads > 1 ? "s" : "");
    draw_grid(&p, &p.x, true);
    draw_grid(&p, &p.y, false);
    draw_roofs(&p);
    draw_dots(&p);
    draw_legend(&p);
    fprintf(out, "<text x=\"10\" y=\"%d\">percent of peak%s</text>\n", BARS_TOP - 14,
            peers_peak > 0 ? "; ticks: the best of other libraries" : "");
    draw_bars(&p);
    fputs("</svg>\n", out);
}
