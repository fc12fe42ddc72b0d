#ifndef LIVE_H
#define LIVE_H
/* What workers and probes know of endpoints, as one answer for weirctl and as metrics. Main thread. */
#include "balance.h"
#include "probe.h"
#include "weirlock/v1/control.pb-c.h"
#include "worker.h"

/* Sorted by name, then address. Everything is in `arena`. */
void live_collect(const struct workers *ws, const struct probes *probes, struct arena *arena, Weirlock__V1__LiveResponse *out);
/* Prometheus text. Endpoints have series of their own only while something is the matter with them. */
void live_metrics(const struct workers *ws, const struct probes *probes, struct buf *out);

#endif
