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
	operate_pin_deinit(o);
	mem_free(o);
}

/* A snapshot that no event led to has no beginning to count from: the first one, and one that was chosen by hand. */
static void note(struct operate *o, enum propagation_stage stage, uint64_t event_us)
{
	uint64_t now = clock_mono_us();

	if (event_us && now >= event_us)
		propagation_note(&o->propagation, stage, now - event_us);
}

/* `age` is 0 for the newest. */
static const struct covered *covered_at(const struct operate *o, size_t age)
{
	return &o->covered[(o->newest + COVERED_MAX - age) % COVERED_MAX];
}

const struct covered *operate_find(const struct operate *o, const struct content_id *id, size_t *age)
{
	for (size_t i = 0; i < o->n_covered; i++) {
		if (age)
			*age = i;
		if (content_id_eq(&covered_at(o, i)->id, id))
			return covered_at(o, i);
	}
	return NULL;
}

void operate_behind(const struct operate *o, const struct proxy *proxy, uint32_t *n, uint64_t *for_ms)
{
	size_t age = 0;
	bool is_known = proxy->has_applied && operate_find(o, &proxy->applied, &age);

	*n = is_known ? (uint32_t)age : 0;
	*for_ms = 0;
	if (!o->n_covered || (is_known && age == 0))
		return;
	*for_ms = clock_mono_ms() - covered_at(o, is_known ? age - 1 : o->n_covered - 1)->since_ms;
	if (!*for_ms)
		*for_ms = 1;
}

/* It holds what the one before held, and more; but what is pinned holds what it held. */
static void remember(struct operate *o)
{
	uint64_t seq = o->pin.content ? o->pin_seq : o->n_covered ? o->covered[o->newest].seq : 0;

	o->newest = o->n_covered ? (o->newest + 1) % COVERED_MAX : 0;
	if (o->n_covered < COVERED_MAX)
		o->n_covered++;
	o->covered[o->newest] = (struct covered){o->publish->current->id, seq, clock_mono_ms()};
}

void operate_built(struct operate *o)
{
	remember(o);
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
