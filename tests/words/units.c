#include "units.h"

#include "../../runtime/host.h"

static int64_t least(int64_t a, int64_t b)
{
    return a < b ? a : b;
}

static int64_t digit(int64_t *number, int64_t radix)
{
    int64_t rest = *number % radix;
    *number /= radix;
    return rest;
}

int64_t plain_tile_col(const struct plan *plan, const struct phase *phase, int64_t tile)
{
    struct tiles tiles = grid_tiles(plan, phase);
    int64_t outs = grid_outs(plan, AXIS_W, &phase->axis[AXIS_W]);
    if (grid_tiles_are_equal(plan))
        return least(tile * tiles.size, outs);
    return least(tile * tiles.size - (tile > tiles.big ? tile - tiles.big : 0), outs);
}

static void set_range(int64_t range[2], int64_t index, int64_t size, int64_t count)
{
    range[0] = least(index * size, count);
    range[1] = least(range[0] + size, count);
}

struct plain_unit plain_unit(const struct plan *plan, int64_t number)
{
    struct grid grid = grid_of_plan(plan);
    struct channel_block channels = grid_channels(plan);
    bool channels_first = plan->algo == ALGO_winograd || plan->algo == ALGO_separable_planar;
    int64_t channel_unit = digit(&number, channels_first ? grid.channel_units : 1);
    int64_t tile_unit = digit(&number, grid.tile_units), row_unit = digit(&number, grid.row_units);
    struct plain_unit unit = {.depth = digit(&number, grid.depth)};
    if (!channels_first)
        channel_unit = digit(&number, grid.channel_units);
    unit.group = digit(&number, grid.groups);
    unit.phase_index = digit(&number, grid.phases);
    unit.phase = conv_phase(&plan->conv, unit.phase_index);
    unit.image = number;
    struct tiles tiles = grid_tiles(plan, &unit.phase);
    set_range(unit.block, channel_unit, grid.unit_blocks,
              (channels.channels + channels.block - 1) / channels.block);
    set_range(unit.row, row_unit, plan->block_rows, grid_outs(plan, AXIS_H, &unit.phase.axis[AXIS_H]));
    set_range(unit.tile, tile_unit, grid.unit_tiles, tiles.big + tiles.small);
    if (unit.depth >= unit.phase.axis[AXIS_D].outs)
        unit.row[1] = unit.row[0];
    return unit;
}

static int64_t phase_taps(const struct phase *phase)
{
    return phase->axis[AXIS_D].taps * phase->axis[AXIS_H].taps * phase->axis[AXIS_W].taps;
}

int64_t plain_weights(const struct plan *plan, const struct plain_unit *unit)
{
    int64_t taps = 0, of_tap = pack_elements_of_tap(&plan->pack);
    for (int64_t i = 0; i < unit->phase_index; i++) {
        struct phase phase = conv_phase(&plan->conv, i);
        taps += phase_taps(&phase);
    }
    return taps * of_tap + unit->group * (phase_taps(&unit->phase) * of_tap / grid_channels(plan).groups);
}

/* FNV-1a. */
static unsigned hash_of(const unsigned char *bytes, size_t size)
{
    unsigned hash = 2166136261u;
    for (size_t i = 0; i < size; i++)
        hash = (hash ^ bytes[i]) * 16777619u;
    return hash >> 8;
}

bool units_chosen(const struct plan *plan, unsigned one_of)
{
    struct host host;
    host_probe(&host);
    return plan->isa <= (int64_t)host.isa && hash_of((const unsigned char *)plan, sizeof *plan) % one_of == 0;
}

int64_t units_next(int64_t number, int64_t units)
{
    int64_t few = 24, step = number < few || number >= units - few ? 1 : units / few + 1;
    return least(number + step, number < units - few ? units - few : number + 1);
}
