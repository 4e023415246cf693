/* winograd: minimal filtering, fused for each unit; see src/winograd.h for the mathematics.
 *
 *     V[point][tile][ic] = B^T d B                  of the tile's window d of the band, channel by channel
 *     M[point][tile][oc] = sum over (plane, ic) of V[point][tile][plane][ic] * U[point][plane][ic][oc]
 *     Y[pixel][oc]       = A^T m A                  of the tile's points m of M, channel by channel
 *
 * A unit is a block of tiles. Its three blocks lie in scratch that stays in cache, and M = V * U is one matrix
 * product for each point, the micro-kernel of `direct`: rows of the register tile are Winograd tiles. Tiles at
 * the edge of the output reach over it into zeros; what they compute there is not stored. Along an axis without
 * taps (a 1-D convolution's H) a tile has one output and no transform. Taps along D, and the parts of a strided
 * kernel, are further planes of the input whose products are summed in M.
 *
 * Where weights do not fit the L2 cache, several images of a batch share them: the unit of some images is one
 * block of tiles. A row of the product is summed in the same order however many rows there are.
 *
 * Y is made for one vector of channels and one row of tiles at a time, before the epilogue takes it by tiles of
 * its own: so bias, post-ops and stores of any layout are the epilogue's as everywhere. */
#include "../product.h"
#include "../winograd_steps.h"

#include "../../src/arith.h"

/* The same block of pixels of some images, and which of its units of channels, which share V. */
struct images {
    em_int block; /* of an image */
    em_int first, count;
    struct part_range parts;
};

/* One register tile: plan->tile_rows tiles from `v`, one block of output channels. */
static void emit_product(struct em *em, const struct winograd_frame *f, em_ptr v, em_ptr weights, em_ptr m,
                         struct tap_range planes)
{
    const struct plan *plan = f->plan;
    int rows = (int)plan->tile_rows, vecs = (int)plan->tile_vecs;
    int64_t channels = plan->conv.ic / plan->conv.groups;
    struct product product = {
        .plan = plan, .row_step = f->scratch.v_tile, .k_step = 1, .block = vecs * plan->lanes};
    struct tile tile = tile_open(em, rows, vecs, tile_unroll(plan, rows, vecs));
    EM_FOR(em, plane, planes.begin, planes.end)
    product_run(em, &product, &tile, em_offset(em, v, em_mulc(em, plane.at, f->scratch.plane)),
                em_offset(em, weights, em_mulc(em, plane.at, channels * product.block)), em_i(em, channels));
    for (int r = 0; r < rows; r++)
        for (int i = 0; i < vecs; i++)
            em_store(em, em_at(em, m, r * f->scratch.m_tile + i * plan->lanes), tile_sum(em, &tile, r, i));
}

/* M of the first `tiles` tiles in V. */
static void emit_products(struct em *em, const struct winograd_unit *u, em_ptr weights, em_int tiles)
{
    const struct unit *unit = u->unit;
    const struct winograd_frame *f = u->frame;
    int64_t rows = f->plan->tile_rows, block = f->plan->tile_vecs * f->plan->lanes;
    em_int phase = em_i(em, 0);
    for (int a = 0; a < AXES; a++)
        phase = em_add(em, em_mulc(em, phase, conv_axis_phases(&f->plan->conv, a)), unit->phase[a]);
    weights = em_offset(em, weights, em_mulc(em, phase, f->weights.phase));
    weights = em_offset(em, weights, em_mulc(em, unit->group, f->weights.group));
    EM_FOR(em, point, em_i(em, 0), em_i(em, winograd_points(f->plan)))
    EM_FOR(em, b, unit->block0, unit->block1)
    EM_FOR(em, t, em_i(em, 0), em_ceil_divc(em, tiles, rows))
    {
        em_ptr v = em_offset(em, f->v, em_mulc(em, point.at, f->scratch.v_point));
        v = em_offset(em, v, em_mulc(em, t.at, rows * f->scratch.v_tile));
        em_ptr w = em_offset(em, weights, em_mulc(em, point.at, f->weights.point));
        w = em_offset(em, w, em_mulc(em, b.at, f->weights.block));
        em_ptr m = em_offset(em, f->m, em_mulc(em, point.at, f->scratch.m_point));
        m = em_offset(em, m, em_mulc(em, t.at, rows * f->scratch.m_tile));
        m = em_offset(em, m, em_mulc(em, em_sub(em, b.at, unit->block0), block));
        emit_product(em, f, v, w, m, u->planes);
    }
}

/* What image number `index` of them has, for one of the units of channels. Pixels are the same for all. */
static struct unit open_unit(struct em *em, const struct winograd_frame *f, const struct images *images,
                             em_int index, em_int part)
{
    em_int image = em_add(em, images->first, index);
    em_int number = em_add(em, em_mulc(em, images->block, plan_parts(f->plan)), part);
    return unit_open(em, f->plan, em_add(em, em_mulc(em, image, f->plan->units), number));
}

static struct winograd_unit winograd_unit(struct em *em, const struct winograd_frame *f,
                                          const struct unit *unit, em_int index)
{
    int64_t parts = f->axis[AXIS_H].parts * f->axis[AXIS_W].parts;
    struct tap_range taps = unit_taps(em, unit, AXIS_D, unit->depth, unit->depth);
    return (struct winograd_unit){.frame = f,
                                  .unit = unit,
                                  .rows =
                                      em_ceil_divc(em, em_sub(em, unit->row1, unit->row0), f->plan->wino_rows),
                                  .cols = em_sub(em, unit->tile1, unit->tile0),
                                  .first = em_mulc(em, index, f->scratch.unit_tiles),
                                  .planes = {em_mulc(em, taps.begin, parts), em_mulc(em, taps.end, parts)}};
}

static void emit_windows(struct em *em, const struct winograd_frame *f, const struct images *images)
{
    EM_FOR(em, i, em_i(em, 0), images->count)
    {
        struct unit unit = open_unit(em, f, images, i.at, images->parts.begin);
        struct source source = unit_source(em, &unit);
        struct winograd_unit u = winograd_unit(em, f, &unit, i.at);
        u.source = &source;
        winograd_windows(em, &u);
    }
}

/* One unit of channels, from V to the output. */
static void emit_part(struct em *em, const struct winograd_frame *f, const struct images *images, em_int part)
{
    struct unit unit = open_unit(em, f, images, em_i(em, 0), part);
    struct winograd_unit u = winograd_unit(em, f, &unit, em_i(em, 0));
    emit_products(em, &u, em_argument(em, EM_WEIGHTS), em_mulc(em, images->count, f->scratch.unit_tiles));
    EM_FOR(em, i, em_i(em, 0), images->count)
    {
        struct unit of_image = open_unit(em, f, images, i.at, part);
        struct winograd_unit results = winograd_unit(em, f, &of_image, i.at);
        winograd_results(em, &results);
    }
}

static void emit_images(struct em *em, const struct winograd_frame *f, const struct images *images)
{
    emit_windows(em, f, images);
    EM_FOR(em, part, images->parts.begin, images->parts.end)
    emit_part(em, f, images, part.at);
}

static struct winograd_frame open_frame(struct em *em, const struct plan *plan, const struct epilogue *epilogue)
{
    struct winograd_frame f = {.plan = plan, .epilogue = epilogue};
    for (int a = 0; a < AXES; a++)
        f.axis[a] = winograd_axis(&plan->conv, a);
    f.h = winograd_matrices(plan->wino_rows, f.axis[AXIS_H].taps);
    f.w = winograd_matrices(plan->wino_cols, f.axis[AXIS_W].taps);
    f.scratch = winograd_scratch(plan);
    f.weights = winograd_weights(plan);
    em_ptr scratch = em_argument(em, EM_SCRATCH);
    f.v = em_at(em, scratch, f.scratch.v);
    f.m = em_at(em, scratch, f.scratch.m);
    f.y = em_at(em, scratch, f.scratch.y);
    int64_t tile = (int64_t)f.h.alpha * f.w.alpha * plan->lanes;
    f.half = em_room(em, tile);
    if (!plan->band) {
        f.window = em_room(em, tile);
        f.zero = em_room(em, plan->lanes);
        em_store(em, f.zero, em_vconst(em, 0));
    }
    return f;
}

/* The images that have block `block` whole, or with some of its parts, at least. */
static struct tap_range images_of(struct em *em, const struct winograd_frame *f, em_int block, bool whole)
{
    int64_t units = f->plan->units, parts = plan_parts(f->plan), less = whole ? 0 : parts - 1;
    em_int before = em_mulc(em, block, parts);
    em_int first = em_addc(em, em_sub(em, em_first_unit(em), before), -less);
    em_int last = em_addc(em, em_sub(em, em_last_unit(em), before), less + 1 - parts);
    return (struct tap_range){em_ceil_divc(em, first, units), em_ceil_divc(em, last, units)};
}

/* Runs of images that have the same parts of a block: one that the call begins within, whole ones, one that it
 * ends within. */
struct runs {
    struct tap_range any, whole;
    em_int before, of_whole, count;
};

static struct runs runs_of(struct em *em, const struct winograd_frame *f, em_int block)
{
    struct runs runs = {.any = images_of(em, f, block, false), .whole = images_of(em, f, block, true)};
    em_int none = em_i(em, 0), whole = em_max(em, em_sub(em, runs.whole.end, runs.whole.begin), none);
    runs.before = em_sub(em, runs.whole.begin, runs.any.begin);
    runs.of_whole = em_ceil_divc(em, whole, f->plan->images);
    em_int behind = em_sub(em, runs.any.end, em_max(em, runs.whole.begin, runs.whole.end));
    em_int count = em_add(em, em_add(em, runs.before, runs.of_whole), em_max(em, behind, none));
    runs.count = em_choose(em, em_lt(em, runs.any.begin, runs.any.end), count, none);
    return runs;
}

static struct images run_of(struct em *em, const struct winograd_frame *f, const struct runs *runs,
                            em_int index)
{
    em_int one = em_i(em, 1), most = em_i(em, f->plan->images), number = em_sub(em, index, runs->before);
    em_int first = em_add(em, runs->whole.begin, em_mul(em, number, most));
    em_int count = em_min(em, most, em_sub(em, runs->whole.end, first));
    em_cond is_before = em_lt(em, index, runs->before), is_whole = em_lt(em, number, runs->of_whole);
    em_int alone = em_choose(em, is_before, runs->any.begin, em_sub(em, runs->any.end, one));
    em_cond together = em_and(em, em_not(em, is_before), is_whole);
    return (struct images){.first = em_choose(em, together, first, alone),
                           .count = em_choose(em, together, count, one)};
}

/* Blocks outermost: the weights of one serve some images at once. */
static void emit_together(struct em *em, const struct winograd_frame *f)
{
    int64_t blocks = f->plan->units / plan_parts(f->plan);
    EM_FOR(em, block, em_i(em, 0), em_i(em, blocks))
    {
        struct runs runs = runs_of(em, f, block.at);
        EM_FOR(em, run, em_i(em, 0), runs.count)
        {
            struct images images = run_of(em, f, &runs, run.at);
            images.block = block.at;
            images.parts = parts_of_block(em, f->plan, em_add(em, em_mulc(em, images.first, blocks), block.at));
            emit_images(em, f, &images);
        }
    }
}

void emit_winograd(struct em *em, const struct plan *plan)
{
    struct epilogue epilogue = epilogue_open(em, plan);
    struct winograd_frame frame = open_frame(em, plan, &epilogue);
    if (plan->images > 1) {
        emit_together(em, &frame);
        return;
    }
    struct part_range blocks = blocks_of_call(em, plan);
    EM_FOR(em, block, blocks.begin, blocks.end)
    {
        struct images images = {.block = block.at, .first = em_i(em, 0), .count = em_i(em, 1)};
        images.parts = parts_of_block(em, plan, block.at);
        emit_images(em, &frame, &images);
    }
}
