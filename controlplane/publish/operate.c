/* The service for operators, and what it hears of the others. */
#include "operate.h"

#include "clock.h"
#include "mem.h"

struct operate *operate_create(struct publish *p)
{
	struct operate *o = mem_zalloc(sizeof(*o));

	o->publish = p;
	o->service = (Weirlock__V1__Operate_Service)WEIRLOCK__V1__OPERATE__INIT(operate__);
	return o;
}

void operate_destroy(struct operate *o)
{
	wait_end_all(o);
	mem_free(o);
}

/* A snapshot that no event led to has no beginning to count from: the first one, and one that was chosen by hand. */
static void note(struct operate *o, enum propagation_stage stage, uint64_t event_us)
{
	uint64_t now = clock_mono_us();

	if (event_us && now >= event_us)
		propagation_note(&o->propagation, stage, now - event_us);
}

void operate_built(struct operate *o)
{
	note(o, PROPAGATION_BUILT, o->publish->current->event_us);
}

void operate_sent(struct operate *o, struct proxy *proxy)
{
	proxy->pushed_event_us = o->publish->current->event_us;
	note(o, PROPAGATION_SENT, proxy->pushed_event_us);
}

void operate_acked(struct operate *o, const struct proxy *proxy)
{
	note(o, PROPAGATION_ACKED, proxy->pushed_event_us);
}
