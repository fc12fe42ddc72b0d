/*
 * The Lease at the API server. election.c says what comes next; here it is asked for. Two timers: for the next call, and for
 * the end of our own time, which a call without an answer must not delay.
 */
#include "leader.h"

#include <stdlib.h>
#include <unistd.h>

#include "clock.h"
#include "kubewrite.h"
#include "lease.h"
#include "log.h"
#include "mem.h"

enum { LEASE_BYTES = 256 * 1024, RELEASE_MS = 3000 };

struct leader {
	uv_loop_t *loop;
	struct kubeapi *api;
	struct leader_hooks hooks;
	char *namespace_, *name, *identity;
	struct election election;
	enum election_step step; /* the next one, or the one that is asked for */
	uint64_t began_ms;
	json_t *lease;           /* as last seen */
	struct kubeapi_call *call;
	uv_timer_t timer, end_timer;
	unsigned n_open;         /* handles */
	uint64_t random;
	bool was_leading;        /* as last told */
	bool is_in_trouble;
	enum feed_outcome trouble;
	struct buf message;      /* of the last call */
	uint64_t n_terms, n_failures;
	bool is_closing;
	void (*on_closed)(void *owner);
	void *closed_owner;
};

static void on_timer(uv_timer_t *timer);
static void on_end_timer(uv_timer_t *timer);
static void finish(struct leader *l);

static uint32_t chance(struct leader *l)
{
	l->random = l->random * 6364136223846793005u + 1442695040888963407u;
	return (uint32_t)(l->random >> 33);
}

/* -------------------------------------------------------------------------------------------------------- telling */

bool leader_leads(const struct leader *l)
{
	return !l->is_closing && election_leads(&l->election, clock_boot_ms());
}

static void tell_leading(struct leader *l)
{
	uint64_t now_ms = clock_boot_ms();
	bool leads = election_leads(&l->election, now_ms);

	if (l->is_closing)
		return;
	if (leads)
		uv_timer_start(&l->end_timer, on_end_timer, election_ends_ms(&l->election) - now_ms, 0);
	else
		uv_timer_stop(&l->end_timer);
	if (leads == l->was_leading)
		return;
	l->was_leading = leads;
	l->n_terms += leads;
	if (leads)
		log_info("leader", "this controller leads lease=%s/%s identity=%s", l->namespace_, l->name, l->identity);
	else
		log_warn("leader", "this controller leads no more lease=%s/%s holder=%s", l->namespace_, l->name,
			buf_cstr(&l->election.holder));
	l->hooks.on_change(l->hooks.owner, leads);
}

static void send_problems(struct leader *l, const struct problems *problems)
{
	l->hooks.on_problems(l->hooks.owner, STR("Kubernetes API leases"), problems);
}

static void tell_trouble(struct leader *l, enum feed_outcome outcome)
{
	const struct kubewrite what = {
		.rule = {"coordination.k8s.io", "leases", "\"get\", \"create\", \"update\"", str_from(l->namespace_), STR("")},
		.does = "the Lease by which one controller leads is to be read and kept",
		.effect = "this controller serves, but writes no status and no Events",
	};
	struct problems problems = {0};

	if (l->is_closing || (l->is_in_trouble && l->trouble == outcome))
		return;
	l->is_in_trouble = true;
	l->trouble = outcome;
	kubewrite_problem(&what, outcome, buf_str(&l->message), &problems);
	send_problems(l, &problems);
	problems_deinit(&problems);
}

static void tell_good(struct leader *l)
{
	static const struct problems none;

	if (l->is_in_trouble && !l->is_closing)
		send_problems(l, &none);
	l->is_in_trouble = false;
}

/* ---------------------------------------------------------------------------------------------------------- asking */

static void start(struct leader *l, enum election_step step, uint64_t wait_ms)
{
	l->step = step;
	uv_timer_start(&l->timer, on_timer, wait_ms, 0);
}

static enum election_outcome outcome_of(enum feed_outcome outcome, unsigned status)
{
	if (outcome == FEED_FINE)
		return ELECTION_FINE;
	if (outcome == FEED_NOT_FOUND)
		return ELECTION_MISSING;
	if (status == 409)
		return ELECTION_CONFLICT;
	return ELECTION_FAILED;
}

static bool keep_lease(struct leader *l, struct str body, struct lease *out)
{
	json_error_t error;
	json_t *lease = body.len ? json_loadb(body.ptr, body.len, 0, &error) : NULL;

	if (!lease_read(lease, out)) {
		json_decref(lease);
		return false;
	}
	json_decref(l->lease);
	l->lease = lease;
	return true;
}

/* A 404 is told when even making one does not help: there is no such namespace. */
static void tell_outcome(struct leader *l, enum feed_outcome outcome, enum election_outcome end)
{
	if (end == ELECTION_FAILED || (end == ELECTION_MISSING && l->step == ELECTION_CREATE)) {
		l->n_failures++;
		tell_trouble(l, outcome);
	} else if (end == ELECTION_FINE) {
		tell_good(l);
	}
}

static void on_done(void *owner, const struct kubeapi_result *r)
{
	struct leader *l = owner;
	struct election_end end = {.was = l->step, .began_ms = l->began_ms};
	enum feed_outcome outcome;
	struct election_next next;

	l->call = NULL;
	buf_clear(&l->message);
	outcome = kubewrite_outcome(r, &l->message);
	if (outcome == FEED_FINE && !keep_lease(l, r->body, &end.lease))
		outcome = FEED_GARBLED;
	end.outcome = outcome_of(outcome, r->status);
	log_debug("leader", "step %d: status %u: %s", (int)l->step, r->status, feed_outcome_text(outcome));
	tell_outcome(l, outcome, end.outcome);
	if (l->step == ELECTION_RELEASE) {
		finish(l);
		return;
	}
	next = election_advance(&l->election, &end, clock_boot_ms(), chance(l));
	tell_leading(l);
	if (l->is_closing)
		start(l, l->election.is_held ? ELECTION_RELEASE : ELECTION_READ, 0);
	else
		start(l, next.step, next.wait_ms);
}

static void add_path(const struct leader *l, struct buf *path)
{
	buf_add(path, STR("/apis/coordination.k8s.io/v1/namespaces/"));
	kubeapi_add_escaped(path, str_from(l->namespace_));
	buf_add(path, STR("/leases"));
	if (l->step == ELECTION_CREATE)
		return;
	buf_add_char(path, '/');
	kubeapi_add_escaped(path, str_from(l->name));
}

static char *make_body(const struct leader *l)
{
	const struct lease_wish wish = {str_from(l->namespace_), str_from(l->name), str_from(l->identity), l->election.duration_ms,
		clock_wall_ms()};
	json_t *lease = lease_make(l->step == ELECTION_CREATE ? NULL : l->lease, l->step, &wish);
	char *text = json_dumps(lease, JSON_COMPACT);

	json_decref(lease);
	return text;
}

static void ask(struct leader *l)
{
	const char *method = l->step == ELECTION_READ ? NULL : l->step == ELECTION_CREATE ? "POST" : "PUT";
	char *body = method ? make_body(l) : NULL;
	struct buf path = {0};

	add_path(l, &path);
	l->began_ms = clock_boot_ms();
	l->call = kubeapi_start(l->api,
		&(struct kubeapi_request){
			.method = method,
			.path = buf_str(&path),
			.body = str_from(body),
			.content_type = body ? "application/json" : NULL,
			.max_bytes = LEASE_BYTES,
			.silence_s = (unsigned)((election_call_ms(&l->election) + 999) / 1000),
			.on_done = on_done,
			.owner = l,
		});
	buf_deinit(&path);
	free(body);
}

static void on_timer(uv_timer_t *timer)
{
	struct leader *l = container_of(timer, struct leader, timer);

	if (l->is_closing && l->step != ELECTION_RELEASE)
		finish(l);
	else
		ask(l);
}

static void drop_call(struct leader *l)
{
	if (l->call)
		kubeapi_cancel(l->call);
	l->call = NULL;
}

/* Our time is over, or that of giving it back. */
static void on_end_timer(uv_timer_t *timer)
{
	struct leader *l = container_of(timer, struct leader, end_timer);

	if (l->is_closing) {
		finish(l);
		return;
	}
	if (leader_leads(l)) { /* it was renewed, or the timer was early */
		tell_leading(l);
		return;
	}
	drop_call(l);
	election_step_down(&l->election);
	tell_leading(l);
	start(l, ELECTION_READ, 0);
}

/* -------------------------------------------------------------------------------------------------- open and close */

struct leader *leader_open(uv_loop_t *loop, struct kubeapi *api, const struct leader_options *o, const struct leader_hooks *hooks)
{
	struct leader *l = mem_zalloc(sizeof(*l));

	l->loop = loop;
	l->api = api;
	l->hooks = *hooks;
	l->namespace_ = mem_strdup(o->namespace_);
	l->name = mem_strdup(o->name);
	l->identity = mem_strdup(o->identity);
	l->random = clock_mono_us() ^ (uint64_t)getpid() << 32;
	election_init(&l->election, str_from(l->identity), (uint64_t)o->ttl_s * 1000);
	uv_timer_init(loop, &l->timer);
	uv_timer_init(loop, &l->end_timer);
	l->n_open = 2;
	start(l, ELECTION_READ, 0);
	return l;
}

struct str leader_holder(const struct leader *l)
{
	return buf_str(&l->election.holder);
}

void leader_metrics(const struct leader *l, struct buf *out)
{
	buf_printf(out,
		"# HELP weirlock_controller_leader Whether this controller leads, and writes to the cluster.\n"
		"# TYPE weirlock_controller_leader gauge\nweirlock_controller_leader{lease=\"%s/%s\"} %d\n",
		l->namespace_, l->name, leader_leads(l));
	buf_printf(out,
		"# HELP weirlock_controller_leader_terms_total How often it became the leader.\n"
		"# TYPE weirlock_controller_leader_terms_total counter\nweirlock_controller_leader_terms_total %llu\n",
		(unsigned long long)l->n_terms);
	buf_printf(out,
		"# HELP weirlock_controller_leader_failures_total Calls about the Lease that did not work.\n"
		"# TYPE weirlock_controller_leader_failures_total counter\nweirlock_controller_leader_failures_total %llu\n",
		(unsigned long long)l->n_failures);
}

static void on_handle_closed(uv_handle_t *handle)
{
	struct leader *l = handle->data;
	void (*on_closed)(void *) = l->on_closed;
	void *owner = l->closed_owner;

	if (--l->n_open > 0)
		return;
	election_deinit(&l->election);
	json_decref(l->lease);
	buf_deinit(&l->message);
	mem_free(l->namespace_);
	mem_free(l->name);
	mem_free(l->identity);
	mem_free(l);
	if (on_closed)
		on_closed(owner);
}

static void finish(struct leader *l)
{
	drop_call(l);
	l->timer.data = l->end_timer.data = l;
	uv_close((uv_handle_t *)&l->timer, on_handle_closed);
	uv_close((uv_handle_t *)&l->end_timer, on_handle_closed);
}

void leader_close(struct leader *l, void (*on_closed)(void *owner), void *owner)
{
	bool is_ours = l->election.is_held;

	l->is_closing = true;
	l->on_closed = on_closed;
	l->closed_owner = owner;
	uv_timer_start(&l->end_timer, on_end_timer, RELEASE_MS, 0);
	if (l->call && l->step != ELECTION_READ)
		return; /* what it writes is to be known first */
	drop_call(l);
	start(l, is_ours ? ELECTION_RELEASE : ELECTION_READ, 0);
}
