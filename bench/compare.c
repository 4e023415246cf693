/* What is compared is the share of the peak that the same run measured: the clock of a machine drifts from day
 * to day, and kernels and peak drift together. */
#include "compare.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* Percent of peak. Two runs of the same kernels on a machine that others use too differ by up to 3. */
#define MARGIN 5.0

/* Results paired: now[i] with past->at[of[i]], or with none where that is -1. */
struct pairs {
    FILE *out;
    const struct past *past;
    const struct result *now;
    int count;
    int *of;
    bool *taken; /* of past->at */
};

/* A change of more than the margin, downwards (sign -1) or upwards. */
struct direction {
    const char *title;
    double sign;
};

static bool is_same(const struct past_result *then, const struct result *now)
{
    return strcmp(then->shape, now->layer->text) == 0 && then->threads == now->threads &&
           then->layout == now->layer->shape->desc.input_layout && then->dtype == now->layer->shape->desc.dtype;
}

/* A convolution that stands in both lists twice is paired in order. */
static void pair(struct pairs *pairs)
{
    for (int i = 0; i < pairs->count; i++) {
        pairs->of[i] = -1;
        for (int j = 0; j < pairs->past->count && pairs->of[i] < 0; j++)
            if (!pairs->taken[j] && is_same(&pairs->past->at[j], &pairs->now[i]))
                pairs->taken[pairs->of[i] = j] = true;
    }
}

static double change(const struct pairs *pairs, int i)
{
    return pairs->now[i].percent_of_peak - pairs->past->at[pairs->of[i]].percent_of_peak;
}

static int print_changes(const struct pairs *pairs, const struct direction *direction)
{
    int found = 0;
    for (int i = 0; i < pairs->count; i++) {
        if (pairs->of[i] < 0 || !(direction->sign * change(pairs, i) > MARGIN))
            continue;
        if (!found++)
            fprintf(pairs->out, "%s by more than %.0f:\n", direction->title, MARGIN);
        fprintf(pairs->out, "  %-28.28s %-16s %6.1f %6.1f %+7.1f\n", pairs->now[i].layer->shape->name,
                pairs->now[i].algorithm, pairs->past->at[pairs->of[i]].percent_of_peak,
                pairs->now[i].percent_of_peak, change(pairs, i));
    }
    return found;
}

static void print_name(FILE *out, const char *title, const char *name, int *found)
{
    fprintf(out, "%s%s", (*found)++ ? ", " : title, name);
}

static void print_unpaired(const struct pairs *pairs)
{
    int found = 0;
    for (int i = 0; i < pairs->count; i++)
        if (pairs->of[i] < 0)
            print_name(pairs->out, "in this run only: ", pairs->now[i].layer->shape->name, &found);
    fputs(found ? "\n" : "", pairs->out);
    found = 0;
    for (int j = 0; j < pairs->past->count; j++)
        if (!pairs->taken[j])
            print_name(pairs->out, "in the earlier run only: ", pairs->past->at[j].name, &found);
    fputs(found ? "\n" : "", pairs->out);
}

static void print_means(const struct pairs *pairs)
{
    double then = 0, now = 0;
    int both = 0;
    for (int i = 0; i < pairs->count; i++) {
        if (pairs->of[i] < 0)
            continue;
        then += log(pairs->past->at[pairs->of[i]].percent_of_peak);
        now += log(pairs->now[i].percent_of_peak);
        both++;
    }
    if (!both)
        fprintf(pairs->out, "no layer is in both runs\n");
    else
        fprintf(pairs->out, "geometric mean of the %d in both: %.1f then, %.1f now\n", both, exp(then / both),
                exp(now / both));
}

int compare_report(FILE *out, const struct past *past, const char *path, const struct result *results,
                   int count)
{
    static const struct direction down = {"lost", -1}, up = {"gained", 1};
    struct pairs pairs = {.out = out, .past = past, .now = results, .count = count};
    int lost = -1;
    pairs.of = calloc((size_t)count, sizeof *pairs.of);
    pairs.taken = calloc((size_t)past->count, sizeof *pairs.taken);
    if (pairs.of && pairs.taken) {
        pair(&pairs);
        fprintf(out, "\npercent of peak then and now; then: %s, %s, peak %.1f GFLOP/s f32\n", path, past->cpu,
                past->peak_gflops);
        lost = print_changes(&pairs, &down);
        print_changes(&pairs, &up);
        print_unpaired(&pairs);
        print_means(&pairs);
    }
    free(pairs.of);
    free(pairs.taken);
    return lost;
}
