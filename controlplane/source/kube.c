/*
 * Which list-and-watches there are: some from the start, some for the namespaces that a selector finds, and one for each
 * object that somebody wants by name. Streams come and go; what they send goes to one reader.
 */
#include "kube.h"

#include <unistd.h>

#include "clock.h"
#include "kube_inside.h"
#include "log.h"
#include "mem.h"

/* What a reader needs by name. */
struct wants {
	struct stream **streams;
	size_t n;
};

static const enum object_kind served_kinds[] = {KIND_INGRESS, KIND_SERVICE, KIND_ENDPOINT_SLICE};
enum { N_SERVED = sizeof(served_kinds) / sizeof(served_kinds[0]) };

/* ---------------------------------------------------------------------------------------------------------- events */

/* Whether another stream has the object too: only when the last one loses it, it is gone. */
static bool is_known_elsewhere(const struct stream *s, const struct source_event *e)
{
	struct buf key = {0};
	bool is_found = false;

	buf_printf(&key, "%.*s/%.*s", STR_ARG(e->namespace_), STR_ARG(e->name));
	for (const struct stream *t = s->kube->streams; t && !is_found; t = t->next)
		is_found = t != s && t->scope.kind == s->scope.kind && map_get(&t->known.by_name, buf_str(&key));
	buf_deinit(&key);
	return is_found;
}

/* A namespace came or went: its streams do, too. */
static void follow_namespace(struct kube *k, const struct source_event *e)
{
	struct str name = e->object ? e->object->name : e->name;

	if (e->type == SOURCE_PUT) {
		for (struct stream *s = k->streams; s; s = s->next) {
			if (s->scope.kind == KIND_INGRESS && str_eq(s->scope.namespace_, name))
				return; /* a label of no matter has changed */
		}
		for (size_t i = 0; i < N_SERVED; i++)
			kube_stream_open(k, &(struct scope){.kind = served_kinds[i], .namespace_ = name}, false);
	} else if (e->type == SOURCE_DELETE) {
		for (struct stream *s = k->streams, *next; s; s = next) {
			next = s->next;
			if (s->scope.kind != KIND_NAMESPACE && !s->scope.name.len && !s->scope.selector.len &&
				str_eq(s->scope.namespace_, name))
				kube_stream_close(s, true);
		}
	}
}

void kube_send(struct stream *s, const struct source_event *e)
{
	struct kube *k = s->kube;

	if (k->is_closing || s->is_closing)
		return;
	if (s->scope.kind == KIND_NAMESPACE && e->type != SOURCE_PROBLEMS && k->options.namespace_selector.len)
		follow_namespace(k, e);
	if (s->scope.kind == KIND_NAMESPACE && e->type != SOURCE_PROBLEMS && !k->options.wants_namespaces)
		return;
	if (e->type != SOURCE_DELETE || !is_known_elsewhere(s, e))
		k->on_event(k->owner, e);
}

/* ------------------------------------------------------------------------------------------------------------ syncing */

static void send_bare(struct kube *k, enum source_event_type type)
{
	static const struct problems none;

	k->on_event(k->owner, &(struct source_event){.type = type, .problems = &none});
}

static void give_turns(struct kube *k)
{
	for (struct stream *s = k->streams; s && k->n_waiting_turn > 0; s = s->next) {
		if (s->is_waiting_turn) {
			kube_stream_take_turn(s);
			return; /* one end, one beginning */
		}
	}
}

static void close_end(struct kube *k)
{
	void (*on_closed)(void *) = k->on_closed;
	void *owner = k->owner;

	if (k->n_open)
		return;
	mem_free(k);
	if (on_closed)
		on_closed(owner);
}

void kube_advance(struct kube *k)
{
	if (k->is_closing) {
		close_end(k);
		return;
	}
	give_turns(k);
	if (!k->has_listed && k->n_missing == 0) {
		k->has_listed = true;
		send_bare(k, SOURCE_LISTED);
	}
	if (k->has_listed && !k->has_synced && k->n_missing == 0) {
		k->has_synced = true;
		send_bare(k, SOURCE_SYNCED);
	}
}

/* ---------------------------------------------------------------------------------------------------- wanted by name */

/* "Secret default/web" */
static bool read_key(struct str key, struct scope *out)
{
	size_t space = str_find(key, ' '), slash = str_find(key, '/');

	*out = (struct scope){.kind = KIND_COUNT};
	if (str_starts_with(key, STR("Secret ")))
		out->kind = KIND_SECRET;
	else if (str_starts_with(key, STR("ConfigMap ")))
		out->kind = KIND_CONFIG_MAP;
	if (out->kind == KIND_COUNT || slash <= space + 1 || slash + 1 >= key.len)
		return false;
	out->namespace_ = str_of(key.ptr + space + 1, slash - space - 1);
	out->name = str_from_index(key, slash + 1);
	return true;
}

static struct stream *need_stream(struct kube *k, struct str key)
{
	struct stream *s = map_get(&k->by_name, key);
	struct scope scope;

	if (!s && read_key(key, &scope)) {
		s = kube_stream_open(k, &scope, false);
		map_put(&k->by_name, key, s);
	}
	if (s)
		s->n_wanting++;
	return s;
}

static void release(struct kube *k, struct stream *s)
{
	struct buf key = {0};

	if (--s->n_wanting > 0)
		return;
	object_key(s->scope.kind, s->scope.namespace_, s->scope.name, &key);
	map_del(&k->by_name, buf_str(&key));
	buf_deinit(&key);
	kube_stream_close(s, true);
}

static void free_wants(struct wants *w)
{
	mem_free(w->streams);
	mem_free(w);
}

void kube_want(struct kube *k, struct str reader, const struct str *keys, size_t n)
{
	struct wants *old, *now = NULL;

	if (k->is_closing)
		return;
	if (n) {
		now = mem_zalloc(sizeof(*now));
		now->streams = mem_calloc(n, sizeof(struct stream *));
		for (size_t i = 0; i < n; i++) {
			struct stream *s = need_stream(k, keys[i]);

			if (s)
				now->streams[now->n++] = s;
		}
		old = map_put(&k->wants, reader, now);
	} else {
		old = map_del(&k->wants, reader);
	}
	if (!old)
		return;
	for (size_t i = 0; i < old->n; i++) /* after the new ones: what stays needed is not dropped in between */
		release(k, old->streams[i]);
	free_wants(old);
}

bool kube_is_settling(const struct kube *k)
{
	return k->n_settling > 0;
}

/* ---------------------------------------------------------------------------------------------------- open and close */

static bool is_served(const struct kube *k, struct str namespace_)
{
	for (size_t i = 0; i < k->options.n_namespaces; i++) {
		if (str_eq(k->options.namespaces[i], namespace_))
			return true;
	}
	return k->options.n_namespaces == 0 && !k->options.namespace_selector.len;
}

/* A Service may be in a namespace that is not served. */
static void open_service(struct kube *k, struct str path, bool with_slices)
{
	size_t slash = str_find(path, '/');
	struct str namespace_ = str_first(path, slash), name = str_from_index(path, slash + 1);
	struct buf selector = {0};

	if (!name.len || is_served(k, namespace_))
		return;
	kube_stream_open(k, &(struct scope){.kind = KIND_SERVICE, .namespace_ = namespace_, .name = name}, false);
	if (!with_slices)
		return;
	buf_printf(&selector, "kubernetes.io/service-name=%.*s", STR_ARG(name));
	kube_stream_open(k, &(struct scope){.kind = KIND_ENDPOINT_SLICE, .namespace_ = namespace_, .selector = buf_str(&selector)}, false);
	buf_deinit(&selector);
}

static void open_served(struct kube *k)
{
	const struct kube_options *o = &k->options;

	for (size_t i = 0; i < N_SERVED; i++) {
		if (o->n_namespaces == 0 && !o->namespace_selector.len)
			kube_stream_open(k, &(struct scope){.kind = served_kinds[i]}, true);
		for (size_t j = 0; j < o->n_namespaces; j++)
			kube_stream_open(k, &(struct scope){.kind = served_kinds[i], .namespace_ = o->namespaces[j]}, o->n_namespaces == 1);
	}
	if (o->namespace_selector.len || (o->wants_namespaces && o->n_namespaces == 0))
		kube_stream_open(k, &(struct scope){.kind = KIND_NAMESPACE, .selector = o->namespace_selector}, true);
	for (size_t j = 0; o->wants_namespaces && j < o->n_namespaces; j++)
		kube_stream_open(k, &(struct scope){.kind = KIND_NAMESPACE, .name = o->namespaces[j]}, true);
}

static void want_named(struct kube *k)
{
	const struct {
		const char *kind;
		struct str path;
	} named[] = {{"ConfigMap", k->options.configmap}, {"Secret", k->options.default_certificate}};
	struct buf keys[2] = {0};
	struct str texts[2];
	size_t n = 0;

	for (size_t i = 0; i < 2; i++) {
		if (!named[i].path.len)
			continue;
		buf_printf(&keys[n], "%s %.*s", named[i].kind, STR_ARG(named[i].path));
		texts[n] = buf_str(&keys[n]);
		n++;
	}
	kube_want(k, STR("options"), texts, n);
	for (size_t i = 0; i < n; i++)
		buf_deinit(&keys[i]);
}

struct kube *kube_open(uv_loop_t *loop, struct kubeapi *api, const struct kube_options *options, source_event_fn *on_event,
	void *owner)
{
	struct kube *k = mem_zalloc(sizeof(*k));

	k->loop = loop;
	k->api = api;
	k->options = *options;
	k->on_event = on_event;
	k->owner = owner;
	k->random = clock_mono_us() ^ (uint64_t)getpid() << 32;
	kube_stream_open(k, &(struct scope){.kind = KIND_INGRESS_CLASS}, false);
	open_service(k, k->options.default_backend, true);
	for (size_t i = 0; i < options->n_publish_services; i++)
		open_service(k, options->publish_services[i], false);
	want_named(k);
	open_served(k);
	return k;
}

void kube_close(struct kube *k, void (*on_closed)(void *owner))
{
	size_t cursor = 0;
	void *value;

	k->is_closing = true;
	k->on_closed = on_closed;
	while (map_next(&k->wants, &cursor, NULL, &value))
		free_wants(value);
	map_deinit(&k->wants);
	map_deinit(&k->by_name);
	while (k->streams)
		kube_stream_close(k->streams, false);
}

void kube_waiting(const struct kube *k, struct buf *out)
{
	const struct stream *first = NULL;
	size_t n = 0;

	if (k->has_synced)
		return;
	for (const struct stream *s = k->streams; s; s = s->next) {
		if (s->is_in)
			continue;
		n++;
		if (!first || (s->is_in_trouble && !first->is_in_trouble))
			first = s;
	}
	if (!first)
		return;
	buf_add(out, STR("waiting for the API server: "));
	scope_add_text(&first->scope, out);
	if (first->is_in_trouble)
		buf_printf(out, ", %s", feed_outcome_text(first->trouble));
	if (n > 1)
		buf_printf(out, ", and %zu more", n - 1);
}

void kube_metrics(const struct kube *k, struct buf *out)
{
	const struct {
		const char *name, *help;
		uint64_t value;
	} counters[] = {
		{"lists", "Lists begun, a first one and after each version that the API server has forgotten", k->n_lists},
		{"watches", "Watches begun", k->n_watches},
		{"watch_events", "Events of watches, bookmarks too", k->n_events},
		{"failures", "Lists and watches that did not end as they should", k->n_failures},
	};
	size_t n_trouble = 0;

	for (size_t i = 0; i < sizeof(counters) / sizeof(counters[0]); i++)
		buf_printf(out,
			"# HELP weirlock_controller_api_%s_total %s.\n# TYPE weirlock_controller_api_%s_total counter\n"
			"weirlock_controller_api_%s_total %llu\n",
			counters[i].name, counters[i].help, counters[i].name, counters[i].name, (unsigned long long)counters[i].value);
	for (const struct stream *s = k->streams; s; s = s->next)
		n_trouble += s->is_in_trouble;
	buf_printf(out,
		"# HELP weirlock_controller_api_troubled Lists and watches that do not work at present.\n"
		"# TYPE weirlock_controller_api_troubled gauge\nweirlock_controller_api_troubled %zu\n",
		n_trouble);
}

/* ----------------------------------------------------------------------------------------------------------- versions */

void kube_note_seen(struct kube *k, enum object_kind kind, uint64_t version)
{
	if (k->marks[kind].seen < version)
		k->marks[kind].seen = version;
}

void kube_note_change(struct kube *k, enum object_kind kind, uint64_t version)
{
	kube_note_seen(k, kind, version);
	if (k->marks[kind].changed < version)
		k->marks[kind].changed = version;
}

void kube_note_list(struct kube *k, enum object_kind kind, uint64_t version)
{
	if (version && version < k->marks[kind].changed) {
		log_warn("source", "the API server went back: %.*s from version %llu to %llu; was the cluster restored? Then give all "
				   "controllers a larger --epoch",
			STR_ARG(object_kind_text(kind)), (unsigned long long)k->marks[kind].changed, (unsigned long long)version);
		k->marks[kind] = (struct kube_mark){0};
	}
	kube_note_seen(k, kind, version);
}

struct kube_mark kube_mark(const struct kube *k, enum object_kind kind)
{
	return k->marks[kind];
}
