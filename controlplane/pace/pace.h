#ifndef PACE_H
#define PACE_H
/*
 * When to build after events. Endpoints go out on the first event and are then gathered for 10 ms, under pressure for up to
 * 100 ms; everything else waits until 50 ms have been quiet, and never longer than 500 ms. Endpoints do not wait for the rest.
 *
 * Decides only: time is an argument, the caller has the timer. A zeroed pace is ready for use.
 */
#include <stdbool.h>
#include <stdint.h>

enum {
	PACE_GAP_MS = 10,        /* between two builds of endpoints */
	PACE_GAP_MAX_MS = 100,   /* the same, under pressure */
	PACE_CALM_PER_S = 20,    /* more builds of endpoints than that in a second are pressure */
	PACE_QUIET_MS = 50,      /* after the last structural event */
	PACE_STRUCTURAL_MAX_MS = 500 /* after the first one */
};

struct pace {
	bool has_endpoints, has_structural; /* events that wait to be built */
	uint64_t first_ms, last_ms;         /* of the structural ones */
	uint64_t built_ms[PACE_CALM_PER_S]; /* the last builds of endpoints, a ring */
	unsigned n_built;                   /* of all time */
	uint32_t gap_ms;                    /* after the last one; 0: none was made */
};

enum pace_due {
	PACE_NOTHING,   /* no event waits */
	PACE_WAIT,      /* ask again after wait_ms */
	PACE_ENDPOINTS, /* build what only endpoints touch */
	PACE_ALL
};

/* An event was taken. */
void pace_event(struct pace *p, bool is_structural, uint64_t now_ms);
/* What is to be built now. `wait_ms` is filled with PACE_WAIT, and is at least 1. */
enum pace_due pace_due(const struct pace *p, uint64_t now_ms, uint64_t *wait_ms);
/* What was due has been built. */
void pace_built(struct pace *p, enum pace_due what, uint64_t now_ms);

#endif
