#ifndef DEADLINE_H
#define DEADLINE_H
/*
 * Every wait of a worker on one coarse clock: a wheel of slots, so that arming, moving and clearing a deadline costs a few
 * stores and no system call. Reads no clock: its owner says what time it is (one timer of the loop per worker).
 *
 * A deadline that moves later, the usual case on each byte that arrives, is one store: it stays in its slot and is looked
 * at again when that slot comes up. Deadlines fire up to DEADLINE_TICK_MS late, never early.
 */
#include <stdbool.h>
#include <stdint.h>

enum { DEADLINE_TICK_MS = 50, DEADLINE_SLOTS = 2048 }; /* one turn is 102 s; longer waits stay for several turns */

struct deadline;
typedef void deadline_fn(struct deadline *d);

/* Zeroed is unarmed. Lives in its owner; clear it with deadline_stop before that memory goes. */
struct deadline {
	struct deadline *prev, *next;
	uint64_t at_ms;       /* 0: not armed, though it may still sit in a slot */
	uint64_t slot_at_ms;  /* the time whose slot it sits in */
	deadline_fn *on_expired;
};

struct deadlines {
	uint64_t now_ms;      /* as last told; monotonic */
	uint64_t done_tick;   /* slots up to this tick have been looked at */
	unsigned n_linked;
	struct deadline slots[DEADLINE_SLOTS]; /* list heads */
};

void deadlines_init(struct deadlines *all, uint64_t now_ms);
/* Moves the clock and fires what is due; a callback may arm, move and stop any deadline. */
void deadlines_run(struct deadlines *all, uint64_t now_ms);
/* True if nothing can fire: the owner may stop its timer until the next deadline_set. */
bool deadlines_is_empty(const struct deadlines *all);

/* Fires once, `after_ms` from now (all->now_ms), unless moved or stopped before. `on_expired` must be set. */
void deadline_set(struct deadlines *all, struct deadline *d, uint64_t after_ms);
/* The same for an absolute time. */
void deadline_set_at(struct deadlines *all, struct deadline *d, uint64_t at_ms);
/* It will not fire, and arming it again is cheap. It may stay linked: its memory must not go. */
void deadline_clear(struct deadline *d);
/* It will not fire and is linked nowhere: its memory may go. */
void deadline_stop(struct deadlines *all, struct deadline *d);

#endif
