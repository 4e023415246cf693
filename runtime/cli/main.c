/* The command: a table of subcommands. */
#include "commands.h"

#include <stdio.h>
#include <string.h>

static const struct command *const commands[] = {&run_command, &explain_command, &emit_command, &bench_command,
                                                 &info_command};

/* Promised, and not there yet: asking for one must not look like a typing error. */
static const char *const later[] = {"tune", "cache"};

static int help(void)
{
    printf("convjit: one machine-code kernel for each convolution\n\n");
    for (size_t i = 0; i < sizeof commands / sizeof *commands; i++)
        printf("  convjit %-8s %s\n", commands[i]->name, commands[i]->words);
    printf(
        "\nEach answers to --help. SHAPE is a convolution as text, such as\n"
        "conv2d:n1:c64:o64:i56x56:k3x3:s1:p1 or oneDNN's mb1_ic64ih56_oc64oh56_kh3ph1.\n\n"
        "Exit status: 0 done; 1 the arguments or the data are wrong; 2 not supported; 3 the machine failed;\n"
        "5 convjit bench --compare found a layer that lost speed.\n");
    return finish_output();
}

static int find_and_run(int argc, char **argv)
{
    for (size_t i = 0; i < sizeof commands / sizeof *commands; i++)
        if (strcmp(argv[0], commands[i]->name) == 0)
            return commands[i]->run(commands[i], argc, argv);
    for (size_t i = 0; i < sizeof later / sizeof *later; i++)
        if (strcmp(argv[0], later[i]) == 0)
            return complain(EXIT_CANNOT, "convjit %s is not in this version", later[i]);
    return complain(EXIT_WRONG, "%s is no command; they are run, explain, emit, bench and info", argv[0]);
}

int main(int argc, char **argv)
{
    if (argc < 2)
        return complain(EXIT_WRONG, "the command is missing; see convjit --help");
    if (strcmp(argv[1], "--help") == 0 || strcmp(argv[1], "-h") == 0)
        return help();
    if (strcmp(argv[1], "--version") == 0)
        return printf("convjit %s\n", cj_version()), finish_output();
    int status = find_and_run(argc - 1, argv + 1);
    return status == EXIT_HELP ? finish_output() : status;
}
