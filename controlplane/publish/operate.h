#ifndef OPERATE_H
#define OPERATE_H
/*
 * What operators do beyond looking: waits for an object to arrive at the proxies, and the clock that runs meanwhile. The rest
 * of this room calls in here where something happened, and knows no more of it.
 */
#include "proxies.h"
#include "propagation.h"
#include "weirlock/v1/operate.pb-c.h"

enum { WAITS_MAX = 256 };

struct wait;

struct operate {
	Weirlock__V1__Operate_Service service;
	struct publish *publish;
	struct wait *waits;
	size_t n_waits;
	struct propagation propagation;
};

struct operate *operate_create(struct publish *p);
void operate_destroy(struct operate *o);
/* The pool's current snapshot is new. */
void operate_built(struct lane *l);
/* It goes to the proxy. */
void operate_sent(struct operate *o, struct proxy *proxy);
/* The proxy serves what was sent to it last. */
void operate_acked(struct operate *o, const struct proxy *proxy);

/* Answers the waits that are over: after a proxy said something, and now and then. */
void wait_look(struct operate *o);
/* The newest snapshot of the pool holds all changes up to `seq`. */
void wait_cover(struct lane *l, uint64_t seq);
/* The newest entry of the ring with this id, or NULL; `age` (may be NULL): how many are newer. */
const struct covered *operate_find(const struct lane *l, const struct content_id *id, size_t *age);
/* How many snapshots the proxy lacks, and for how long; 0 and a time when what it serves is not remembered. */
void operate_behind(const struct proxy *proxy, uint32_t *n, uint64_t *for_ms);
void wait_end_all(struct operate *o);
/* What the pool is served for its newest snapshot: that, or what is pinned. Owned: one reference. */
struct snapshot *operate_choose(struct lane *l, struct snapshot *live);
/* Takes what `pin` holds; nothing is sent. */
void operate_take_pin(struct lane *l, struct pin *pin);
void operate_pin_deinit(struct lane *l);
/* What is pinned, from the pools of the message. */
void operate_pin_status(Weirlock__V1__StatusResponse *out);
/* The same of one pool; lives in `arena`, borrows from the lane. */
void pinning_fill(const struct lane *l, struct arena *arena, Weirlock__V1__PoolStatus *out);
/* That something is pinned is a problem that stands. */
void operate_problems(const struct operate *o, struct problems *out);

void operate__pin(Weirlock__V1__Operate_Service *service, const Weirlock__V1__PinRequest *request,
	Weirlock__V1__PinResponse_Closure closure, void *closure_data);
void operate__unpin(Weirlock__V1__Operate_Service *service, const Weirlock__V1__PinRequest *request,
	Weirlock__V1__PinResponse_Closure closure, void *closure_data);
void operate__blame(Weirlock__V1__Operate_Service *service, const Weirlock__V1__BlameRequest *request,
	Weirlock__V1__BlameResponse_Closure closure, void *closure_data);
void operate__release(Weirlock__V1__Operate_Service *service, const Weirlock__V1__ReleaseRequest *request,
	Weirlock__V1__ReleaseResponse_Closure closure, void *closure_data);
void operate__wait(Weirlock__V1__Operate_Service *service, const Weirlock__V1__WaitRequest *request,
	Weirlock__V1__WaitResponse_Closure closure, void *closure_data);

#endif
