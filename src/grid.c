#include "grid.h"

#include "arith.h"

int64_t conv_most_outs(const struct conv *conv, int axis)
{
    /* Phase 0 is never the shorter one. */
    const struct axis *a = &conv->axis[axis];
    return conv->op == CJ_CONV_TRANSPOSE ? ceil_div(a->out, a->stride) : a->out;
}

int64_t conv_most_taps(const struct conv *conv, int axis)
{
    const struct axis *a = &conv->axis[axis];
    int64_t most = 0, phases = conv_axis_phases(conv, axis);
    if (conv->op != CJ_CONV_TRANSPOSE)
        return a->kernel;
    /* Where every phase has outputs, the one that tap 0 meets has most: every so many-th from there on. */
    if (phases == a->stride)
        return ceil_div(a->kernel, a->stride / gcd64(a->stride, a->dilation));
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
    bool equal_tiles, lanes_are_columns, lanes_cross_groups, lanes_hold_groups, rows_are_rows,
        fills_padded_rows, lanes_are_summed, channels_are_innermost;
} shapes[ALGOS] = {
    [ALGO_connected] = {.cols = even_cols},
    [ALGO_direct] = {.cols = even_cols},
    [ALGO_planar] = {.cols = vector_cols, .equal_tiles = true, .lanes_are_columns = true},
    [ALGO_winograd] = {.cols = winograd_cols,
                       .equal_tiles = true,
                       .fills_padded_rows = true,
                       .channels_are_innermost = true},
    [ALGO_dot] = {.cols = even_cols, .lanes_are_summed = true},
    [ALGO_depthwise] = {.cols = even_cols, .lanes_cross_groups = true},
    [ALGO_grouped] = {.cols = even_cols, .lanes_cross_groups = true, .lanes_hold_groups = true},
    [ALGO_stencil] = {.cols = vector_cols,
                      .equal_tiles = true,
                      .lanes_are_columns = true,
                      .rows_are_rows = true},
    [ALGO_separable] = {.cols = even_cols},
    [ALGO_separable_planar] = {.cols = vector_cols, .equal_tiles = true, .channels_are_innermost = true},
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

/* Whether outputs begin .. begin + count of an axis have a tap outside the input. */
static bool reaches_out(const struct conv *conv, int axis, int64_t begin, int64_t count)
{
    struct phase_axis phase = conv_axis_phase(conv, axis, 0), *p = &phase;
    int64_t low = begin * p->in_step + p->off0;
    int64_t high = (begin + count - 1) * p->in_step + p->off0 + (p->taps - 1) * p->off_step;
    return low < 0 || high >= conv->axis[axis].in;
}

struct edges grid_edges(const struct plan *plan)
{
    struct edges edges = {0, 0};
    if (plan->band || !conv_axis_padded(&plan->conv, AXIS_W))
        return edges;
    struct phase phase = conv_phase(&plan->conv, 0);
    struct tiles tiles = grid_tiles(plan, &phase);
    int64_t count = tiles.big + tiles.small;
    for (; edges.first < count; edges.first++) {
        int64_t width = edges.first < tiles.big ? tiles.size : tiles.size - 1;
        if (!reaches_out(&plan->conv, AXIS_W, tiles_col(&tiles, edges.first), width))
            break;
    }
    for (; edges.first + edges.last < count; edges.last++) {
        int64_t tile = count - 1 - edges.last, width = tile < tiles.big ? tiles.size : tiles.size - 1;
        if (!reaches_out(&plan->conv, AXIS_W, tiles_col(&tiles, tile), width))
            break;
    }
    return edges;
}

/* Versions of the micro-kernel for the edges of a row: each is about 1 KB of code. */
enum { MOST_EDGES = 4 };

/* The tiles of rows that reach out; at the end also the one that is cut off. */
static struct edges row_edges(const struct plan *plan)
{
    const struct conv *conv = &plan->conv;
    int64_t size = plan->tile_rows, outs = conv->axis[AXIS_H].out, count = ceil_div(outs, size);
    struct edges edges = {0, 0};
    while (edges.first < count && reaches_out(conv, AXIS_H, edges.first * size, min64(size, outs)))
        edges.first++;
    for (; edges.first + edges.last < count; edges.last++) {
        int64_t row = (count - 1 - edges.last) * size;
        if (!reaches_out(conv, AXIS_H, row, size) && row + size <= outs)
            break;
    }
    return edges;
}

int64_t grid_taps_in_turn(const struct conv *conv)
{
    int64_t taps = conv->axis[AXIS_H].kernel, best = STENCIL_TAPS;
    if (taps <= STENCIL_TAPS)
        return taps;
    for (int64_t turn = best; 2 * turn >= STENCIL_TAPS; turn--)
        best = taps % turn < taps % best ? turn : best;
    return best;
}

/* With 16 registers and 7 rows of taps 74% of peak against 78%, with 3 alike; with 32 registers weights leave
 * room for twice the rows (Zen 4). */
bool grid_keeps_weights(const struct plan *plan)
{
    return isa_info((cj_isa)plan->isa)->registers >= 32;
}

bool grid_rows_in_band(const struct plan *plan)
{
    const struct conv *conv = &plan->conv;
    if (!shapes[plan->algo].rows_are_rows || !conv_axis_padded(conv, AXIS_H))
        return false;
    struct edges edges = row_edges(plan);
    return conv->pad_mode != CJ_PAD_ZEROS || conv->axis[AXIS_H].kernel > STENCIL_TAPS ||
           edges.first + edges.last > MOST_EDGES;
}

struct edges grid_row_edges(const struct plan *plan)
{
    bool cut_off = plan->conv.axis[AXIS_H].out % plan->tile_rows > 0;
    return grid_rows_in_band(plan) ? (struct edges){0, cut_off} : row_edges(plan);
}

bool grid_masks_columns(const struct plan *plan)
{
    const struct conv *conv = &plan->conv;
    int64_t cols = conv->axis[AXIS_W].out, width = plan->tile_vecs * plan->lanes;
    return isa_info((cj_isa)plan->isa)->has_masks && conv->dst.axis[AXIS_W] == 1 && cols % width &&
           cols < 1 << 30;
}

/* Masks compare columns as 32 bits. */
bool grid_stencil_in_place(const struct plan *plan)
{
    const struct conv *conv = &plan->conv;
    const struct axis *w = &conv->axis[AXIS_W];
    return isa_info((cj_isa)plan->isa)->has_masks && conv->pad_mode == CJ_PAD_ZEROS &&
           conv->src.axis[AXIS_W] == 1 && w->stride == 1 && !grid_rows_in_band(plan) &&
           w->in + w->pad_lo + w->pad_hi < 1 << 30;
}

/* Whether blocks of channels can be read where they lie: every vector in one block, every tile at the same
 * distances, every unit from the first channel of a block on. */
static bool lanes_lie_together(const struct plan *plan)
{
    int64_t block = plan->conv.src.block,
            tile = shapes[plan->algo].lanes_are_summed ? plan->lanes : plan->tile_vecs * plan->lanes;
    bool reads_blocks = shapes[plan->algo].lanes_are_summed || plan->algo == ALGO_depthwise;
    return !block || (reads_blocks && block % plan->lanes == 0 && (block % tile == 0 || tile % block == 0) &&
                      grid_units_begin_blocks(plan));
}

bool grid_knows_edges(const struct plan *plan)
{
    const struct conv *conv = &plan->conv;
    struct plan without = *plan;
    without.band = 0;
    struct edges edges = grid_edges(&without);
    if (conv->pad_mode != CJ_PAD_ZEROS || conv->src.c != 1 || !lanes_lie_together(plan))
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

/* Where lanes run across groups (depthwise, grouped): the whole ones that a block of vectors has room for. */
static int64_t groups_in_block(const struct plan *plan)
{
    const struct conv *conv = &plan->conv;
    int64_t width = shapes[plan->algo].lanes_hold_groups ? max64(conv->ic, conv->oc) / conv->groups : 1;
    return plan->tile_vecs * plan->lanes / width;
}

bool grid_masks_channels(const struct plan *plan)
{
    const struct conv *conv = &plan->conv;
    int64_t rest = conv->groups % (plan->tile_vecs * plan->lanes);
    bool side_by_side = conv->dst.c == 1 && conv->src.c == 1 && conv->oc == conv->groups;
    return isa_info((cj_isa)plan->isa)->has_masks && side_by_side && conv->groups < 1 << 30 &&
           ceil_div(rest, plan->lanes) == plan->tile_vecs;
}

bool grid_rows_pair(const struct plan *plan)
{
    const struct conv *conv = &plan->conv;
    const struct axis *h = &conv->axis[AXIS_H];
    bool shares = h->stride == 1 && h->dilation == 1 && h->kernel > 1 && h->kernel <= 3 && h->out > 1;
    return plan->algo == ALGO_depthwise && conv->op == CJ_CONV && shares && plan->tile_vecs == 1 &&
           plan->tile_rows >= 4 && 4 * plan->tile_rows <= isa_info((cj_isa)plan->isa)->registers;
}

bool grid_tiles_fall_outside(const struct plan *plan)
{
    struct phase_axis p = conv_axis_phase(&plan->conv, AXIS_W, 0);
    int64_t last = (p.outs - 1) * p.in_step + p.off0 + (p.taps - 1) * p.off_step;
    int64_t outside = max64(-p.off0, last - plan->conv.axis[AXIS_W].in + 1);
    return conv_axis_phases(&plan->conv, AXIS_W) == 1 && outside >= plan->tile_rows * p.in_step;
}

struct channel_block grid_channels(const struct plan *plan)
{
    const struct conv *conv = &plan->conv;
    int64_t per_group = conv->oc / conv->groups;
    if (conv->op == CJ_SEPARABLE)
        return (struct channel_block){
            1, conv->oc, plan->algo == ALGO_separable_planar ? plan->tile_rows : plan->tile_vecs * plan->lanes};
    if (shapes[plan->algo].lanes_are_columns)
        return (struct channel_block){conv->groups, per_group,
                                      shapes[plan->algo].rows_are_rows ? 1 : plan->tile_rows};
    if (shapes[plan->algo].lanes_cross_groups)
        return (struct channel_block){1, conv->groups, groups_in_block(plan)};
    if (shapes[plan->algo].lanes_are_summed)
        return (struct channel_block){conv->groups, per_group, plan->tile_vecs};
    return (struct channel_block){conv->groups, per_group, plan->tile_vecs * plan->lanes};
}

int64_t grid_channels_together(const struct plan *plan)
{
    const struct conv *conv = &plan->conv;
    return conv->src.block && !plan->band ? conv->src.block : conv->ic / conv->groups;
}

bool grid_units_begin_blocks(const struct plan *plan)
{
    const struct conv *conv = &plan->conv;
    struct grid grid = grid_of_plan(plan);
    if (!grid_lanes_cross_groups(plan))
        return grid.groups == 1 || conv_groups_begin_blocks(conv);
    int64_t channels = grid.unit_blocks * grid_channels(plan).block * (conv->ic / conv->groups);
    return !conv->src.block || grid.channel_units == 1 || channels % conv->src.block == 0;
}

bool grid_walks_blocks(const struct plan *plan)
{
    return plan->algo == ALGO_depthwise && plan->conv.src.block && !plan->band;
}

/* Every power of two that matters divides 0. */
enum { ONLY_CHANNEL_0 = 1 << 20 };

int64_t grid_channel_multiple(const struct plan *plan, int64_t block)
{
    const struct conv *conv = &plan->conv;
    bool one_group = conv->groups == 1 || conv->op == CJ_SEPARABLE;
    if (one_group && block >= conv->oc)
        return ONLY_CHANNEL_0;
    return one_group ? block : gcd64(conv->oc / conv->groups, block);
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

bool grid_picks_rows(const struct plan *plan)
{
    const struct axis *h = &plan->conv.axis[AXIS_H];
    bool has_gaps = h->kernel == 1 && h->stride > 1 && plan->conv.op != CJ_CONV_TRANSPOSE;
    return has_gaps && plan->block_rows > 1 && !grid_fills_padded_rows(plan);
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
        bool sparse = outs[a] == 1 && a != AXIS_W, picked = grid_picks_rows(plan) && a == AXIS_H;
        window.step[a] = sparse ? p->off_step : picked ? p->in_step : 1;
        window.count[a] = sparse   ? max64(conv_most_taps(conv, a), 1)
                          : picked ? outs[a]
                                   : (outs[a] - 1) * p->in_step + span + 1;
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

bool grid_channels_are_innermost(const struct plan *plan)
{
    return shapes[plan->algo].channels_are_innermost;
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
    int64_t bytes = elements * dtype_bytes((cj_dtype)conv->dtype) % L1_WAY_BYTES, sets = 1;
    if (bytes % L1_LINE_BYTES)
        return false;
    while (bytes * sets % L1_WAY_BYTES)
        sets *= 2;
    return rows > sets * (L1_WAYS / 2);
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
        band.channels *= grid_of_plan(plan).unit_blocks * grid_channels(plan).block;
    band.axis[AXIS_W] = band_pixel(plan, band.channels);
    band.axis[AXIS_H] = band.axis[AXIS_W] * window.count[AXIS_W];
    band.axis[AXIS_D] = band.axis[AXIS_H] * window.count[AXIS_H];
    band.elements = band.axis[AXIS_D] * window.count[AXIS_D];
    /* A vector of the last pixel reads on behind its groups. */
    if (shapes[plan->algo].lanes_hold_groups)
        band.elements += plan->lanes;
    return band;
}

bool grid_keeps_band(const struct plan *plan)
{
    struct grid grid = grid_of_plan(plan);
    return plan->band && grid.channel_units > 1 && grid.depth * grid.row_units * grid.tile_units == 1 &&
           !shapes[plan->algo].lanes_cross_groups && !shapes[plan->algo].channels_are_innermost;
}

int64_t grid_bands(const struct plan *plan)
{
    return grid_keeps_band(plan) ? plan->units / grid_of_plan(plan).channel_units : plan->units;
}
