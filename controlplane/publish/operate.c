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

/* `age` is 0 for the newest. */
static const struct covered *covered_at(const struct lane *l, size_t age)
{
	return &l->covered[(l->newest + COVERED_MAX - age) % COVERED_MAX];
}

const struct covered *operate_find(const struct lane *l, const struct content_id *id, size_t *age)
{
	for (size_t i = 0; i < l->n_covered; i++) {
		if (age)
			*age = i;
		if (content_id_eq(&covered_at(l, i)->id, id))
			return covered_at(l, i);
	}
	return NULL;
}

void operate_behind(const struct proxy *proxy, uint32_t *n, uint64_t *for_ms)
{
	const struct lane *l = proxy->lane;
	size_t age = 0;
	bool is_known = proxy->has_applied && operate_find(l, &proxy->applied, &age);

	*n = is_known && !roll_is_on_trial(proxy) ? (uint32_t)age : 0;
	*for_ms = 0;
	if (roll_is_on_trial(proxy))
		return;
	if (!l->n_covered || (is_known && age == 0))
		return;
	*for_ms = clock_mono_ms() - covered_at(l, is_known ? age - 1 : l->n_covered - 1)->since_ms;
	if (!*for_ms)
		*for_ms = 1;
}

/* It holds what the one before held, and more; but what is pinned holds what it held. */
static void remember(struct lane *l)
{
	uint64_t seq = l->pin.content ? l->pin_seq : l->n_covered ? l->covered[l->newest].seq : 0;

	l->newest = l->n_covered ? (l->newest + 1) % COVERED_MAX : 0;
	if (l->n_covered < COVERED_MAX)
		l->n_covered++;
	l->covered[l->newest] = (struct covered){l->current->id, seq, clock_mono_ms()};
}

void operate_built(struct lane *l)
{
	remember(l);
	note(l->publish->operate, PROPAGATION_BUILT, l->current->event_us);
}

void operate_sent(struct operate *o, struct proxy *proxy)
{
	proxy->pushed_event_us = roll_target(proxy)->event_us;
	note(o, PROPAGATION_SENT, proxy->pushed_event_us);
}

void operate_acked(struct operate *o, const struct proxy *proxy)
{
	note(o, PROPAGATION_ACKED, proxy->pushed_event_us);
}

void operate__release(Weirlock__V1__Operate_Service *service, const Weirlock__V1__ReleaseRequest *request,
	Weirlock__V1__ReleaseResponse_Closure closure, void *closure_data)
{
	struct publish *p = container_of(service, struct operate, service)->publish;
	Weirlock__V1__ReleaseResponse out = WEIRLOCK__V1__RELEASE_RESPONSE__INIT;

	out.n_released = (uint32_t)roll_release(p, str_from(request->pool), str_from(request->object));
	if (out.n_released)
		closure(&out, closure_data);
	else
		rpc_call_fail(rpc_call_of(closure_data), RPC_NOT_FOUND, "nothing of that is quarantined (weirctl problems lists what is)");
}
