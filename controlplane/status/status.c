/*
 * Rounds: what is to be published is found out, every Ingress is put into a queue, and those of ours that say something else
 * are patched, a few at a time. A round comes with leadership, with another address, and every minute; an Ingress that
 * changes gets into the queue by itself. What the server does not want is left for the next round.
 */
#include "inside.h"
#include "mem.h"

enum { ROUND_MS = 60 * 1000, AGAIN_MS = 15 * 1000, SOON_MS = 50 };

static void on_round(uv_timer_t *timer);

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

void status_tell_trouble(struct status *s, enum feed_outcome outcome, struct str namespace_, struct str message)
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

void status_tell_good(struct status *s)
{
	send_good(s, ORIGIN_PATCH, &s->is_in_trouble);
}

static void tell_no_service(struct target *t, const char *rule, const char *fix)
{
	struct problems problems = {0};

	t->has_address_problem = true;
	t->has_wanted = false; /* what was published is not made more */
	problems_add(&problems,
		&(struct problem){
			.severity = SEVERITY_FAULT,
			.object = STR("--publish-service"),
			.value = t->from->service,
			.rule = str_from(rule),
			.fix = str_from(fix),
			.effect = STR("the status of Ingresses is left as it is"),
		});
	send_problems(t->status, t->origin_service, &problems);
	problems_deinit(&problems);
}

/* -------------------------------------------------------------------------------------------------------- a round */

static void want(struct target *t, struct addresses *list)
{
	struct status *s = t->status;

	addresses_deinit(&t->wanted);
	t->wanted = *list;
	*list = (struct addresses){0};
	t->has_wanted = true;
	combined_forget(s);
	patches_enqueue_all(s);
	patches_pump_in(s, 0);
}

static void want_service(struct target *t)
{
	struct addresses list = {0};
	const char *why;

	if (!t->service) {
		tell_no_service(t, "the NAMESPACE/NAME of a Service that is there", "create it, or name another one");
	} else if (!addresses_add_service(&list, &t->service->service, &why)) {
		tell_no_service(t, why, "name that of the proxies");
	} else {
		send_good(t->status, t->origin_service, &t->has_address_problem);
		want(t, &list);
	}
	addresses_deinit(&list);
}

static void on_places(void *owner, const struct addresses *found, const struct kubewrite *how, enum feed_outcome outcome, struct str message)
{
	struct target *t = owner;
	struct status *s = t->status;
	struct addresses list = {0};

	t->places = NULL;
	if (outcome != FEED_FINE) {
		t->has_places_problem = true;
		send_kubewrite(s, t->origin_places, how, outcome, message);
		status_round_is_bad(s);
		return;
	}
	send_good(s, t->origin_places, &t->has_places_problem);
	for (size_t i = 0; i < found->n; i++)
		addresses_add(&list, found->items[i].ip.len ? found->items[i].ip : found->items[i].hostname);
	t->has_wanted = list.n > 0;
	if (list.n) /* where no proxy is found, somebody else's may be: what is there stays */
		want(t, &list);
	addresses_deinit(&list);
}

void status_round_is_bad(struct status *s)
{
	if (!s->is_round_bad && !s->is_closing)
		uv_timer_start(&s->round_timer, on_round, AGAIN_MS, 0);
	s->is_round_bad = true;
}

static void find(struct target *t)
{
	const struct status_options *o = &t->status->options;
	const struct places_options places = {o->namespace_, t->from->selector, o->wants_internal, on_places, t};
	struct addresses list = {0};
	struct str bad;

	if (t->from->addresses.len) {
		addresses_add_list(&list, t->from->addresses, &bad);
		want(t, &list);
	} else if (t->from->service.len) {
		want_service(t);
	} else if (t->from->selector.len && !t->places) {
		t->places = places_find(t->status->api, &places);
	}
	addresses_deinit(&list);
}

static void begin_round(struct status *s)
{
	uv_timer_start(&s->round_timer, on_round, ROUND_MS, 0);
	s->is_round_bad = false;
	map_deinit(&s->forbidden);
	for (size_t i = 0; i < s->options.n_pools; i++)
		find(&s->targets[i]);
}

/* The next time, everything is looked at anew. */
static void forget_target(struct target *t)
{
	t->has_wanted = false;
	if (t->places)
		places_cancel(t->places);
	t->places = NULL;
	send_good(t->status, t->origin_places, &t->has_places_problem);
	send_good(t->status, t->origin_service, &t->has_address_problem);
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
	uv_timer_stop(&s->round_timer);
	uv_timer_stop(&s->soon_timer);
	patches_drop(s);
	patches_empty(s);
	status_tell_good(s);
	for (size_t i = 0; i < s->options.n_pools; i++)
		forget_target(&s->targets[i]);
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
	if (!s->is_leading || !combined_has_any(s))
		return;
	patches_enqueue(s, key, seen);
	patches_pump_in(s, SOON_MS);
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
	for (size_t i = 0; i < s->options.n_pools && e->type != SOURCE_REFUSE; i++) {
		struct target *t = &s->targets[i];

		if (!t->from->service.len || !is_of(e, t->from->service))
			continue;
		object_unref(&t->service);
		if (e->object)
			t->service = object_ref(e->object);
		if (s->is_leading)
			find(t);
	}
}

void status_take(struct status *s, const struct source_event *e)
{
	enum object_kind kind = e->object ? e->object->kind : e->kind;

	if (s->is_closing || e->type == SOURCE_PROBLEMS || e->type == SOURCE_LISTED || e->type == SOURCE_SYNCED)
		return;
	if (kind == KIND_INGRESS) {
		take_ingress(s, e);
	} else if (kind == KIND_SERVICE) {
		take_service(s, e);
	} else if ((kind == KIND_INGRESS_CLASS || kind == KIND_NAMESPACE) && s->is_leading && combined_has_any(s)) { /* whose Ingresses are has changed */
		patches_enqueue_all(s);
		patches_pump_in(s, SOON_MS);
	}
}

/* ----------------------------------------------------------------------------------------------------------- open */

static struct str origin(struct status *s, const char *what, size_t pool)
{
	struct buf text = {0};
	struct str kept;

	buf_printf(&text, pool ? "%s, pool %zu" : "%s", what, pool);
	kept = arena_str(&s->arena, buf_str(&text));
	buf_deinit(&text);
	return kept;
}

static void open_target(struct status *s, size_t pool)
{
	s->targets[pool] = (struct target){
		.status = s,
		.from = &s->options.publish[pool],
		.origin_service = origin(s, "--publish-service", pool),
		.origin_places = origin(s, "Kubernetes API nodes of proxies", pool),
	};
}

struct status *status_open(uv_loop_t *loop, struct kubeapi *api, const struct status_options *options, const struct status_hooks *hooks)
{
	struct status *s = mem_zalloc(sizeof(*s));

	s->loop = loop;
	s->api = api;
	s->options = *options;
	s->hooks = *hooks;
	for (size_t i = 0; i < options->n_pools; i++)
		open_target(s, i);
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
