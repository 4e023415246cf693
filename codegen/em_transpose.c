/* Blocks of memory with their axes exchanged.
 *
 * A square of lanes x lanes elements is transposed in registers by shuffles that are one instruction each on
 * every x86-64: first within 128-bit chunks (unpack), then of whole chunks (vshuff32x4, vperm2f128). */
#include "em_internal.h"

#include <string.h>

enum { CHUNK_BYTES = 16, MOST_LANES = 64 };

/* `lanes` elements of a (index 0 up) and b (index lanes up). */
static em_vec shuffle(struct em *em, em_vec a, em_vec b, const int *index)
{
    LLVMValueRef lanes[MOST_LANES];
    LLVMTypeRef type = LLVMInt32TypeInContext(em->context);
    for (int i = 0; i < em->lanes; i++)
        lanes[i] = LLVMConstInt(type, (unsigned)index[i], 0);
    return (em_vec){
        LLVMBuildShuffleVector(em->builder, a.v, b.v, LLVMConstVector(lanes, (unsigned)em->lanes), "")};
}

static int chunk_lanes(const struct em *em)
{
    int lanes = CHUNK_BYTES / em->element_bytes;
    return lanes < em->lanes ? lanes : em->lanes;
}

/* In each chunk: groups of `width` elements from the lower (half 0) or upper half of a's and of b's, in turn.
 */
static em_vec unpack(struct em *em, em_vec a, em_vec b, int half, int width)
{
    int index[MOST_LANES], chunk = chunk_lanes(em);
    for (int i = 0; i < em->lanes; i++) {
        int group = i % chunk / width, from_b = group % 2;
        index[i] = i / chunk * chunk + half * chunk / 2 + group / 2 * width + i % width + from_b * em->lanes;
    }
    return shuffle(em, a, b, index);
}

/* The chunks of a with an even (half 0) or odd number, then those of b. */
static em_vec every_other_chunk(struct em *em, em_vec a, em_vec b, int half)
{
    int index[MOST_LANES], chunk = chunk_lanes(em), chunks = em->lanes / chunk;
    for (int i = 0; i < em->lanes; i++) {
        int from = 2 * (i / chunk) + half, from_b = from >= chunks;
        index[i] = (from - from_b * chunks) * chunk + i % chunk + from_b * em->lanes;
    }
    return shuffle(em, a, b, index);
}

/* Within each chunk, the square that `chunk` vectors form there. */
static void transpose_in_chunks(struct em *em, em_vec rows[])
{
    int chunk = chunk_lanes(em);
    em_vec next[MOST_LANES];
    for (int width = 1; width < chunk; width *= 2) {
        bool last = width == chunk / 2;
        for (int i = 0; i < chunk / 2; i++)
            for (int half = 0; half < 2; half++)
                next[last ? 2 * i + half : half * chunk / 2 + i] =
                    unpack(em, rows[2 * i], rows[2 * i + 1], half, width);
        memcpy(rows, next, (size_t)chunk * sizeof *rows);
    }
}

/* The square of whole chunks that as many vectors form. */
static void transpose_of_chunks(struct em *em, em_vec vectors[])
{
    int chunks = em->lanes / chunk_lanes(em);
    em_vec next[MOST_LANES];
    for (int done = 1; done < chunks; done *= 2) {
        for (int i = 0; i < chunks / 2; i++)
            for (int half = 0; half < 2; half++)
                next[half * chunks / 2 + i] = every_other_chunk(em, vectors[2 * i], vectors[2 * i + 1], half);
        memcpy(vectors, next, (size_t)chunks * sizeof *vectors);
    }
}

/* Lane j of rows[i] becomes lane i of rows[j], for a square of em->lanes vectors. */
static void transpose(struct em *em, em_vec rows[])
{
    int chunk = chunk_lanes(em), chunks = em->lanes / chunk;
    em_vec column[MOST_LANES];
    for (int i = 0; i < chunks; i++)
        transpose_in_chunks(em, rows + i * chunk);
    for (int j = 0; j < chunk; j++) {
        for (int i = 0; i < chunks; i++)
            column[i] = rows[i * chunk + j];
        transpose_of_chunks(em, column);
        for (int i = 0; i < chunks; i++)
            rows[i * chunk + j] = column[i];
    }
}

/* At most a square. */
static void exchange_square(struct em *em, struct em_block to, struct em_block from, int rows, int cols)
{
    em_vec vectors[MOST_LANES];
    for (int r = 0; r < em->lanes; r++)
        vectors[r] = r < rows ? em_load_n(em, em_at(em, from.at, r * from.step), cols)
                              : (em_vec){LLVMGetPoison(em->vector)};
    transpose(em, vectors);
    for (int c = 0; c < cols; c++)
        em_store_n(em, em_at(em, to.at, c * to.step), vectors[c], rows);
}

/* Element by element, where there is no telling how many. */
static void exchange_elements(struct em *em, struct em_block to, struct em_block from, em_int rows, em_int cols)
{
    EM_FOR(em, r, em_i(em, 0), rows)
    {
        struct em_run source = {em_offset(em, from.at, em_mulc(em, r.at, from.step)), 1};
        em_copy_run(em, (struct em_run){em_offset(em, to.at, r.at), to.step}, source, cols);
    }
}

static em_int whole_squares(struct em *em, em_int count)
{
    return em_div(em, count, em_i(em, em->lanes));
}

/* `rows` rows of all columns. */
static void exchange_band(struct em *em, struct em_block to, struct em_block from, int rows, em_int cols)
{
    int64_t known, lanes = em->lanes;
    em_int whole = whole_squares(em, cols), done = em_mulc(em, whole, lanes);
    EM_FOR(em, i, em_i(em, 0), whole)
    {
        em_int c = em_mulc(em, i.at, lanes);
        struct em_block target = {em_offset(em, to.at, em_mulc(em, c, to.step)), to.step};
        exchange_square(em, target, (struct em_block){em_offset(em, from.at, c), from.step}, rows, em->lanes);
    }
    struct em_block target = {em_offset(em, to.at, em_mulc(em, done, to.step)), to.step};
    struct em_block source = {em_offset(em, from.at, done), from.step};
    if (!em_known(cols, &known))
        exchange_elements(em, target, source, em_i(em, rows), em_sub(em, cols, done));
    else if (known % lanes)
        exchange_square(em, target, source, rows, (int)(known % lanes));
}

void em_exchange(struct em *em, struct em_block to, struct em_block from, em_int rows, em_int cols)
{
    int64_t known, lanes = em->lanes;
    em_int whole = whole_squares(em, rows), done = em_mulc(em, whole, lanes);
    EM_FOR(em, i, em_i(em, 0), whole)
    {
        em_int r = em_mulc(em, i.at, lanes);
        struct em_block source = {em_offset(em, from.at, em_mulc(em, r, from.step)), from.step};
        exchange_band(em, (struct em_block){em_offset(em, to.at, r), to.step}, source, em->lanes, cols);
    }
    struct em_block target = {em_offset(em, to.at, done), to.step};
    struct em_block source = {em_offset(em, from.at, em_mulc(em, done, from.step)), from.step};
    if (!em_known(rows, &known))
        exchange_elements(em, target, source, em_sub(em, rows, done), cols);
    else if (known % lanes)
        exchange_band(em, target, source, (int)(known % lanes), cols);
}
