#ifndef TOLD_H
#define TOLD_H
/* Problems in the log: each once when it appears and once when it is gone. */
#include "problem.h"

typedef void told_fn(void *owner, const struct problem *problem);
/* `before` and `now` are sorted; writes the difference, and calls `on_new` (may be NULL) for each that is new. */
void told_log(const struct problems *before, const struct problems *now, told_fn *on_new, void *owner);

#endif
