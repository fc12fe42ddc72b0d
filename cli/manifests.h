#ifndef MANIFESTS_H
#define MANIFESTS_H
/* Manifests compiled offline by the rooms of the controller, and by those of the proxy to see that it would take them. */
#include "target.h"

/*
 * 0, or the exit status after a line on stderr. `packed` (may be NULL) gets a packed, redacted Snapshot with its origins;
 * `problems` (may be NULL) is owned by the caller.
 */
int manifests_compile(struct target *t, struct buf *packed, Weirlock__V1__ProblemsResponse **problems);

#endif
