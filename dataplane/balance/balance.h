#ifndef BALANCE_H
#define BALANCE_H
/*
 * Which endpoint next, one file an algorithm. State is one worker's and nothing is shared: what a worker has learnt of an
 * endpoint stays for as long as the endpoint does, whatever else changes.
 *
 * An exchange asks balance_select, says balance_begin when it turns to the endpoint, and balance_end once it is done with it.
 */
#include "arena.h"
#include "config.h"

struct balance; /* a worker's view of all endpoints, by backend index */

/* `seed` makes each worker start elsewhere (I2). Owned. */
struct balance *balance_create(uint64_t seed);
void balance_destroy(struct balance *b);
/* A new generation: endpoints that stay keep what is known of them, new ones begin (slow start). `now_ms` is monotonic. */
void balance_apply(struct balance *b, const struct generation *g, const struct generation *before, uint64_t now_ms);

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
/* What an algorithm sees of one endpoint, for people. */
struct balance_standing {
	unsigned weight;  /* percent of a whole share: less in slow start */
	double score;     /* the lower the better; of algorithms that compare: 0 for the others */
	bool is_full, is_out; /* at max_connections; ejected, failing its checks or busy on trial */
	bool is_drawn;    /* one of two that were compared */
};
/* The same choice with a draw of the caller's, told: `standings` is one for each endpoint. */
int balance_explain(struct balance *b, const struct backend *backend, const struct balance_ask *ask, uint64_t draw,
	struct balance_standing *standings);
/* Whether an endpoint that a session names may take one more request: not while it is at max_connections, ejected or gone. */
bool balance_has_room(struct balance *b, const struct backend *backend, unsigned endpoint, uint64_t now_ms);
/* Random bits, no secret. */
uint64_t balance_random(struct balance *b);
/* Whether the retry budget has room for one more attempt of a request that has made one; counts it. */
bool balance_may_retry(struct balance *b, const struct backend *backend, uint64_t now_ms);

/* What an active check says of an endpoint; one that is not in the newest list is passed over. */
void balance_note_check(
	struct balance *b, const struct backend *backend, const struct addr *addr, bool is_failing, uint64_t now_ms);
/* The backend took a request as a canary. */
void balance_note_canary(struct balance *b, const struct backend *backend, uint64_t now_ms);

/* What a worker has learnt, for people: an endpoint a row; and one without an address for a backend that is a canary. */
struct balance_row {
	struct str backend; /* its name; in the arena */
	struct addr addr;   /* family 0: none */
	uint32_t in_flight, max_connections, n_failures;
	uint64_t ejected_ms, slow_start_ms; /* what is left of it */
	bool is_on_trial, is_failing_check, is_terminating;
	uint64_t ewma_us;
	uint64_t n_canary;
};
struct balance_rows {
	struct arena arena;
	struct balance_row *items;
	size_t n, cap;
};
/* Appends those of all backends that were ever asked. */
void balance_write_rows(const struct balance *b, const struct generation *g, uint64_t now_ms, struct balance_rows *out);
void balance_rows_deinit(struct balance_rows *rows);

/* Takes over what such a row says of an endpoint: for whoever chooses as a proxy would. */
void balance_know(struct balance *b, const struct backend *backend, const struct balance_row *row, uint64_t now_ms);

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
	bool is_open, is_trial;
	unsigned backend, endpoint;
	uint64_t version;
	struct addr addr;
};
void balance_begin(
	struct balance *b, const struct backend *backend, unsigned endpoint, uint64_t now_ms, struct balance_ticket *out);
/* The endpoint has answered, and the request goes on: who was on trial is well, however long a tunnel or a body lasts. */
void balance_answered(struct balance *b, const struct balance_ticket *ticket);
/* Does nothing for a ticket that is not open; closes it. True when this has ejected the endpoint. */
bool balance_end(struct balance *b, struct balance_ticket *ticket, uint64_t now_ms, const struct balance_outcome *outcome);

#endif
