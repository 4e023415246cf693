/* convjit info: the machine and the build, as convjit sees them. */
#include "commands.h"

#include "../../bench/peak.h"
#include "overrides.h"

#include <stdio.h>

static void print_machine(const cj_machine *machine)
{
    printf("cpu              %s\n", machine->cpu);
    printf("cores            %d\n", machine->cores);
    printf("isa              %s\n", choice_word(isa_choices, (int)machine->isa));
    printf("features         %s\n", machine->features);
    printf("caches           L1 %lld KB, L2 %lld KB, L3 %lld KB\n", (long long)machine->l1 / 1024,
           (long long)machine->l2 / 1024, (long long)machine->l3 / 1024);
}

static void print_peak(const cj_machine *machine)
{
    struct peak peak = {{0}};
    for (int i = 0; i < 10; i++)
        peak_measure(&peak);
    printf("peak             %.1f GFLOP/s f32, %.1f GFLOP/s f64 on one core\n", peak.gflops[CJ_F32],
           peak.gflops[CJ_F64]);
    printf("read bandwidth   L1 %.0f, L2 %.0f, L3 %.0f, memory %.0f GB/s on one core\n",
           peak_read_bandwidth(machine->l1 / 2), peak_read_bandwidth(machine->l2 / 2),
           peak_read_bandwidth(machine->l3 / 2), peak_read_bandwidth(4 * machine->l3 + (64 << 20)));
}

static int print_info(cj_context *context)
{
    cj_machine machine;
    const char *version;
    cj_machine_info(context, &machine);
    printf("convjit          %s\n", cj_version());
    /* A build without the plug-in still runs kernels that are cached. */
    if (cj_llvm_version(context, &version) == CJ_OK)
        printf("llvm             %s\n", version);
    else
        printf("llvm             none: %s\n", cj_last_error());
    printf("cache directory  none: kernels are kept in memory\n");
    print_machine(&machine);
    print_peak(&machine);
    return finish_output();
}

static int run(const struct command *command, int argc, char **argv)
{
    struct arguments rest;
    cj_context *context;
    TRY(args_read(command, argc, argv, NULL, &rest));
    if (rest.count != 0)
        return complain(EXIT_WRONG, "%s is one word too many; convjit info takes none", rest.words[0]);
    TRY(complain_status(cj_context_create(NULL, &context)));
    int status = print_info(context);
    cj_context_destroy(context);
    return status;
}

const struct command info_command = {
    "info", "", "Show the machine, the features used, LLVM's version, the cache directory and the peak speed.",
    NULL,   0,  run};
