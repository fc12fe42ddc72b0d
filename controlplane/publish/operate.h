#ifndef OPERATE_H
#define OPERATE_H
/*
 * What operators do beyond looking: waits for an object to arrive at the proxies, and the clock that runs meanwhile. The rest
 * of this room calls in here where something happened, and knows no more of it.
 */
#include "pin.h"
#include "proxies.h"
#include "propagation.h"
#include "weirlock/v1/operate.pb-c.h"

enum { COVERED_MAX = 256, WAITS_MAX = 256 };

/* A snapshot, when it became the current one, and the newest change of an object that is in it. */
struct covered {
	struct content_id id;
	uint64_t seq, since_ms;
};

struct wait;

struct operate {
	Weirlock__V1__Operate_Service service;
	struct publish *publish;
	struct covered covered[COVERED_MAX]; /* a ring */
	size_t n_covered, newest;
	struct wait *waits;
	size_t n_waits;
	struct propagation propagation;
	struct snapshot *live;       /* the newest that was set; NULL: none yet */
	uint64_t live_seq;           /* the newest change that is in it */
	struct pin pin;              /* content is NULL: nothing is pinned */
	struct content_id pin_id;
	uint64_t pin_seq;            /* the newest change that is in what is pinned, as far as that is remembered */
	struct snapshot *pin_origins; /* with where the values of what is pinned came from; NULL: not remembered */
	struct buf pin_not_kept;
};

struct operate *operate_create(struct publish *p);
void operate_destroy(struct operate *o);
/* The current snapshot is new. */
void operate_built(struct operate *o);
/* It goes to the proxy. */
void operate_sent(struct operate *o, struct proxy *proxy);
/* The proxy serves what was sent to it last. */
void operate_acked(struct operate *o, const struct proxy *proxy);

/* Answers the waits that are over: after a proxy said something, and now and then. */
void wait_look(struct operate *o);
/* The current snapshot holds all changes up to `seq`. */
void wait_cover(struct operate *o, uint64_t seq);
/* The newest entry of the ring with this id, or NULL; `age` (may be NULL): how many are newer. */
const struct covered *operate_find(const struct operate *o, const struct content_id *id, size_t *age);
/* How many snapshots the proxy lacks, and for how long; 0 and a time when what it serves is not remembered. */
void operate_behind(const struct operate *o, const struct proxy *proxy, uint32_t *n, uint64_t *for_ms);
void wait_end_all(struct operate *o);
/* What is served for the newest snapshot: that, or what is pinned. Owned: one reference. */
struct snapshot *operate_choose(struct operate *o, struct snapshot *live);
/* Takes what `pin` holds; nothing is sent. */
void operate_take_pin(struct operate *o, struct pin *pin);
void operate_pin_deinit(struct operate *o);
/* Adds what is pinned; borrowed until the next change. */
void operate_pin_status(struct operate *o, Weirlock__V1__StatusResponse *out);
/* That something is pinned is a problem that stands. */
void operate_problems(const struct operate *o, struct problems *out);

void operate__pin(Weirlock__V1__Operate_Service *service, const Weirlock__V1__PinRequest *request,
	Weirlock__V1__PinResponse_Closure closure, void *closure_data);
void operate__unpin(Weirlock__V1__Operate_Service *service, const Weirlock__V1__PinRequest *request,
	Weirlock__V1__PinResponse_Closure closure, void *closure_data);
void operate__blame(Weirlock__V1__Operate_Service *service, const Weirlock__V1__BlameRequest *request,
	Weirlock__V1__BlameResponse_Closure closure, void *closure_data);
void operate__wait(Weirlock__V1__Operate_Service *service, const Weirlock__V1__WaitRequest *request,
	Weirlock__V1__WaitResponse_Closure closure, void *closure_data);

#endif
