/* One convolution as the driver and the peers tell it to each other: a line of numbers. A peer is a program of
 * its own that knows another library; a crash of one does not end the run, and no two libraries share symbols.
 *
 *   driver                                            peer
 *                                                     library NAME AND VERSION
 *   open LAYOUT THREADS TRANSPOSED RANK NUMBERS...    ready IMPLEMENTATION CHECK...   or   cannot REASON
 *   run MICROSECONDS                                  time MICROSECONDS   (of one call, the best seen)
 *   quit
 *
 * Both sides fill the tensors with the same numbers (numbers.h), so the driver can tell from a few output
 * values whether the same thing was computed. */
#ifndef CONVJIT_CALL_H
#define CONVJIT_CALL_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum { CALL_RANK = 3, CALL_TEXT = 1024 };

/* CALL_OWN: whatever blocked layout the library likes best, in and out. */
enum call_layout { CALL_NCHW, CALL_NHWC, CALL_OWN, CALL_LAYOUTS };

/* Spatial arrays are in the order of the tensor's dimensions and `rank` long; entries behind it are 0. */
struct call {
    enum call_layout layout;
    int threads, transposed, rank;
    int64_t batch, groups, in_channels, out_channels;
    int64_t input[CALL_RANK], output[CALL_RANK], kernel[CALL_RANK], stride[CALL_RANK], dilation[CALL_RANK];
    int64_t pad_lo[CALL_RANK], pad_hi[CALL_RANK], output_padding[CALL_RANK];
};

/* "nchw", "nhwc", "own". */
const char *call_layout_name(int layout);

/* "LAYOUT THREADS ...", without a line's end. */
void call_write(const struct call *call, char text[CALL_TEXT]);

/* False if the text is no such line, or a number cannot be. */
bool call_read(const char *text, struct call *call);

int64_t call_product(const int64_t *sizes, int rank);
int64_t call_input_count(const struct call *call);
int64_t call_output_count(const struct call *call);
int64_t call_weight_count(const struct call *call);

#endif
