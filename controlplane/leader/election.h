#ifndef LEADER_ELECTION_H
#define LEADER_ELECTION_H
/*
 * Who leads (N6): what to do next about the Lease, from how the last call about it ended. Pure: no I/O, no clock, chance is
 * an argument. Times are of a clock of our own that never goes back and goes on while the machine sleeps.
 *
 * Clocks of different machines are not compared. A Lease that somebody holds is taken only when it has not changed for its
 * whole duration while we looked; and whoever holds it counts from the beginning of the last write that is known to have
 * arrived, and stops a quarter of the duration before anybody may take it.
 */
#include <stdbool.h>
#include <stdint.h>

#include "buf.h"
#include "str.h"

/* A Lease as read. Texts are borrowed. */
struct lease {
	struct str holder;  /* "": nobody */
	struct str version; /* resourceVersion */
	uint64_t duration_ms; /* 0: not said */
};

enum election_step {
	ELECTION_READ,
	ELECTION_CREATE,
	ELECTION_TAKE,    /* from somebody else, or from nobody */
	ELECTION_RENEW,   /* it has our name */
	ELECTION_RELEASE, /* asked for by whoever stops; never an answer */
};

enum election_outcome {
	ELECTION_FINE,     /* `lease` is what is stored */
	ELECTION_MISSING,  /* 404 */
	ELECTION_CONFLICT, /* 409: it is no longer what we read */
	ELECTION_FAILED,   /* anything else: perhaps it arrived, perhaps not */
};

struct election {
	struct str identity;    /* kept; of this process alone */
	uint64_t duration_ms;   /* --election-ttl: 30 s */
	bool is_held;
	uint64_t held_ms;       /* when the last write that made or kept it ours began */
	struct buf holder, version; /* as last seen */
	uint64_t seen_ms;       /* when that form was first seen */
	uint64_t theirs_ms;     /* how long it is valid from then on */
	unsigned n_conflicts;   /* in a row */
};
/* Zeroes nothing but what it sets; `identity` is kept. */
void election_init(struct election *e, struct str identity, uint64_t duration_ms);
void election_deinit(struct election *e);

struct election_end {
	enum election_step was;
	enum election_outcome outcome;
	uint64_t began_ms;
	struct lease lease; /* with ELECTION_FINE */
};
struct election_next {
	enum election_step step;
	uint64_t wait_ms; /* before it */
};
struct election_next election_advance(struct election *e, const struct election_end *end, uint64_t now_ms, uint32_t chance);

/* Whether we lead at this moment: to be asked before everything that only the leader does. */
bool election_leads(const struct election *e, uint64_t now_ms);
/* When that ends, unless it is renewed. Only while we lead. */
uint64_t election_ends_ms(const struct election *e);
/* Time is over, or it was released: it may still have our name, but we do not lead. */
void election_step_down(struct election *e);
/* What a Lease is asked for at most: a call that takes longer has failed. */
uint64_t election_call_ms(const struct election *e);

#endif
