#ifndef ROLL_H
#define ROLL_H
/*
 * `--rollout canary`: what is structurally new goes to one proxy of the pool, and to the others when that one has had it for a
 * while and is well (rollout/trial.h); else it is taken back, and what changed is quarantined (rollout/quarantine.h). Endpoints go
 * to all at once.
 */
#include "quarantine.h"
#include "snapshot.h"
#include "trial.h"
#include "way.h"

struct lane;
struct proxy;
struct publish;
struct operate;
struct problems;

struct roll {
	struct trial trial;
	struct quarantine quarantine;
	struct snapshot *next;      /* what the canary gets; NULL: no trial is on */
	struct ways ways;           /* to there */
	uint64_t next_seq;          /* the newest change that is in it */
	uint64_t quarantined_seq;   /* the newest change when something was quarantined last */
	uint64_t since_ms;
	bool is_newest;             /* it is made of the newest snapshot: no other change waits behind it */
	bool goes_to_all;           /* what is set now, at once: an operator chose it */
	uint64_t n_promoted, n_taken_back;
};

/* What was quarantined when this controller last ran. False: it is malformed. */
bool roll_take_quarantine(struct lane *l, struct str packed);
void roll_deinit(struct roll *r);
/* What all proxies of the pool are to serve for `wanted`, which is taken. Owned. */
struct snapshot *roll_choose(struct lane *l, struct snapshot *wanted);
/* What the proxy is to serve: that of all, or what is tried on it. Borrowed, or NULL. */
struct snapshot *roll_target(const struct proxy *proxy);
struct ways *roll_ways(const struct proxy *proxy);
/* That goes to the proxy now. */
void roll_sent(const struct proxy *proxy);
/* The proxy says that it serves what is tried. */
bool roll_is_on_trial(const struct proxy *proxy);
/* Now and then: a trial may be over. */
void roll_look(struct publish *p);
/* "canary of 4f1c20b7 for 3s", or "". */
void roll_text(const struct proxy *proxy, struct buf *out);
/* What is quarantined is a problem that stands, each object once. */
void roll_problems(const struct publish *p, struct problems *out);
/* A change of the object is, and it is not newer than that one. */
bool roll_is_quarantined(const struct publish *p, struct str object, uint64_t seq);
/* Lets what is quarantined of the object go (all with ""), in the pool (all with ""): it is tried again. How many. */
size_t roll_release(struct publish *p, struct str pool, struct str object);
void roll_metrics(const struct publish *p, struct buf *out);

#endif
