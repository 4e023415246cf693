/* Checks of a descriptor's numbers, whose failures name the field (conv.c). */
#ifndef CONVJIT_FIELDS_H
#define CONVJIT_FIELDS_H

#include <convjit/convjit.h>

/* Offsets and byte counts must fit; the last two bits are left to sums of a few of them. */
#define MOST ((int64_t)1 << 60)

cj_status check_range(const char *field, int64_t value, int64_t low, int64_t high);

/* The same for entry `index` of an array of up to 5. */
cj_status check_entry(const char *field, int index, int64_t value, int64_t low, int64_t high);

#endif
