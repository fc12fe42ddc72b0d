#include "roll.h"

#include <errno.h>
#include <string.h>

#include "clock.h"
#include "log.h"
#include "map.h"
#include "mem.h"
#include "operate.h"
#include "problem.h"
#include "proxies.h"
#include "roll_blame.h"

void roll_deinit(struct roll *r)
{
	trial_end(&r->trial);
	quarantine_deinit(&r->quarantine);
	ways_forget(&r->ways);
	if (r->next)
		snapshot_unref(&r->next);
}

static void end_trial(struct lane *l)
{
	trial_end(&l->roll.trial);
	ways_forget(&l->roll.ways);
	if (l->roll.next)
		snapshot_unref(&l->roll.next);
	l->roll.next_seq = 0;
}

static bool is_canary(const struct proxy *proxy)
{
	return proxy->lane->roll.next && trial_is_canary(&proxy->lane->roll.trial, str_from(proxy->name));
}

struct snapshot *roll_target(const struct proxy *proxy)
{
	return is_canary(proxy) ? proxy->lane->roll.next : proxy->lane->current;
}

struct ways *roll_ways(const struct proxy *proxy)
{
	return is_canary(proxy) ? &proxy->lane->roll.ways : &proxy->lane->ways;
}

void roll_sent(const struct proxy *proxy)
{
	if (is_canary(proxy))
		trial_sent(&proxy->lane->roll.trial);
}

bool roll_is_on_trial(const struct proxy *proxy)
{
	const struct snapshot *next = proxy->lane->roll.next;

	return next && proxy->has_applied && content_id_eq(&proxy->applied, &next->id);
}

/* ------------------------------------------------------------------------------------------------------- the proxies */

static bool is_later(const struct proxy *a, const struct proxy *b)
{
	if ((a->peer != NULL) != (b->peer != NULL))
		return a->peer != NULL;
	return a->heard_ms >= b->heard_ms;
}

static struct str reason_of(const struct proxy *proxy)
{
	return proxy->refusal && proxy->refusal->n_errors ? str_from(proxy->refusal->errors[0]->reason) : STR("");
}

static struct trial_proxy describe(const struct proxy *proxy)
{
	const struct snapshot *next = proxy->lane->roll.next;
	const Weirlock__V1__ReportRequest *r = proxy->report;

	return (struct trial_proxy){.name = str_from(proxy->name), .process = proxy->process, .is_here = proxy->peer != NULL,
		.is_draining = r && r->is_draining, .is_standby = proxy->is_standby, .has_it = roll_is_on_trial(proxy),
		.has_refused = next && proxy->has_refused && content_id_eq(&proxy->refused, &next->id), .refusal = reason_of(proxy),
		.requests = r ? r->requests : 0, .errors = r ? r->n_errors : 0, .reported_ms = proxy->reported_ms};
}

/* Of several of a name the one that was heard last. */
static void last_of_names(const struct lane *l, struct map *out)
{
	for (struct proxy *proxy = l->publish->proxies; proxy; proxy = proxy->next) {
		const struct proxy *other = proxy->lane == l ? map_get(out, str_from(proxy->name)) : NULL;

		if (proxy->lane == l && (!other || !is_later(other, proxy)))
			map_put(out, str_from(proxy->name), proxy);
	}
}

static struct trial_proxy *list(const struct lane *l, struct arena *arena, size_t *n)
{
	struct publish *p = l->publish;
	struct trial_proxy *all = arena_alloc(arena, (p->n_proxies + 1) * sizeof(*all));
	struct map last = {0};

	*n = 0;
	last_of_names(l, &last);
	for (struct proxy *proxy = p->proxies; proxy; proxy = proxy->next) {
		if (proxy->lane == l && map_get(&last, str_from(proxy->name)) == proxy)
			all[(*n)++] = describe(proxy);
	}
	map_deinit(&last);
	return all;
}

/* ------------------------------------------------------------------------------------------------- what is to be served */

/* `base` with the endpoints that `live` has, and for backends that it has not those of the cluster. With the origins of `from`. */
static struct snapshot *with_endpoints(struct lane *l, struct content *base, struct snapshot *live, const struct snapshot *from)
{
	const struct publish_options *options = &l->publish->options;
	const struct pin pin = {.content = base};
	struct content *others = NULL;
	struct snapshot *s;

	if (options->pinned_endpoints)
		others = options->pinned_endpoints(options->data, l->index, base, live->content);
	s = snapshot_create(pin_content(&pin, live->content, others), live->built_ms);
	content_destroy(others);
	s->event_us = live->event_us;
	snapshot_set_origins(s, from->origins);
	return s;
}

/* After it changed. */
static void keep_quarantine(struct lane *l)
{
	const struct publish_options *options = &l->publish->options;
	struct buf packed = {0};
	int result = -EFBIG;

	if (!options->keep_quarantine)
		return;
	if (!l->roll.quarantine.n || quarantine_pack(&l->roll.quarantine, &packed))
		result = options->keep_quarantine(options->data, l->index, buf_str(&packed));
	if (result && result != -ENOENT)
		log_error("publish", "what is quarantined is not kept over a restart pool=%s: %s", l->name, strerror(-result));
	if (packed.ptr)
		mem_wipe(packed.ptr, packed.len);
	buf_deinit(&packed);
}

bool roll_take_quarantine(struct lane *l, struct str packed)
{
	l->roll.quarantined_seq = UINT64_MAX; /* whatever the changes of before were */
	return quarantine_unpack(&l->roll.quarantine, packed);
}

/* Without what is quarantined. Takes `wanted`. */
static struct snapshot *leave_out(struct lane *l, struct snapshot *wanted)
{
	size_t n_before = l->roll.quarantine.n;
	struct content *left = quarantine_apply(&l->roll.quarantine, wanted->content);
	struct snapshot *s;

	if (l->roll.quarantine.n != n_before)
		keep_quarantine(l);
	if (!left)
		return wanted;
	s = with_endpoints(l, left, wanted, wanted);
	content_destroy(left);
	snapshot_unref(&wanted);
	return s;
}

static void set_next(struct lane *l, struct snapshot *next)
{
	struct roll *r = &l->roll;

	ways_forget(&r->ways);
	if (r->next)
		snapshot_unref(&r->next);
	r->next = next;
	history_add(l->history, next);
}

static void serve_canary(struct lane *l)
{
	for (struct proxy *proxy = l->publish->proxies; proxy; proxy = proxy->next) {
		if (proxy->lane == l && is_canary(proxy))
			control_serve(proxy);
	}
}

static uint64_t seed_of(const struct snapshot *s)
{
	uint64_t seed;

	memcpy(&seed, s->id.bytes, sizeof(seed));
	return seed;
}

/* False: there is nobody to try it on. */
static bool begin(struct lane *l, struct snapshot *next)
{
	struct roll *r = &l->roll;
	struct arena arena = {0};
	char text[16];
	size_t n;
	struct trial_proxy *all = list(l, &arena, &n);
	bool is_on;

	is_on = trial_begin(&r->trial, seed_of(next), all, n, clock_mono_ms());
	arena_deinit(&arena);
	if (!is_on)
		return false;
	set_next(l, next);
	r->is_newest = true;
	r->since_ms = clock_wall_ms();
	log_info("publish", "canary id=%s pool=%s proxy=%s", content_id_text(&next->id, text), l->name, r->trial.canary);
	return true;
}

/* A trial is on: what it is about stays, with the endpoints of now; what else changed waits. */
static void go_on(struct lane *l, struct snapshot *wanted)
{
	struct roll *r = &l->roll;

	struct snapshot *next = with_endpoints(l, r->next->content, wanted, r->next);

	r->is_newest = !quarantine_is_structural(r->next->content, wanted->content);
	if (content_id_eq(&next->id, &r->next->id)) {
		snapshot_unref(&next);
		return;
	}
	set_next(l, next);
	serve_canary(l);
}

struct snapshot *roll_choose(struct lane *l, struct snapshot *wanted)
{
	struct roll *r = &l->roll;
	struct snapshot *all;

	if (!l->publish->options.canary_hold_ms)
		return wanted;
	if (l->pin.content || r->goes_to_all) {
		end_trial(l);
		return wanted;
	}
	wanted = leave_out(l, wanted);
	if (!l->current || !quarantine_is_structural(l->current->content, wanted->content)) {
		end_trial(l);
		return wanted;
	}
	all = with_endpoints(l, l->current->content, wanted, l->current);
	if (r->next) {
		go_on(l, wanted);
		snapshot_unref(&wanted);
		return all;
	}
	if (!begin(l, wanted)) {
		snapshot_unref(&all);
		return wanted;
	}
	serve_canary(l);
	return all;
}

/* ----------------------------------------------------------------------------------------------------------- verdicts */

/* What waited meanwhile, or what is left. */
static void go_to_newest(struct lane *l)
{
	lane_set(l, l->live);
	wait_cover(l, l->live_seq);
}

static void promote(struct lane *l)
{
	struct roll *r = &l->roll;
	struct snapshot *next = snapshot_ref(r->next);
	uint64_t seq = r->next_seq;
	char text[16];

	r->n_promoted++;
	log_info("publish", "canary is well, all get it id=%s pool=%s proxy=%s", content_id_text(&next->id, text), l->name,
		r->trial.canary ? r->trial.canary : "none");
	end_trial(l);
	lane_serve(l, next);
	if (l->n_covered && l->covered[l->newest].seq < seq)
		l->covered[l->newest].seq = seq;
	snapshot_unref(&next);
	go_to_newest(l);
}

static void take_back(struct lane *l, const char *why)
{
	struct roll *r = &l->roll;
	struct snapshot *next = snapshot_ref(r->next);
	struct roll_blame blame = {.lane = l, .old = l->current, .new = next, .seq = l->n_covered ? l->covered[l->newest].seq : 0};
	char text[16];

	r->n_taken_back++;
	r->quarantined_seq = l->live_seq;
	log_error("publish", "canary is not well, it is taken back id=%s pool=%s: %s", content_id_text(&next->id, text), l->name, why);
	roll_blame_begin(&blame);
	quarantine_add(&r->quarantine, l->current->content, next->content, why, clock_wall_ms(), roll_object_of, &blame);
	roll_blame_end(&blame);
	keep_quarantine(l);
	end_trial(l);
	snapshot_unref(&next);
	go_to_newest(l);
	fan_out(&l->publish->fan);
}

static void look(struct lane *l)
{
	struct publish *p = l->publish;
	enum trial_verdict verdict;
	struct arena arena = {0};
	struct buf why = {0};
	size_t n;
	struct trial_proxy *all = list(l, &arena, &n);

	verdict = trial_look(&l->roll.trial, all, n, p->options.canary_hold_ms, clock_mono_ms(), &why);
	arena_deinit(&arena);
	switch (verdict) {
	case TRIAL_WAIT:
		break;
	case TRIAL_PROMOTE:
		promote(l);
		break;
	case TRIAL_TAKE_BACK:
		take_back(l, buf_cstr(&why));
		break;
	}
	buf_deinit(&why);
}

void roll_look(struct publish *p)
{
	for (size_t i = 0; i < p->n_lanes; i++) {
		if (p->lanes[i].roll.next)
			look(&p->lanes[i]);
	}
}

/* ---------------------------------------------------------------------------------------------------------- telling it */

void roll_text(const struct proxy *proxy, struct buf *out)
{
	const struct roll *r = &proxy->lane->roll;
	char text[16], age[CLOCK_TEXT_MAX];

	if (is_canary(proxy))
		buf_printf(out, "canary of %s for %s", content_id_text(&r->next->id, text), clock_age(clock_wall_ms() - r->since_ms, age));
}

/* It is the first of its object. */
static bool is_first(const struct quarantine *q, size_t i)
{
	return quarantine_find(q, str_from(q->items[i].object)) == &q->items[i];
}

static void add_problem(const struct lane *l, const struct quarantined *one, struct problems *out)
{
	struct buf value = {0}, fix = {0};
	char time[CLOCK_TEXT_MAX];

	buf_printf(&value, "since %s in pool %s: %s", clock_rfc3339(one->since_ms, time), l->name, one->why);
	buf_printf(&fix, "change it, or try it again as it is: weirctl rollout release '%s'", one->object);
	problems_add(out, &(struct problem){.severity = SEVERITY_FAULT, .object = str_from(one->object), .field = STR("rollout"),
				  .value = buf_str(&value), .rule = STR("a change that the first proxy of a pool takes without harm"),
				  .fix = buf_str(&fix), .effect = STR("its change is quarantined: proxies serve what they served before")});
	buf_deinit(&value);
	buf_deinit(&fix);
}

void roll_problems(const struct publish *p, struct problems *out)
{
	for (size_t i = 0; i < p->n_lanes; i++) {
		const struct quarantine *q = &p->lanes[i].roll.quarantine;

		for (size_t k = 0; k < q->n; k++) {
			if (is_first(q, k))
				add_problem(&p->lanes[i], &q->items[k], out);
		}
	}
}

bool roll_is_quarantined(const struct publish *p, struct str object, uint64_t seq)
{
	for (size_t i = 0; i < p->n_lanes; i++) {
		if (seq <= p->lanes[i].roll.quarantined_seq && quarantine_find(&p->lanes[i].roll.quarantine, object))
			return true;
	}
	return false;
}

size_t roll_release(struct publish *p, struct str pool, struct str object)
{
	size_t n = 0;

	for (size_t i = 0; i < p->n_lanes; i++) {
		struct lane *l = &p->lanes[i];
		size_t freed = 0;

		if (!pool.len || str_eq(str_from(l->name), pool))
			freed = quarantine_release(&l->roll.quarantine, object);
		n += freed;
		if (freed)
			keep_quarantine(l);
		if (freed && l->live)
			go_to_newest(l);
	}
	return n;
}

void roll_metrics(const struct publish *p, struct buf *out)
{
	buf_add(out, STR("# HELP weirlock_controller_rollouts_total Structural changes that were tried on one proxy, by what became of them.\n"
			 "# TYPE weirlock_controller_rollouts_total counter\n"));
	for (size_t i = 0; i < p->n_lanes; i++) {
		const struct lane *l = &p->lanes[i];

		buf_printf(out, "weirlock_controller_rollouts_total{result=\"promoted\",pool=\"%s\"} %llu\n"
				"weirlock_controller_rollouts_total{result=\"taken_back\",pool=\"%s\"} %llu\n",
			l->name, (unsigned long long)l->roll.n_promoted, l->name, (unsigned long long)l->roll.n_taken_back);
	}
	buf_add(out, STR("# TYPE weirlock_controller_rollout_active gauge\n"));
	for (size_t i = 0; i < p->n_lanes; i++)
		buf_printf(out, "weirlock_controller_rollout_active{pool=\"%s\"} %d\n", p->lanes[i].name, p->lanes[i].roll.next != NULL);
	buf_add(out, STR("# HELP weirlock_controller_quarantined Resources that did harm and are kept from proxies.\n"
			 "# TYPE weirlock_controller_quarantined gauge\n"));
	for (size_t i = 0; i < p->n_lanes; i++)
		buf_printf(out, "weirlock_controller_quarantined{pool=\"%s\"} %zu\n", p->lanes[i].name, p->lanes[i].roll.quarantine.n);
}
