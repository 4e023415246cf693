/* The side of a peer program that is the same for every library written against in C. */
#ifndef CONVJIT_PEER_H
#define CONVJIT_PEER_H

#include "call.h"

enum { PEER_SAID = 256 };

/* Activations are in the call's layout; for CALL_OWN in NCHW, and the library reorders beforehand. Behind each
 * lie 64 bytes that a library may read. The weights are in PyTorch's order. */
struct peer_tensors {
    float *input, *weight, *output;
};

struct peer_library {
    /* Name and version. */
    void (*describe)(char text[PEER_SAID]);
    /* Make a call ready: weights put in order, memory taken. `said` becomes the implementation's name; or, with
     * NULL, the reason why not. */
    void *(*open)(const struct call *call, const struct peer_tensors *tensors, char said[PEER_SAID]);
    /* The steady call, which is timed. False: it failed. */
    bool (*run)(void *work);
    /* Bring the result into tensors->output if it is not there. */
    bool (*finish)(void *work);
    void (*close)(void *work);
};

/* Answer lines until `quit` or the end of standard input; an exit status. What the library itself prints goes
 * to standard error. */
int peer_serve(const struct peer_library *library);

#endif
