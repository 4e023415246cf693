/* Loops and branches.
 *
 * A loop tests at the bottom, behind a guard where the generated code cannot know that it turns at least
 * once; so the body of an innermost loop is one block.
 *
 * LLVM's loop strength reduction searches for the cheapest set of induction variables. In a nest of six
 * loops with a hundred addresses that search took 50 ms of a 70 ms compile (Zen 3) and gained nothing: only
 * the innermost loop is hot. So the counter of an outer loop and the pointers that walk through an innermost
 * one (em_walk) pass through an empty piece of assembly, which costs no instruction and hides from LLVM that
 * they count: all addresses of a turn are then constants beside a few registers, which is what that search
 * would find. */
#include "em_internal.h"

#include <assert.h>
#include <string.h>

static LLVMBasicBlockRef new_block(struct em *em, const char *name)
{
    return LLVMAppendBasicBlockInContext(em->context, em->function, name);
}

/* How often the loop turns, 2 standing for "more than once or unknown". */
static int known_turns(em_int begin, em_int end, int64_t step)
{
    int64_t low, high;
    if (!em_known(begin, &low) || !em_known(end, &high))
        return 2;
    return low >= high ? 0 : high - low <= step ? 1 : 2;
}

static bool turns_at_least_once(em_int begin, em_int end)
{
    int64_t low, high;
    return em_known(begin, &low) && em_known(end, &high) && low < high;
}

LLVMValueRef em_hidden(struct em *em, LLVMTypeRef value_type, LLVMValueRef value)
{
    LLVMTypeRef type = LLVMFunctionType(value_type, &value_type, 1, 0);
    char constraints[] = "=r,0";
    LLVMValueRef nothing =
        LLVMGetInlineAsm(type, "", 0, constraints, strlen(constraints), 0, 0, LLVMInlineAsmDialectATT, 0);
    return LLVMBuildCall2(em->builder, type, nothing, &value, 1, "");
}

struct em_for em_for_begin(struct em *em, em_int begin, em_int end, int64_t step, bool innermost)
{
    struct em_for loop = {.em = em, .at = begin, .step = step, .end = end, .innermost = innermost};
    loop.state = known_turns(begin, end, step);
    if (loop.state < 2)
        return loop;
    loop.from = LLVMGetInsertBlock(em->builder);
    loop.body = new_block(em, "for");
    loop.done = new_block(em, "done");
    if (turns_at_least_once(begin, end))
        LLVMBuildBr(em->builder, loop.body);
    else
        LLVMBuildCondBr(em->builder, em_lt(em, begin, end).v, loop.body, loop.done);
    LLVMPositionBuilderAtEnd(em->builder, loop.body);
    loop.at.v = LLVMBuildPhi(em->builder, em->index, "i");
    LLVMAddIncoming(loop.at.v, &begin.v, &loop.from, 1);
    return loop;
}

em_ptr em_walk(struct em_for *loop, em_ptr base, int64_t elements)
{
    struct em *em = loop->em;
    if (loop->state < 2)
        return base;
    LLVMBasicBlockRef here = LLVMGetInsertBlock(em->builder);
    LLVMPositionBuilderBefore(em->builder, loop->at.v);
    LLVMValueRef phi = LLVMBuildPhi(em->builder, em->pointer, "");
    LLVMAddIncoming(phi, &base.v, &loop->from, 1);
    LLVMPositionBuilderAtEnd(em->builder, here);
    assert(loop->walkers < EM_WALKERS);
    loop->walker[loop->walkers++] = (struct em_walker){{phi}, elements};
    return (em_ptr){phi};
}

static void advance(struct em *em, const struct em_walker *walker, LLVMBasicBlockRef last)
{
    LLVMValueRef next = em_hidden(em, em->pointer, em_at(em, walker->at, walker->elements).v);
    LLVMAddIncoming(walker->at.v, &next, &last, 1);
}

void em_for_end(struct em_for *loop)
{
    struct em *em = loop->em;
    if (loop->state == 2) {
        em_int next = em_addc(em, loop->at, loop->step);
        if (!loop->innermost)
            next.v = em_hidden(em, em->index, next.v);
        LLVMBasicBlockRef last = LLVMGetInsertBlock(em->builder);
        LLVMAddIncoming(loop->at.v, &next.v, &last, 1);
        for (int i = 0; i < loop->walkers; i++)
            advance(em, &loop->walker[i], last);
        LLVMBuildCondBr(em->builder, em_lt(em, next, loop->end).v, loop->body, loop->done);
        LLVMMoveBasicBlockAfter(loop->done, last);
        LLVMPositionBuilderAtEnd(em->builder, loop->done);
    }
    loop->state = 0;
}

struct em_if em_if_begin(struct em *em, em_cond cond)
{
    struct em_if branch = {.em = em, .state = 1};
    LLVMBasicBlockRef body = new_block(em, "then");
    branch.done = new_block(em, "endif");
    LLVMBuildCondBr(em->builder, cond.v, body, branch.done);
    LLVMPositionBuilderAtEnd(em->builder, body);
    return branch;
}

void em_if_end(struct em_if *branch)
{
    struct em *em = branch->em;
    LLVMBuildBr(em->builder, branch->done);
    LLVMMoveBasicBlockAfter(branch->done, LLVMGetInsertBlock(em->builder));
    LLVMPositionBuilderAtEnd(em->builder, branch->done);
    branch->state = 0;
}
