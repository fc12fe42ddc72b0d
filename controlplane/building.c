/*
 * Events go into the store at once and are built together when pace.h says so: endpoints at once or a moment later, everything
 * else when it is quiet. A new Ingress is asked for admission on its way in; one that is refused is asked again whenever
 * something that all depend on has changed.
 *
 * A change builds the parts that it touches (parts.h), and is sent before its problems are told. Now and then, when it is
 * quiet, everything is built from nothing: it must end at the same id.
 */
#include "clock.h"
#include "controller_private.h"
#include "log.h"
#include "mem.h"
#include "snapshot.h"
#include "told.h"

enum { SETTLING_MS = 10, TICKETS_MAX_MS = 3600 * 1000 };

static void on_new_problem(void *owner, const struct problem *p)
{
	struct controller *c = owner;

	if (c->writes)
		writes_tell(c->writes, p);
}

static void tell_problems(struct controller *c)
{
	struct problems now = {0};
	unsigned long found = parts_problems_version(c->parts), stored = store_problems_version(c->store);

	if (c->found_version == found && c->store_version == stored)
		return;
	c->found_version = found;
	c->store_version = stored;
	problems_clear(&c->found);
	parts_problems(c->parts, &c->found);
	store_problems(c->store, &now);
	problems_add_all(&now, &c->found);
	problems_sort(&now);
	told_log(&c->told, &now, on_new_problem, c);
	problems_deinit(&c->told);
	c->told = now;
}

/* To each pool its own: what is not new there is not sent. */
static void publish_pools(struct controller *c, uint64_t event_us)
{
	char id[16];

	for (size_t i = 0; i < c->options->pools.n; i++) {
		struct snapshot *s = parts_snapshot(c->parts, i);

		s->event_us = c->is_ready ? event_us : 0;
		if (publish_set_snapshot(c->publish, i, s)) /* which says what changed and who gets it */
			log_debug("controller", "built id=%s resources=%zu parts=%zu build_ms=%.1f", content_id_text(&s->id, id),
				content_count(s->content), parts_last_count(c->parts), (double)c->build_us / 1000);
		staples_apply(c->staples, i, s->content);
	}
}

static void publish_it(struct controller *c, uint64_t start_us, uint64_t event_us)
{
	bool is_structural;

	c->n_builds++;
	c->n_parts_built += parts_last_count(c->parts);
	c->build_us = clock_mono_us() - start_us;
	c->is_audit_due = true;
	publish_pools(c, event_us);
	tell_problems(c);
	if (!store_has_changes(c->store, &is_structural))
		publish_cover(c->publish, store_seq(c->store));
}

static void on_ticket_timer(uv_timer_t *timer);
static void schedule(struct controller *c, bool is_structural);

/* Wakes when other ticket keys are due, at most an hour from now: the wall clock may have been set meanwhile. */
static void await_tickets(struct controller *c)
{
	int64_t due_s = reconcile_ticket_due_s(&c->settings, c->reconcile.ticket_now_s);
	int64_t now_ms = (int64_t)clock_wall_ms(), wait_ms = due_s * 1000 - now_ms;

	uv_timer_stop(&c->ticket_timer);
	if (due_s && !c->is_stopping)
		uv_timer_start(&c->ticket_timer, on_ticket_timer,
			wait_ms < 0 ? 0 : wait_ms < TICKETS_MAX_MS ? (uint64_t)wait_ms : TICKETS_MAX_MS, 0);
}

void controller_build_all(struct controller *c)
{
	uint64_t start_us = clock_mono_us(), event_us = c->event_us;
	struct snapshot *s;

	/* What was set aside is asked again when something that all depend on changed. */
	if (store_has_everything(c->store))
		intake_retry(c->intake);
	if (!event_us || (c->endpoint_event_us && c->endpoint_event_us < event_us))
		event_us = c->endpoint_event_us;
	c->event_us = c->endpoint_event_us = 0;
	s = parts_build(c->parts, clock_wall_ms());
	snapshot_unref(&s); /* each pool's is asked for */
	publish_it(c, start_us, event_us);
	await_tickets(c);
}

static void build_endpoints(struct controller *c)
{
	uint64_t start_us = clock_mono_us();
	struct snapshot *s = parts_build_endpoints(c->parts, clock_wall_ms());

	if (!s)
		return; /* they are part of what waits for more quiet */
	snapshot_unref(&s);
	publish_it(c, start_us, c->endpoint_event_us);
	c->endpoint_event_us = 0;
}

static bool audit_pool(struct controller *c, size_t pool)
{
	struct reconcile_options options = c->reconcile;
	struct problems problems = {0};
	struct snapshot *anew;
	bool is_same;

	options.pool = pool;
	anew = reconcile_build(c->store, &options, clock_wall_ms(), NULL, &problems);
	is_same = content_id_eq(&anew->id, &publish_current(c->publish, pool)->id);
	snapshot_unref(&anew);
	problems_deinit(&problems);
	return is_same;
}

/* Parts that a change should have touched and did not would be served for ever. */
static void audit(struct controller *c)
{
	bool is_same = true;

	for (size_t i = 0; i < c->options->pools.n; i++)
		is_same = is_same && audit_pool(c, i);
	if (!is_same) {
		c->n_defects++;
		log_error("controller", "what was built in parts is not what is built from nothing: this is a defect, and all is built anew");
		parts_forget(c->parts);
		controller_build_all(c);
	}
	c->is_audit_due = false;
}

void controller_on_audit_timer(uv_timer_t *timer)
{
	struct controller *c = container_of(timer, struct controller, audit_timer);
	uint64_t wait_ms;

	if (c->is_audit_due && pace_due(&c->pace, clock_mono_ms(), &wait_ms) == PACE_NOTHING)
		audit(c);
}

/* A new Ingress is not to be served without its certificate, if that is on its way. */
static bool is_worth_waiting(const struct controller *c, uint64_t now_ms)
{
	return c->kube && kube_is_settling(c->kube) && now_ms < c->pace.first_ms + PACE_STRUCTURAL_MAX_MS;
}

static void on_build_timer(uv_timer_t *timer);

static void build(struct controller *c)
{
	uint64_t now_ms = clock_mono_ms(), wait_ms = SETTLING_MS;
	enum pace_due due = pace_due(&c->pace, now_ms, &wait_ms);

	if (due == PACE_ALL && is_worth_waiting(c, now_ms))
		due = PACE_WAIT;
	else if (due == PACE_ALL)
		controller_build_all(c);
	else if (due == PACE_ENDPOINTS)
		build_endpoints(c);
	pace_built(&c->pace, due, clock_mono_ms());
	if (due != PACE_WAIT)
		due = pace_due(&c->pace, clock_mono_ms(), &wait_ms);
	if (due != PACE_NOTHING)
		uv_timer_start(&c->build_timer, on_build_timer, due == PACE_WAIT ? wait_ms : 0, 0);
}

static void on_build_timer(uv_timer_t *timer)
{
	build(container_of(timer, struct controller, build_timer));
}

/* Something changed. What is due now is built when all that came with it has been taken: on the loop's next turn. */
static void schedule(struct controller *c, bool is_structural)
{
	uint64_t now_ms = clock_mono_ms(), wait_ms = 0;

	if (!c->is_synced || c->is_stopping)
		return;
	pace_event(&c->pace, is_structural, now_ms);
	pace_due(&c->pace, now_ms, &wait_ms);
	uv_timer_start(&c->build_timer, on_build_timer, wait_ms, 0);
}

static void on_ticket_timer(uv_timer_t *timer)
{
	struct controller *c = container_of(timer, struct controller, ticket_timer);
	int64_t now_s = (int64_t)(clock_wall_ms() / 1000);

	if (now_s >= reconcile_ticket_due_s(&c->settings, c->reconcile.ticket_now_s)) {
		c->reconcile.ticket_now_s = now_s;
		parts_renew_settings(c->parts); /* nothing in the cluster says that they changed */
		schedule(c, true); /* its build waits for the next ones */
	} else {
		await_tickets(c);
	}
}

/* ---------------------------------------------------------------------------------------------------------- events */

static void follow_names(struct controller *c, const struct source_event *e)
{
	if (e->type == SOURCE_LISTED) {
		c->has_listed = true;
		named_all(&c->named);
	} else if (c->has_listed) {
		named_follow(&c->named, e);
	}
}

static void note_event(struct controller *c, enum object_kind kind)
{
	uint64_t *first_us = kind == KIND_ENDPOINT_SLICE ? &c->endpoint_event_us : &c->event_us;

	if (!*first_us)
		*first_us = clock_mono_us();
}

void controller_on_source_event(void *owner, const struct source_event *e)
{
	struct controller *c = owner;
	enum object_kind kind = e->object ? e->object->kind : e->kind;
	bool is_news = intake_take(c->intake, e);

	if (c->kube)
		follow_names(c, e);
	if (c->writes)
		writes_take(c->writes, e);
	if (e->type == SOURCE_SYNCED)
		c->is_synced = true;
	if (e->type == SOURCE_SYNCED && c->kube)
		controller_begin_to_serve(c);
	if (is_news)
		note_event(c, kind);
	if (is_news)
		schedule(c, kind != KIND_ENDPOINT_SLICE || e->type == SOURCE_PROBLEMS);
}
