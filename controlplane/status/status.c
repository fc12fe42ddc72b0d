/*
 * Rounds: what is to be published is found out, every Ingress is put into a queue, and those of ours that say something else
 * are patched, a few at a time. A round comes with leadership, with another address, and every minute; an Ingress that
 * changes gets into the queue by itself. What the server does not want is left for the next round.
 */
#include "status.h"

#include <stdlib.h>

#include "address.h"
#include "clock.h"
#include "kubewrite.h"
#include "log.h"
#include "map.h"
#include "mem.h"
#include "others.h"
#include "places.h"

enum { ROUND_MS = 60 * 1000, AGAIN_MS = 15 * 1000, SOON_MS = 50, FIRST_HOLD_MS = 500, MAX_HOLD_MS = 15 * 1000 };
enum { CLEAR_MS = 10 * 1000, MAX_PATCHES = 8, ANSWER_BYTES = 8 * 1024 * 1024, LASTING = 3, SILENCE_S = 10 };

/* An Ingress, ours or not. */
struct seen {
	char *text;     /* what its status says */
	bool is_queued;
};

struct patch {
	struct status *status;
	struct patch *next;
	struct kubeapi_call *call;
	char *key;      /* "namespace/name" */
	char *text;     /* of what is written */
};

struct queue {
	char **keys;
	size_t first, n, cap;
};

struct status {
	uv_loop_t *loop;
	struct kubeapi *api;
	struct status_options options;
	struct status_hooks hooks;
	struct map seen;             /* "namespace/name" → struct seen */
	struct object *service;      /* of publish_service, as it is now; or NULL */
	struct addresses wanted;     /* and as text: */
	struct buf wanted_text;
	bool is_leading, has_wanted; /* nothing is written before both */
	struct queue queue;
	struct patch *patches;
	size_t n_patches;
	struct map forbidden;        /* namespaces where this round may not write; the value is of no matter */
	struct places *places;
	struct others *others;
	uv_timer_t round_timer, soon_timer;
	unsigned n_open;             /* handles */
	unsigned n_failures;         /* in a row, of the kind that time heals */
	bool is_round_bad;           /* something did not work since it began */
	bool is_in_trouble, has_address_problem, has_places_problem;
	enum feed_outcome trouble;
	uint64_t n_written, n_failed;
	bool is_closing, is_clearing, is_finished;
	void (*on_closed)(void *owner);
	void *closed_owner;
};

static void on_soon(uv_timer_t *timer);
static void on_round(uv_timer_t *timer);
static void finish(struct status *s);

/* ------------------------------------------------------------------------------------------------------- problems */

static void send_problems(struct status *s, struct str origin, const struct problems *problems)
{
	if (!s->is_closing)
		s->hooks.on_problems(s->hooks.owner, origin, problems);
}

static void send_good(struct status *s, struct str origin, bool *is_bad)
{
	static const struct problems none;

	if (*is_bad)
		send_problems(s, origin, &none);
	*is_bad = false;
}

static void send_kubewrite(struct status *s, struct str origin, const struct kubewrite *what, enum feed_outcome outcome, struct str message)
{
	struct problems problems = {0};

	kubewrite_problem(what, outcome, message, &problems);
	send_problems(s, origin, &problems);
	problems_deinit(&problems);
}

#define ORIGIN_PATCH STR("Kubernetes API ingresses/status")
#define ORIGIN_PLACES STR("Kubernetes API nodes of proxies")
#define ORIGIN_SERVICE STR("--publish-service")

static void tell_trouble(struct status *s, enum feed_outcome outcome, struct str namespace_, struct str message)
{
	const struct kubewrite what = {
		.rule = {"networking.k8s.io", "ingresses/status", "\"patch\"", s->options.is_cluster_wide ? STR("") : namespace_, STR("")},
		.does = "the status of Ingresses is to be written",
		.effect = "they are served, and their status is left as it is",
	};

	if (s->is_in_trouble && s->trouble == outcome)
		return;
	s->is_in_trouble = true;
	s->trouble = outcome;
	send_kubewrite(s, ORIGIN_PATCH, &what, outcome, message);
}

static void tell_no_service(struct status *s, const char *rule, const char *fix)
{
	struct problems problems = {0};

	s->has_address_problem = true;
	problems_add(&problems,
		&(struct problem){
			.severity = SEVERITY_FAULT,
			.object = STR("--publish-service"),
			.value = s->options.publish_service,
			.rule = str_from(rule),
			.fix = str_from(fix),
			.effect = STR("the status of Ingresses is left as it is"),
		});
	send_problems(s, ORIGIN_SERVICE, &problems);
	problems_deinit(&problems);
}

/* ---------------------------------------------------------------------------------------------------------- queue */

static void queue_deinit(struct queue *q)
{
	for (size_t i = q->first; i < q->n; i++)
		mem_free(q->keys[i]);
	mem_free(q->keys);
	*q = (struct queue){0};
}

static void enqueue(struct status *s, struct str key, struct seen *seen)
{
	struct queue *q = &s->queue;

	if (seen->is_queued)
		return;
	seen->is_queued = true;
	q->keys = mem_grow(q->keys, &q->cap, q->n + 1, sizeof(*q->keys));
	q->keys[q->n++] = mem_strdup(key);
}

/* Owned; NULL: it is empty. */
static char *dequeue(struct status *s, struct seen **seen)
{
	struct queue *q = &s->queue;
	char *key;

	if (q->first == q->n) {
		queue_deinit(q);
		return NULL;
	}
	key = q->keys[q->first++];
	*seen = map_get(&s->seen, str_from(key));
	if (*seen)
		(*seen)->is_queued = false;
	return key;
}

static void empty_queue(struct status *s)
{
	struct seen *seen;
	char *key;

	while ((key = dequeue(s, &seen)))
		mem_free(key);
}

static void enqueue_all(struct status *s)
{
	size_t cursor = 0;
	struct str key;
	void *seen;

	while (map_next(&s->seen, &cursor, &key, &seen))
		enqueue(s, key, seen);
}

static bool may_write(const struct status *s)
{
	return (s->is_clearing || !s->is_closing) && s->is_leading && s->has_wanted && s->hooks.leads(s->hooks.owner);
}

static void pump_in(struct status *s, uint64_t ms)
{
	if (!s->is_finished && may_write(s))
		uv_timer_start(&s->soon_timer, on_soon, ms, 0);
}

/* -------------------------------------------------------------------------------------------------------- patching */

static void free_patch(struct patch *p)
{
	mem_free(p->key);
	mem_free(p->text);
	mem_free(p);
}

static void unlink_patch(struct patch *p)
{
	struct patch **at = &p->status->patches;

	while (*at != p)
		at = &(*at)->next;
	*at = p->next;
	p->status->n_patches--;
}

static void drop_patches(struct status *s)
{
	while (s->patches) {
		struct patch *p = s->patches;

		kubeapi_cancel(p->call);
		unlink_patch(p);
		free_patch(p);
	}
}

static struct str namespace_of(struct str key)
{
	return str_first(key, str_find(key, '/'));
}

static void pump(struct status *s);

/* Others wait too, and it is tried again. */
static void hold(struct status *s, const struct patch *p, enum feed_outcome outcome, struct str message)
{
	struct seen *seen = map_get(&s->seen, str_from(p->key));
	unsigned shift = s->n_failures < 8 ? s->n_failures : 8;
	unsigned ms = (unsigned)FIRST_HOLD_MS << shift;

	if (seen)
		enqueue(s, str_from(p->key), seen);
	if (++s->n_failures >= LASTING)
		tell_trouble(s, outcome, namespace_of(str_from(p->key)), message);
	pump_in(s, ms < MAX_HOLD_MS ? ms : MAX_HOLD_MS);
}

static void on_failure(struct status *s, const struct patch *p, enum feed_outcome outcome, unsigned status, struct str message)
{
	struct str key = str_from(p->key);

	s->n_failed++;
	if (!s->is_round_bad && !s->is_closing) /* a round that goes badly is followed sooner */
		uv_timer_start(&s->round_timer, on_round, AGAIN_MS, 0);
	s->is_round_bad = true;
	if (outcome == FEED_FORBIDDEN) {
		map_put(&s->forbidden, namespace_of(key), s);
		tell_trouble(s, outcome, namespace_of(key), message);
	} else if (outcome == FEED_REFUSED && status < 500 && status != 408 && status != 429) {
		log_warn("status", "the status of Ingress %s is not taken, it is tried again later status=%u message=%.*s", p->key, status,
			STR_ARG(message));
	} else {
		hold(s, p, outcome, message);
		return;
	}
	pump_in(s, 0);
}

static void on_written(struct status *s, const struct patch *p)
{
	struct seen *seen = map_get(&s->seen, str_from(p->key));

	s->n_written++;
	s->n_failures = 0;
	log_debug("status", "Ingress %s: '%s'", p->key, p->text);
	if (!seen)
		return;
	mem_free(seen->text);
	seen->text = mem_strdup(str_from(p->text));
}

static void end_round(struct status *s)
{
	if (s->n_patches || s->queue.first < s->queue.n)
		return;
	if (s->is_clearing) {
		finish(s);
		return;
	}
	if (!s->is_round_bad)
		send_good(s, ORIGIN_PATCH, &s->is_in_trouble);
}

static void on_patched(void *owner, const struct kubeapi_result *r)
{
	struct patch *p = owner;
	struct status *s = p->status;
	struct buf message = {0};
	enum feed_outcome outcome = kubewrite_outcome(r, &message);

	unlink_patch(p);
	if (outcome == FEED_FINE)
		on_written(s, p);
	else if (outcome != FEED_NOT_FOUND) /* it is gone, its event is on the way */
		on_failure(s, p, outcome, r->status, buf_str(&message));
	free_patch(p);
	buf_deinit(&message);
	if (outcome == FEED_FINE || outcome == FEED_NOT_FOUND)
		pump(s);
	else
		end_round(s);
}

static const struct published *what(const struct status *s, size_t *n, struct str *text)
{
	*n = s->is_clearing ? 0 : s->wanted.n;
	*text = s->is_clearing ? STR("") : buf_str(&s->wanted_text);
	return s->wanted.items;
}

/* Takes `key`. */
static void patch(struct status *s, char *key)
{
	struct patch *p = mem_zalloc(sizeof(*p));
	struct str name = str_from_index(str_from(key), str_find(str_from(key), '/') + 1), text;
	size_t n;
	const struct published *items = what(s, &n, &text);
	json_t *json = addresses_patch(items, n);
	char *body = json_dumps(json, JSON_COMPACT);
	struct buf path = {0};

	p->status = s;
	p->key = key;
	p->text = mem_strdup(text);
	p->next = s->patches;
	s->patches = p;
	s->n_patches++;
	buf_add(&path, STR("/apis/networking.k8s.io/v1/namespaces/"));
	kubeapi_add_escaped(&path, namespace_of(str_from(key)));
	buf_add(&path, STR("/ingresses/"));
	kubeapi_add_escaped(&path, name);
	buf_add(&path, STR("/status"));
	p->call = kubeapi_start(s->api,
		&(struct kubeapi_request){.method = "PATCH", .path = buf_str(&path), .body = str_from(body),
			.content_type = "application/merge-patch+json", .max_bytes = ANSWER_BYTES, .silence_s = SILENCE_S,
			.on_done = on_patched, .owner = p});
	buf_deinit(&path);
	free(body);
	json_decref(json);
}

static bool is_to_be_patched(struct status *s, struct str key, const struct seen *seen)
{
	struct str text, namespace_ = namespace_of(key);
	size_t n;

	what(s, &n, &text);
	return seen && !str_eq(str_from(seen->text), text) && !map_get(&s->forbidden, namespace_) &&
		s->hooks.takes(s->hooks.owner, namespace_, str_from_index(key, namespace_.len + 1));
}

static void pump(struct status *s)
{
	struct seen *seen;
	char *key;

	if (!may_write(s)) {
		empty_queue(s);
		end_round(s);
		return;
	}
	while (s->n_patches < MAX_PATCHES && (key = dequeue(s, &seen))) {
		if (is_to_be_patched(s, str_from(key), seen))
			patch(s, key);
		else
			mem_free(key);
	}
	end_round(s);
}

static void on_soon(uv_timer_t *timer)
{
	pump(container_of(timer, struct status, soon_timer));
}

/* -------------------------------------------------------------------------------------------------------- a round */

static void want(struct status *s, struct addresses *list)
{
	addresses_deinit(&s->wanted);
	s->wanted = *list;
	*list = (struct addresses){0};
	buf_clear(&s->wanted_text);
	addresses_add_text(s->wanted.items, s->wanted.n, &s->wanted_text);
	s->has_wanted = true;
	enqueue_all(s);
	pump_in(s, 0);
}

static void want_service(struct status *s)
{
	struct addresses list = {0};
	const char *why;

	if (!s->service) {
		tell_no_service(s, "the NAMESPACE/NAME of a Service that is there", "create it, or name another one");
	} else if (!addresses_add_service(&list, &s->service->service, &why)) {
		tell_no_service(s, why, "name that of the proxies");
	} else {
		send_good(s, ORIGIN_SERVICE, &s->has_address_problem);
		want(s, &list);
	}
	addresses_deinit(&list);
}

static void on_places(void *owner, const struct addresses *found, const struct kubewrite *how, enum feed_outcome outcome, struct str message)
{
	struct status *s = owner;
	struct addresses list = {0};

	s->places = NULL;
	if (outcome != FEED_FINE) {
		s->is_round_bad = s->has_places_problem = true;
		send_kubewrite(s, ORIGIN_PLACES, how, outcome, message);
		uv_timer_start(&s->round_timer, on_round, AGAIN_MS, 0);
		return;
	}
	send_good(s, ORIGIN_PLACES, &s->has_places_problem);
	for (size_t i = 0; i < found->n; i++)
		addresses_add(&list, found->items[i].ip.len ? found->items[i].ip : found->items[i].hostname);
	if (list.n) /* where no proxy is found, somebody else's may be: what is there stays */
		want(s, &list);
	addresses_deinit(&list);
}

static void begin_round(struct status *s)
{
	const struct places_options places = {s->options.namespace_, s->options.proxy_selector, s->options.wants_internal, on_places, s};
	struct addresses list = {0};
	struct str bad;

	uv_timer_start(&s->round_timer, on_round, ROUND_MS, 0);
	s->is_round_bad = false;
	map_deinit(&s->forbidden);
	if (s->options.publish_addresses.len) {
		addresses_add_list(&list, s->options.publish_addresses, &bad);
		want(s, &list);
	} else if (s->options.publish_service.len) {
		want_service(s);
	} else if (!s->places) {
		s->places = places_find(s->api, &places);
	}
	addresses_deinit(&list);
}

static void on_round(uv_timer_t *timer)
{
	struct status *s = container_of(timer, struct status, round_timer);

	if (s->is_leading && s->hooks.leads(s->hooks.owner))
		begin_round(s);
}

void status_lead(struct status *s)
{
	bool leads = s->hooks.leads(s->hooks.owner);

	if (s->is_closing || leads == s->is_leading)
		return;
	s->is_leading = leads;
	if (leads) {
		begin_round(s);
		return;
	}
	s->has_wanted = false; /* the next time, everything is looked at anew */
	uv_timer_stop(&s->round_timer);
	uv_timer_stop(&s->soon_timer);
	drop_patches(s);
	empty_queue(s);
	if (s->places)
		places_cancel(s->places);
	s->places = NULL;
	send_good(s, ORIGIN_PATCH, &s->is_in_trouble);
	send_good(s, ORIGIN_PLACES, &s->has_places_problem);
	send_good(s, ORIGIN_SERVICE, &s->has_address_problem);
}

/* --------------------------------------------------------------------------------------------------------- events */

static void see(struct status *s, struct str key, const struct object *ingress)
{
	struct seen *seen = map_get(&s->seen, key);
	struct buf text = {0};

	if (!seen) {
		seen = mem_zalloc(sizeof(*seen));
		map_put(&s->seen, key, seen);
	}
	addresses_add_text(ingress->ingress.balancer, ingress->ingress.n_balancer, &text);
	mem_free(seen->text);
	seen->text = mem_strdup(buf_str(&text));
	buf_deinit(&text);
	if (!s->is_leading || !s->has_wanted)
		return;
	enqueue(s, key, seen);
	pump_in(s, SOON_MS);
}

static void forget(struct status *s, struct str key)
{
	struct seen *seen = map_del(&s->seen, key);

	if (seen)
		mem_free(seen->text);
	mem_free(seen);
}

static void take_ingress(struct status *s, const struct source_event *e)
{
	struct str namespace_ = e->object ? e->object->namespace_ : e->namespace_, name = e->object ? e->object->name : e->name;
	struct buf key = {0};

	buf_printf(&key, "%.*s/%.*s", STR_ARG(namespace_), STR_ARG(name));
	if (e->type == SOURCE_PUT || e->type == SOURCE_STATUS)
		see(s, buf_str(&key), e->object);
	else if (e->type == SOURCE_DELETE)
		forget(s, buf_str(&key));
	buf_deinit(&key);
}

/* `path` is "namespace/name". */
static bool is_of(const struct source_event *e, struct str path)
{
	struct str namespace_ = e->object ? e->object->namespace_ : e->namespace_, name = e->object ? e->object->name : e->name;

	return path.len == namespace_.len + 1 + name.len && str_starts_with(path, namespace_) && str_ends_with(path, name);
}

static void take_service(struct status *s, const struct source_event *e)
{
	if (!is_of(e, s->options.publish_service) || e->type == SOURCE_REFUSE)
		return;
	object_unref(&s->service);
	if (e->object)
		s->service = object_ref(e->object);
	if (s->is_leading)
		begin_round(s);
}

void status_take(struct status *s, const struct source_event *e)
{
	enum object_kind kind = e->object ? e->object->kind : e->kind;

	if (s->is_closing || e->type == SOURCE_PROBLEMS || e->type == SOURCE_LISTED || e->type == SOURCE_SYNCED)
		return;
	if (kind == KIND_INGRESS) {
		take_ingress(s, e);
	} else if (kind == KIND_SERVICE && s->options.publish_service.len) {
		take_service(s, e);
	} else if (kind == KIND_INGRESS_CLASS && s->is_leading && s->has_wanted) { /* whose Ingresses are has changed */
		enqueue_all(s);
		pump_in(s, SOON_MS);
	}
}

/* -------------------------------------------------------------------------------------------------- open and close */

struct status *status_open(uv_loop_t *loop, struct kubeapi *api, const struct status_options *options, const struct status_hooks *hooks)
{
	struct status *s = mem_zalloc(sizeof(*s));

	s->loop = loop;
	s->api = api;
	s->options = *options;
	s->hooks = *hooks;
	uv_timer_init(loop, &s->round_timer);
	uv_timer_init(loop, &s->soon_timer);
	s->n_open = 2;
	return s;
}

void status_metrics(const struct status *s, struct buf *out)
{
	buf_printf(out,
		"# HELP weirlock_controller_status_writes_total Ingresses whose status was written.\n"
		"# TYPE weirlock_controller_status_writes_total counter\nweirlock_controller_status_writes_total %llu\n",
		(unsigned long long)s->n_written);
	buf_printf(out,
		"# HELP weirlock_controller_status_failures_total Writes of a status that did not work.\n"
		"# TYPE weirlock_controller_status_failures_total counter\nweirlock_controller_status_failures_total %llu\n",
		(unsigned long long)s->n_failed);
}

static void on_handle_closed(uv_handle_t *handle)
{
	struct status *s = handle->data;
	void (*on_closed)(void *) = s->on_closed;
	void *owner = s->closed_owner;
	size_t cursor = 0;
	struct str key;
	void *value;

	if (--s->n_open > 0)
		return;
	while (map_next(&s->seen, &cursor, &key, &value)) {
		mem_free(((struct seen *)value)->text);
		mem_free(value);
	}
	map_deinit(&s->seen);
	map_deinit(&s->forbidden);
	object_unref(&s->service);
	addresses_deinit(&s->wanted);
	buf_deinit(&s->wanted_text);
	mem_free(s);
	if (on_closed)
		on_closed(owner);
}

static void finish(struct status *s)
{
	if (s->is_finished)
		return;
	s->is_finished = true;
	if (s->is_clearing)
		log_info("status", "cleared at the end, because no other controller runs written=%llu left=%zu",
			(unsigned long long)s->n_written, s->queue.n - s->queue.first + s->n_patches);
	drop_patches(s);
	queue_deinit(&s->queue);
	if (s->places)
		places_cancel(s->places);
	if (s->others)
		others_cancel(s->others);
	s->round_timer.data = s->soon_timer.data = s;
	uv_close((uv_handle_t *)&s->round_timer, on_handle_closed);
	uv_close((uv_handle_t *)&s->soon_timer, on_handle_closed);
}

static void on_clear_timer(uv_timer_t *timer)
{
	finish(container_of(timer, struct status, round_timer));
}

static void clear(struct status *s)
{
	s->is_clearing = true;
	s->n_written = 0;
	enqueue_all(s);
	pump(s);
}

static void on_others(void *owner, bool has_others, const struct kubewrite *how, enum feed_outcome outcome, struct str message)
{
	struct status *s = owner;
	struct problems problems = {0};
	struct buf text = {0};

	s->others = NULL;
	if (outcome == FEED_FINE && !has_others) {
		clear(s);
		return;
	}
	if (outcome == FEED_FINE) {
		log_info("status", "left as it is: another controller runs");
	} else {
		kubewrite_problem(how, outcome, message, &problems);
		problem_text(&problems.items[0], &text);
		log_warn("status", "%s", buf_cstr(&text));
	}
	problems_deinit(&problems);
	buf_deinit(&text);
	finish(s);
}

void status_close(struct status *s, void (*on_closed)(void *owner), void *owner)
{
	bool clears = s->options.clears_on_shutdown && may_write(s) && s->wanted.n <= 1;

	s->is_closing = true;
	s->on_closed = on_closed;
	s->closed_owner = owner;
	drop_patches(s);
	uv_timer_stop(&s->soon_timer);
	if (!clears) {
		finish(s);
		return;
	}
	uv_timer_start(&s->round_timer, on_clear_timer, CLEAR_MS, 0);
	if (s->options.pod.len)
		s->others = others_find(s->api, s->options.namespace_, s->options.pod, on_others, s);
	else
		clear(s); /* not in a pod: nobody like us is known */
}
