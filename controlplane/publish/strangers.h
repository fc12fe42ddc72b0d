#ifndef STRANGERS_H
#define STRANGERS_H
/*
 * Proxies with a good certificate of a pool that is not served here. They get nothing, and whoever gave them that certificate
 * is to hear of it: each of the last few is a problem until it has been quiet for a while. Time is an argument.
 */
#include <stdbool.h>
#include <stdint.h>

#include "problem.h"
#include "str.h"

enum { STRANGERS_MAX = 16, STRANGER_TEXT_MAX = 64, STRANGER_STANDS_MS = 5 * 60 * 1000, STRANGER_SAY_EVERY_MS = 60 * 1000 };

struct stranger {
	char name[STRANGER_TEXT_MAX], pool[STRANGER_TEXT_MAX]; /* cut, and escaped when they are shown */
	uint64_t seen_ms, said_ms;
};

struct strangers {
	struct stranger items[STRANGERS_MAX]; /* the longest unseen goes first */
	size_t n;
	uint64_t total;
};

/* One was sent away. True when it is to be said in the log: the first time, and once a minute. */
bool strangers_note(struct strangers *s, struct str name, struct str pool, uint64_t now_ms);
/* Adds a problem for each that stands. `pools` is the list of what is served, for people. */
void strangers_problems(const struct strangers *s, struct str pools, uint64_t now_ms, struct problems *out);

#endif
