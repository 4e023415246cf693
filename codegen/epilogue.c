/* The epilogue works on accumulators before they are stored: the output is written once and never read.
 *
 * Where the lanes of a vector do not lie side by side in the output, the tile passes through a block on the
 * stack, which a loop carries over: by squares transposed in registers where the rows lie side by side, else by
 * elements. A residual comes in the same way. It keeps the code small: a store of 16 scattered lanes is 32
 * instructions, and a tile has up to 28 of them. */
#include "epilogue.h"

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

static void store_vector(struct em *em, const struct outgoing *o, em_ptr to, em_vec value, int vec)
{
    if (o->out->inside)
        em_store_masked(em, to, value, o->out->inside[vec]);
    else
        em_store_n(em, to, value, o->at.staged ? em_lanes(em) : lanes_of(em, o, vec));
}

static void finish_vector(struct em *em, const struct outgoing *o, const struct channel_operands *operands,
                          int row, int vec)
{
    const struct conv *conv = o->epilogue->conv;
    int64_t offset = row * o->at.row_step + (int64_t)vec * em_lanes(em);
    em_vec y = tile_sum(em, o->sums, row, vec);
    if (conv->has_bias)
        y = em_vadd(em, y, operands->bias);
    for (int i = 0; i < conv->posts; i++) {
        em_vec first = operands->first[i];
        if (conv->post[i].kind == CJ_POST_RESIDUAL)
            first = load_vector(em, o, em_at(em, o->at.residual, offset), vec);
        y = postop_apply(em, &conv->post[i], y, first, operands->second[i]);
    }
    store_vector(em, o, em_at(em, o->at.dst, offset), y, vec);
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

static bool exchanges(const struct outgoing *o)
{
    return o->out->row_step == 1 && o->sums->rows >= ROWS_WORTH_EXCHANGING;
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
    if (exchanges(o)) {
        struct em_block block = {o->at.residual, o->at.row_step};
        em_exchange(em, block, (struct em_block){tensor, out->lane_step}, lanes, rows);
        return;
    }
    EM_FOR(em, r, em_i(em, 0), rows)
    {
        struct em_run to = {em_offset(em, o->at.residual, em_mulc(em, r.at, o->at.row_step)), 1};
        struct em_run from = {em_offset(em, tensor, em_mulc(em, r.at, out->row_step)), out->lane_step};
        em_copy_run(em, to, from, lanes);
    }
}

/* From the block to the output's tile at `tensor`. */
static void carry_out(struct em *em, const struct outgoing *o, em_ptr tensor)
{
    const struct output_tile *out = o->out;
    em_int rows = em_i(em, o->sums->rows), lanes = em_i(em, total_lanes(em, o));
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
        struct em_run to = {em_offset(em, tensor, em_mulc(em, r.at, out->row_step)), out->lane_step};
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

void epilogue_tile(struct em *em, const struct epilogue *epilogue, const struct tile *sums,
                   const struct output_tile *out)
{
    struct outgoing o = {
        epilogue, sums, out, {.staged = out->lane_step != 1 && (em_lanes(em) > 1 || sums->vecs > 1)}};
    em_ptr dst = em_offset(em, epilogue->dst, out->offset);
    em_ptr residual = residual_tile(em, epilogue, out->offset);
    if (!o.at.staged) {
        o.at = (struct places){dst, residual, out->row_step, false};
        finish_vectors(em, &o);
        return;
    }
    int64_t width = (int64_t)sums->vecs * em_lanes(em);
    em_ptr block = em_room(em, sums->rows * width);
    o.at = (struct places){block, block, width, true};
    if (residual.v)
        carry_in(em, &o, residual);
    finish_vectors(em, &o);
    carry_out(em, &o, dst);
}
