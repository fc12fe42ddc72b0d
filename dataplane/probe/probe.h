#ifndef PROBE_H
#define PROBE_H
/*
 * Active health checks: asks the endpoints of backends that want it for a path, again and again, and says which of them fail.
 * One for all workers, on the main loop. An endpoint is well until so many checks in a row have failed, and then ill until so
 * many were good; 2xx and 3xx are good.
 */
#include <uv.h>

#include "config.h"

struct probes;

struct probes_options {
	void *data;
	/* An endpoint changed. */
	void (*on_change)(void *data, unsigned backend_index, const struct addr *addr, bool is_failing);
};

/* Keeps `loop`. Owned; ends with probes_close. */
struct probes *probes_create(uv_loop_t *loop, const struct probes_options *options);
/* What this generation has is checked from now on, and nothing else. */
void probes_apply(struct probes *all, const struct generation *g);
/* Why the last check of an endpoint failed; "" when it was good, or there was none. Borrowed until the loop turns. */
const char *probes_reason(const struct probes *all, struct str backend, const struct addr *addr);
/* Stops; frees itself from the loop. */
void probes_close(struct probes *all);

#endif
