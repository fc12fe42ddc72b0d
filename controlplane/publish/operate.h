#ifndef OPERATE_H
#define OPERATE_H
/*
 * What operators do beyond looking: waits for an object to arrive at the proxies, and the clock that runs meanwhile. The rest
 * of this room calls in here where something happened, and knows no more of it.
 */
#include "proxies.h"
#include "propagation.h"
#include "weirlock/v1/operate.pb-c.h"

enum { COVERED_MAX = 256, WAITS_MAX = 256 };

/* A snapshot and the newest change of an object that is in it. */
struct covered {
	struct content_id id;
	uint64_t seq;
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
void wait_end_all(struct operate *o);
void operate__wait(Weirlock__V1__Operate_Service *service, const Weirlock__V1__WaitRequest *request,
	Weirlock__V1__WaitResponse_Closure closure, void *closure_data);

#endif
