#ifndef BALANCE_H
#define BALANCE_H
/*
 * Which endpoint next, one file an algorithm. State is one worker's and nothing is shared: what a worker has learnt of an
 * endpoint stays for as long as the endpoint does, whatever else changes.
 *
 * An exchange asks balance_select, says balance_begin when it turns to the endpoint, and balance_end once it is done with it.
 */
#include "config.h"

struct balance; /* a worker's view of all endpoints, by backend index */

/* `seed` makes each worker start elsewhere (I2). Owned. */
struct balance *balance_create(uint64_t seed);
void balance_destroy(struct balance *b);
/* A new generation: endpoints that stay keep what is known of them, new ones begin (slow start). `now_ms` is monotonic. */
void balance_apply(struct balance *b, const struct generation *g, uint64_t now_ms);

/* The endpoints one request has tried so far, as indexes into backend->endpoints of the generation it holds. */
struct balance_tried {
	const uint16_t *items;
	unsigned n;
};

/* What a request asks for. */
struct balance_ask {
	struct balance_tried tried;
	uint64_t now_ms;    /* monotonic */
	struct str key;     /* of backend->hash_by; else "" */
};

/*
 * The endpoint to use next: an index into backend->endpoints of this very generation, or BALANCE_NONE when the backend has
 * none, BALANCE_FULL when each is at max_connections. Endpoints in `tried` come again only when all have been tried; ejected
 * ones come when no other is left to try.
 */
enum { BALANCE_NONE = -1, BALANCE_FULL = -2 };
int balance_select(struct balance *b, const struct backend *backend, const struct balance_ask *ask);
/* Whether an endpoint that a session names may take one more request: not while it is at max_connections, ejected or gone. */
bool balance_has_room(struct balance *b, const struct backend *backend, unsigned endpoint, uint64_t now_ms);
/* Random bits, no secret. */
uint64_t balance_random(struct balance *b);
/* Whether the retry budget has room for one more attempt of a request that has made one; counts it. */
bool balance_may_retry(struct balance *b, const struct backend *backend, uint64_t now_ms);

/* What became of a request at an endpoint. */
struct balance_outcome {
	enum {
		BALANCE_ANSWERED, /* with a response head, after `us` */
		BALANCE_FAILED,   /* no response, or one that says the endpoint is unwell; after `us` */
		BALANCE_UNKNOWN,  /* the client left, or we did */
	} kind;
	bool is_unreachable; /* of BALANCE_FAILED: no response, or one of a gateway (502, 503, 504) */
	uint64_t us;
};
/* A request in progress at an endpoint; a zeroed one is none. It outlives the generation it began with. */
struct balance_ticket {
	bool is_open;
	unsigned backend, endpoint;
	uint64_t version;
	struct addr addr;
};
void balance_begin(
	struct balance *b, const struct backend *backend, unsigned endpoint, uint64_t now_ms, struct balance_ticket *out);
/* Does nothing for a ticket that is not open; closes it. True when this has ejected the endpoint. */
bool balance_end(struct balance *b, struct balance_ticket *ticket, uint64_t now_ms, const struct balance_outcome *outcome);

#endif
