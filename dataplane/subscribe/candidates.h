#ifndef CANDIDATES_H
#define CANDIDATES_H
/*
 * Which controllers there are, and which of them a proxy turns to. Every proxy has an order of its own, by a hash over its name
 * and theirs, so that many proxies spread over the controllers, and when one goes its proxies spread over the others. Pure.
 */
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum { CANDIDATES_MAX = 64, CANDIDATE_AGAIN_MS = 30 * 1000 };

struct candidate {
	char *url;
	size_t place;       /* of what was configured: a name may stand for several */
	uint64_t score;     /* the highest comes first */
	uint64_t failed_ms; /* when it was last found wanting; 0: not since it last was well */
};

struct candidates {
	struct candidate items[CANDIDATES_MAX]; /* best first */
	size_t n;
};

void candidates_deinit(struct candidates *c);
/* Those of `place` are these from now on, for the proxy of this name. Copies. What is known of one that stays is kept. */
void candidates_set(struct candidates *c, const char *name, size_t place, const char *const *urls, size_t n);
/* True when it still is one. */
bool candidates_has(const struct candidates *c, const char *url);
/* `a` comes before `b` in the order of this proxy. A url that is none comes last. */
bool candidates_is_better(const struct candidates *c, const char *a, const char *b);
void candidates_failed(struct candidates *c, const char *url, uint64_t now_ms);
void candidates_well(struct candidates *c, const char *url);
/*
 * Whom to turn to next, but for those of `held` (NULLs among them are passed over): the first that has not failed within
 * CANDIDATE_AGAIN_MS, else the one that failed longest ago. NULL: there is no other. Borrowed until candidates_set.
 */
const struct candidate *candidates_next(const struct candidates *c, const char *const *held, size_t n_held, uint64_t now_ms);

#endif
