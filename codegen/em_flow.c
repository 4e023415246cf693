/* Loops and branches.
 *
 * A loop tests at the bottom, behind a guard where the generated code cannot know that it turns at least
 * once; so the body of an innermost loop is one block.
 *
 * LLVM's loop strength reduction searches for the cheapest set of induction variables. In a nest of six
 * loops with a hundred addresses that search took 50 ms of a 70 ms compile (Zen 3) and gained nothing: only
 * the innermost loop is hot. So the counter of an outer loop passes through an empty piece of assembly, which
 * costs no instruction and hides from LLVM that it counts. */
#include "em_internal.h"

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

/* The same number, of unknown origin. */
static em_int hidden(struct em *em, em_int a)
{
    LLVMTypeRef type = LLVMFunctionType(em->index, &em->index, 1, 0);
    char constraints[] = "=r,0";
    LLVMValueRef nothing =
        LLVMGetInlineAsm(type, "", 0, constraints, strlen(constraints), 0, 0, LLVMInlineAsmDialectATT, 0);
    return (em_int){LLVMBuildCall2(em->builder, type, nothing, &a.v, 1, "")};
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
    LLVMBuildCondBr(em->builder, em_lt(em, begin, end).v, loop.body, loop.done);
    LLVMPositionBuilderAtEnd(em->builder, loop.body);
    loop.at.v = LLVMBuildPhi(em->builder, em->index, "i");
    LLVMAddIncoming(loop.at.v, &begin.v, &loop.from, 1);
    return loop;
}

void em_for_end(struct em_for *loop)
{
    struct em *em = loop->em;
    if (loop->state == 2) {
        em_int next = em_addc(em, loop->at, loop->step);
        if (!loop->innermost)
            next = hidden(em, next);
        LLVMBasicBlockRef last = LLVMGetInsertBlock(em->builder);
        LLVMAddIncoming(loop->at.v, &next.v, &last, 1);
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
