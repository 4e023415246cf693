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

static int64_t even_cols(const struct plan *plan)
{
    return plan->tile_rows;
}

static int64_t vector_cols(const struct plan *plan)
{
    return plan->tile_vecs * plan->lanes;
}

static int64_t winograd_cols(const struct plan *plan)
{
    return plan->wino_cols;
}

/* What the lanes and rows of a tile mean is the algorithm's; here is its shape alone: the most columns of a
 * tile, and whether all tiles have them, the last one reaching over the edge. */
static const struct {
    int64_t (*cols)(const struct plan *plan);
    bool equal_tiles, lanes_are_columns, lanes_cross_groups, fills_padded_rows;
} shapes[ALGOS] = {
    [ALGO_direct] = {.cols = even_cols},
    [ALGO_planar] = {.cols = vector_cols, .equal_tiles = true, .lanes_are_columns = true},
    [ALGO_winograd] = {.cols = winograd_cols, .equal_tiles = true, .fills_padded_rows = true},
    [ALGO_depthwise] = {.cols = even_cols, .lanes_cross_groups = true},
    [ALGO_separable] = {.cols = even_cols},
    [ALGO_reference] = {.cols = even_cols},
};

int64_t grid_tile_cols(const struct plan *plan)
{
    return shapes[plan->algo].cols(plan);
}

bool grid_tiles_are_equal(const struct plan *plan)
{
    return shapes[plan->algo].equal_tiles;
}

bool grid_fills_padded_rows(const struct plan *plan)
{
    return shapes[plan->algo].fills_padded_rows;
}

int64_t grid_outs(const struct plan *plan, int axis, const struct phase_axis *phase)
{
    int64_t tile = axis == AXIS_H ? plan->wino_rows : plan->wino_cols;
    if (axis == AXIS_D || tile <= 1 || phase->off_step == 1)
        return phase->outs;
    return phase->off_step * round_up(ceil_div(phase->outs, phase->off_step), tile);
}

struct tiles grid_tiles(const struct plan *plan, const struct phase *phase)
{
    int64_t outs = grid_outs(plan, AXIS_W, &phase->axis[AXIS_W]), cols = grid_tile_cols(plan);
    if (grid_tiles_are_equal(plan))
        return (struct tiles){cols, ceil_div(outs, cols), 0};
    return tiles_even(outs, cols);
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

bool grid_can_drop_band(const struct plan *plan)
{
    const struct conv *conv = &plan->conv;
    struct plan without = *plan;
    without.band = 0;
    struct edges edges = grid_edges(&without);
    if (conv->pad_mode != CJ_PAD_ZEROS || conv->src.c != 1)
        return false;
    return !conv_axis_padded(conv, AXIS_W) ||
           (conv_phases(conv) == 1 && plan->unroll == conv->axis[AXIS_W].kernel &&
            edges.first + edges.last <= MOST_EDGES && grid_of_plan(plan).tile_units == 1);
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
    return (struct channel_block){conv->groups, per_group, plan->tile_vecs * plan->lanes};
}

struct grid grid_of_plan(const struct plan *plan)
{
    const struct conv *conv = &plan->conv;
    struct channel_block channels = grid_channels(plan);
    struct grid grid = {.phases = conv_phases(conv), .groups = channels.groups};
    int64_t tile = grid_tile_cols(plan);
    struct phase phase = conv_phase(conv, 0);
    int64_t tiles = ceil_div(grid_outs(plan, AXIS_W, &phase.axis[AXIS_W]), tile);
    grid.unit_blocks = ceil_div(plan->block_oc, channels.block);
    grid.unit_tiles = ceil_div(plan->block_cols, tile);
    grid.channel_units = ceil_div(ceil_div(channels.channels, channels.block), grid.unit_blocks);
    grid.depth = conv_most_outs(conv, AXIS_D);
    grid.row_units = ceil_div(grid_outs(plan, AXIS_H, &phase.axis[AXIS_H]), plan->block_rows);
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
    int64_t rows = min64(plan->block_rows, conv_most_outs(conv, AXIS_H));
    if (grid_fills_padded_rows(plan))
        rows = plan->block_rows;
    int64_t outs[AXES] = {1, rows, grid.unit_tiles * grid_tile_cols(plan)};
    struct window window;
    for (int a = 0; a < AXES; a++) {
        const struct phase_axis *p = &phase.axis[a];
        int64_t span = max64(conv_most_taps(conv, a) - 1, 0) * p->off_step;
        /* Winograd reads all parts of a strided kernel at equal length. */
        if (a != AXIS_D && grid_fills_padded_rows(plan))
            span = max64(span, round_up(conv_most_taps(conv, a), p->in_step) - 1);
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
