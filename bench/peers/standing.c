#include "standing.h"

#include <string.h>

/* One word for a library: "oneDNN 2.6.3" is oneDNN. */
static int word_length(const char *text)
{
    return (int)strcspn(text, " ");
}

static struct selection all_of(const struct standing *s, int layout)
{
    return (struct selection){.peers = s->peer_count, .layout = layout, .rewritten = true};
}

/* ---- A table ---- */

/* A cell in a column of `width`; Markdown has bars between cells. */
static void cell(const struct standing *s, int width, const char *text)
{
    if (s->markdown)
        printf(" %s |", text);
    else
        printf("%*.*s ", width, width < 0 ? -width : width, text);
}

enum { NAME_WIDTH = -26, ALGORITHM_WIDTH = -9, TIME_WIDTH = 9, BEST_WIDTH = -17, RATIO_WIDTH = 6 };

static void head_of_peer(const struct standing *s, const char *peer, bool first_line)
{
    for (int l = 0; l < CALL_LAYOUTS; l++) {
        char text[64];
        snprintf(text, sizeof text, "%.*s %s", word_length(peer), peer, call_layout_name(l));
        if (s->markdown)
            cell(s, TIME_WIDTH, text);
        else if (first_line)
            cell(s, TIME_WIDTH, l ? "" : (snprintf(text, sizeof text, "%.*s", word_length(peer), peer), text));
        else
            cell(s, TIME_WIDTH, call_layout_name(l));
    }
}

static void head_line(const struct standing *s, const char *const words[7], bool first_line)
{
    static const int widths[] = {NAME_WIDTH,  ALGORITHM_WIDTH, TIME_WIDTH, TIME_WIDTH,
                                 RATIO_WIDTH, BEST_WIDTH,      RATIO_WIDTH};
    printf(s->markdown ? "|" : "");
    for (int i = 0; i < 5; i++)
        cell(s, widths[i], words[i]);
    for (int p = 0; p < s->peer_count; p++)
        head_of_peer(s, s->peers[p], first_line);
    for (int i = 5; i < 7; i++)
        cell(s, widths[i], words[i]);
    printf("\n");
}

void standing_head(const struct standing *s)
{
    static const char *const above[] = {"", "", "convjit", "", "", "best", ""};
    static const char *const words[] = {"microseconds", "algorithm", "nchw", "nhwc", "peak%", "peer", "ratio"};
    static const char *const marked[] = {"layer", "algorithm", "nchw", "nhwc", "peak%", "best peer", "ratio"};
    printf("convjit %s", cj_version());
    for (int p = 0; p < s->peer_count; p++)
        printf(", %s", s->peers[p]);
    printf("; %d thread%s\n%s", s->threads, s->threads > 1 ? "s" : "", s->markdown ? "\n" : "");
    if (s->markdown) {
        head_line(s, marked, false);
        printf("|");
        for (int i = 0; i < 7 + CALL_LAYOUTS * s->peer_count; i++)
            printf("---|");
        printf("\n");
        return;
    }
    head_line(s, above, true);
    head_line(s, words, false);
}

/* The better one of both forms; a rewritten call is marked. */
static void time_cell(const struct standing *s, const struct timing forms[FORMS])
{
    static const char *const words[] = {"", "", "-", "died", "wrong"};
    char text[32];
    int best = forms[1].outcome == MEASURED && (forms[0].outcome != MEASURED || forms[1].us < forms[0].us);
    if (forms[best].outcome == MEASURED)
        snprintf(text, sizeof text, "%.1f%s", forms[best].us, best ? "*" : s->markdown ? "" : " ");
    else
        snprintf(text, sizeof text, "%s%s", words[forms[best].outcome], s->markdown ? "" : " ");
    cell(s, TIME_WIDTH, text);
}

static void number_cell(const struct standing *s, int width, const char *format, double number)
{
    char text[32];
    snprintf(text, sizeof text, format, number);
    cell(s, width, text);
}

static double percent_of_peak(const struct standing *s, const struct row *row)
{
    return row->flops / best_own(row, -1) * 1e-3 / (s->machine->peak.gflops[CJ_F32] * s->threads) * 100;
}

void standing_row(const struct standing *s, const struct row *row)
{
    struct selection any = all_of(s, -1);
    int peer = 0, layout = 0;
    double best = best_peer(row, &any, &peer, &layout);
    char text[64] = "-";
    printf(s->markdown ? "|" : "");
    cell(s, NAME_WIDTH, row->name);
    cell(s, ALGORITHM_WIDTH, row->algorithm[row->own_us[CALL_NHWC] < row->own_us[CALL_NCHW]]);
    for (int l = 0; l < OWN_LAYOUTS; l++)
        number_cell(s, TIME_WIDTH, "%.1f", row->own_us[l]);
    number_cell(s, RATIO_WIDTH, "%.0f", percent_of_peak(s, row));
    for (int p = 0; p < s->peer_count; p++)
        for (int l = 0; l < CALL_LAYOUTS; l++)
            time_cell(s, row->peer[p].at[l]);
    if (best > 0)
        snprintf(text, sizeof text, "%.*s %s", word_length(s->peers[peer]), s->peers[peer],
                 call_layout_name(layout));
    cell(s, BEST_WIDTH, text);
    number_cell(s, RATIO_WIDTH, "%.2f", best / best_own(row, -1));
    printf("\n");
    fflush(stdout);
}

/* ---- Means ---- */

/* The means that are given, and what each is called; the peers themselves follow. */
static const struct {
    const char *key, *words;
    int layout;
    bool rewritten;
} means[] = {
    {"any", "best of all peers in any layout", -1, true},
    {"nhwc", "best NHWC", CALL_NHWC, true},
    {"nchw", "best NCHW", CALL_NCHW, true},
    {"any_as_called", "in any layout, calls not rewritten", -1, false},
};
enum { MEANS = sizeof means / sizeof *means };

static double mean(const struct standing *s, int which, int *count)
{
    struct selection selection = all_of(s, which < MEANS ? means[which].layout : -1);
    if (which < MEANS) {
        selection.rewritten = means[which].rewritten;
    } else {
        selection.first_peer = which - MEANS;
        selection.peers = 1;
    }
    return mean_ratio(s->rows, s->row_count, &selection, count);
}

void standing_means(const struct standing *s)
{
    printf("\nGeometric means of a peer's time over convjit's (above 1: convjit is faster). *: a call "
           "rewritten.\n");
    printf(s->markdown ? "\n" : "");
    for (int i = 0; i < MEANS + s->peer_count; i++) {
        int count;
        double ratio = mean(s, i, &count);
        printf("%s%-38s %.3f (%d layers)\n", s->markdown ? "- " : "  ",
               i < MEANS ? means[i].words : s->peers[i - MEANS], ratio, count);
    }
}

/* ---- For programs ---- */

static void json_timing(FILE *out, const struct standing *s, int peer, int layout, int form,
                        const struct timing *timing)
{
    static const char *const outcomes[] = {"", "measured", "cannot", "died", "wrong"};
    fprintf(out, "{\"peer\":\"%.*s\",\"layout\":\"%s\",\"rewritten\":%s,\"outcome\":\"%s\"",
            word_length(s->peers[peer]), s->peers[peer], call_layout_name(layout), form ? "true" : "false",
            outcomes[timing->outcome]);
    if (timing->outcome == MEASURED)
        fprintf(out, ",\"min_us\":%.3f", timing->us);
    fprintf(out, ",\"said\":");
    report_string(out, timing->said);
    fputc('}', out);
}

static void json_row(FILE *out, const struct standing *s, const struct row *row)
{
    const char *comma = "";
    fprintf(out, "{\"name\":");
    report_string(out, row->name);
    fprintf(out, ",\"shape\":\"%s\",\"flops\":%.0f,\"convjit\":[", row->shape, row->flops);
    for (int l = 0; l < OWN_LAYOUTS; l++)
        fprintf(out, "%s{\"layout\":\"%s\",\"algorithm\":\"%s\",\"min_us\":%.3f}", l ? "," : "",
                call_layout_name(l), row->algorithm[l], row->own_us[l]);
    fprintf(out, "],\"peers\":[");
    for (int p = 0; p < s->peer_count; p++)
        for (int i = 0; i < CALL_LAYOUTS * FORMS; i++) {
            const struct timing *timing = &row->peer[p].at[i / FORMS][i % FORMS];
            if (timing->outcome == NOT_ASKED)
                continue;
            fputs(comma, out);
            json_timing(out, s, p, i / FORMS, i % FORMS, timing);
            comma = ",\n ";
        }
    fprintf(out, "]}");
}

void standing_json(FILE *out, const struct standing *s)
{
    report_machine_json(out, s->machine);
    fprintf(out, ",\"threads\":%d,\"peers\":[", s->threads);
    for (int p = 0; p < s->peer_count; p++) {
        fputs(p ? "," : "", out);
        report_string(out, s->peers[p]);
    }
    fprintf(out, "],\"results\":[");
    for (int i = 0; i < s->row_count; i++) {
        fputs(i ? ",\n" : "\n", out);
        json_row(out, s, &s->rows[i]);
    }
    fprintf(out, "\n],\"means\":{");
    for (int i = 0; i < MEANS + s->peer_count; i++) {
        int count;
        double ratio = mean(s, i, &count);
        fprintf(out, "%s\"%.*s\":%.4f", i ? "," : "", i < MEANS ? 64 : word_length(s->peers[i - MEANS]),
                i < MEANS ? means[i].key : s->peers[i - MEANS], ratio);
    }
    fprintf(out, "}}\n");
}
