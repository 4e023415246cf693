/* reference: the definition, one output at a time, every index computed and tested.
 *
 *     y[oc][o] = sum over (ic, t) of x[ic][o*stride + tap] * w[oc][ic][t], x outside the input being padding
 *
 * It is what the other algorithms are compared with, and takes what none of them takes. Its lanes are one. */
#include "../band.h"
#include "../channels.h"
#include "../epilogue.h"
#include "../walk.h"

struct reference {
    const struct plan *plan;
    const struct unit *unit;
    em_int output[AXES]; /* of the phase */
    em_ptr image;        /* the input's element (0, 0, 0, 0) */
    em_var sum;
};

/* Where the nest over taps stands: the input pixel, and the number of the tap in the packed weights. */
struct place {
    em_int pixel, tap;
};

typedef void tap_body(struct em *em, const struct reference *r, const void *arg, const struct place *place);

/* Run `body` for each tap of this axis and the following ones that has an input. */
static void each_tap(struct em *em, const struct reference *r, int axis, const struct place *outer,
                     tap_body *body, const void *arg)
{
    if (axis == AXES) {
        body(em, r, arg, outer);
        return;
    }
    const struct conv *conv = &r->plan->conv;
    const struct phase_view *view = &r->unit->axis[axis];
    struct phase phase = conv_phase(conv, 0);
    const struct phase_axis *p = &phase.axis[axis];
    em_int first = em_add(em, em_mulc(em, r->output[axis], p->in_step), view->off0);
    int64_t size = conv->axis[axis].in;
    EM_FOR(em, t, em_i(em, 0), view->taps)
    {
        em_int at = em_add(em, first, em_mulc(em, t.at, p->off_step));
        at = pad_map(em, conv->pad_mode, at, size);
        EM_IF(em, em_and(em, em_lt(em, em_i(em, -1), at), em_lt(em, at, em_i(em, size))))
        {
            struct place inner = {
                em_add(em, outer->pixel, em_mulc(em, at, conv->src.axis[axis])),
                em_add(em, em_mul(em, outer->tap, view->taps), t.at),
            };
            each_tap(em, r, axis + 1, &inner, body, arg);
        }
    }
}

static void add_product(struct em *em, em_var sum, em_ptr x, em_ptr w)
{
    em_set(em, sum, em_fma(em, em_load(em, x), em_load(em, w), em_get(em, sum)));
}

static em_int all_taps(struct em *em, const struct unit *unit)
{
    em_int planes = em_mul(em, unit->axis[AXIS_D].taps, unit->axis[AXIS_H].taps);
    return em_mul(em, planes, unit->axis[AXIS_W].taps);
}

/* One tap of an ordinary convolution: all input channels of the group. `arg` is the output channel's weights,
 * [tap][ic]. */
static void add_channels(struct em *em, const struct reference *r, const void *arg, const struct place *place)
{
    const struct conv *conv = &r->plan->conv;
    int64_t channels = conv->ic / conv->groups;
    em_int first = em_mulc(em, r->unit->group, channels);
    EM_FOR(em, ic, em_i(em, 0), em_i(em, channels))
    {
        em_int channel = channel_offset(em, &conv->src, em_add(em, first, ic.at));
        em_int weight = em_add(em, em_mulc(em, place->tap, channels), ic.at);
        add_product(em, r->sum, em_offset(em, r->image, em_add(em, place->pixel, channel)),
                    em_offset(em, *(const em_ptr *)arg, weight));
    }
}

/* One tap of the depthwise stage of a separable one. */
struct depthwise_tap {
    em_var sum;
    em_int channel;
    em_ptr weights; /* [tap] */
};

static void add_depthwise(struct em *em, const struct reference *r, const void *arg, const struct place *place)
{
    const struct depthwise_tap *d = arg;
    em_int channel = channel_offset(em, &r->plan->conv.src, d->channel);
    add_product(em, d->sum, em_offset(em, r->image, em_add(em, place->pixel, channel)),
                em_offset(em, d->weights, place->tap));
}

/* Each intermediate element is computed again for each output channel: nothing is shared, nothing can alias. */
static void sum_separable(struct em *em, const struct reference *r, em_int channel)
{
    const struct plan *plan = r->plan;
    int64_t mid = plan->conv.mid, multiplier = mid / plan->conv.ic;
    em_ptr weights = em_argument(em, EM_WEIGHTS);
    em_ptr pointwise =
        em_offset(em, em_byte_offset(em, weights, plan->pack2_offset), em_mulc(em, channel, mid));
    EM_FOR(em, m, em_i(em, 0), em_i(em, mid))
    {
        em_ptr own = em_offset(em, weights, em_mul(em, m.at, all_taps(em, r->unit)));
        struct depthwise_tap tap = {em_var_new(em, em_vconst(em, 0)), em_div(em, m.at, em_i(em, multiplier)),
                                    own};
        each_tap(em, r, AXIS_D, &(struct place){em_i(em, 0), em_i(em, 0)}, add_depthwise, &tap);
        em_vec w = em_load(em, em_offset(em, pointwise, m.at));
        em_set(em, r->sum, em_fma(em, em_get(em, tap.sum), w, em_get(em, r->sum)));
    }
}

static void sum_dense(struct em *em, const struct reference *r, em_int channel)
{
    const struct conv *conv = &r->plan->conv;
    em_int size = em_mulc(em, all_taps(em, r->unit), conv->ic / conv->groups);
    em_int offset = em_add(em, unit_weights(em, r->unit), em_mul(em, channel, size));
    em_ptr weights = em_offset(em, em_argument(em, EM_WEIGHTS), offset);
    each_tap(em, r, AXIS_D, &(struct place){em_i(em, 0), em_i(em, 0)}, add_channels, &weights);
}

/* Channel `channel` of the unit's group, one pixel. */
static void emit_output(struct em *em, struct reference *r, const struct epilogue *epilogue, em_int channel)
{
    const struct conv *conv = &r->plan->conv;
    struct tile tile = tile_open(em, 1, 1, 1);
    r->sum = tile.sum[0];
    if (conv->op == CJ_SEPARABLE)
        sum_separable(em, r, channel);
    else
        sum_dense(em, r, channel);
    em_int of_group = em_mulc(em, r->unit->group, conv->op == CJ_SEPARABLE ? 0 : conv->oc / conv->groups);
    em_int global = em_add(em, of_group, channel);
    em_int pixel = unit_pixel(em, r->unit, r->output[AXIS_H], r->output[AXIS_W]);
    struct output_tile out = {.pixel = pixel,
                              .lane_step = 1,
                              .channel = global,
                              .multiple = 1,
                              .lane_channel = 1,
                              .lanes_of_last = 1};
    epilogue_tile(em, epilogue, &tile, &out);
}

void emit_reference(struct em *em, const struct plan *plan)
{
    struct epilogue epilogue = epilogue_open(em, plan);
    EM_FOR(em, number, em_first_unit(em), em_last_unit(em))
    {
        struct unit unit = unit_open(em, plan, number.at);
        struct reference r = {.plan = plan, .unit = &unit};
        r.image = em_offset(em, em_argument(em, EM_SRC), em_mulc(em, unit.image, plan->conv.src.n));
        r.output[AXIS_D] = unit.depth;
        EM_FOR(em, row, unit.row0, unit.row1)
        {
            EM_FOR(em, tile, unit.tile0, unit.tile1)
            {
                r.output[AXIS_H] = row.at;
                r.output[AXIS_W] = unit_tile_col(em, &unit, tile.at);
                EM_FOR(em, channel, unit.block0, unit.block1)
                emit_output(em, &r, &epilogue, channel.at);
            }
        }
    }
}
