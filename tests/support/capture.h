/* What code prints on standard error, as text. */
#ifndef CONVJIT_CAPTURE_H
#define CONVJIT_CAPTURE_H

#include <stddef.h>

/* Standard error goes aside from here... */
void capture_begin(void);

/* ...to here. Puts what was printed at `text`, cut at `size`, and returns how many lines it is. */
int capture_end(char *text, size_t size);

#endif
