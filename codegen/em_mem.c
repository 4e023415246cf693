/* Addresses, loads, stores, runs, and variables.
 *
 * Tensors have the alignment of their elements and no more; packed weights that of a vector. A partial
 * access touches nothing outside its elements: see em_mask.c. */
#include "em_internal.h"

em_ptr em_offset(struct em *em, em_ptr base, em_int elements)
{
    return (em_ptr){LLVMBuildGEP2(em->builder, em->element, base.v, &elements.v, 1, "")};
}

em_ptr em_at(struct em *em, em_ptr base, int64_t elements)
{
    return elements ? em_offset(em, base, em_i(em, elements)) : base;
}

em_ptr em_byte_offset(struct em *em, em_ptr base, int64_t bytes)
{
    LLVMValueRef index = em_i(em, bytes).v;
    return (em_ptr){LLVMBuildGEP2(em->builder, LLVMInt8TypeInContext(em->context), base.v, &index, 1, "")};
}

em_ptr em_load_pointer(struct em *em, em_ptr base, int64_t index)
{
    em_ptr slot = em_byte_offset(em, base, index * (int64_t)sizeof(void *));
    return (em_ptr){LLVMBuildLoad2(em->builder, em->pointer, slot.v, "")};
}

static LLVMValueRef load_scalar(struct em *em, em_ptr from)
{
    return LLVMBuildLoad2(em->builder, em->element, from.v, "");
}

static em_vec load_with_alignment(struct em *em, em_ptr from, int bytes)
{
    LLVMValueRef value = LLVMBuildLoad2(em->builder, em->vector, from.v, "");
    LLVMSetAlignment(value, (unsigned)bytes);
    return (em_vec){value};
}

em_vec em_load(struct em *em, em_ptr from)
{
    return load_with_alignment(em, from, em->element_bytes);
}

em_vec em_load_aligned(struct em *em, em_ptr from)
{
    return load_with_alignment(em, from, em->element_bytes * em->lanes);
}

em_vec em_load_n(struct em *em, em_ptr from, int n)
{
    return em_load_masked(em, from, em_first(em, n));
}

em_vec em_load_strided(struct em *em, em_ptr from, int64_t stride, int n)
{
    if (stride == 1)
        return em_load_n(em, from, n);
    LLVMValueRef value = LLVMConstNull(em->vector);
    for (int i = 0; i < n; i++) {
        LLVMValueRef element = load_scalar(em, em_at(em, from, i * stride));
        value = LLVMBuildInsertElement(em->builder, value, element, em_i(em, i).v, "");
    }
    return (em_vec){value};
}

void em_store(struct em *em, em_ptr to, em_vec value)
{
    LLVMSetAlignment(LLVMBuildStore(em->builder, value.v, to.v), (unsigned)em->element_bytes);
}

/* `count` lanes from lane `first`. */
static void store_part(struct em *em, em_ptr to, em_vec value, int first, int count)
{
    LLVMTypeRef type = LLVMInt32TypeInContext(em->context);
    LLVMValueRef index[64];
    for (int i = 0; i < count; i++)
        index[i] = LLVMConstInt(type, (unsigned)(first + i), 0);
    LLVMValueRef part = LLVMBuildShuffleVector(em->builder, value.v, LLVMGetPoison(em->vector),
                                               LLVMConstVector(index, (unsigned)count), "");
    LLVMSetAlignment(LLVMBuildStore(em->builder, part, em_at(em, to, first).v), (unsigned)em->element_bytes);
}

/* Without fast masks by parts of a power of two: vmaskmovps to memory takes 12 cycles on Zen. */
void em_store_n(struct em *em, em_ptr to, em_vec value, int n)
{
    if (em->has_masks || n >= em->lanes) {
        em_store_masked(em, to, value, em_first(em, n));
        return;
    }
    for (int part = em->lanes / 2, done = 0; done < n; part /= 2)
        if (n - done >= part) {
            store_part(em, to, value, done, part);
            done += part;
        }
}

em_vec em_load_cycle(struct em *em, em_ptr from, int period, int skip)
{
    LLVMValueRef index[64], once = em_load_n(em, from, period).v;
    for (int i = 0; i < em->lanes; i++)
        index[i] = LLVMConstInt(LLVMInt32TypeInContext(em->context), (unsigned)((skip + i) % period), 0);
    return (em_vec){LLVMBuildShuffleVector(em->builder, once, LLVMGetPoison(em->vector),
                                           LLVMConstVector(index, (unsigned)em->lanes), "")};
}

em_vec em_broadcast(struct em *em, em_ptr from)
{
    return (em_vec){em_splat(em, em->vector, load_scalar(em, from))};
}

/* Elements of a run that vectors cover; the rest goes one by one. */
static em_int whole_vectors(struct em *em, em_int count)
{
    return em_sub(em, count, em_rem(em, count, em_i(em, em->lanes)));
}

/* Every `step`-th element from `from`. Reads up to step - 1 elements behind the last. */
static em_vec load_every(struct em *em, em_ptr from, int step)
{
    em_vec parts[MOST_STEP_BY_VECTORS];
    for (int i = 0; i < step; i++)
        parts[i] = em_load(em, em_at(em, from, (int64_t)i * em->lanes));
    return em_pick(em, parts, step, 0);
}

/* Copies what whole vectors cover and returns how much that is. */
static em_int copy_vectors(struct em *em, struct em_run to, struct em_run from, em_int count)
{
    int64_t step = from.stride;
    if (to.stride != 1 || step < 1 || step > MOST_STEP_BY_VECTORS || em->lanes == 1)
        return em_i(em, 0);
    /* With a step the last element goes alone, so that nothing behind it is read. */
    em_int whole = whole_vectors(em, step == 1 ? count : em_max(em, em_addc(em, count, -1), em_i(em, 0)));
    EM_STREAM(em, i, em_i(em, 0), whole, em->lanes)
    {
        em_vec value = load_every(em, em_walk(&i, from.at, step * em->lanes), (int)step);
        em_store(em, em_walk(&i, to.at, em->lanes), value);
    }
    return whole;
}

/* Elements behind the last whole vector of a run, if their number is known now; else 0. */
static int known_rest(struct em *em, em_int count)
{
    int64_t known;
    return em_known(count, &known) && known > 0 ? (int)(known % em->lanes) : 0;
}

/* Wider strides leave a masked store so few elements that single ones are as good. */
enum { MOST_SPREAD = 4 };

bool em_spreads(const struct em *em, int64_t stride)
{
    return em->has_masks && stride > 1 && stride <= MOST_SPREAD && em->lanes % stride == 0;
}

/* The first n lanes to every `step`-th element. */
static void store_spread(struct em *em, em_ptr to, em_vec value, int step, int n)
{
    int of_part = em->lanes / step;
    for (int part = 0; part * of_part < n; part++) {
        int left = n - part * of_part, here = left < of_part ? left : of_part;
        em_store_masked(em, em_at(em, to, (int64_t)part * em->lanes),
                        em_spread(em, value, step, 1, part * of_part), em_every(em, step, here * step));
    }
}

static em_int spread_vectors(struct em *em, struct em_run to, em_ptr from, em_int count)
{
    em_int whole = whole_vectors(em, count);
    EM_STREAM(em, i, em_i(em, 0), whole, em->lanes)
    {
        em_vec value = em_load(em, em_walk(&i, from, em->lanes));
        store_spread(em, em_walk(&i, to.at, to.stride * em->lanes), value, (int)to.stride, em->lanes);
    }
    return whole;
}

void em_copy_run(struct em *em, struct em_run to, struct em_run from, em_int count)
{
    bool spread = from.stride == 1 && em_spreads(em, to.stride);
    em_int done = spread ? spread_vectors(em, to, from.at, count) : copy_vectors(em, to, from, count);
    em_ptr source = em_offset(em, from.at, em_mulc(em, done, from.stride));
    em_ptr target = em_offset(em, to.at, em_mulc(em, done, to.stride));
    int rest = known_rest(em, count);
    if (rest && from.stride == 1 && (to.stride == 1 || spread)) {
        em_vec value = em_load_n(em, source, rest);
        if (spread)
            store_spread(em, target, value, (int)to.stride, rest);
        else
            em_store_n(em, target, value, rest);
        return;
    }
    EM_STREAM(em, i, done, count, 1)
    LLVMBuildStore(em->builder, load_scalar(em, em_walk(&i, source, from.stride)),
                   em_walk(&i, target, to.stride).v);
}

void em_zero_run(struct em *em, struct em_run to, em_int count)
{
    em_int done = em_i(em, 0);
    if (to.stride == 1 && em->lanes > 1) {
        done = whole_vectors(em, count);
        EM_STREAM(em, i, em_i(em, 0), done, em->lanes)
        em_store(em, em_walk(&i, to.at, em->lanes), em_vconst(em, 0));
    }
    em_ptr target = em_offset(em, to.at, em_mulc(em, done, to.stride));
    if (to.stride == 1 && known_rest(em, count)) {
        em_store_n(em, target, em_vconst(em, 0), known_rest(em, count));
        return;
    }
    EM_STREAM(em, i, done, count, 1)
    LLVMBuildStore(em->builder, LLVMConstNull(em->element), em_walk(&i, target, to.stride).v);
}

em_ptr em_room(struct em *em, int64_t elements)
{
    LLVMValueRef slot = em_slot(em, LLVMArrayType2(em->element, (uint64_t)elements));
    LLVMSetAlignment(slot, (unsigned)(em->element_bytes * em->lanes));
    return (em_ptr){slot};
}

em_var em_var_new(struct em *em, em_vec initial)
{
    em_var var = {em_slot(em, em->vector)};
    em_set(em, var, initial);
    return var;
}

em_vec em_get(struct em *em, em_var var)
{
    return (em_vec){LLVMBuildLoad2(em->builder, em->vector, var.v, "")};
}
void em_set(struct em *em, em_var var, em_vec value)
{
    LLVMBuildStore(em->builder, value.v, var.v);
}
