/* The subcommands. */
#ifndef CONVJIT_COMMANDS_H
#define CONVJIT_COMMANDS_H

#include "args.h"

extern const struct command run_command, explain_command, emit_command, info_command, bench_command;

#endif
