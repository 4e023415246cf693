/* connected: for outputs of one pixel, as fully connected layers have; lanes are output channels, rows of the
 * tile are images.
 *
 *     y[image][oc] = sum over (td, th, tw, ic) of x[image][tap][ic] * w[tap][ic][oc]
 *
 * Each weight is used once for an image, so what binds one image is how fast weights come from memory, and what
 * several images gain is that a weight serves all rows of a tile. A block of channels is computed for all
 * images of the call before the next one, so that its weights come from L2 after the first tile. How many rows
 * a tile has depends on how a batch is split, so every tile sums in the same order: into plan->sets sets of
 * accumulators.
 *
 * Weights are packed [group][oc stream][tap and ic][oc in stream], taps and channels in the order in which they
 * lie in the input. Those of them that lie side by side there are one loop. A stream holds the channels of a
 * tile, or those of one vector: then a tile reads as many streams as it has vectors. Where input channels lie
 * in blocks, those of a last one that is not full are summed behind the others. */
#include "../stage.h"
#include "../tile.h"

#include "../../src/arith.h"

/* One loop of the reduction: so many turns, and elements of input and of weights from one to the next. */
struct level {
    int64_t count, x, w;
};

enum { MOST_LEVELS = 5, FIRST_LEVEL = 2, MOST_STEPS = 8 };

/* Loops one in the other, and where they begin: elements from tap 0 of channel 0. */
struct reduction {
    int levels;
    struct level level[MOST_LEVELS];
    int64_t first_x, first_w;
};

struct connected {
    const struct plan *plan;
    const struct unit *unit;
    const struct source *source;
    const struct epilogue *epilogue;
    em_ptr weights;              /* of the unit's group */
    int64_t block;               /* output channels of a tile */
    const struct reduction *sum; /* whole blocks of input channels, or the rest of them */
    int64_t stream;              /* channels whose weights lie together: a tile's, or a vector's */
    int64_t stream_weights;      /* elements of weights of such a stream */
};

/* Elements of weights from a step's first vector to vector `v`. */
static int64_t vector_offset(const struct connected *c, int64_t v)
{
    int64_t at = v * c->plan->lanes;
    return at / c->stream * c->stream_weights + at % c->stream;
}

static void emit_steps(struct em *em, const struct connected *c, const struct tile *tile, em_ptr x, em_ptr w,
                       int count)
{
    int64_t x_step = c->sum->level[c->sum->levels - 1].x;
    for (int k = 0; k < count; k++) {
        em_vec weights[TILE_MAX] = {0};
        for (int v = 0; v < tile->vecs; v++)
            weights[v] = em_load_aligned(em, em_at(em, w, k * c->stream + vector_offset(c, v)));
        for (int r = 0; r < tile->rows; r++) {
            em_vec element = em_broadcast(em, em_at(em, x, r * c->plan->conv.src.n + k * x_step));
            for (int v = 0; v < tile->vecs; v++)
                tile_add(em, tile, k, r, v, element, weights[v]);
        }
    }
}

/* The innermost loop. */
static void emit_run(struct em *em, const struct connected *c, const struct tile *tile, em_ptr x, em_ptr w)
{
    const struct level *level = &c->sum->level[c->sum->levels - 1];
    /* Every turn begins with the first set, so that step k goes to set k mod sets in each tile. */
    int64_t some = min64(c->plan->unroll * c->plan->tile_rows / tile->rows, MOST_STEPS);
    int unroll = (int)round_up(some, c->plan->sets);
    int64_t whole = level->count - level->count % unroll;
    EM_STREAM(em, k, em_i(em, 0), em_i(em, whole), unroll)
    emit_steps(em, c, tile, em_walk(&k, x, unroll * level->x), em_walk(&k, w, unroll * c->stream), unroll);
    emit_steps(em, c, tile, em_at(em, x, whole * level->x), em_at(em, w, whole * c->stream),
               (int)(level->count - whole));
}

static void emit_level(struct em *em, const struct connected *c, const struct tile *tile, int index, em_ptr x,
                       em_ptr w)
{
    if (index == c->sum->levels - 1) {
        emit_run(em, c, tile, x, w);
        return;
    }
    const struct level *level = &c->sum->level[index];
    EM_FOR(em, k, em_i(em, 0), em_i(em, level->count))
    emit_level(em, c, tile, index + 1, em_offset(em, x, em_mulc(em, k.at, level->x)),
               em_offset(em, w, em_mulc(em, k.at, level->w)));
}

/* A coordinate of the reduction: how many, those that count, elements of input from one to the next. */
struct extent {
    int64_t count, begin, end, x;
};

/* Channels, or those of a block: all but the rest's, or the rest's. */
static struct extent extent_of_channels(const struct conv *conv, const struct pack_axis *axis, bool rest)
{
    int64_t channels = conv->ic / conv->groups, block = conv->src.block;
    if (axis->step > 1 && rest)
        return (struct extent){axis->count, axis->count - 1, axis->count, conv->src.block_step};
    if (axis->step > 1)
        return (struct extent){axis->count, 0, channels / block, conv->src.block_step};
    return (struct extent){axis->count, 0, rest ? channels % block : axis->count, conv->src.c};
}

/* Taps count that lie inside the input. */
static struct extent extent_of(const struct conv *conv, const struct pack_axis *pack_axis, bool rest)
{
    if (pack_axis->coordinate == PACK_IC)
        return extent_of_channels(conv, pack_axis, rest);
    int axis = (int)(pack_axis->coordinate - PACK_D);
    struct phase_axis p = conv_axis_phase(conv, axis, 0);
    int64_t begin = clamp64(ceil_div(-p.off0, p.off_step), 0, p.taps);
    int64_t end = clamp64(ceil_div(conv->axis[axis].in - p.off0, p.off_step), begin, p.taps);
    return (struct extent){p.taps, begin, end, p.off_step * conv->src.axis[axis]};
}

/* The loops of the reduction, from the order of the packed weights: what goes on where the loop inside it ends
 * is one loop with that. A coordinate of which nothing counts, its taps all lying in the padding, stays a loop
 * without turns. */
static struct reduction reduction_of(const struct connected *c, bool rest)
{
    const struct pack *pack = &c->plan->pack;
    struct reduction sum = {0};
    int64_t elements = c->stream_weights;
    for (int i = FIRST_LEVEL; i < pack->axes - 1; i++) {
        struct extent e = extent_of(&c->plan->conv, &pack->axis[i], rest);
        struct level *outer = sum.levels ? &sum.level[sum.levels - 1] : NULL;
        elements /= max64(e.count, 1);
        sum.first_x += e.begin * e.x;
        sum.first_w += e.begin * elements;
        if (e.count == 1 && e.end > e.begin)
            continue;
        if (outer && e.end - e.begin == e.count && outer->x == e.count * e.x)
            *outer = (struct level){outer->count * e.count, e.x, elements};
        else
            sum.level[sum.levels++] = (struct level){e.end - e.begin, e.x, elements};
    }
    if (!sum.levels)
        sum.level[sum.levels++] = (struct level){1, 0, c->stream};
    return sum;
}

static void emit_sum(struct em *em, const struct connected *c, const struct tile *tile, em_ptr x, em_ptr w)
{
    const struct conv *conv = &c->plan->conv;
    bool has_rest = conv->src.block && conv->ic / conv->groups % conv->src.block;
    for (int rest = 0; rest < (has_rest ? 2 : 1); rest++) {
        struct reduction sum = reduction_of(c, rest);
        struct connected part = *c;
        part.sum = &sum;
        emit_level(em, &part, tile, 0, em_at(em, x, sum.first_x), em_at(em, w, sum.first_w));
    }
}

/* The first `channels` of the tile's block, which begins at `channel` of the output, go out. */
static void emit_channels(struct em *em, const struct connected *c, const struct tile *tile, em_int channel,
                          em_int image, int64_t channels)
{
    const struct conv *conv = &c->plan->conv;
    int vecs = (int)ceil_div(channels, c->plan->lanes);
    em_vec sums[TILE_MAX] = {0};
    for (int i = 0; i < tile->rows * vecs; i++)
        sums[i] = tile_sum(em, tile, i / vecs, i % vecs);
    struct tile finished = tile_of(em, tile->rows, vecs, sums);
    struct output_tile out = {.pixel = em_mulc(em, image, conv->dst.n),
                              .row_step = conv->dst.n,
                              .lane_step = conv->dst.c,
                              .channel = channel,
                              .multiple = grid_channel_multiple(c->plan, c->block),
                              .lane_channel = 1,
                              .lanes_of_last = (int)(channels - (vecs - 1) * c->plan->lanes)};
    epilogue_tile(em, c->epilogue, &finished, &out);
}

/* Weights behind the last channel are zeros: a partial block is summed as a whole one, and stored as it is. */
static void emit_outputs(struct em *em, const struct connected *c, const struct tile *tile, em_int number,
                         em_int image)
{
    int64_t channels = c->plan->conv.oc / c->plan->conv.groups, whole = channels / c->block;
    em_int channel = em_add(em, em_mulc(em, c->unit->group, channels), em_mulc(em, number, c->block));
    em_cond is_whole = em_lt(em, number, em_i(em, whole)), is_rest = em_lt(em, em_i(em, whole - 1), number);
    if (whole)
        EM_IF(em, is_whole)
    emit_channels(em, c, tile, channel, image, c->block);
    if (channels % c->block)
        EM_IF(em, is_rest)
    emit_channels(em, c, tile, channel, image, channels % c->block);
}

/* Images `first` to `first + rows` of the unit's. */
static void emit_tile(struct em *em, const struct connected *c, em_int number, em_int first, int rows)
{
    const struct plan *plan = c->plan;
    int vecs = (int)plan->tile_vecs;
    struct tile tile = tile_open_sets(em, rows, vecs, (int)plan->sets);
    em_ptr x = em_offset(em, c->source->base, em_mulc(em, first, plan->conv.src.n));
    em_ptr w = em_offset(em, c->weights, em_mulc(em, number, c->block / c->stream * c->stream_weights));
    emit_sum(em, c, &tile, x, w);
    emit_outputs(em, c, &tile, number, em_add(em, c->unit->image, first));
}

/* Rows of the next smaller tile: few sizes, since each is code; 0 behind the smallest. */
static int smaller(int rows)
{
    return rows > 1 ? (rows + 1) / 2 : 0;
}

/* One block of channels for all images of the unit: as many full tiles as fit, then smaller ones. */
static void emit_block(struct em *em, const struct connected *c, em_int number)
{
    em_int done = em_i(em, 0);
    for (int rows = (int)c->plan->tile_rows; rows; rows = smaller(rows)) {
        em_int tiles = em_div(em, em_sub(em, c->unit->images, done), em_i(em, rows));
        EM_FOR(em, t, em_i(em, 0), tiles)
        emit_tile(em, c, number, em_add(em, done, em_mulc(em, t.at, rows)), rows);
        done = em_add(em, done, em_mulc(em, tiles, rows));
    }
}

static void connected_unit(struct em *em, const struct stage *stage)
{
    const struct plan *plan = stage->plan;
    struct connected connected = {.plan = plan,
                                  .unit = stage->unit,
                                  .source = stage->source,
                                  .epilogue = stage->epilogue,
                                  .block = plan->tile_vecs * plan->lanes,
                                  .stream = plan->pack.axis[plan->pack.axes - 1].count};
    connected.stream_weights = connected.stream;
    for (int i = FIRST_LEVEL; i < plan->pack.axes - 1; i++)
        connected.stream_weights *= extent_of(&plan->conv, &plan->pack.axis[i], false).count;
    connected.weights = em_offset(em, stage->weights, unit_weights(em, stage->unit));
    EM_FOR(em, number, stage->unit->block0, stage->unit->block1)
    emit_block(em, &connected, number.at);
}

void emit_connected(struct em *em, const struct plan *plan)
{
    emit_units_of_images(em, plan, connected_unit);
}
