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

void emit_units_of_images(struct em *em, const struct plan *plan,
                          void (*compute)(struct em *em, const struct stage *stage))
{
    struct epilogue epilogue = epilogue_open(em, plan);
    EM_FOR(em, number, em_i(em, 0), em_i(em, plan->units))
    {
        /* The images i with first <= i * units + number < last. */
        em_int begin = em_ceil_divc(em, em_sub(em, em_first_unit(em), number.at), plan->units);
        em_int end = em_ceil_divc(em, em_sub(em, em_last_unit(em), number.at), plan->units);
        EM_IF(em, em_lt(em, begin, end))
        {
            struct unit unit = unit_open(em, plan, em_add(em, em_mulc(em, begin, plan->units), number.at));
            unit.images = em_sub(em, end, begin);
            struct source source = unit_source(em, &unit);
            compute(em, &(struct stage){plan, &unit, &source, &epilogue, em_argument(em, EM_WEIGHTS)});
        }
    }
}
