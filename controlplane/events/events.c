/* A queue with a bound, emptied a few at a time and as fast as tally.c allows. */
#include "events.h"

#include <stdlib.h>

#include "clock.h"
#include "event.h"
#include "kubewrite.h"
#include "log.h"
#include "mem.h"
#include "tally.h"

enum { MAX_QUEUE = 1000, MAX_WRITES = 4, ANSWER_BYTES = 1024 * 1024, MAX_TRIES = 3, AGAIN_MS = 2000, PROBE_MS = 5000, SILENCE_S = 10 };

/* One Event to be written. */
struct item {
	struct events *events;
	struct item *next;
	struct kubeapi_call *call; /* while it is on its way */
	char *namespace_, *name, *body;
	unsigned count;            /* more than 1: it was made before, the patch is in `body` and: */
	char *whole;               /* should it be gone */
	bool is_again, is_standing;
	unsigned n_tries;
};

struct list {
	struct item *first, **end;
	size_t n;
};

struct events {
	uv_loop_t *loop;
	struct kubeapi *api;
	struct events_hooks hooks;
	char *instance;
	bool is_cluster_wide;
	struct tally tally;
	struct list queue;
	struct item *writes;
	size_t n_writes;
	uv_timer_t timer, probe_timer;
	unsigned n_open;           /* handles */
	struct item *probe;        /* one that is not taken: by it, it is seen when they are taken again */
	bool is_in_trouble, is_closing;
	enum feed_outcome trouble;
	char *trouble_namespace;
	bool was_full;             /* since the queue was empty the last time */
	uint64_t n_written, n_failed, n_dropped;
	void (*on_closed)(void *owner);
	void *closed_owner;
};

static void pump(struct events *e);

/* ------------------------------------------------------------------------------------------------------- problems */

#define ORIGIN STR("Kubernetes API events")

static void tell_trouble(struct events *e, enum feed_outcome outcome, const char *namespace_, struct str message)
{
	const struct kubewrite what = {
		.rule = {"", "events", "\"create\", \"patch\"", e->is_cluster_wide ? STR("") : str_from(namespace_), STR("")},
		.does = "Events are to be written",
		.effect = "they are left out: weirctl problems lists what stands",
	};
	struct problems problems = {0};

	if (e->is_closing || (e->is_in_trouble && e->trouble == outcome))
		return;
	e->is_in_trouble = true;
	e->trouble = outcome;
	mem_free(e->trouble_namespace);
	e->trouble_namespace = mem_strdup(str_from(namespace_));
	kubewrite_problem(&what, outcome, message, &problems);
	e->hooks.on_problems(e->hooks.owner, ORIGIN, &problems);
	problems_deinit(&problems);
}

static void tell_good(struct events *e)
{
	static const struct problems none;

	if (e->is_in_trouble && !e->is_closing)
		e->hooks.on_problems(e->hooks.owner, ORIGIN, &none);
	e->is_in_trouble = false;
}

/* ---------------------------------------------------------------------------------------------------------- items */

static void free_item(struct item *i)
{
	mem_free(i->namespace_);
	mem_free(i->name);
	free(i->body);
	free(i->whole);
	mem_free(i);
}

static void push(struct list *l, struct item *i)
{
	if (!l->first)
		l->end = &l->first;
	i->next = NULL;
	*l->end = i;
	l->end = &i->next;
	l->n++;
}

static struct item *pop(struct list *l)
{
	struct item *i = l->first;

	if (i) {
		l->first = i->next;
		l->n--;
	}
	return i;
}

static void unlink_write(struct item *i)
{
	struct item **at = &i->events->writes;

	while (*at != i)
		at = &(*at)->next;
	*at = i->next;
	i->events->n_writes--;
}

static void drop_all(struct events *e)
{
	struct item *i;

	while ((i = pop(&e->queue)))
		free_item(i);
	if (e->probe)
		free_item(e->probe);
	e->probe = NULL;
	while ((i = e->writes)) {
		kubeapi_cancel(i->call);
		unlink_write(i);
		free_item(i);
	}
}

/* Takes `json`. To be freed with free(). */
static char *text_of(json_t *json)
{
	char *text = json_dumps(json, JSON_COMPACT);

	json_decref(json);
	return text;
}

static struct item *make_item(struct events *e, const struct event *event, unsigned count)
{
	struct item *i = mem_zalloc(sizeof(*i));
	struct buf name = {0};

	event_add_name(event, event->is_of_process ? str_from(e->instance) : STR(""), &name);
	i->events = e;
	i->namespace_ = mem_strdup(event->namespace_);
	i->name = mem_strdup(buf_str(&name));
	i->count = count;
	i->is_again = count > 1;
	i->is_standing = event->is_standing;
	i->whole = text_of(event_make(event, buf_str(&name), str_from(e->instance), count, clock_wall_ms()));
	i->body = text_of(event_again(count, clock_wall_ms()));
	buf_deinit(&name);
	return i;
}

/* --------------------------------------------------------------------------------------------------------- writing */

static void on_timer(uv_timer_t *timer)
{
	pump(container_of(timer, struct events, timer));
}

static void pump_in(struct events *e, uint64_t ms)
{
	if (!e->is_closing && !uv_is_active((uv_handle_t *)&e->timer))
		uv_timer_start(&e->timer, on_timer, ms, 0);
}

/* The whole namespace goes, and what is said of it with it. */
static bool is_of_ending_namespace(struct str message)
{
	return str_find_str(message, STR("because it is being terminated")) < message.len;
}

static void on_probe(uv_timer_t *timer)
{
	struct events *e = container_of(timer, struct events, probe_timer);

	if (!e->probe)
		return;
	push(&e->queue, e->probe);
	e->probe = NULL;
	pump_in(e, 0);
}

/* Takes `i`. */
static void give_up(struct events *e, struct item *i)
{
	if (e->probe) {
		free_item(i);
		return;
	}
	i->n_tries = 0;
	e->probe = i;
	uv_timer_start(&e->probe_timer, on_probe, PROBE_MS, 0);
}

/* NULL: it is over; or the same item, to be tried again. Takes `i`. */
static struct item *after_failure(struct events *e, struct item *i, enum feed_outcome outcome, unsigned status, struct str message)
{
	if (status == 409 && !i->is_again && !i->is_standing) { /* it came before our time: it came again */
		free(i->body);
		i->body = text_of(event_again(0, clock_wall_ms()));
		i->is_again = true;
		return i;
	}
	if (status == 404 && i->is_again) { /* forgotten meanwhile */
		i->is_again = false;
		return i;
	}
	if (status == 409 || status == 404 || is_of_ending_namespace(message)) {
		free_item(i);
		return NULL;
	}
	e->n_failed++;
	if (outcome == FEED_FORBIDDEN || ++i->n_tries >= MAX_TRIES) {
		tell_trouble(e, outcome, i->namespace_, message);
		give_up(e, i);
		return NULL;
	}
	return i;
}

/* A right that is missing in one namespace is not seen in another one. */
static void note_works(struct events *e, const struct item *i)
{
	if (e->is_in_trouble && (e->trouble != FEED_FORBIDDEN || strcmp(e->trouble_namespace, i->namespace_) == 0))
		tell_good(e);
}

static void on_done(void *owner, const struct kubeapi_result *r)
{
	struct item *i = owner;
	struct events *e = i->events;
	struct buf message = {0};
	enum feed_outcome outcome = kubewrite_outcome(r, &message);
	bool is_fine = outcome == FEED_FINE;

	unlink_write(i);
	if (is_fine || r->status == 409) /* that it is there already is no trouble */
		note_works(e, i);
	if (is_fine) {
		e->n_written++;
		free_item(i);
	} else {
		i = after_failure(e, i, outcome, r->status, buf_str(&message));
		if (i)
			push(&e->queue, i);
	}
	buf_deinit(&message);
	pump_in(e, is_fine || r->status == 409 || r->status == 404 || r->status == 403 ? 0 : AGAIN_MS);
}

static void write_item(struct events *e, struct item *i)
{
	struct buf path = {0};

	i->next = e->writes;
	e->writes = i;
	e->n_writes++;
	buf_add(&path, STR("/api/v1/namespaces/"));
	kubeapi_add_escaped(&path, str_from(i->namespace_));
	buf_add(&path, STR("/events"));
	if (i->is_again) {
		buf_add_char(&path, '/');
		kubeapi_add_escaped(&path, str_from(i->name));
	}
	i->call = kubeapi_start(e->api,
		&(struct kubeapi_request){
			.method = i->is_again ? "PATCH" : "POST",
			.path = buf_str(&path),
			.body = str_from(i->is_again ? i->body : i->whole),
			.content_type = i->is_again ? "application/merge-patch+json" : "application/json",
			.max_bytes = ANSWER_BYTES,
			.silence_s = SILENCE_S,
			.on_done = on_done,
			.owner = i,
		});
	buf_deinit(&path);
}

static void pump(struct events *e)
{
	if (!e->hooks.leads(e->hooks.owner)) {
		drop_all(e);
		return;
	}
	while (e->queue.first && e->n_writes < MAX_WRITES) {
		if (!tally_may_write(&e->tally, clock_mono_ms())) {
			pump_in(e, tally_wait_ms(&e->tally, clock_mono_ms()));
			return;
		}
		write_item(e, pop(&e->queue));
	}
	if (!e->queue.first)
		e->was_full = false;
}

static void drop_one(struct events *e)
{
	e->n_dropped++;
	if (!e->was_full)
		log_warn("events", "more Events than are written: the rest is left out, weirctl problems has all");
	e->was_full = true;
}

void events_tell(struct events *e, const struct event *event)
{
	struct buf key = {0};
	unsigned count;

	if (e->is_closing || !e->hooks.leads(e->hooks.owner))
		return;
	buf_printf(&key, "%.*s %.*s/%.*s %s %.*s", STR_ARG(object_kind_text(event->kind)), STR_ARG(event->namespace_), STR_ARG(event->name),
		event->reason, STR_ARG(event->text));
	count = tally_tell(&e->tally, buf_str(&key), clock_mono_ms());
	buf_deinit(&key);
	if (!count)
		return;
	if (e->queue.n >= MAX_QUEUE) {
		drop_one(e);
		return;
	}
	push(&e->queue, make_item(e, event, count));
	pump_in(e, 0);
}

/* -------------------------------------------------------------------------------------------------- open and close */

struct events *events_open(uv_loop_t *loop, struct kubeapi *api, const struct events_options *options, const struct events_hooks *hooks)
{
	struct events *e = mem_zalloc(sizeof(*e));

	e->loop = loop;
	e->api = api;
	e->hooks = *hooks;
	e->instance = mem_strdup(options->instance);
	e->is_cluster_wide = options->is_cluster_wide;
	uv_timer_init(loop, &e->timer);
	uv_timer_init(loop, &e->probe_timer);
	e->n_open = 2;
	return e;
}

void events_drop(struct events *e)
{
	drop_all(e);
	tally_deinit(&e->tally);
	tell_good(e);
}

void events_metrics(const struct events *e, struct buf *out)
{
	const struct {
		const char *name, *help;
		uint64_t value;
	} counters[] = {
		{"written", "Events written, the same again among them", e->n_written},
		{"failed", "Writes of Events that did not work", e->n_failed},
		{"dropped", "Events left out, because there were too many at once", e->n_dropped},
	};

	for (size_t i = 0; i < sizeof(counters) / sizeof(counters[0]); i++)
		buf_printf(out,
			"# HELP weirlock_controller_events_%s_total %s.\n# TYPE weirlock_controller_events_%s_total counter\n"
			"weirlock_controller_events_%s_total %llu\n",
			counters[i].name, counters[i].help, counters[i].name, counters[i].name, (unsigned long long)counters[i].value);
}

static void on_handle_closed(uv_handle_t *handle)
{
	struct events *e = handle->data;
	void (*on_closed)(void *) = e->on_closed;
	void *owner = e->closed_owner;

	if (--e->n_open > 0)
		return;
	tally_deinit(&e->tally);
	mem_free(e->instance);
	mem_free(e->trouble_namespace);
	mem_free(e);
	if (on_closed)
		on_closed(owner);
}

void events_close(struct events *e, void (*on_closed)(void *owner), void *owner)
{
	e->is_closing = true;
	e->on_closed = on_closed;
	e->closed_owner = owner;
	drop_all(e);
	e->timer.data = e->probe_timer.data = e;
	uv_close((uv_handle_t *)&e->timer, on_handle_closed);
	uv_close((uv_handle_t *)&e->probe_timer, on_handle_closed);
}
