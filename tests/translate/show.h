#ifndef SHOW_H
#define SHOW_H
/* A snapshot as text for golden files: what differs from the defaults, hosts with routes in tried order, backends. */
#include "snapshot.h"
#include "problem.h"

void show_snapshot(const struct snapshot *s, struct buf *out);
void show_problems(const struct problems *problems, struct buf *out);

#endif
