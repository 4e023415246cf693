#include "verdict.h"

#include "layer.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static const char marker[] = " us estimated: ";

/* A line "NAME ... NUMBER us estimated: PLAN"; false for others. */
struct estimate {
    char algorithm[32];
    double us;
    int length; /* of the line in front of the marker */
};

static bool read_estimate(const char *line, struct estimate *estimate)
{
    const char *end = strchr(line, '\n'), *at = strstr(line, marker);
    if (!at || (end && end < at) || sscanf(line, "%31s %lf", estimate->algorithm, &estimate->us) != 2)
        return false;
    estimate->length = (int)(at - line);
    return true;
}

static const char *next_line(const char *line)
{
    const char *end = strchr(line, '\n');
    return end ? end + 1 : line + strlen(line);
}

static double least_estimate(const char *text)
{
    double least = INFINITY;
    struct estimate estimate;
    for (; *text; text = next_line(text))
        if (read_estimate(text, &estimate) && estimate.us < least)
            least = estimate.us;
    return least;
}

#define MEASURE_SECONDS 0.3

static int measure(cj_context *context, const cj_conv_desc *desc, int64_t batch, const char *algorithm,
                   double *us)
{
    struct layer_shape shape = {.desc = *desc, .batch = batch};
    struct layer layer;
    shape.desc.algorithm = algorithm;
    int status = layer_open(&layer, &shape, context, 1);
    if (status == EXIT_DONE)
        status = layer_measure(&layer, NULL, MEASURE_SECONDS);
    if (status == EXIT_DONE)
        *us = layer_least(&layer) * 1e6 / (double)batch;
    layer_close(&layer);
    return status;
}

int verdict_print(cj_context *context, const cj_conv_desc *desc, int64_t batch, const char *text)
{
    double least = least_estimate(text), us;
    pin_thread();
    for (; *text; text = next_line(text)) {
        int length = (int)(next_line(text) - text);
        struct estimate estimate;
        if (batch < 1 || !read_estimate(text, &estimate) || estimate.us > least * VERDICT_HOPELESS) {
            printf("%.*s", length, text);
            continue;
        }
        TRY(measure(context, desc, batch, estimate.algorithm, &us));
        printf("%.*s us estimated, %.3g us measured: %.*s", estimate.length, text, us,
               length - estimate.length - (int)strlen(marker), text + estimate.length + strlen(marker));
    }
    return EXIT_DONE;
}
