#include "stage.h"

void emit_units(struct em *em, const struct plan *plan,
                void (*compute)(struct em *em, const struct stage *stage))
{
    struct epilogue epilogue = epilogue_open(em, plan);
    EM_FOR(em, number, em_first_unit(em), em_last_unit(em))
    {
        struct unit unit = unit_open(em, plan, number.at);
        struct source source = unit_source(em, &unit);
        compute(em, &(struct stage){plan, &unit, &source, &epilogue, em_argument(em, EM_WEIGHTS)});
    }
}
