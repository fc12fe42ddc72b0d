#ifndef EVENTS_TALLY_H
#define EVENTS_TALLY_H
/*
 * What was told already, and how fast telling may go, so that nothing floods the cluster: the same thing once, then no more
 * than a count of it now and then; and all things together at a bounded rate. Pure: time is an argument, in milliseconds.
 */
#include <stdbool.h>
#include <stdint.h>

#include "map.h"
#include "str.h"

/* Zeroed, nothing was told. */
struct tally {
	struct map told;   /* key → struct tally_entry */
	uint64_t tokens;   /* thousandths of a write that may begin */
	uint64_t tokens_ms; /* when that was so; 0: never looked at */
};
void tally_deinit(struct tally *t);

/* How often it was told in all, if that is to be written now; 0: not now. A key is object, reason and text. */
unsigned tally_tell(struct tally *t, struct str key, uint64_t now_ms);
/* Whether a write may begin; counts it. */
bool tally_may_write(struct tally *t, uint64_t now_ms);
/* How long until it may. */
uint64_t tally_wait_ms(struct tally *t, uint64_t now_ms);

enum { TALLY_AGAIN_MS = 30 * 1000, TALLY_BURST = 50, TALLY_PER_S = 5, TALLY_KEYS = 8192 };

#endif
