/* Places are tried on rings around the dot, from near to far: right, left, then above and below. Whoever finds
 * none stays away: a chart with fewer labels beats one with labels over each other. */
#include "labels.h"

#include <math.h>
#include <stddef.h>

/* In pixels: just outside a dot, and as far as a leader line still shows whose label it is. */
#define TEXT_HEIGHT 13.0
#define NEAREST 7.0
enum { RINGS = 12 };

bool boxes_overlap(const struct box *a, const struct box *b)
{
    return a->left < b->right && b->left < a->right && a->top < b->bottom && b->top < a->bottom;
}

static bool is_inside(const struct box *box, const struct box *frame)
{
    return box->left >= frame->left && box->right <= frame->right && box->top >= frame->top &&
           box->bottom <= frame->bottom;
}

static bool is_free(const struct box *box, const struct label *labels, int count, const struct room *room)
{
    if (!is_inside(box, &room->inside))
        return false;
    for (int i = 0; i < room->count; i++)
        if (boxes_overlap(box, &room->taken[i]))
            return false;
    for (int i = 0; i < count; i++)
        if (labels[i].placed && boxes_overlap(box, &labels[i].box))
            return false;
    return true;
}

/* The text's box when its nearest point is `distance` away from the dot, in the direction (across, down). */
static struct box box_at(const struct label *label, double across, double down, double distance)
{
    double width = svg_text_width(label->text), x = label->x + across * distance,
           y = label->y + down * distance;
    struct box box;
    box.left = x - width * (1 - across) / 2;
    box.top = y - TEXT_HEIGHT * (1 - down) / 2;
    box.right = box.left + width;
    box.bottom = box.top + TEXT_HEIGHT;
    return box;
}

static void place(struct label *labels, int index, const struct room *room)
{
    static const double directions[][2] = {{1, 0}, {-1, 0}, {.8, .6},  {-.8, .6},  {.8, -.6},  {-.8, -.6},
                                           {0, 1}, {0, -1}, {.5, .87}, {-.5, .87}, {.5, -.87}, {-.5, -.87}};
    struct label *label = &labels[index];
    for (int ring = 0; ring < RINGS; ring++) {
        double distance = NEAREST + ring * NEAREST;
        for (size_t i = 0; i < sizeof directions / sizeof *directions; i++) {
            label->box = box_at(label, directions[i][0], directions[i][1], distance);
            label->placed = is_free(&label->box, labels, index, room);
            if (label->placed)
                return;
        }
    }
}

void labels_place(struct label *labels, int count, const struct room *room)
{
    for (int i = 0; i < count; i++)
        labels[i].placed = false;
    for (int i = 0; i < count; i++)
        place(labels, i, room);
}
