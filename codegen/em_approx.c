/* exp, sigmoid, tanh and erf from multiplications, additions and divisions.
 *
 * All of them stand on one reduction, x = k*ln 2 + r with |r| <= ln(2)/2, and Taylor's series of exp(r) - 1,
 * cut where the next term is below half a unit in the last place: r^8/8! < 6e-9 (f32), r^14/14! < 5e-18 (f64).
 * tests/test_em_approx.c sweeps each function against libm and holds it to the bounds stated here. */
#include "em_approx.h"

/* What differs between element types. */
struct limits {
    double exp_low, exp_high; /* beyond these exp is 0 or infinite */
    double tanh_high;         /* tanh(t/2) is 1 from here on */
    double erf_high;          /* erf is 1 from here on */
    int exp_terms, erf_terms, erfcx_terms;
    double ln2_high, ln2_low; /* ln 2 in two parts, the first short enough that k * ln2_high is exact */
};

static const struct limits limits_f32 = {-104, 89, 20, 4, 7, 7, 11, 0x1.62e4p-1, 0x1.7f7d1cf79abcap-20};
static const struct limits limits_f64 = {-746, 710, 40, 6, 13, 13, 24, 0x1.62e42feep-1, 0x1.a39ef35793c76p-33};

static const struct limits *limits(const struct em *em)
{
    return em_is_f64(em) ? &limits_f64 : &limits_f32;
}

static em_vec clamp(struct em *em, em_vec x, double low, double high)
{
    /* In this order of operands what is not a number passes. */
    return em_vmax(em, em_vconst(em, low), em_vmin(em, em_vconst(em, high), x));
}

struct reduced {
    em_vec k, r;
};

static struct reduced reduce(struct em *em, em_vec x)
{
    em_vec k = em_vround(em, em_vmul(em, x, em_vconst(em, 0x1.71547652b82fep+0)));
    em_vec r = em_fma(em, k, em_vconst(em, -limits(em)->ln2_high), x);
    return (struct reduced){k, em_fma(em, k, em_vconst(em, -limits(em)->ln2_low), r)};
}

/* exp(r) - 1 = r * (1 + r/2 * (1 + r/3 * ...)). */
static em_vec series_expm1(struct em *em, em_vec r)
{
    em_vec one = em_vconst(em, 1), sum = one;
    for (int n = limits(em)->exp_terms; n > 1; n--)
        sum = em_fma(em, em_vmul(em, r, em_vconst(em, 1.0 / n)), sum, one);
    return em_vmul(em, r, sum);
}

/* exp(x) = 2^k * (1 + expm1(r)). The power is applied in two halves, so that results may be subnormal or
 * infinite. Relative error: 2e-7 (f32), 4e-16 (f64). */
em_vec em_exp(struct em *em, em_vec x)
{
    struct reduced a = reduce(em, clamp(em, x, limits(em)->exp_low, limits(em)->exp_high));
    em_vec half = em_vround(em, em_vmul(em, a.k, em_vconst(em, 0.5)));
    em_vec y = em_vadd(em, series_expm1(em, a.r), em_vconst(em, 1));
    y = em_vmul(em, y, em_vpow2(em, half));
    return em_vmul(em, y, em_vpow2(em, em_vsub(em, a.k, half)));
}

/* 1 / (1 + exp(-x)). Relative error: 4e-7 (f32), 8e-16 (f64), where the result is normal. */
em_vec em_sigmoid(struct em *em, em_vec x)
{
    em_vec one = em_vconst(em, 1);
    return em_vdiv(em, one, em_vadd(em, one, em_exp(em, em_vsub(em, em_vconst(em, 0), x))));
}

/* tanh |x| = e / (e + 2) with e = exp(2|x|) - 1 = 2^k * expm1(r) + (2^k - 1): nothing cancels near 0.
 * Relative error: 4e-7 (f32), 8e-16 (f64). */
em_vec em_tanh(struct em *em, em_vec x)
{
    em_vec t = em_vmul(em, em_vabs(em, x), em_vconst(em, 2));
    struct reduced a = reduce(em, em_vmin(em, em_vconst(em, limits(em)->tanh_high), t));
    em_vec power = em_vpow2(em, a.k);
    em_vec e = em_fma(em, power, series_expm1(em, a.r), em_vsub(em, power, em_vconst(em, 1)));
    return em_vcopysign(em, em_vdiv(em, e, em_vadd(em, e, em_vconst(em, 2))), x);
}

/* Chebyshev coefficients of exp(z^2) * erfc(z) over 0 <= z <= 6 in s, where 2/(2+z) = (3s + 5)/8; computed to
 * 50 digits from the series of erf. 11 of them leave 1e-9, 24 leave 1e-18, of at least 0.09. */
static const double erfcx_coefficients[] = {
    4.62651061701537635873e-01,  4.45944590537599883096e-01,  8.39224456318149042433e-02,
    7.75945373481469555937e-03,  -1.88082761534561084633e-04, -9.37209106206350264908e-05,
    2.98349417065779152174e-06,  1.41105459744467967005e-06,  -1.28427777616925199472e-07,
    -1.82804603771617088154e-08, 4.35903206148597172241e-09,  -4.98940963621221601544e-11,
    -9.75325757994257868145e-11, 1.41504889170557747691e-11,  4.99405130787026956715e-13,
    -4.59485664120422095711e-13, 6.15814774192738853003e-14,  2.57380791833299953412e-15,
    -2.29815730480353966131e-15, 3.58286483332393545859e-16,  1.07760047885959364217e-18,
    -1.16829766938293614184e-17, 2.43313963068730799857e-18,  -1.39879511035777809881e-19,
};

/* Clenshaw's recurrence for the Chebyshev series. */
static em_vec erfcx(struct em *em, em_vec z)
{
    em_vec two = em_vconst(em, 2), t = em_vdiv(em, two, em_vadd(em, two, z));
    em_vec s = em_vmul(em, em_fma(em, t, em_vconst(em, 8), em_vconst(em, -5)), em_vconst(em, 1.0 / 3));
    em_vec twice = em_vmul(em, s, two), last = em_vconst(em, 0), before = last;
    for (int n = limits(em)->erfcx_terms - 1; n > 0; n--) {
        em_vec next = em_fma(em, twice, last, em_vsub(em, em_vconst(em, erfcx_coefficients[n]), before));
        before = last;
        last = next;
    }
    return em_fma(em, s, last, em_vsub(em, em_vconst(em, erfcx_coefficients[0]), before));
}

/* Taylor: erf(z) = 2/sqrt(pi) * z * sum of (-z^2)^n / (n! (2n + 1)). */
static em_vec series_erf(struct em *em, em_vec z, em_vec square)
{
    double coefficient[16], factorial = 1;
    int terms = limits(em)->erf_terms;
    for (int n = 0; n < terms; n++) {
        factorial *= n ? n : 1;
        coefficient[n] = (n % 2 ? -0x1.20dd750429b6dp+0 : 0x1.20dd750429b6dp+0) / (factorial * (2 * n + 1));
    }
    em_vec sum = em_vconst(em, coefficient[terms - 1]);
    for (int n = terms - 2; n >= 0; n--)
        sum = em_fma(em, sum, square, em_vconst(em, coefficient[n]));
    return em_vmul(em, z, sum);
}

/* Taylor's series up to |x| = 1/2, then 1 - exp(-z^2) * erfcx(z). Relative error: 3e-7 (f32), 6e-16 (f64). */
em_vec em_erf(struct em *em, em_vec x)
{
    em_vec z = em_vmin(em, em_vconst(em, limits(em)->erf_high), em_vabs(em, x));
    em_vec square = em_vmul(em, z, z);
    em_vec tail = em_vmul(em, em_exp(em, em_vsub(em, em_vconst(em, 0), square)), erfcx(em, z));
    em_vec large = em_vsub(em, em_vconst(em, 1), tail);
    em_vec small = series_erf(em, z, square);
    return em_vcopysign(em, em_vselect(em, em_vlt(em, z, em_vconst(em, 0.5)), small, large), x);
}
