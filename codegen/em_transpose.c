/* Blocks of memory with their axes exchanged.
 *
 * A square of lanes x lanes elements is transposed in registers by the shuffles of em_shuffle.c: first within
 * 128-bit chunks, then of whole chunks. Vectors of 512 bits
 * would need two thirds of the shuffles, but LLVM takes 10 ms for such a square and 3 for a smaller one, and
 * cores that split 512-bit instructions (Zen 4) run the smaller one faster. */
#include "em_internal.h"
#include "em_shuffle.h"

#include <string.h>

enum { SQUARE_BYTES = 32, MOST_LANES = SQUARE_BYTES / 4 };

/* Within each chunk, the square that `chunk` vectors form there. */
static void transpose_in_chunks(struct em *em, em_vec rows[])
{
    int chunk = em_chunk_lanes(em);
    em_vec next[MOST_LANES];
    for (int width = 1; width < chunk; width *= 2) {
        bool last = width == chunk / 2;
        for (int i = 0; i < chunk / 2; i++)
            for (int half = 0; half < 2; half++)
                next[last ? 2 * i + half : half * chunk / 2 + i] =
                    em_unpack(em, rows[2 * i], rows[2 * i + 1], half, width);
        memcpy(rows, next, (size_t)chunk * sizeof *rows);
    }
}

/* The square of whole chunks that as many vectors form. */
static void transpose_of_chunks(struct em *em, em_vec vectors[])
{
    int chunks = em->lanes / em_chunk_lanes(em);
    em_vec next[MOST_LANES];
    for (int done = 1; done < chunks; done *= 2) {
        for (int i = 0; i < chunks / 2; i++)
            for (int half = 0; half < 2; half++)
                next[half * chunks / 2 + i] =
                    em_every_other_chunk(em, vectors[2 * i], vectors[2 * i + 1], half);
        memcpy(vectors, next, (size_t)chunks * sizeof *vectors);
    }
}

/* Lane j of rows[i] becomes lane i of rows[j], for a square of em->lanes vectors. */
static void transpose(struct em *em, em_vec rows[])
{
    int chunk = em_chunk_lanes(em), chunks = em->lanes / chunk;
    em_vec column[MOST_LANES] = {0};
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
    em_vec vectors[MOST_LANES] = {0};
    for (int r = 0; r < em->lanes; r++)
        vectors[r] = r < rows ? em_load_n(em, em_at(em, from.at, r * from.step), cols) : em_poison(em);
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

/* How a count is cut into pieces of at most `size`: all of one size, the last one moved back over the one
 * before it, since copying an element twice does no harm and a second version of the square is code. Where the
 * count is not known now the rest behind whole pieces is left to `rest`. */
struct pieces {
    em_int number, rest, done;
    int64_t last; /* where the last one begins; -1: unknown */
    int size;
};

static struct pieces cut(struct em *em, em_int count)
{
    int64_t known, lanes = em->lanes;
    em_int none = em_i(em, 0);
    if (em_known(count, &known) && known <= lanes)
        return (struct pieces){em_i(em, known > 0), none, count, 0, (int)known};
    if (em_known(count, &known))
        return (struct pieces){em_i(em, (known + lanes - 1) / lanes), none, count, known - lanes, (int)lanes};
    em_int number = em_div(em, count, em_i(em, lanes)), done = em_mulc(em, number, lanes);
    return (struct pieces){number, em_sub(em, count, done), done, -1, (int)lanes};
}

static em_int piece_start(struct em *em, const struct pieces *pieces, em_int index)
{
    em_int start = em_mulc(em, index, pieces->size);
    return pieces->last < 0 ? start : em_min(em, start, em_i(em, pieces->last));
}

static void exchange(struct em *em, struct em_block to, struct em_block from, em_int rows, em_int cols)
{
    struct pieces down = cut(em, rows), right = cut(em, cols);
    EM_FOR(em, i, em_i(em, 0), down.number)
    {
        em_int r = piece_start(em, &down, i.at);
        em_ptr target = em_offset(em, to.at, r), source = em_offset(em, from.at, em_mulc(em, r, from.step));
        EM_FOR(em, j, em_i(em, 0), right.number)
        {
            em_int c = piece_start(em, &right, j.at);
            struct em_block square = {em_offset(em, target, em_mulc(em, c, to.step)), to.step};
            exchange_square(em, square, (struct em_block){em_offset(em, source, c), from.step}, down.size,
                            right.size);
        }
    }
    struct em_block below = {em_offset(em, to.at, down.done), to.step};
    exchange_elements(em, below,
                      (struct em_block){em_offset(em, from.at, em_mulc(em, down.done, from.step)), from.step},
                      down.rest, cols);
    struct em_block beside = {em_offset(em, to.at, em_mulc(em, right.done, to.step)), to.step};
    exchange_elements(em, beside, (struct em_block){em_offset(em, from.at, right.done), from.step}, down.done,
                      right.rest);
}

/* The same frame with vectors that fit SQUARE_BYTES. */
static struct em with_square_lanes(const struct em *em)
{
    struct em square = *em;
    int most = SQUARE_BYTES / em->element_bytes;
    square.lanes = em->lanes < most ? em->lanes : most;
    square.vector = LLVMVectorType(em->element, (unsigned)square.lanes);
    square.index_vector = LLVMVectorType(LLVMGetElementType(em->index_vector), (unsigned)square.lanes);
    return square;
}

void em_exchange(struct em *em, struct em_block to, struct em_block from, em_int rows, em_int cols)
{
    struct em square = with_square_lanes(em);
    exchange(&square, to, from, rows, cols);
}
