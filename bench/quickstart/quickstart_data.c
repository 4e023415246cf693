/* The quick start's data and its check, without convjit.
 *
 *   quickstart_data make DIRECTORY   image.npy: a landscape; filters.npy: a bank of image filters
 *   quickstart_data convolve DIRECTORY   definition.npy: the same convolution in plain C, with its time
 *   quickstart_data compare A B      exit status 1 unless two .npy files hold the same numbers, up to rounding
 *
 * Everything is a formula, so every machine gets the same data. */
#include <math.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

enum { COLOURS = 3, HEIGHT = 480, WIDTH = 640, FILTERS = 64, SIDE = 7 };

static const double pi = 3.14159265358979323846;
static const double luminance[COLOURS] = {0.299, 0.587, 0.114};

static int complain(const char *what, const char *path)
{
    fprintf(stderr, "quickstart_data: %s %s\n", path, what);
    return 1;
}

/* ---- The image ---- */

static void mix(double colour[COLOURS], const double with[COLOURS], double share)
{
    for (int i = 0; i < COLOURS; i++)
        colour[i] += (with[i] - colour[i]) * share;
}

/* A ridge is a sum of waves, as high as `height` above `base`. */
static double ridge(double x, double base, double height, double phase)
{
    return base - height * (0.6 * sin(5.1 * x + phase) + 0.25 * sin(13.7 * x + 2 * phase) +
                            0.1 * sin(31.3 * x + phase) + 0.05 * sin(74.9 * x));
}

static void sky(double x, double y, double colour[COLOURS])
{
    static const double blue[] = {0.25, 0.45, 0.8}, haze[] = {0.95, 0.8, 0.65}, sun[] = {1, 0.97, 0.85};
    double distance = hypot(x - 0.95, y - 0.22);
    memcpy(colour, blue, sizeof blue);
    mix(colour, haze, fmin(1, 1.6 * y * y + 0.2 * y));
    mix(colour, sun, distance < 0.05 ? 1 : exp(-18 * (distance - 0.05)));
}

/* Furrows that meet at the horizon. */
static void field(double x, double y, double horizon, double colour[COLOURS])
{
    static const double grass[] = {0.3, 0.45, 0.15}, earth[] = {0.4, 0.28, 0.16};
    double depth = 1 / (y - horizon + 0.06);
    memcpy(colour, grass, sizeof grass);
    mix(colour, earth, 0.5 + 0.5 * sin(9 * (x - 0.6) * depth + 0.7 * sin(2 * depth)));
}

static void pixel(double x, double y, double colour[COLOURS])
{
    static const double far_hill[] = {0.42, 0.5, 0.62}, near_hill[] = {0.16, 0.28, 0.2};
    double far = ridge(x, 0.5, 0.1, 0.4), near = ridge(x, 0.62, 0.06, 2.1);
    if (y > 0.72) {
        field(x, y, 0.72, colour);
        return;
    }
    sky(x, y, colour);
    mix(colour, far_hill, 1 / (1 + exp(-600 * (y - far))));
    mix(colour, near_hill, 1 / (1 + exp(-600 * (y - near))));
}

static void paint(float *image)
{
    for (int y = 0; y < HEIGHT; y++) {
        for (int x = 0; x < WIDTH; x++) {
            double colour[COLOURS];
            pixel((x + 0.5) / HEIGHT, (y + 0.5) / HEIGHT, colour);
            for (int c = 0; c < COLOURS; c++)
                image[(c * HEIGHT + y) * WIDTH + x] = (float)colour[c];
        }
    }
}

/* ---- The filters: a function of the place (u, v) and of a few parameters ---- */

struct filter {
    double (*shape)(const struct filter *filter, double u, double v);
    double angle, size, phase;
    double colour[COLOURS];
};

static double bell(double u, double v, double size)
{
    return exp(-(u * u + v * v) / (2 * size * size));
}

static double gabor(const struct filter *f, double u, double v)
{
    double along = u * cos(f->angle) + v * sin(f->angle);
    return bell(u, v, 0.56 * f->size) * cos(2 * pi * along / f->size + f->phase);
}

static double gaussian(const struct filter *f, double u, double v)
{
    return bell(u, v, f->size) / (2 * pi * f->size * f->size);
}

static double slope(const struct filter *f, double u, double v)
{
    return -(u * cos(f->angle) + v * sin(f->angle)) / f->size * bell(u, v, f->size);
}

static double laplacian(const struct filter *f, double u, double v)
{
    double r = (u * u + v * v) / (2 * f->size * f->size);
    return (1 - r) * bell(u, v, f->size);
}

static double sobel(const struct filter *f, double u, double v)
{
    double along = f->angle > 0 ? v : u, across = f->angle > 0 ? u : v;
    return fabs(u) > 1 || fabs(v) > 1 ? 0 : along * (2 - fabs(across));
}

static struct filter grey(double (*shape)(const struct filter *, double, double), double angle, double size,
                          double phase)
{
    struct filter filter = {shape, angle, size, phase, {0}};
    memcpy(filter.colour, luminance, sizeof luminance);
    return filter;
}

/* 48 Gabor filters, 8 edges of colour, 2 Sobel, 2 Gaussian and 4 Laplacian filters. */
static void choose(struct filter bank[FILTERS])
{
    static const double opponents[2][COLOURS] = {{1, -1, 0}, {-0.5, -0.5, 1}};
    int n = 0;
    for (int i = 0; i < 48; i++)
        bank[n++] = grey(gabor, pi * (i % 8) / 8, 2.5 + 1.5 * (i / 16), i / 8 % 2 ? pi / 2 : 0);
    for (int i = 0; i < 8; i++) {
        bank[n] = grey(slope, pi * (i % 4) / 4, 1.5, 0);
        memcpy(bank[n++].colour, opponents[i / 4], sizeof opponents[0]);
    }
    for (int i = 0; i < 2; i++)
        bank[n++] = grey(sobel, i, 0, 0);
    for (int i = 0; i < 2; i++)
        bank[n++] = grey(gaussian, 0, 1 + i, 0);
    for (int i = 0; i < 4; i++)
        bank[n++] = grey(laplacian, 0, 0.6 + 0.4 * i, 0);
}

static void tabulate(float *at)
{
    struct filter bank[FILTERS];
    choose(bank);
    for (int f = 0; f < FILTERS; f++)
        for (int c = 0; c < COLOURS; c++)
            for (int i = 0; i < SIDE * SIDE; i++)
                *at++ = (float)(bank[f].colour[c] *
                                bank[f].shape(&bank[f], i % SIDE - SIDE / 2, i / SIDE - SIDE / 2));
}

/* ---- Files ---- */

static int write_npy(const char *directory, const char *name, const char *shape, const float *data,
                     size_t count)
{
    char path[4096], header[119];
    snprintf(path, sizeof path, "%s/%s", directory, name);
    snprintf(header, sizeof header, "{'descr': '<f4', 'fortran_order': False, 'shape': (%s), }", shape);
    FILE *file = fopen(path, "wb");
    if (!file)
        return complain("cannot be written", path);
    /* The data begins at byte 128; the header ends with a newline in front of it. */
    fwrite("\x93NUMPY\x01\x00\x76\x00", 1, 10, file);
    fprintf(file, "%-117s\n", header);
    fwrite(data, sizeof *data, count, file);
    int failed = ferror(file);
    return fclose(file) || failed ? complain("cannot be written", path) : 0;
}

static int make(const char *directory)
{
    static float image[COLOURS * HEIGHT * WIDTH], filters[FILTERS * COLOURS * SIDE * SIDE];
    paint(image);
    tabulate(filters);
    return write_npy(directory, "image.npy", "1, 3, 480, 640", image, sizeof image / sizeof *image) ||
           write_npy(directory, "filters.npy", "64, 3, 7, 7", filters, sizeof filters / sizeof *filters);
}

/* One output: what the filter sees of the image around a place, nothing outside. */
static float look(const float *image, const float *filter, int y, int x)
{
    float sum = 0;
    for (int c = 0; c < COLOURS; c++)
        for (int v = 0; v < SIDE; v++)
            for (int u = 0; u < SIDE; u++) {
                int row = y + v - SIDE / 2, column = x + u - SIDE / 2;
                if (row >= 0 && row < HEIGHT && column >= 0 && column < WIDTH)
                    sum += image[(c * HEIGHT + row) * WIDTH + column] * filter[(c * SIDE + v) * SIDE + u];
            }
    return sum;
}

static void print_time(clock_t ticks)
{
    double seconds = (double)ticks / CLOCKS_PER_SEC, products = (double)FILTERS * COLOURS;
    /* Along an axis, pairs of an output and a tap inside the image. */
    products *= (double)(HEIGHT * SIDE - SIDE / 2 * (SIDE / 2 + 1));
    products *= (double)(WIDTH * SIDE - SIDE / 2 * (SIDE / 2 + 1));
    printf("run         %.3f ms\nspeed       %.1f GFLOP/s\n", seconds * 1e3, 2 * products / seconds * 1e-9);
}

static int convolve(const char *directory)
{
    static float image[COLOURS * HEIGHT * WIDTH], filters[FILTERS * COLOURS * SIDE * SIDE];
    static float outputs[FILTERS * HEIGHT * WIDTH];
    paint(image);
    tabulate(filters);
    clock_t start = clock();
    for (int f = 0; f < FILTERS; f++)
        for (int y = 0; y < HEIGHT; y++)
            for (int x = 0; x < WIDTH; x++)
                outputs[(f * HEIGHT + y) * WIDTH + x] = look(image, filters + f * COLOURS * SIDE * SIDE, y, x);
    print_time(clock() - start);
    return write_npy(directory, "definition.npy", "1, 64, 480, 640", outputs, sizeof outputs / sizeof *outputs);
}

/* A whole file; NULL if it is no .npy file with a header of version 1. */
static unsigned char *slurp(const char *path, size_t *size)
{
    FILE *file = fopen(path, "rb");
    unsigned char *bytes = NULL;
    if (file && fseek(file, 0, SEEK_END) == 0) {
        *size = (size_t)ftell(file);
        rewind(file);
        bytes = malloc(*size + 1);
    }
    if (bytes &&
        (fread(bytes, 1, *size, file) != *size || *size < 10 || memcmp(bytes, "\x93NUMPY\x01", 7) != 0)) {
        free(bytes);
        bytes = NULL;
    }
    if (file)
        fclose(file);
    return bytes;
}

/* Sums of 147 products in different orders differ by some roundings of the largest sums. */
static int compare_values(const float *a, const float *b, size_t count)
{
    double largest = 0, difference = 0;
    bool finite = true;
    for (size_t i = 0; i < count; i++) {
        double here = fabs((double)a[i] - b[i]);
        finite &= isfinite(here) != 0;
        difference = fmax(difference, here); /* which passes over what is not a number */
        largest = fmax(largest, fabs((double)b[i]));
    }
    printf("%zu elements, the largest is %.4g, the largest difference is %.3g\n", count, largest, difference);
    if (!finite)
        return complain("is not a number, or infinite", "an element");
    return largest > 0 && difference <= 1e-5 * largest ? 0 : complain("is too large", "the difference");
}

static int compare(const char *path_a, const char *path_b)
{
    size_t size_a = 0, size_b = 0;
    unsigned char *a = slurp(path_a, &size_a), *b = slurp(path_b, &size_b);
    size_t header = a && b ? 10 + (size_t)(a[8] | a[9] << 8) : 0;
    int status;
    if (!a || !b)
        status = complain("cannot be read as .npy", a ? path_b : path_a);
    else if (size_a != size_b || header > size_a || memcmp(a, b, header) != 0)
        status = complain("has another type or shape", path_b);
    else
        status = compare_values((const float *)(const void *)(a + header),
                                (const float *)(const void *)(b + header), (size_a - header) / sizeof(float));
    free(a);
    free(b);
    return status;
}

int main(int argc, char **argv)
{
    if (argc == 3 && strcmp(argv[1], "make") == 0)
        return make(argv[2]);
    if (argc == 3 && strcmp(argv[1], "convolve") == 0)
        return convolve(argv[2]);
    if (argc == 4 && strcmp(argv[1], "compare") == 0)
        return compare(argv[2], argv[3]);
    fprintf(stderr, "quickstart_data make DIRECTORY | convolve DIRECTORY | compare A.npy B.npy\n");
    return 1;
}
