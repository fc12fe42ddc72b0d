#ifndef ACCEPT_H
#define ACCEPT_H
/* Whether a proxy would take a snapshot: the proxy's own compiler says so. */
#include <stdbool.h>

#include "buf.h"
#include "snapshot.h"

/* False when it is refused; the reasons are appended to `out`, a line each. */
bool accept_snapshot(const struct snapshot *s, struct buf *out);

#endif
