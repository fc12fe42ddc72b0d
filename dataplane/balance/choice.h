#ifndef CHOICE_H
#define CHOICE_H
/*
 * One choice among the endpoints of a backend, as the algorithms see it. They are pure: endpoints, what was tried, now, and
 * random bits in; an index out. Private to balance.
 */
#include "balance.h"

/* What a worker knows of one endpoint. A zeroed one is new to it. */
struct balance_endpoint {
	struct addr addr;
	uint32_t in_flight;      /* requests begun and not ended */
	int32_t credit;          /* of the weighted rotation */
	uint64_t born_ms;        /* when it came, beside others; 0: it has always been there */
	double ewma_us;          /* I3; 0: nothing is known */
	uint64_t touched_ms;     /* when ewma_us was last changed */
	uint32_t n_failures;     /* one after another */
	uint32_t n_unreachable;  /* one after another: no response, or one of a gateway */
	uint32_t n_ejections;    /* one after another */
	uint64_t ejected_until_ms;
	bool is_on_trial;        /* it was ejected: one new request at a time until one is answered */
	uint32_t n_trials;       /* of those in progress, begun while it was */
	bool is_failing_check;
};

/* One backend in one worker; endpoints in the order of backend->endpoints. */
struct balance_state {
	uint64_t version;        /* backend->version that `items` stands for; 0: none */
	struct balance_endpoint *items;
	size_t n;
	size_t last;             /* the rotation's latest; n before the first */
	bool wants_ewma;
	uint64_t n_canary;       /* requests that the backend took as a canary */
	uint32_t eject_after, eject_ms; /* of the backend */
	uint32_t retry_percent;
	uint32_t retry_credit;   /* thousandths of a retry */
	uint64_t retry_ms;       /* when the last was asked for */
	uint64_t warm_until_ms;  /* before it, some endpoint may be in slow start */
};

/* What may be chosen; each level allows more. */
enum choice_level {
	CHOICE_FRESH,   /* endpoints not tried so far, and well */
	CHOICE_UNTRIED, /* those that are not as well */
	CHOICE_ANY,     /* all but those at max_connections, which no level allows */
};
enum { CHOICE_LEVELS = CHOICE_ANY + 1 };

struct choice {
	struct balance_state *state;
	const struct backend *backend;
	struct balance_tried tried;
	enum choice_level level;
	uint64_t now_ms;
	uint64_t draw;           /* random bits */
	struct str key;
};

bool choice_was_tried(const struct balance_tried *tried, size_t index);
/* May endpoint `i` be chosen at this level? */
bool choice_allows(const struct choice *c, size_t i);
/* Its share: WEIGHT_FULL, less while it is in slow start, never 0. */
enum { WEIGHT_FULL = 100, WEIGHT_LEAST = 10 };
unsigned choice_weight(const struct choice *c, size_t i);
/*
 * Two different endpoints at random, both allowed: their number (0, 1 or 2).
 */
unsigned choice_draw_two(const struct choice *c, size_t out[2]);

/* Each returns an index, or -1 when the level allows none. */
int round_robin_select(const struct choice *c);
int least_conn_select(const struct choice *c);
int random_two_select(const struct choice *c);
int ewma_select(const struct choice *c);
int chash_select(const struct choice *c);
/* What ewma compares; and what least_conn and random_two do. */
double ewma_score(const struct choice *c, size_t i);
double choice_load(const struct choice *c, size_t i);

/* splitmix64: the next of a row of random bits. */
uint64_t choice_more_random(uint64_t *x);

/* health.c */
bool health_is_ejected(const struct balance_endpoint *e, uint64_t now_ms);
/* Left alone while another is there: ejected, failing its checks, or on trial and busy. */
bool health_is_out(const struct balance_endpoint *e, uint64_t now_ms);
/* True when this ejects it. */
bool health_add(struct balance_state *state, size_t i, bool is_unreachable, uint64_t now_ms);
/* A request was begun: it pays for a share of a retry. */
void health_earn_retry(struct balance_state *state);
/* May one more retry be made? Counts it. */
bool health_spend_retry(struct balance_state *state, uint64_t now_ms);

/* One sample for the endpoint: `us` is how long the response head took, or how long it took to fail. */
void ewma_add(struct balance_state *state, size_t i, uint64_t us, bool is_failure, uint64_t now_ms);
/* A new endpoint begins at the mean of those that are known (I3). */
void ewma_begin(struct balance_state *state, size_t i, uint64_t now_ms);

#endif
