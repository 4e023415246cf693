/* The epilogue works on accumulators before they are stored: the output is written once and never read.
 *
 * Where the lanes of a vector do not lie side by side in the output, the tile passes through a block on the
 * stack, which a loop carries over: by squares transposed in registers where the rows lie side by side, else by
 * elements. A residual comes in the same way. It keeps the code small: a store of 16 scattered lanes is 32
 * instructions, and a tile has up to 28 of them. */
#include "epilogue.h"

#include "../src/arith.h"
#include "channels.h"
#include "postop.h"

/* Fewer rows than this do not make up for the shuffles of a transposed square. */
enum { ROWS_WORTH_EXCHANGING = 4 };

/* Operand pointers that a post-op takes from `extra`. */
static int operand_count(int64_t kind)
{
    return kind == CJ_POST_SCALE_SHIFT ? 2 : kind == CJ_POST_RESIDUAL;
}

struct epilogue epilogue_open(struct em *em, const struct plan *plan)
{
    struct epilogue epilogue = {.conv = &plan->conv};
    epilogue.dst = em_argument(em, EM_DST);
    epilogue.bias = em_argument(em, EM_BIAS);
    int next = 0;
    for (int i = 0; i < plan->conv.posts; i++)
        for (int k = 0; k < operand_count(plan->conv.post[i].kind); k++)
            epilogue.operand[2 * i + k] = em_load_pointer(em, em_argument(em, EM_EXTRA), next++);
    return epilogue;
}

/* ---- Operands that go with a channel ---- */

/* What post-ops need of the channels of one vector. */
struct channel_operands {
    em_vec bias, first[CJ_MAX_POST], second[CJ_MAX_POST];
};

/* Channels of a vector: `lanes` of them, `step` apart, or side by side under a mask; step 0 is one channel in
 * every lane. With a cycle, lane i is channel (skip + i) mod cycle. */
struct channels {
    em_int first;
    int64_t step;
    int lanes, cycle, skip;
    const em_mask *inside; /* or NULL */
};

static em_vec load_channels(struct em *em, em_ptr from, const struct channels *channels)
{
    em_ptr at = em_offset(em, from, channels->first);
    if (channels->cycle)
        return em_load_cycle(em, at, channels->cycle, channels->skip);
    if (channels->step && channels->inside)
        return em_load_masked(em, at, *channels->inside);
    return channels->step ? em_load_strided(em, at, channels->step, channels->lanes) : em_broadcast(em, at);
}

static struct channel_operands load_operands(struct em *em, const struct epilogue *epilogue,
                                             const struct channels *channels)
{
    struct channel_operands operands = {0};
    const struct conv *conv = epilogue->conv;
    if (conv->has_bias)
        operands.bias = load_channels(em, epilogue->bias, channels);
    for (int i = 0; i < conv->posts; i++) {
        if (conv->post[i].kind != CJ_POST_SCALE_SHIFT)
            continue;
        operands.first[i] = load_channels(em, epilogue->operand[2 * i], channels);
        operands.second[i] = load_channels(em, epilogue->operand[2 * i + 1], channels);
    }
    return operands;
}

/* ---- One vector ---- */

/* Where the vectors of a tile are stored and their residuals loaded: in the tensors, or in the staging block.
 */
struct places {
    em_ptr dst, residual;
    int64_t row_step;
    bool staged;
    em_int vector[TILE_MAX]; /* elements from a row's first vector to each */
};

/* One tile on its way out. */
struct outgoing {
    const struct epilogue *epilogue;
    const struct tile *sums;
    const struct output_tile *out;
    struct places at;
};

static int lanes_of(struct em *em, const struct outgoing *o, int vec)
{
    return vec == o->sums->vecs - 1 ? o->out->lanes_of_last : em_lanes(em);
}

static em_vec load_vector(struct em *em, const struct outgoing *o, em_ptr from, int vec)
{
    if (o->out->inside)
        return em_load_masked(em, from, o->out->inside[vec]);
    return em_load_n(em, from, o->at.staged ? em_lanes(em) : lanes_of(em, o, vec));
}

/* Whether vectors reach over the last channel into what pads its block: there they store the zeros. Only a
 * vector that ends with the last channel is partial, since all begin at a multiple of their lanes. */
static bool stores_zeros(struct em *em, const struct outgoing *o)
{
    const struct output_tile *out = o->out;
    const struct conv *conv = o->epilogue->conv;
    bool side_by_side = !o->at.staged && out->lane_channel == 1 && out->lane_step == 1 && !out->lane_cycle;
    return side_by_side && out->multiple % em_lanes(em) == 0 &&
           conv->zeros >= round_up(conv->oc, em_lanes(em)) - conv->oc;
}

static void store_vector(struct em *em, const struct outgoing *o, em_ptr to, em_vec value, int vec)
{
    int lanes = lanes_of(em, o, vec);
    if (stores_zeros(em, o) && (o->out->inside || lanes < em_lanes(em))) {
        em_mask exists = o->out->inside ? o->out->inside[vec] : em_first(em, lanes);
        em_store(em, to, em_vselect(em, exists, value, em_vconst(em, 0)));
    } else if (o->out->inside)
        em_store_masked(em, to, value, o->out->inside[vec]);
    else
        em_store_n(em, to, value, o->at.staged ? em_lanes(em) : lanes);
}

static void finish_vector(struct em *em, const struct outgoing *o, const struct channel_operands *operands,
                          int row, int vec)
{
    const struct conv *conv = o->epilogue->conv;
    em_int offset = em_addc(em, o->at.vector[vec], row * o->at.row_step);
    em_vec y = tile_sum(em, o->sums, row, vec);
    if (conv->has_bias)
        y = em_vadd(em, y, operands->bias);
    for (int i = 0; i < conv->posts; i++) {
        em_vec first = operands->first[i];
        if (conv->post[i].kind == CJ_POST_RESIDUAL)
            first = load_vector(em, o, em_offset(em, o->at.residual, offset), vec);
        y = postop_apply(em, &conv->post[i], y, first, operands->second[i]);
    }
    store_vector(em, o, em_offset(em, o->at.dst, offset), y, vec);
}

/* The channels of row or vector `outer`, whichever channels go with. */
static struct channels channels_of(struct em *em, const struct outgoing *o, bool by_row, int outer)
{
    const struct output_tile *out = o->out;
    int64_t step = by_row ? out->row_channel : out->lane_channel * em_lanes(em);
    if (out->lane_cycle)
        return (struct channels){.first = out->channel,
                                 .step = 1,
                                 .cycle = out->lane_cycle,
                                 .skip = outer * em_lanes(em) % out->lane_cycle};
    return (struct channels){.first = em_addc(em, out->channel, outer * step),
                             .step = out->lane_channel,
                             .lanes = by_row ? em_lanes(em) : lanes_of(em, o, outer),
                             .inside = out->inside && !by_row ? &out->inside[outer] : NULL};
}

static void finish_vectors(struct em *em, const struct outgoing *o)
{
    bool by_row = o->out->row_channel != 0;
    for (int outer = 0; outer < (by_row ? o->sums->rows : o->sums->vecs); outer++) {
        struct channels channels = channels_of(em, o, by_row, outer);
        struct channel_operands operands = load_operands(em, o->epilogue, &channels);
        for (int inner = 0; inner < (by_row ? o->sums->vecs : o->sums->rows); inner++)
            finish_vector(em, o, &operands, by_row ? outer : inner, by_row ? inner : outer);
    }
}

/* ---- The staging block ---- */

static int64_t total_lanes(struct em *em, const struct outgoing *o)
{
    return (o->sums->vecs - 1) * em_lanes(em) + o->out->lanes_of_last;
}

/* Whether lanes, or rows, are channels that may lie in several blocks. */
static bool lanes_in_blocks(const struct outgoing *o)
{
    return o->epilogue->conv->dst.block && o->out->lane_channel && !o->out->lane_cycle;
}

static bool rows_in_blocks(const struct outgoing *o)
{
    const struct strides *dst = &o->epilogue->conv->dst;
    return dst->block && o->out->row_channel && !strides_side_by_side(dst, o->out->multiple, o->sums->rows);
}

static bool exchanges(const struct outgoing *o)
{
    return o->out->row_step == 1 && o->sums->rows >= ROWS_WORTH_EXCHANGING && !rows_in_blocks(o);
}

/* Elements from (row 0, lane 0) to where `count` channels further lie. */
static em_int channels_further(struct em *em, const struct outgoing *o, em_int count)
{
    const struct strides *dst = &o->epilogue->conv->dst;
    return em_sub(em, channel_offset(em, dst, em_add(em, o->out->channel, count)),
                  channel_offset(em, dst, o->out->channel));
}

static em_int row_offset(struct em *em, const struct outgoing *o, em_int row)
{
    if (rows_in_blocks(o))
        return channels_further(em, o, em_mulc(em, row, o->out->row_channel));
    return em_mulc(em, row, o->out->row_step);
}

/* Lane by lane, since the next one may lie in another block. */
static void carry_lanes(struct em *em, const struct outgoing *o, em_ptr tensor, bool out)
{
    EM_FOR(em, lane, em_i(em, 0), em_i(em, total_lanes(em, o)))
    {
        em_int further = channels_further(em, o, em_mulc(em, lane.at, o->out->lane_channel));
        struct em_run there = {em_offset(em, tensor, further), o->out->row_step};
        struct em_run here = {em_offset(em, out ? o->at.dst : o->at.residual, lane.at), o->at.row_step};
        em_copy_run(em, out ? there : here, out ? here : there, em_i(em, o->sums->rows));
    }
}

/* Rows a few elements apart, as the phases of a transposed convolution are: exchanged on the stack, then
 * spread. */
static bool exchanges_apart(struct em *em, const struct outgoing *o)
{
    return em_spreads(em, o->out->row_step) && o->sums->rows >= ROWS_WORTH_EXCHANGING;
}

static void carry_out_apart(struct em *em, const struct outgoing *o, em_ptr tensor)
{
    int64_t rows = o->sums->rows, lanes = total_lanes(em, o);
    em_ptr exchanged = em_room(em, rows * lanes);
    em_exchange(em, (struct em_block){exchanged, rows}, (struct em_block){o->at.dst, o->at.row_step},
                em_i(em, rows), em_i(em, lanes));
    EM_FOR(em, lane, em_i(em, 0), em_i(em, lanes))
    {
        struct em_run to = {em_offset(em, tensor, em_mulc(em, lane.at, o->out->lane_step)), o->out->row_step};
        em_copy_run(em, to, (struct em_run){em_offset(em, exchanged, em_mulc(em, lane.at, rows)), 1},
                    em_i(em, rows));
    }
}

/* From a tensor's tile at `tensor` into the block. */
static void carry_in(struct em *em, const struct outgoing *o, em_ptr tensor)
{
    const struct output_tile *out = o->out;
    em_int rows = em_i(em, o->sums->rows), lanes = em_i(em, total_lanes(em, o));
    if (lanes_in_blocks(o)) {
        carry_lanes(em, o, tensor, false);
        return;
    }
    if (exchanges(o)) {
        struct em_block block = {o->at.residual, o->at.row_step};
        em_exchange(em, block, (struct em_block){tensor, out->lane_step}, lanes, rows);
        return;
    }
    EM_FOR(em, r, em_i(em, 0), rows)
    {
        struct em_run to = {em_offset(em, o->at.residual, em_mulc(em, r.at, o->at.row_step)), 1};
        struct em_run from = {em_offset(em, tensor, row_offset(em, o, r.at)), out->lane_step};
        em_copy_run(em, to, from, lanes);
    }
}

/* From the block to the output's tile at `tensor`. */
static void carry_out(struct em *em, const struct outgoing *o, em_ptr tensor)
{
    const struct output_tile *out = o->out;
    em_int rows = em_i(em, o->sums->rows), lanes = em_i(em, total_lanes(em, o));
    if (lanes_in_blocks(o)) {
        carry_lanes(em, o, tensor, true);
        return;
    }
    if (exchanges(o)) {
        struct em_block block = {o->at.dst, o->at.row_step};
        em_exchange(em, (struct em_block){tensor, out->lane_step}, block, rows, lanes);
        return;
    }
    if (exchanges_apart(em, o)) {
        carry_out_apart(em, o, tensor);
        return;
    }
    EM_FOR(em, r, em_i(em, 0), rows)
    {
        struct em_run to = {em_offset(em, tensor, row_offset(em, o, r.at)), out->lane_step};
        struct em_run from = {em_offset(em, o->at.dst, em_mulc(em, r.at, o->at.row_step)), 1};
        em_copy_run(em, to, from, lanes);
    }
}

static em_ptr residual_tile(struct em *em, const struct epilogue *epilogue, em_int offset)
{
    em_ptr none = {0};
    for (int i = 0; i < epilogue->conv->posts; i++)
        if (epilogue->conv->post[i].kind == CJ_POST_RESIDUAL)
            return em_offset(em, epilogue->operand[2 * i], offset);
    return none;
}

/* Whether each vector lies side by side in the output. */
static bool leaves_by_vectors(struct em *em, const struct outgoing *o)
{
    const struct strides *dst = &o->epilogue->conv->dst;
    const struct output_tile *out = o->out;
    if (rows_in_blocks(o))
        return false;
    if (em_lanes(em) == 1 && o->sums->vecs == 1)
        return true;
    if (out->lane_step != 1 || !lanes_in_blocks(o))
        return out->lane_step == 1;
    bool narrow = o->sums->vecs == 1 && strides_side_by_side(dst, out->multiple, out->lanes_of_last);
    return out->lane_channel == 1 && (narrow || strides_side_by_side(dst, out->multiple, em_lanes(em)));
}

/* Vectors follow each other, or lie in blocks of channels, at known distances if the first begins a block. */
static void place_vectors(struct em *em, struct outgoing *o)
{
    const struct strides *dst = &o->epilogue->conv->dst;
    for (int v = 0; v < o->sums->vecs; v++) {
        em_int behind = em_i(em, v * em_lanes(em));
        if (o->at.staged || !lanes_in_blocks(o) || v == 0)
            o->at.vector[v] = behind;
        else if (o->out->multiple % dst->block == 0)
            o->at.vector[v] = em_i(em, strides_channel(dst, v * em_lanes(em)));
        else
            o->at.vector[v] = channels_further(em, o, behind);
    }
}

/* What pads the last block of channels, for the pixels of a tile that has the last channel. */
static void pad_with_zeros(struct em *em, const struct outgoing *o)
{
    const struct output_tile *out = o->out;
    const struct conv *conv = o->epilogue->conv;
    int64_t rows = o->sums->rows, lanes = total_lanes(em, o);
    int64_t done = stores_zeros(em, o) ? round_up(conv->oc, em_lanes(em)) - conv->oc : 0;
    if (conv->zeros == done)
        return;
    em_int last = em_addc(em, out->channel, (lanes - 1) * out->lane_channel + (rows - 1) * out->row_channel);
    em_ptr at = em_offset(em, em_offset(em, o->epilogue->dst, out->pixel),
                          em_i(em, strides_channel(&conv->dst, conv->oc) + done));
    EM_IF(em, em_lt(em, em_i(em, conv->oc - 2), last))
    EM_FOR(em, r, em_i(em, 0), em_i(em, out->row_channel ? 1 : rows))
    EM_FOR(em, l, em_i(em, 0), em_i(em, out->lane_channel ? 1 : lanes))
    {
        em_int apart = em_add(em, em_mulc(em, r.at, out->row_step), em_mulc(em, l.at, out->lane_step));
        em_zero_run(em, (struct em_run){em_offset(em, at, apart), 1}, em_i(em, conv->zeros - done));
    }
}

void epilogue_tile(struct em *em, const struct epilogue *epilogue, const struct tile *sums,
                   const struct output_tile *out)
{
    struct outgoing o = {epilogue, sums, out, {.row_step = out->row_step}};
    em_int first = em_add(em, out->pixel, channel_offset(em, &epilogue->conv->dst, out->channel));
    em_ptr dst = em_offset(em, epilogue->dst, first), residual = residual_tile(em, epilogue, first);
    int64_t width = (int64_t)sums->vecs * em_lanes(em);
    o.at.dst = dst, o.at.residual = residual;
    if (!leaves_by_vectors(em, &o)) {
        o.at.staged = true;
        o.at.dst = o.at.residual = em_room(em, sums->rows * width);
        o.at.row_step = width;
    }
    place_vectors(em, &o);
    if (o.at.staged && residual.v)
        carry_in(em, &o, residual);
    finish_vectors(em, &o);
    if (o.at.staged)
        carry_out(em, &o, dst);
    pad_with_zeros(em, &o);
}
