#ifndef DESCRIBE_H
#define DESCRIBE_H
/*
 * A snapshot and problems as people get them, packed: the same bytes whether a controller is asked or manifests are compiled
 * offline. Nothing here holds a key.
 */
#include <stdbool.h>

#include "arena.h"
#include "buf.h"

struct snapshot; /* snapshot.h */
struct problem;  /* problem.h */
struct problems;

/*
 * Appends a packed Snapshot (snapshot.proto): redacted, with one Origin for each resource whose values are explained. False
 * (and packed->is_over) when it does not fit below the cap of `packed`; what was there before stays.
 */
bool describe_snapshot(const struct snapshot *s, struct buf *packed);
/* Appends a packed ProblemsResponse (control.proto), in the order of `list`. False as above. */
bool describe_problems(const struct problems *list, struct buf *packed);
/* One of them; lives in `arena`. */
struct Weirlock__V1__Problem *describe_problem(const struct problem *in, struct arena *arena);

#endif
