/* Points come in pairs p and -p, for which a row of B^T has the same coefficients at even places and the
 * opposite ones at odd places: the two rows share their even and odd sums. A column of A^T holds the powers of
 * its point, so the outputs take sums of pairs at even places and differences at odd ones. */
#include "transform.h"

/* One term of a linear combination. */
struct term {
    double factor;
    em_vec x;
};

/* The sum of all terms whose factor is not 0, of which there is one at least. A factor of 1, if there is one,
 * begins. */
static em_vec combine(struct em *em, const struct term *terms, int count)
{
    int first = 0;
    for (int i = count - 1; i >= 0; i--)
        if (terms[i].factor == 1 || (terms[first].factor == 0 && terms[i].factor != 0))
            first = i;
    em_vec sum = terms[first].x;
    if (terms[first].factor != 1)
        sum = em_vmul(em, sum, em_vconst(em, terms[first].factor));
    for (int i = 0; i < count; i++) {
        if (i == first || terms[i].factor == 0)
            continue;
        if (terms[i].factor == 1)
            sum = em_vadd(em, sum, terms[i].x);
        else if (terms[i].factor == -1)
            sum = em_vsub(em, sum, terms[i].x);
        else
            sum = em_fma(em, terms[i].x, em_vconst(em, terms[i].factor), sum);
    }
    return sum;
}

static void load_line(struct em *em, struct line from, int count, em_vec *x)
{
    for (int i = 0; i < count; i++)
        x[i] = em_load(em, em_offset(em, from.at, em_mulc(em, from.step, i)));
}

static void store_one(struct em *em, struct line to, int index, em_vec value)
{
    em_store(em, em_offset(em, to.at, em_mulc(em, to.step, index)), value);
}

/* The terms of a row of B^T at every second place from `start`, divided by `scale`. */
static em_vec half_row(struct em *em, const struct winograd *w, const double *row, const em_vec *x, int start,
                       double scale)
{
    struct term terms[WINOGRAD_MOST];
    int count = 0;
    for (int i = start; i < w->alpha; i += 2)
        terms[count++] = (struct term){row[i] / scale, x[i]};
    return combine(em, terms, count);
}

void transform_input(struct em *em, const struct winograd *w, struct line to, struct line from)
{
    em_vec x[WINOGRAD_MOST] = {0};
    load_line(em, from, w->alpha, x);
    if (w->alpha == 1) {
        store_one(em, to, 0, x[0]);
        return;
    }
    store_one(em, to, 0, half_row(em, w, w->input[0], x, 0, 1));
    for (int pair = 0; pair < w->alpha / 2 - 1; pair++) {
        double p = w->point[pair];
        const double *row = w->input[2 * pair + 1];
        em_vec even = half_row(em, w, row, x, 0, 1), odd = half_row(em, w, row, x, 1, p);
        store_one(em, to, 2 * pair + 1, combine(em, (struct term[]){{1, even}, {p, odd}}, 2));
        store_one(em, to, 2 * pair + 2, combine(em, (struct term[]){{1, even}, {-p, odd}}, 2));
    }
    store_one(em, to, w->alpha - 1, half_row(em, w, w->input[w->alpha - 1], x, 1, 1));
}

void transform_output(struct em *em, const struct winograd *w, struct line to, struct line from)
{
    em_vec x[WINOGRAD_MOST] = {0}, sum[WINOGRAD_MOST] = {0}, difference[WINOGRAD_MOST] = {0};
    load_line(em, from, w->alpha, x);
    if (w->alpha == 1) {
        store_one(em, to, 0, x[0]);
        return;
    }
    int pairs = w->alpha / 2 - 1;
    for (int pair = 0; pair < pairs; pair++) {
        sum[pair] = em_vadd(em, x[2 * pair + 1], x[2 * pair + 2]);
        difference[pair] = em_vsub(em, x[2 * pair + 1], x[2 * pair + 2]);
    }
    for (int i = 0; i < w->outs; i++) {
        struct term terms[WINOGRAD_MOST];
        int count = 0;
        for (int pair = 0; pair < pairs; pair++)
            terms[count++] = (struct term){w->output[i][2 * pair + 1], i % 2 ? difference[pair] : sum[pair]};
        terms[count++] = (struct term){w->output[i][0], x[0]};
        terms[count++] = (struct term){w->output[i][w->alpha - 1], x[w->alpha - 1]};
        store_one(em, to, i, combine(em, terms, count));
    }
}
