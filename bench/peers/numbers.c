#include "numbers.h"

#include <math.h>
#include <stdio.h>

/* Of the mean: far above the error of f32 sums and of Winograd (1e-5), far below a wrong tap. */
#define TOLERANCE 1e-3

float value_at(int64_t index, enum value_seed seed)
{
    uint32_t x = ((uint32_t)index + (uint32_t)seed * 0x9e3779b9U) * 2654435761U;
    x ^= x >> 15;
    x *= 2246822519U;
    return (float)((int)(x >> 16) - 32768) / 32768.0F;
}

/* Where element `index` of [n, c, pixels] lies. */
static int64_t place(int64_t index, int64_t channels, int64_t pixels, bool channels_last)
{
    int64_t pixel = index % pixels, channel = index / pixels % channels, image = index / pixels / channels;
    return channels_last ? (image * pixels + pixel) * channels + channel : index;
}

void values_fill_input(const struct call *call, bool channels_last, float *input)
{
    int64_t pixels = call_product(call->input, call->rank), count = call_input_count(call);
    for (int64_t i = 0; i < count; i++)
        input[place(i, call->in_channels, pixels, channels_last)] = value_at(i, SEED_INPUT);
}

void values_fill_weight(const struct call *call, float *weight)
{
    int64_t count = call_weight_count(call);
    for (int64_t i = 0; i < count; i++)
        weight[i] = value_at(i, SEED_WEIGHT);
}

struct check check_of_output(const struct call *call, bool channels_last, const float *output)
{
    struct check check = {.mean = 0};
    int64_t pixels = call_product(call->output, call->rank), count = call_output_count(call);
    for (int64_t i = 0; i < count; i++)
        check.mean += fabs((double)output[i]) / (double)count;
    for (int i = 0; i < CHECK_SAMPLES; i++) {
        int64_t index = (count - 1) * i / (CHECK_SAMPLES - 1);
        check.sample[i] = output[place(index, call->out_channels, pixels, channels_last)];
    }
    return check;
}

void check_write(const struct check *check, char text[CHECK_TEXT])
{
    int at = snprintf(text, CHECK_TEXT, "%.9g", check->mean);
    for (int i = 0; i < CHECK_SAMPLES; i++)
        at += snprintf(text + at, (size_t)(CHECK_TEXT - at), " %.9g", check->sample[i]);
}

bool check_read(const char *text, struct check *check)
{
    int length;
    if (sscanf(text, "%lf%n", &check->mean, &length) != 1)
        return false;
    for (int i = 0; i < CHECK_SAMPLES; i++) {
        text += length;
        if (sscanf(text, "%lf%n", &check->sample[i], &length) != 1)
            return false;
    }
    return true;
}

/* Written so that a NaN does not agree. */
bool check_agrees(const struct check *got, const struct check *expected)
{
    double allowed = TOLERANCE * expected->mean;
    bool agrees = fabs(got->mean - expected->mean) <= allowed;
    for (int i = 0; i < CHECK_SAMPLES; i++)
        agrees = agrees && fabs(got->sample[i] - expected->sample[i]) <= allowed;
    return agrees;
}
