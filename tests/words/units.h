/* Work units in plain C, from the description of src/grid.h, and plans to test generated code with. */
#ifndef CONVJIT_TEST_UNITS_H
#define CONVJIT_TEST_UNITS_H

#include "../../src/grid.h"
#include "../support/sample.h"

struct plain_unit {
    int64_t image, phase_index, group, depth;
    struct phase phase;
    int64_t block[2], row[2], tile[2]; /* half open */
};

/* Unit `number` of a batch. */
struct plain_unit plain_unit(const struct plan *plan, int64_t number);

/* The columns of a phase in front of tile `tile`. */
int64_t plain_tile_col(const struct plan *plan, const struct phase *phase, int64_t tile);

/* Elements of packed weights in front of the unit's phase and group. */
int64_t plain_weights(const struct plan *plan, const struct plain_unit *unit);

/* One of so many plans, by its bytes, of those that run on this machine. */
bool units_chosen(const struct plan *plan, unsigned one_of);

/* The next unit that is worth a look, behind `number`, of a batch of `units` of them: the first ones, the last
 * ones, some between. */
int64_t units_next(int64_t number, int64_t units);

#endif
