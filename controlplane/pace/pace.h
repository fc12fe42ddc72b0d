#ifndef PACE_H
#define PACE_H
/*
 * When to build after events. Endpoints go out on the first event and are then gathered for 10 ms, under pressure for up to
 * 100 ms. Everything else goes out on the first event, too, when no such build was in the last 100 ms; events that follow wait until
 * 10 ms have been quiet, or 100 ms have passed. It also waits for the same gap after the build before, and for twice as long as
 * the last such build took, so that building never takes more than a third of the time; but never longer than 500 ms. Endpoints
 * do not wait for the rest.
 *
 * Decides only: time is an argument, the caller has the timer. A zeroed pace is ready for use.
 */
#include <stdbool.h>
#include <stdint.h>

enum {
	PACE_GAP_MS = 10,        /* between two builds */
	PACE_GAP_MAX_MS = 100,   /* the same, under pressure */
	PACE_CALM_PER_S = 20,    /* more builds than that in a second are pressure */
	PACE_QUIET_MS = 10,      /* after the last structural event */
	PACE_GATHER_MAX_MS = 100, /* after the first one; and so long without a build is calm */
	PACE_COSTS = 2,          /* times what the last structural build took, until the next */
	PACE_STRUCTURAL_MAX_MS = 500 /* after the first event, whatever it costs */
};

struct pace {
	bool has_endpoints, has_structural; /* events that wait to be built */
	uint64_t first_ms, last_ms;         /* of the structural ones */
	uint64_t structural_ms;             /* when the last of these was built, and what it took */
	uint64_t cost_ms;
	uint64_t held_ms;                   /* when the caller last said that it was not yet time */
	uint64_t built_ms[PACE_CALM_PER_S]; /* the last builds, a ring */
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
/*
 * What was due has been built: what that took is the time since it was due. With PACE_WAIT: not yet, for a reason of the
 * caller's.
 */
void pace_built(struct pace *p, enum pace_due what, uint64_t now_ms);

#endif
