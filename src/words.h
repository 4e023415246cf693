/* Pieces of text without copies: what the parsers of text are made of. */
#ifndef CONVJIT_WORDS_H
#define CONVJIT_WORDS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct word {
    const char *at;
    size_t length;
};

/* Take the piece in front of the next `separator`, or all that is left; false if nothing is. A separator at the
 * end leaves an empty piece, so that "a:" is two. */
bool word_next(struct word *rest, char separator, struct word *word);

bool word_is(struct word word, const char *text);

/* A whole number of digits only, that fits. */
bool word_number(struct word word, int64_t *number);

/* A decimal number that fits, or inf or -inf; all of the word. */
bool word_real(struct word word, double *number);

/* Copy with a NUL; false if it is empty or does not fit. */
bool word_copy(struct word word, char *text, size_t size);

#endif
