/*
 * Waits for objects. The store counts changes; a snapshot covers those up to a count, and a proxy that serves it has them. So
 * an object is at a proxy when the snapshot that the proxy acknowledged covers the object's last change, whatever else has
 * changed since. A snapshot that comes back with the id of an earlier one covers as much as the newer of the two.
 */
#include <stdlib.h>
#include <string.h>

#include "clock.h"
#include "describe.h"
#include "mem.h"
#include "operate.h"
#include "problem.h"

enum { HOLD_MAX_MS = 10 * 1000, BEHIND_SHOWN = 32, FAULTS_SHOWN = 64, OBJECT_MAX = 600 };

struct wait {
	struct wait *next;
	struct operate *operate;
	struct rpc_call *call;
	char *object;
	bool is_deleted;
	uint32_t n_proxies;
	uint64_t due_ms;
	uint64_t gone_seq; /* of the first look at which the object was not there; 0: there was none */
};

void wait_cover(struct lane *l, uint64_t seq)
{
	l->live_seq = seq;
	if (l->roll.next) { /* what all others have does not hold it */
		if (l->roll.is_newest)
			l->roll.next_seq = seq;
		return;
	}
	if (!l->n_covered || l->pin.content)
		return;
	l->covered[l->newest].seq = seq;
	wait_look(l->publish->operate);
}

/* The newest change that the proxy has. */
static uint64_t seq_of(const struct proxy *proxy)
{
	const struct covered *c = proxy->has_applied ? operate_find(proxy->lane, &proxy->applied, NULL) : NULL;

	return roll_is_on_trial(proxy) ? proxy->lane->roll.next_seq : c ? c->seq : 0;
}

/* One that leaves is not waited for, and one whose session is over serves nobody that we know of. */
static bool is_counted(const struct proxy *proxy)
{
	return proxy->peer && !(proxy->report && proxy->report->is_draining);
}

/* A proxy of a pool that has not the object can serve it never, so it is not waited for. */
static bool is_of(const struct proxy *proxy, uint64_t pools)
{
	return !pools || pools >> proxy->lane->index & 1;
}

static void count_proxies(const struct operate *o, const struct publish_standing *standing, uint64_t seq,
	Weirlock__V1__WaitResponse *out, struct arena *arena)
{
	struct publish *p = o->publish;

	out->behind = arena_alloc(arena, BEHIND_SHOWN * sizeof(*out->behind));
	for (struct proxy *proxy = p->proxies; proxy; proxy = proxy->next) {
		if (!is_counted(proxy) || !is_of(proxy, standing->pools))
			continue;
		out->n_connected++;
		if (seq_of(proxy) >= seq)
			out->n_serving++;
		else if (out->n_behind < BEHIND_SHOWN)
			out->behind[out->n_behind++] = inspect_proxy(p, proxy, arena);
	}
}

static bool is_enough(const struct wait *w, const Weirlock__V1__WaitResponse *r)
{
	return w->n_proxies ? r->n_serving >= w->n_proxies : r->n_serving > 0 && r->n_serving == r->n_connected;
}

/* Proxies of some pool do not get it for a pin. */
static bool is_pinned_before(const struct operate *o, const struct publish_standing *standing)
{
	const struct publish *p = o->publish;

	for (size_t i = 0; i < p->n_lanes; i++) {
		bool has_it = !standing->pools || standing->pools >> i & 1;

		if (has_it && p->lanes[i].pin.content && standing->seq > p->lanes[i].pin_seq)
			return true;
	}
	return false;
}

/* How far it is. */
static void look_at(struct wait *w, Weirlock__V1__WaitResponse *out, struct arena *arena)
{
	struct publish *p = w->operate->publish;
	struct publish_standing standing = {0};

	if (p->options.standing)
		p->options.standing(p->options.data, str_from(w->object), &standing, NULL);
	if (!standing.is_known && !w->gone_seq)
		w->gone_seq = standing.seq;
	else if (standing.is_known)
		w->gone_seq = 0;
	count_proxies(w->operate, &standing, standing.is_known ? standing.seq : w->gone_seq, out, arena);
	if (standing.is_known == w->is_deleted)
		out->state = WEIRLOCK__V1__WAIT_STATE__WAIT_UNKNOWN;
	else if (!w->is_deleted && standing.is_refused)
		out->state = WEIRLOCK__V1__WAIT_STATE__WAIT_SET_ASIDE;
	else if (roll_is_quarantined(p, str_from(w->object), w->is_deleted ? w->gone_seq : standing.seq))
		out->state = WEIRLOCK__V1__WAIT_STATE__WAIT_SET_ASIDE;
	else if (!is_enough(w, out) && !w->is_deleted && is_pinned_before(w->operate, &standing))
		out->state = WEIRLOCK__V1__WAIT_STATE__WAIT_PINNED;
	else
		out->state = is_enough(w, out) ? WEIRLOCK__V1__WAIT_STATE__WAIT_ACKED : WEIRLOCK__V1__WAIT_STATE__WAIT_PENDING;
}

static bool is_over(const Weirlock__V1__WaitResponse *r)
{
	return r->state == WEIRLOCK__V1__WAIT_STATE__WAIT_ACKED || r->state == WEIRLOCK__V1__WAIT_STATE__WAIT_SET_ASIDE ||
		r->state == WEIRLOCK__V1__WAIT_STATE__WAIT_PINNED;
}

static void add_quarantined(const struct publish *p, struct str object, struct problems *faults)
{
	struct problems all = {0};

	roll_problems(p, &all);
	for (size_t i = 0; i < all.n; i++) {
		if (str_eq(all.items[i].object, object))
			problems_add(faults, &all.items[i]);
	}
	problems_deinit(&all);
}

static void add_problems(const struct wait *w, Weirlock__V1__WaitResponse *out, struct problems *faults, struct arena *arena)
{
	struct publish *p = w->operate->publish;
	struct publish_standing standing = {0};

	if (p->options.standing)
		p->options.standing(p->options.data, str_from(w->object), &standing, faults);
	add_quarantined(p, str_from(w->object), faults);
	out->problems = arena_alloc(arena, (faults->n + 1) * sizeof(*out->problems));
	for (size_t i = 0; i < faults->n && i < FAULTS_SHOWN; i++)
		out->problems[out->n_problems++] = describe_problem(&faults->items[i], arena);
	out->is_unused = standing.is_unused;
}

static void take_out(struct wait *w)
{
	struct wait **place = &w->operate->waits;

	while (*place != w)
		place = &(*place)->next;
	*place = w->next;
	w->operate->n_waits--;
}

static void free_wait(struct wait *w)
{
	mem_free(w->object);
	mem_free(w);
}

/* The caller is answered when it is over, or has to ask again. */
static void look(struct wait *w, uint64_t now_ms)
{
	Weirlock__V1__WaitResponse response = WEIRLOCK__V1__WAIT_RESPONSE__INIT;
	struct problems faults = {0};
	struct arena arena = {0};

	look_at(w, &response, &arena);
	if (is_over(&response) || now_ms >= w->due_ms) {
		add_problems(w, &response, &faults, &arena);
		take_out(w);
		rpc_call_answer(w->call, &response.base);
		free_wait(w);
	}
	problems_deinit(&faults);
	arena_deinit(&arena);
}

void wait_look(struct operate *o)
{
	uint64_t now = clock_mono_ms();

	for (struct wait *w = o->waits, *next; w; w = next) {
		next = w->next;
		look(w, now);
	}
}

void wait_end_all(struct operate *o)
{
	while (o->waits) { /* the server is closed first, and with it their calls */
		struct wait *w = o->waits;

		take_out(w);
		free_wait(w);
	}
}

static void on_gone(void *data, struct rpc_call *call)
{
	(void)call;
	take_out(data);
	free_wait(data);
}

void operate__wait(Weirlock__V1__Operate_Service *service, const Weirlock__V1__WaitRequest *request,
	Weirlock__V1__WaitResponse_Closure closure, void *closure_data)
{
	struct operate *o = container_of(service, struct operate, service);
	struct rpc_call *call = rpc_call_of(closure_data);
	struct wait *w;

	(void)closure;
	if (!request->object[0] || strlen(request->object) > OBJECT_MAX) {
		rpc_call_fail(call, RPC_INVALID_ARGUMENT, "the object must be named as 'Ingress default/web'");
		return;
	}
	if (o->n_waits >= WAITS_MAX) {
		rpc_call_fail(call, RPC_RESOURCE_EXHAUSTED, "too many wait already");
		return;
	}
	w = mem_zalloc(sizeof(*w));
	*w = (struct wait){.next = o->waits, .operate = o, .call = call, .is_deleted = request->is_deleted,
		.n_proxies = request->n_proxies};
	w->object = mem_strdup(str_from(request->object));
	w->due_ms = clock_mono_ms() + (request->hold_ms < HOLD_MAX_MS ? request->hold_ms : HOLD_MAX_MS);
	o->waits = w;
	o->n_waits++;
	rpc_call_hold(call, on_gone, w);
	look(w, clock_mono_ms());
}
