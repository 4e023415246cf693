#include "grid.h"

#include "arith.h"

int64_t conv_most_outs(const struct conv *conv, int axis)
{
    /* Phase 0 is never the shorter one. */
    return conv_axis_phase(conv, axis, 0).outs;
}

int64_t conv_most_taps(const struct conv *conv, int axis)
{
    int64_t most = 0, phases = conv_axis_phases(conv, axis);
    for (int64_t i = 0; i < phases; i++)
        most = max64(most, conv_axis_phase(conv, axis, i).taps);
    return most;
}

bool conv_axis_padded(const struct conv *conv, int axis)
{
    int64_t phases = conv_axis_phases(conv, axis);
    for (int64_t i = 0; i < phases; i++) {
        struct phase_axis p = conv_axis_phase(conv, axis, i);
        int64_t last = (p.outs - 1) * p.in_step + p.off0 + (p.taps - 1) * p.off_step;
        if (p.taps > 0 && (p.off0 < 0 || last >= conv->axis[axis].in))
            return true;
    }
    return false;
}

struct tiles tiles_even(int64_t outs, int64_t most_cols)
{
    int64_t count = ceil_div(outs, most_cols);
    int64_t size = ceil_div(outs, count);
    int64_t small = size * count - outs;
    return (struct tiles){size, count - small, small};
}

/* What the lanes and rows of a tile mean is the algorithm's; here is its shape alone. */
static const struct {
    bool lanes_are_columns, lanes_cross_groups, lanes_are_summed;
} shapes[ALGOS] = {
    [ALGO_planar] = {.lanes_are_columns = true},
    [ALGO_dot] = {.lanes_are_summed = true},
    [ALGO_depthwise] = {.lanes_cross_groups = true},
};

struct tiles grid_tiles(const struct plan *plan, const struct phase *phase)
{
    int64_t outs = phase->axis[AXIS_W].outs, vectors = plan->tile_vecs * plan->lanes;
    if (shapes[plan->algo].lanes_are_columns)
        return (struct tiles){vectors, ceil_div(outs, vectors), 0};
    return tiles_even(outs, plan->tile_rows);
}

/* The first column of an even tile. */
static int64_t tiles_col(const struct tiles *tiles, int64_t tile)
{
    return tile * (tiles->size - 1) + min64(tile, tiles->big);
}

/* Whether outputs begin .. begin + count of axis W have a tap outside the input. */
static bool reaches_out(const struct conv *conv, const struct phase_axis *p, int64_t begin, int64_t count)
{
    int64_t low = begin * p->in_step + p->off0;
    int64_t high = (begin + count - 1) * p->in_step + p->off0 + (p->taps - 1) * p->off_step;
    return low < 0 || high >= conv->axis[AXIS_W].in;
}

struct edges grid_edges(const struct plan *plan)
{
    struct edges edges = {0, 0};
    if (plan->band || !conv_axis_padded(&plan->conv, AXIS_W))
        return edges;
    struct phase phase = conv_phase(&plan->conv, 0);
    const struct phase_axis *p = &phase.axis[AXIS_W];
    struct tiles tiles = grid_tiles(plan, &phase);
    int64_t count = tiles.big + tiles.small;
    for (; edges.first < count; edges.first++) {
        int64_t width = edges.first < tiles.big ? tiles.size : tiles.size - 1;
        if (!reaches_out(&plan->conv, p, tiles_col(&tiles, edges.first), width))
            break;
    }
    for (; edges.first + edges.last < count; edges.last++) {
        int64_t tile = count - 1 - edges.last, width = tile < tiles.big ? tiles.size : tiles.size - 1;
        if (!reaches_out(&plan->conv, p, tiles_col(&tiles, tile), width))
            break;
    }
    return edges;
}

/* Versions of the micro-kernel for the edges of a row: each is about 1 KB of code. */
enum { MOST_EDGES = 4 };

bool grid_knows_edges(const struct plan *plan)
{
    const struct conv *conv = &plan->conv;
    struct plan without = *plan;
    without.band = 0;
    struct edges edges = grid_edges(&without);
    if (conv->pad_mode != CJ_PAD_ZEROS || conv->src.c != 1)
        return false;
    return !conv_axis_padded(conv, AXIS_W) ||
           (conv_phases(conv) == 1 && plan->unroll == conv->axis[AXIS_W].kernel &&
            edges.first + edges.last <= MOST_EDGES);
}

bool grid_can_drop_band(const struct plan *plan)
{
    return grid_knows_edges(plan) &&
           (!conv_axis_padded(&plan->conv, AXIS_W) || grid_of_plan(plan).tile_units == 1);
}

struct channel_block grid_channels(const struct plan *plan)
{
    const struct conv *conv = &plan->conv;
    int64_t per_group = conv->oc / conv->groups;
    if (conv->op == CJ_SEPARABLE)
        return (struct channel_block){1, conv->oc, plan->tile_vecs * plan->lanes};
    if (shapes[plan->algo].lanes_are_columns)
        return (struct channel_block){conv->groups, per_group, plan->tile_rows};
    if (shapes[plan->algo].lanes_cross_groups)
        return (struct channel_block){1, conv->groups, plan->tile_vecs * plan->lanes};
    if (shapes[plan->algo].lanes_are_summed)
        return (struct channel_block){conv->groups, per_group, plan->tile_vecs};
    return (struct channel_block){conv->groups, per_group, plan->tile_vecs * plan->lanes};
}

struct grid grid_of_plan(const struct plan *plan)
{
    const struct conv *conv = &plan->conv;
    struct channel_block channels = grid_channels(plan);
    struct grid grid = {.phases = conv_phases(conv), .groups = channels.groups};
    int64_t tile = shapes[plan->algo].lanes_are_columns ? plan->tile_vecs * plan->lanes : plan->tile_rows;
    int64_t tiles = ceil_div(conv_most_outs(conv, AXIS_W), tile);
    grid.unit_blocks = ceil_div(plan->block_oc, channels.block);
    grid.unit_tiles = ceil_div(plan->block_cols, tile);
    grid.channel_units = ceil_div(ceil_div(channels.channels, channels.block), grid.unit_blocks);
    grid.depth = conv_most_outs(conv, AXIS_D);
    grid.row_units = ceil_div(conv_most_outs(conv, AXIS_H), plan->block_rows);
    grid.tile_units = ceil_div(tiles, grid.unit_tiles);
    return grid;
}

int64_t grid_units(const struct grid *grid)
{
    return grid->phases * grid->groups * grid->channel_units * grid->depth * grid->row_units * grid->tile_units;
}

struct window grid_window(const struct plan *plan)
{
    const struct conv *conv = &plan->conv;
    struct phase phase = conv_phase(conv, 0);
    struct grid grid = grid_of_plan(plan);
    int64_t tile = shapes[plan->algo].lanes_are_columns ? plan->tile_vecs * plan->lanes : plan->tile_rows;
    int64_t outs[AXES] = {1, min64(plan->block_rows, conv_most_outs(conv, AXIS_H)), grid.unit_tiles * tile};
    struct window window;
    for (int a = 0; a < AXES; a++) {
        const struct phase_axis *p = &phase.axis[a];
        int64_t span = max64(conv_most_taps(conv, a) - 1, 0) * p->off_step;
        bool sparse = outs[a] == 1 && a != AXIS_W;
        window.step[a] = sparse ? p->off_step : 1;
        window.count[a] = sparse ? max64(conv_most_taps(conv, a), 1) : (outs[a] - 1) * p->in_step + span + 1;
    }
    return window;
}

bool grid_lanes_are_columns(const struct plan *plan)
{
    return shapes[plan->algo].lanes_are_columns;
}
bool grid_lanes_cross_groups(const struct plan *plan)
{
    return shapes[plan->algo].lanes_cross_groups;
}

static struct band planar_band(const struct plan *plan, const struct window *window)
{
    struct band band = {.channels = plan->conv.ic / plan->conv.groups, .split = plan->conv.axis[AXIS_W].stride};
    if (plan->conv.op == CJ_CONV_TRANSPOSE)
        band.split = 1;
    /* Vectors of the last tile read behind the last column. */
    band.split_stride = round_up(ceil_div(window->count[AXIS_W], band.split) + plan->lanes, plan->lanes);
    band.axis[AXIS_W] = 1;
    band.axis[AXIS_H] = band.split * band.split_stride;
    band.axis[AXIS_D] = band.axis[AXIS_H] * window->count[AXIS_H];
    band.channel = band.axis[AXIS_D] * window->count[AXIS_D];
    band.elements = band.channel * band.channels;
    return band;
}

bool grid_pixels_alias(const struct conv *conv, int64_t elements, int64_t rows)
{
    int64_t bytes = elements * dtype_bytes((cj_dtype)conv->dtype);
    int64_t sets = L1_WAY_BYTES / gcd64(bytes, L1_WAY_BYTES);
    return bytes % L1_LINE_BYTES == 0 && ceil_div(rows, sets) > L1_WAYS / 2;
}

/* Elements from one pixel to the next. One line more than the channels need keeps the pixels of a tile from
 * falling on the same sets. */
static int64_t band_pixel(const struct plan *plan, int64_t channels)
{
    int64_t in_step = conv_phase(&plan->conv, 0).axis[AXIS_W].in_step;
    bool alias = grid_pixels_alias(&plan->conv, channels * in_step, plan->tile_rows);
    return alias ? channels + L1_LINE_BYTES / dtype_bytes((cj_dtype)plan->conv.dtype) : channels;
}

struct band grid_band(const struct plan *plan)
{
    struct window window = grid_window(plan);
    if (shapes[plan->algo].lanes_are_columns)
        return planar_band(plan, &window);
    struct band band = {.channels = plan->conv.ic / plan->conv.groups, .channel = 1, .split = 1};
    if (shapes[plan->algo].lanes_cross_groups)
        band.channels = grid_of_plan(plan).unit_blocks * grid_channels(plan).block;
    band.axis[AXIS_W] = band_pixel(plan, band.channels);
    band.axis[AXIS_H] = band.axis[AXIS_W] * window.count[AXIS_W];
    band.axis[AXIS_D] = band.axis[AXIS_H] * window.count[AXIS_H];
    band.elements = band.axis[AXIS_D] * window.count[AXIS_D];
    return band;
}
