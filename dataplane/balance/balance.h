#ifndef BALANCE_H
#define BALANCE_H
/*
 * Which endpoint next. One file an algorithm; load_balance ewma is served by round_robin until it has its own. State is one
 * worker's; nothing is shared.
 */
#include "config.h"

struct balance; /* a worker's counters, by backend index */

/* `seed` makes each worker start elsewhere (I2). Owned. */
struct balance *balance_create(uint64_t seed);
void balance_destroy(struct balance *b);

/* The endpoints one request has tried so far, as indexes into backend->endpoints of the generation it holds. */
struct balance_tried {
	uint16_t items[16];
	unsigned n;
};

/*
 * The index of the endpoint to use next, or -1 when the backend has none. Endpoints in `tried` come again only when all have
 * been tried. `tried` may be NULL. `now_ms` is monotonic. The choice is an index into backend->endpoints of this very
 * generation.
 */
int balance_select(struct balance *b, const struct backend *backend, const struct balance_tried *tried, uint64_t now_ms);

#endif
