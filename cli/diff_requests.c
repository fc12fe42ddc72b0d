/*
 * Two views side by side, kind by kind. A path is known by host, path and type; a value of its policy by the annotation that sets
 * it. What many hosts share, a backend or a certificate, is one row that names the hosts.
 */
#include "diff_requests.h"

#include <stdlib.h>
#include <string.h>

#include "diff.h"
#include "map.h"
#include "mem.h"
#include "origin.h"
#include "render.h"

enum { HOSTS_SHOWN = 5 };

const struct column diff_request_columns[] = {
	{"CHANGE", "change", false},
	{"WHAT", "what", false},
	{"WHERE", "where", false},
	{"FIELD", "field", false},
	{"BEFORE", "before", false},
	{"AFTER", "after", false},
	{"HOSTS", "hosts", false},
	{0},
};

/* Takes `before` and `after`, which may be NULL. The row is borrowed. */
static json_t *add(json_t *rows, const char *change, const char *what, struct str where, struct str field, json_t *before, json_t *after)
{
	json_t *row = json_object();

	json_object_set_new(row, "change", json_string(change));
	json_object_set_new(row, "what", json_string(what));
	json_object_set_new(row, "where", render_text(where));
	if (field.len)
		json_object_set_new(row, "field", render_text(field));
	if (before)
		json_object_set_new(row, "before", before);
	if (after)
		json_object_set_new(row, "after", after);
	diff_flatten(row, "before");
	diff_flatten(row, "after");
	json_array_append_new(rows, row);
	return row;
}

/* "policy.proxy_read_timeout_ms" as proxy-read-timeout; other fields as they are called. */
static void name_field(const char *path, struct buf *out, const char **leaf)
{
	const char *dot = strrchr(path, '.');

	*leaf = dot ? dot + 1 : path;
	if (strncmp(path, "policy.", strlen("policy.")) == 0)
		origin_policy_key(*leaf, out);
	else
		buf_add(out, str_from(path));
}

static json_t *shown(const char *leaf, json_t *value)
{
	return value ? origin_shown(leaf, value) : NULL;
}

/* A row for each field in which two JSON objects differ. Takes both. */
static void add_fields(json_t *rows, const char *what, struct str where, json_t *before, json_t *after, json_t *hosts)
{
	json_t *fields = json_array(), *field;
	size_t i;

	diff_values(before, after, "", fields);
	json_array_foreach(fields, i, field)
	{
		struct buf name = {0};
		const char *leaf;
		json_t *row;

		name_field(json_string_value(json_object_get(field, "field")), &name, &leaf);
		row = add(rows, "changed", what, where, buf_str(&name), shown(leaf, json_object_get(field, "before")),
			shown(leaf, json_object_get(field, "after")));
		if (hosts)
			json_object_set(row, "hosts", hosts);
		buf_deinit(&name);
	}
	json_decref(fields);
	json_decref(before);
	json_decref(after);
}

/* ---------------------------------------------------------------------------------------------------- hosts, paths */

static const Weirlock__V1__Host *find_host(const struct view *v, const char *name)
{
	for (size_t low = 0, high = v->n_hosts; low < high;) { /* in the order of their names */
		size_t middle = low + (high - low) / 2;
		int order = str_cmp(str_from(v->hosts[middle]->name), str_from(name));

		if (order == 0)
			return v->hosts[middle];
		if (order < 0)
			low = middle + 1;
		else
			high = middle;
	}
	return NULL;
}

static const Weirlock__V1__Route *find_route(const Weirlock__V1__Host *h, const Weirlock__V1__Route *like)
{
	for (size_t i = 0; h && i < h->n_routes; i++) {
		if (h->routes[i]->path_type == like->path_type && strcmp(h->routes[i]->path, like->path) == 0)
			return h->routes[i];
	}
	return NULL;
}

/* "a.test/shop prefix" */
static void name_route(const Weirlock__V1__Host *h, const Weirlock__V1__Route *r, struct buf *out)
{
	json_t *type = render_enum(&weirlock__v1__path_type__descriptor, (int)r->path_type);

	buf_printf(out, "%s%s %s", h->name, r->path, json_string_value(type));
	json_decref(type);
}

static json_t *target_of(const Weirlock__V1__Route *r)
{
	struct buf text = {0};
	json_t *out;

	if (r->fixed_status)
		buf_printf(&text, "answers %u", r->fixed_status);
	else
		buf_add(&text, r->backend[0] ? str_from(r->backend) : STR("(default)"));
	out = render_text(buf_str(&text));
	buf_deinit(&text);
	return out;
}

/* What a route is to requests. Its backend says its service too. */
static json_t *route_json(const Weirlock__V1__Route *r)
{
	json_t *json = render_message(&r->base, false);

	json_object_del(json, "service");
	json_object_del(json, "service_port");
	return json;
}

/* Routes of `from` that `other` lacks; and, once, those of both. */
static void add_routes(json_t *rows, const Weirlock__V1__Host *from, const Weirlock__V1__Host *other, bool is_before)
{
	for (size_t i = 0; from && i < from->n_routes; i++) {
		const Weirlock__V1__Route *r = from->routes[i], *twin = find_route(other, r);
		struct buf where = {0};

		name_route(from, r, &where);
		if (!twin)
			add(rows, is_before ? "removed" : "added", "path", buf_str(&where), STR(""), is_before ? target_of(r) : NULL,
				is_before ? NULL : target_of(r));
		else if (is_before)
			add_fields(rows, "path", buf_str(&where), route_json(r), route_json(twin), NULL);
		buf_deinit(&where);
	}
}

static json_t *host_json(const Weirlock__V1__Host *h)
{
	json_t *json = render_message(&h->base, false);

	json_object_del(json, "routes");
	return json;
}

static void add_hosts(json_t *rows, const struct view *before, const struct view *after)
{
	for (size_t i = 0; i < before->n_hosts; i++) {
		const Weirlock__V1__Host *h = before->hosts[i], *twin = find_host(after, h->name);

		if (twin)
			add_fields(rows, "host", str_from(h->name), host_json(h), host_json(twin), NULL);
		else
			add(rows, "removed", "host", str_from(h->name), STR(""), NULL, NULL);
		add_routes(rows, h, twin, true);
		add_routes(rows, twin, h, false);
	}
	for (size_t i = 0; i < after->n_hosts; i++) {
		if (find_host(before, after->hosts[i]->name))
			continue;
		add(rows, "added", "host", str_from(after->hosts[i]->name), STR(""), NULL, NULL);
		add_routes(rows, after->hosts[i], NULL, false);
	}
}

/* ------------------------------------------------------------------------------------ what hosts share, and all else */

static bool host_uses(const Weirlock__V1__Host *h, uint32_t kind, const char *name)
{
	if (kind == WEIRLOCK__V1__KIND__KIND_CERTIFICATE)
		return strcmp(h->certificate, name) == 0;
	for (size_t i = 0; i < h->n_routes; i++) {
		if (strcmp(h->routes[i]->backend, name) == 0)
			return true;
	}
	return false;
}

/* The first hosts that use it, and how many more do. Owned. */
static json_t *hosts_of(const struct view *v, uint32_t kind, const char *name)
{
	json_t *list = json_array();
	size_t n = 0;

	for (size_t i = 0; i < v->n_hosts; i++) {
		if (host_uses(v->hosts[i], kind, name) && ++n <= HOSTS_SHOWN)
			json_array_append_new(list, render_text(str_from(v->hosts[i]->name)));
	}
	if (n > HOSTS_SHOWN) {
		struct buf more = {0};

		buf_printf(&more, "and %zu more", n - HOSTS_SHOWN);
		json_array_append_new(list, render_text(buf_str(&more)));
		buf_deinit(&more);
	}
	return list;
}

static const char *word_of(uint32_t kind)
{
	switch (kind) {
	case WEIRLOCK__V1__KIND__KIND_SETTINGS:
		return "setting";
	case WEIRLOCK__V1__KIND__KIND_BACKEND:
		return "backend";
	case WEIRLOCK__V1__KIND__KIND_CERTIFICATE:
		return "certificate";
	case WEIRLOCK__V1__KIND__KIND_TCP_SERVICE:
		return "tcp";
	case WEIRLOCK__V1__KIND__KIND_UDP_SERVICE:
		return "udp";
	default:
		return "secret"; /* its body is not shown */
	}
}

/* A certificate is its fingerprint and expiry; the chain itself tells people nothing. */
static json_t *resource_json(const Weirlock__V1__Resource *r)
{
	json_t *json = diff_body(r);

	json_object_del(json, "chain_pem");
	return json;
}

/* One resource that came, went or changed, apart from hosts and endpoints. */
static void add_resource(json_t *rows, const Weirlock__V1__Resource *before, const Weirlock__V1__Resource *after, const struct view *v)
{
	const Weirlock__V1__Resource *r = after ? after : before;
	json_t *hosts = hosts_of(v, r->kind, r->name);
	size_t n = json_array_size(rows);

	if (before && after)
		add_fields(rows, word_of(r->kind), str_from(r->name), resource_json(before), resource_json(after), hosts);
	if (json_array_size(rows) == n) {
		json_t *row = add(rows, !before ? "added" : !after ? "removed" : "changed", word_of(r->kind), str_from(r->name), STR(""),
			NULL, NULL);

		json_object_set(row, "hosts", hosts);
	}
	json_decref(hosts);
}

static bool is_elsewhere(uint32_t kind)
{
	return kind == WEIRLOCK__V1__KIND__KIND_HOST || kind == WEIRLOCK__V1__KIND__KIND_ENDPOINTS;
}

static void add_resources(json_t *rows, const struct view *before, const struct view *after)
{
	const Weirlock__V1__Snapshot *a = before->snapshot, *b = after->snapshot;

	for (size_t i = 0, k = 0; i < a->n_resources || k < b->n_resources;) {
		int order = i == a->n_resources ? 1 : k == b->n_resources ? -1 : diff_compare(a->resources[i], b->resources[k]);
		const Weirlock__V1__Resource *old = order <= 0 ? a->resources[i++] : NULL, *new = order >= 0 ? b->resources[k++] : NULL;

		if (is_elsewhere(old ? old->kind : new->kind) ||
			(old && new && str_eq(str_of(old->hash.data, old->hash.len), str_of(new->hash.data, new->hash.len))))
			continue;
		add_resource(rows, old, new, new ? after : before);
	}
}

/* ------------------------------------------------------------------------------------------------------- endpoints */

/* "10.0.0.1:80", with what is not as usual of it. */
static void add_endpoint(struct buf *out, const Weirlock__V1__Endpoint *e)
{
	json_t *json = render_message(&e->base, false);
	const char *ip = json_string_value(json_object_get(json, "ip"));
	bool is_v6 = ip && strchr(ip, ':');

	buf_printf(out, "%s%s%s:%u", is_v6 ? "[" : "", ip ? ip : "?", is_v6 ? "]" : "", e->port);
	if (e->state != WEIRLOCK__V1__ENDPOINT_STATE__ENDPOINT_READY)
		buf_add(out, STR(" terminating"));
	json_decref(json);
}

/* backend → its endpoints as a map of their texts */
static void collect(const struct view *v, struct map *backends)
{
	for (size_t i = 0; i < v->n_endpoints; i++) {
		struct map *set = map_get(backends, str_from(v->endpoints[i]->backend));

		if (!set) {
			set = mem_zalloc(sizeof(*set));
			map_put(backends, str_from(v->endpoints[i]->backend), set);
		}
		for (size_t k = 0; k < v->endpoints[i]->n_endpoints; k++) {
			struct buf text = {0};

			add_endpoint(&text, v->endpoints[i]->endpoints[k]);
			map_put(set, buf_str(&text), set);
			buf_deinit(&text);
		}
	}
}

static void free_collected(struct map *backends)
{
	size_t cursor = 0;
	void *set;

	while (map_next(backends, &cursor, NULL, &set)) {
		map_deinit(set);
		mem_free(set);
	}
	map_deinit(backends);
}

static int compare_text(const void *a, const void *b)
{
	return strcmp(json_string_value(*(json_t *const *)a), json_string_value(*(json_t *const *)b));
}

/* Those of `from` that `other` lacks, sorted. Owned. */
static json_t *lacking(const struct map *from, const struct map *other)
{
	json_t *list = json_array(), **items;
	struct str key;
	size_t cursor = 0, n = 0;

	items = mem_calloc((from ? from->n : 0) + 1, sizeof(json_t *));
	while (from && map_next(from, &cursor, &key, NULL)) {
		if (!other || !map_get(other, key))
			items[n++] = render_text(key);
	}
	if (n > 1)
		qsort(items, n, sizeof(json_t *), compare_text);
	for (size_t i = 0; i < n; i++)
		json_array_append_new(list, items[i]);
	mem_free(items);
	return list;
}

static void add_backend_endpoints(json_t *rows, struct str backend, const struct map *before, const struct map *after, const struct view *v)
{
	json_t *gone = lacking(before, after), *new = lacking(after, before), *row, *hosts;
	struct buf name = {0};

	if (json_array_size(gone) || json_array_size(new)) {
		buf_add(&name, backend);
		row = add(rows, !before ? "added" : !after ? "removed" : "changed", "endpoints", backend, STR(""), NULL, NULL);
		hosts = hosts_of(v, WEIRLOCK__V1__KIND__KIND_BACKEND, buf_cstr(&name));
		json_object_set(row, "before", gone);
		json_object_set(row, "after", new);
		json_object_set_new(row, "hosts", hosts);
		buf_deinit(&name);
	}
	json_decref(gone);
	json_decref(new);
}

static void add_endpoints(json_t *rows, const struct view *before, const struct view *after)
{
	struct map old = {0}, new = {0};
	struct str backend;
	size_t cursor = 0;
	void *set;

	collect(before, &old);
	collect(after, &new);
	for (size_t i = 0; i < after->n_backends; i++) /* in the order of their names */
		add_backend_endpoints(rows, after->backend_names[i], map_get(&old, after->backend_names[i]),
			map_get(&new, after->backend_names[i]), after);
	while (map_next(&old, &cursor, &backend, &set)) {
		bool is_there = false;

		for (size_t i = 0; i < after->n_backends && !is_there; i++)
			is_there = str_eq(after->backend_names[i], backend);
		if (!is_there)
			add_backend_endpoints(rows, backend, set, NULL, before);
	}
	free_collected(&old);
	free_collected(&new);
}

json_t *diff_requests(const struct view *before, const struct view *after)
{
	json_t *rows = json_array();

	add_hosts(rows, before, after);
	add_resources(rows, before, after);
	add_endpoints(rows, before, after);
	return rows;
}
