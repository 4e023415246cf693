#include "report.h"

#include <math.h>
#include <stdio.h>
#include <string.h>

void measure_bandwidth(struct bench_machine *machine)
{
    const int64_t bytes[MEMORY_LEVELS] = {machine->facts.l1 / 2, machine->facts.l2 / 2, machine->facts.l3 / 2,
                                          4 * machine->facts.l3 + (64 << 20)};
    for (int i = 0; i < MEMORY_LEVELS; i++)
        machine->bandwidth[i] = peak_read_bandwidth(bytes[i]);
}

/* Bytes a second of the level that the whole problem fits in. */
static double bandwidth_for(const struct bench_machine *machine, int64_t bytes)
{
    const int64_t sizes[] = {machine->facts.l1, machine->facts.l2, machine->facts.l3};
    int level = 0;
    while (level < 3 && bytes > sizes[level])
        level++;
    return machine->bandwidth[level] * 1e9;
}

struct result result_of_layer(struct layer *layer, int threads, const struct bench_machine *machine)
{
    struct result result = {.layer = layer, .threads = threads, .least = layer_least(layer)};
    double flops = layer->stats.flops * (double)layer->shape->batch;
    double peak = machine->peak.gflops[layer->shape->desc.dtype] * 1e9 * threads;
    double bound = flops / peak, memory = bandwidth_for(machine, layer->bytes) * threads;
    if (memory > 0 && (double)layer->bytes / memory > bound)
        bound = (double)layer->bytes / memory;
    result.median = layer_median(layer);
    result.gflops = flops / result.least * 1e-9;
    result.percent_of_peak = 100 * result.gflops * 1e9 / peak;
    result.percent_of_bound = 100 * bound / result.least;
    layer_algorithm(layer, result.algorithm);
    return result;
}

/* ---- For people ---- */

void report_machine(const struct bench_machine *machine)
{
    printf(
        "%s, %s, peak %.1f GFLOP/s f32 and %.1f f64, reads %.0f (L1) %.0f (L2) %.0f (L3) %.0f (memory) GB/s\n",
        machine->facts.cpu, choice_word(isa_choices, (int)machine->facts.isa), machine->peak.gflops[CJ_F32],
        machine->peak.gflops[CJ_F64], machine->bandwidth[0], machine->bandwidth[1], machine->bandwidth[2],
        machine->bandwidth[3]);
}

void report_head(void)
{
    printf("%-28s %-16s %9s %9s %9s %6s %6s %8s\n", "name", "algorithm", "min us", "median us", "GFLOP/s",
           "peak%", "bound%", "compile ms");
}

void report_row(const struct result *r)
{
    printf("%-28.28s %-16s %9.1f %9.1f %9.1f %6.1f %6.1f %8.1f\n", r->layer->shape->name, r->algorithm,
           r->least * 1e6, r->median * 1e6, r->gflops, r->percent_of_peak, r->percent_of_bound,
           (double)r->layer->stats.compile_ns * 1e-6);
}

void report_summary(const struct result *results, int count)
{
    double peak = 0, bound = 0;
    for (int i = 0; i < count; i++) {
        peak += log(results[i].percent_of_peak);
        bound += log(results[i].percent_of_bound);
    }
    printf("%-28s %-16s %9s %9s %9s %6.1f %6.1f\n", "geometric mean", "", "", "", "", exp(peak / count),
           exp(bound / count));
}

/* ---- For programs ---- */

void report_string(FILE *out, const char *text)
{
    fputc('"', out);
    for (; *text; text++) {
        if (*text == '"' || *text == '\\')
            fputc('\\', out);
        if ((unsigned char)*text < ' ')
            fprintf(out, "\\u%04x", (unsigned)*text);
        else
            fputc(*text, out);
    }
    fputc('"', out);
}

void report_machine_json(FILE *out, const struct bench_machine *machine)
{
    static const char *const levels[] = {"l1", "l2", "l3", "memory"};
    fprintf(out, "{\"machine\":{\"cpu\":");
    report_string(out, machine->facts.cpu);
    fprintf(out, ",\"isa\":\"%s\",\"cores\":%d,\"l1\":%lld,\"l2\":%lld,\"l3\":%lld",
            choice_word(isa_choices, (int)machine->facts.isa), machine->facts.cores,
            (long long)machine->facts.l1, (long long)machine->facts.l2, (long long)machine->facts.l3);
    fprintf(out, ",\"peak_gflops\":%.3f,\"peak_gflops_f64\":%.3f", machine->peak.gflops[CJ_F32],
            machine->peak.gflops[CJ_F64]);
    for (int i = 0; i < MEMORY_LEVELS; i++)
        fprintf(out, ",\"read_gbs_%s\":%.1f", levels[i], machine->bandwidth[i]);
    fprintf(out, ",\"version\":\"%s\"}", cj_version());
}

static void write_result(FILE *out, const struct result *r)
{
    const struct layer *layer = r->layer;
    fprintf(out, "{\"name\":");
    report_string(out, layer->shape->name);
    fprintf(out, ",\"shape\":\"%s\",\"layout\":\"%s\",\"dtype\":\"%s\",\"threads\":%d,\"algorithm\":\"%s\"",
            layer->text, choice_word(layout_choices, (int)layer->shape->desc.input_layout),
            choice_word(dtype_choices, (int)layer->shape->desc.dtype), r->threads, r->algorithm);
    fprintf(out,
            ",\"min_us\":%.3f,\"median_us\":%.3f,\"gflops\":%.3f,\"percent_of_peak\":%.2f,\"percent_of_bound\":"
            "%.2f",
            r->least * 1e6, r->median * 1e6, r->gflops, r->percent_of_peak, r->percent_of_bound);
    fprintf(out, ",\"pack_us\":%.3f,\"compile_us\":%.3f,\"load_us\":%.3f,\"code_bytes\":%llu,\"plan\":",
            layer->pack_seconds * 1e6, (double)layer->stats.compile_ns * 1e-3,
            (double)layer->stats.load_ns * 1e-3, (unsigned long long)layer->stats.code_bytes);
    report_string(out, cj_kernel_plan(layer->kernel));
    fputc('}', out);
}

void report_json(FILE *out, const struct bench_machine *machine, const struct result *results, int count)
{
    report_machine_json(out, machine);
    fprintf(out, ",\"results\":[");
    for (int i = 0; i < count; i++) {
        fputs(i ? ",\n" : "\n", out);
        write_result(out, &results[i]);
    }
    fprintf(out, "\n]}\n");
}
