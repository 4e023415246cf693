#include "words.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

bool word_next(struct word *rest, char separator, struct word *word)
{
    if (!rest->at)
        return false;
    const char *end = rest->length ? memchr(rest->at, separator, rest->length) : NULL;
    *word = (struct word){rest->at, end ? (size_t)(end - rest->at) : rest->length};
    *rest = end ? (struct word){end + 1, rest->length - word->length - 1} : (struct word){NULL, 0};
    return true;
}

bool word_is(struct word word, const char *text)
{
    return strlen(text) == word.length && memcmp(word.at, text, word.length) == 0;
}

bool word_number(struct word word, int64_t *number)
{
    int64_t value = 0;
    for (size_t i = 0; i < word.length; i++) {
        int digit = word.at[i] - '0';
        if (digit < 0 || digit > 9 || __builtin_mul_overflow(value, 10, &value) ||
            __builtin_add_overflow(value, digit, &value))
            return false;
    }
    *number = value;
    return word.length > 0;
}

/* strtod also takes spaces, hexadecimal numbers and "nan", and makes infinity of what does not fit. */
bool word_real(struct word word, double *number)
{
    char text[64], *end;
    if (!word_copy(word, text, sizeof text))
        return false;
    *number = strtod(text, &end);
    if (*end)
        return false;
    bool decimal = strspn(text, "+-.0123456789eE") == word.length;
    return decimal ? isfinite(*number) : strcmp(text, "inf") == 0 || strcmp(text, "-inf") == 0;
}

bool word_copy(struct word word, char *text, size_t size)
{
    if (!word.length || word.length >= size)
        return false;
    memcpy(text, word.at, word.length);
    text[word.length] = 0;
    return true;
}
