#ifndef TOLD_H
#define TOLD_H
/* Problems in the log: each once when it appears and once when it is gone. */
#include "problem.h"

/* `before` and `now` are sorted; writes the difference. */
void told_log(const struct problems *before, const struct problems *now);

#endif
