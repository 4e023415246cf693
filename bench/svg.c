/* Colours are classes, so that one style holds them for a light and for a dark page; the file needs nothing
 * from outside. */
#include "svg.h"

#include <math.h>
#include <string.h>

/* Series 0 to 7 differ in lightness as well as in hue, so that they can be told apart without colours too. */
static const char style[] =
    "<style>\n"
    "svg{--page:#ffffff;--ink:#1d2430;--soft:#667085;--grid:#e4e7ec;--roof:#344054;--limit:#c0392b;"
    "--s0:#2f6fd0;--s1:#d9780a;--s2:#1c9a5b;--s3:#8e44b8;--s4:#c2415f;--s5:#0c8a9a;--s6:#8a6a1f;--s7:#7a8291}\n"
    "@media (prefers-color-scheme:dark){svg{--page:#12161d;--ink:#e6e9ef;--soft:#98a2b3;--grid:#2a313c;"
    "--roof:#c3cad6;--limit:#ff7b6b;--s0:#6ea8ff;--s1:#ffb057;--s2:#5fd39a;--s3:#cf9bf0;--s4:#ff8fa6;"
    "--s5:#56d0df;--s6:#d8b75c;--s7:#b3bac6}}\n"
    ".page{fill:var(--page)}\n"
    "text{font:11px system-ui,\"Segoe UI\",Roboto,\"DejaVu Sans\",sans-serif;fill:var(--ink)}\n"
    ".title{font-size:16px;font-weight:600}.soft{fill:var(--soft)}.end{text-anchor:end}.middle{text-anchor:"
    "middle}\n"
    ".grid{stroke:var(--grid)}.roof{stroke:var(--roof);stroke-width:1.5;fill:none}.limit{stroke:var(--limit);"
    "stroke-width:1.2;stroke-dasharray:5 3}.leader{stroke:var(--soft);stroke-width:.7}\n"
    ".halo{paint-order:stroke;stroke:var(--page);stroke-width:3px;stroke-linejoin:round}\n"
    ".dot{stroke:var(--page);stroke-width:1}.peer{stroke:var(--ink);stroke-width:2}"
    ".best{stroke:var(--ink);stroke-width:1.4;fill:var(--page)}\n"
    ".s0{fill:var(--s0)}.s1{fill:var(--s1)}.s2{fill:var(--s2)}.s3{fill:var(--s3)}.s4{fill:var(--s4)}"
    ".s5{fill:var(--s5)}.s6{fill:var(--s6)}.s7{fill:var(--s7)}\n"
    "</style>\n";

double axis_at(const struct axis *axis, double value)
{
    double low = axis->low, high = axis->high;
    if (axis->is_log) {
        low = log(low);
        high = log(high);
        value = log(value);
    }
    double share = fmin(fmax((value - low) / (high - low), 0), 1);
    return axis->from + share * (axis->to - axis->from);
}

void svg_begin(FILE *out, double width, double height)
{
    fprintf(
        out,
        "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n<svg xmlns=\"http://www.w3.org/2000/svg\" width=\"%.0f\" "
        "height=\"%.0f\" viewBox=\"0 0 %.0f %.0f\">\n%s<rect class=\"page\" width=\"%.0f\" height=\"%.0f\"/>\n",
        width, height, width, height, style, width, height);
}

void svg_end(FILE *out)
{
    fprintf(out, "</svg>\n");
}

/* Bytes of the UTF-8 character at `at`; 0 if there is none that XML takes. */
static int character_length(const unsigned char *at)
{
    static const struct {
        unsigned mask, pattern, least;
    } forms[] = {{0x80, 0x00, ' '}, {0xe0, 0xc0, 0x80}, {0xf0, 0xe0, 0x800}, {0xf8, 0xf0, 0x10000}};
    for (int more = 0; more < 4; more++) {
        if ((at[0] & forms[more].mask) != forms[more].pattern)
            continue;
        unsigned code = at[0] & ~forms[more].mask;
        for (int i = 1; i <= more; i++) {
            if ((at[i] & 0xc0) != 0x80)
                return 0;
            code = code << 6 | (at[i] & 0x3f);
        }
        if (code < forms[more].least || code > 0x10ffff || (code >= 0xd800 && code < 0xe000) || code == 0x7f ||
            (code & 0xfffe) == 0xfffe)
            return 0;
        return more + 1;
    }
    return 0;
}

void svg_escaped(FILE *out, const char *text)
{
    static const char special[] = "<>&\"";
    static const char *const escaped[] = {"&lt;", "&gt;", "&amp;", "&quot;"};
    while (*text) {
        int length = character_length((const unsigned char *)text);
        const char *found = strchr(special, *text);
        if (found)
            fputs(escaped[found - special], out);
        else if (length)
            fwrite(text, 1, (size_t)length, out);
        else
            fputc('?', out);
        text += length ? length : 1;
    }
}

void svg_line(FILE *out, const char *class, struct box from_to)
{
    fprintf(out, "<line class=\"%s\" x1=\"%.1f\" y1=\"%.1f\" x2=\"%.1f\" y2=\"%.1f\"/>\n", class, from_to.left,
            from_to.top, from_to.right, from_to.bottom);
}

void svg_text(FILE *out, const char *class, double x, double y, const char *text)
{
    fprintf(out, "<text class=\"%s\" x=\"%.1f\" y=\"%.1f\">", class, x, y);
    svg_escaped(out, text);
    fprintf(out, "</text>\n");
}

/* The digits and small letters of the usual fonts are up to 0.6 of the size wide. */
double svg_text_width(const char *text)
{
    size_t characters = 0;
    for (; *text; text++)
        characters += ((unsigned char)*text & 0xc0) != 0x80;
    return 6.6 * (double)characters;
}
