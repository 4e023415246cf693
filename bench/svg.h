/* The words that the charts are drawn in. */
#ifndef CONVJIT_SVG_H
#define CONVJIT_SVG_H

#include <stdio.h>

/* An axis from `low` to `high`, drawn from pixel `from` to pixel `to`. */
struct axis {
    double low, high, from, to;
    int is_log;
};

/* The pixel of a value, and of the nearest end for a value outside. */
double axis_at(const struct axis *axis, double value);

struct box {
    double left, top, right, bottom;
};

/* Open and close a file of that many pixels. Colours are classes of its style, in a light and a dark version.
 */
void svg_begin(FILE *out, double width, double height);
void svg_end(FILE *out);

/* Text with what XML gives a meaning to escaped; bytes that are no UTF-8 and control characters become '?'. */
void svg_escaped(FILE *out, const char *text);

void svg_line(FILE *out, const char *class, struct box from_to);
void svg_text(FILE *out, const char *class, double x, double y, const char *text);

/* How wide a text of the style's smallest size is at most. */
double svg_text_width(const char *text);

#endif
