/* How convjit stands beside the peers: for people, as Markdown and for programs. */
#ifndef CONVJIT_STANDING_H
#define CONVJIT_STANDING_H

#include "../report.h"
#include "rows.h"

struct standing {
    const struct bench_machine *machine;
    const char (*peers)[SAID_SIZE]; /* name and version of each */
    const struct row *rows;
    int peer_count, row_count, threads;
    bool markdown;
};

void standing_head(const struct standing *standing);
void standing_row(const struct standing *standing, const struct row *row);
void standing_means(const struct standing *standing);
void standing_json(FILE *out, const struct standing *standing);

#endif
