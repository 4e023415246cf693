/* What the em_*.c files share; algorithm files do not include it. */
#ifndef CONVJIT_EM_INTERNAL_H
#define CONVJIT_EM_INTERNAL_H

#include "../src/plugin.h"
#include "em.h"

#include <llvm-c/Core.h>

struct em {
    LLVMContextRef context;
    LLVMModuleRef module;
    LLVMBuilderRef builder;
    LLVMBuilderRef entry_builder; /* allocas go in front of the entry block's branch */
    LLVMValueRef function;
    LLVMTypeRef element, vector, index, index_vector, pointer;
    int lanes, element_bytes;
    bool has_fma, has_masks;
    bool is_f64;
};

/* Make and free the frame of one kernel: the module, the function, its arguments. `em` owns everything in
 * it but the context. */
void em_open(struct em *em, LLVMContextRef context, const struct plugin_request *request);

/* Return from the function. The module stays valid until em_close. */
void em_finish(struct em *em);
void em_close(struct em *em);

/* An intrinsic overloaded on `types`, declared once per module, called. */
LLVMValueRef em_intrinsic(struct em *em, const char *name, LLVMTypeRef type, LLVMValueRef *args,
                          unsigned count);

/* `value` in every lane of a vector of that type. */
LLVMValueRef em_splat(struct em *em, LLVMTypeRef vector, LLVMValueRef value);

/* A constant vector with the same integer in each lane. */
LLVMValueRef em_splat_int(struct em *em, LLVMTypeRef vector, int64_t value);

/* Lane i is element i*step + first of `step` vectors, one behind the other. first < step. Wider steps than
 * MOST_STEP_BY_VECTORS would load more than they pick. */
enum { MOST_STEP_BY_VECTORS = 4 };
em_vec em_pick(struct em *em, const em_vec from[], int step, int first);

/* The same number or pointer, of an origin that LLVM does not know. */
LLVMValueRef em_hidden(struct em *em, LLVMTypeRef type, LLVMValueRef value);

/* A slot on the stack that mem2reg turns into a register. */
LLVMValueRef em_slot(struct em *em, LLVMTypeRef type);

#endif
