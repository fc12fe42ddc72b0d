#ifndef TRIAL_H
#define TRIAL_H
/*
 * A change that goes to one proxy of a pool first, the canary: which proxy that is, and what is to become of the change. Pure: how
 * the proxies are is told at each look, and so is the time.
 */
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "buf.h"
#include "str.h"

enum {
	TRIAL_TAKE_MS = 10 * 1000,   /* a canary that has not taken it by then will not */
	TRIAL_BACK_MS = 5 * 1000,    /* one whose session broke is waited for at least so long */
	TRIAL_REPORT_MS = 5 * 1000,  /* after the hold its counters are waited for so long */
	TRIAL_ERRORS_MIN = 5         /* fewer answers of 5xx are no rise */
};

/* How a proxy of the pool is now. A name stands once: the one that was heard last. */
struct trial_proxy {
	struct str name;
	uint64_t process;     /* another one: it was restarted */
	bool is_here;         /* its session stands */
	bool is_draining;
	bool is_standby;      /* it watches another controller, which sends it what we would */
	bool has_it;          /* it serves it */
	bool has_refused;     /* it */
	struct str refusal;   /* why */
	uint64_t requests, errors; /* ever; errors are answers of 5xx */
	uint64_t reported_ms; /* when it said so */
};

struct trial_count {
	uint64_t requests, errors;
};

struct trial {
	char *canary;         /* NULL: no trial is on */
	uint64_t process, seed, begun_ms, taken_ms, gone_ms; /* 0: not yet, not */
	unsigned n_canaries;  /* how many there were */
	bool is_exposed;      /* the change was sent to the canary, or may have been by another controller */
	struct trial_count canary_before, others_before; /* when it was chosen */
};

enum trial_verdict { TRIAL_WAIT, TRIAL_PROMOTE, TRIAL_TAKE_BACK };

/* Begins one for the change `seed` (of its id). False: there is no proxy to try it on. */
bool trial_begin(struct trial *t, uint64_t seed, const struct trial_proxy *all, size_t n, uint64_t now_ms);
/* `why` is filled for TRIAL_TAKE_BACK. A canary that leaves in order is followed by another one. */
enum trial_verdict trial_look(struct trial *t, const struct trial_proxy *all, size_t n, uint32_t hold_ms, uint64_t now_ms,
	struct buf *why);
/* It goes to the canary now. */
void trial_sent(struct trial *t);
bool trial_is_canary(const struct trial *t, struct str name);
void trial_end(struct trial *t);

#endif
