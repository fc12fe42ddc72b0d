/*
 * A generation: the objects of a snapshot, and the tables that requests read. Compiling walks the sorted resources beside the
 * sorted objects of the generation before, so that what did not change costs one comparison and one reference.
 */
#include "config.h"

#include <stdio.h>

#include "backend_table.h"
#include "client_tls.h"
#include "decode.h"
#include "host_candidates.h"
#include "host_table.h"
#include "mem.h"
#include "upstream_tls.h"

struct generation {
	atomic_uint refs;
	struct lineage *lineage;
	struct content_id id;
	struct object **objects; /* sorted by (kind, name) */
	size_t n_objects;
	const struct settings_object *settings;
	struct host_table *hosts;
	struct backend_table backends;
	struct tls_contexts *tls;
	struct upstream_tls *upstream_tls;
	struct client_tls *client_tls;
};

static atomic_uint n_live;

/* --------------------------------------------------------------------------------------------------------- errors */

static void add_error(struct config_errors *errors, uint32_t kind, struct str name, struct str reason)
{
	if (errors->n == CONFIG_MAX_ERRORS)
		return;
	errors->items = mem_grow(errors->items, &errors->cap, errors->n + 1, sizeof(*errors->items));
	errors->items[errors->n++] = (struct config_error){
		.kind = kind,
		.name = arena_str(&errors->arena, name),
		.reason = arena_str(&errors->arena, reason),
	};
}

void config_errors_deinit(struct config_errors *errors)
{
	arena_deinit(&errors->arena);
	mem_free(errors->items);
	*errors = (struct config_errors){0};
}

/* -------------------------------------------------------------------------------------------------------- objects */

static int compare(const struct object *o, const struct resource *r)
{
	if (o->kind != r->kind)
		return o->kind < r->kind ? -1 : 1;
	return str_cmp(o->name, r->name);
}

/* The object of the generation before for the same resource with the same bytes; *at moves along. */
static struct object *find_same(const struct generation *before, size_t *at, const struct resource *r)
{
	struct object *o;

	while (*at < before->n_objects && compare(before->objects[*at], r) < 0)
		++*at;
	if (*at == before->n_objects)
		return NULL;
	o = before->objects[*at];
	return compare(o, r) == 0 && memcmp(o->hash, r->hash, sizeof(o->hash)) == 0 ? o : NULL;
}

static struct object *compile_one(struct generation *g, const struct resource *r, struct config_errors *errors)
{
	struct buf why;
	struct object *o = NULL;

	buf_init(&why, 1024);
	if (r->kind == WEIRLOCK__V1__KIND__KIND_UNSPECIFIED)
		buf_add(&why, STR("a resource without a kind"));
	else
		o = object_compile(r, g->lineage, &why);
	if (!o)
		add_error(errors, r->kind, r->name, buf_str(&why));
	buf_deinit(&why);
	return o;
}

static void compile_objects(struct generation *g, struct resource *const *resources, size_t n,
	const struct generation *before, struct config_errors *errors)
{
	size_t at = 0;

	g->objects = mem_calloc(n ? n : 1, sizeof(struct object *));
	for (size_t i = 0; i < n && errors->n < CONFIG_MAX_ERRORS; i++) {
		struct object *o = before ? find_same(before, &at, resources[i]) : NULL;

		o = o ? compiled_ref(o) : compile_one(g, resources[i], errors);
		if (o)
			g->objects[g->n_objects++] = o;
	}
}

static size_t count_kind(const struct generation *g, uint32_t kind, size_t *first)
{
	size_t n = 0;

	for (size_t i = 0; i < g->n_objects; i++) {
		if (g->objects[i]->kind == kind && n++ == 0)
			*first = i;
	}
	return n;
}

/* Whether both generations hold the very same objects of a kind. */
static bool is_same_kind(const struct generation *a, const struct generation *b, uint32_t kind)
{
	size_t first_a = 0, first_b = 0, n = count_kind(a, kind, &first_a);

	if (n != count_kind(b, kind, &first_b))
		return false;
	return memcmp(a->objects + first_a, b->objects + first_b, n * sizeof(struct object *)) == 0;
}

/* The objects are sorted: content promises it, and the tables rely on it. */
static const struct object *find_object(const struct generation *g, uint32_t kind, struct str name)
{
	size_t from = 0, to = g->n_objects;

	while (from < to) {
		size_t middle = from + (to - from) / 2;
		const struct object *o = g->objects[middle];
		int order = o->kind != kind ? (o->kind < kind ? -1 : 1) : str_cmp(o->name, name);

		if (order == 0)
			return o;
		if (order < 0)
			from = middle + 1;
		else
			to = middle;
	}
	return NULL;
}

/* ------------------------------------------------------------------------------------------------------------ TLS */

static struct tls_certificate *find_certificate(const struct generation *g, struct str name)
{
	const struct object *o = name.len ? find_object(g, WEIRLOCK__V1__KIND__KIND_CERTIFICATE, name) : NULL;

	return o ? o->certificate->certificate : NULL;
}

static bool covers(const struct certificate_object *c, struct str server_name)
{
	size_t dot = str_find(server_name, '.');

	for (size_t i = 0; i < c->n_names; i++) {
		struct str name = c->names[i];

		if (str_eq_nocase(name, server_name))
			return true;
		if (str_starts_with(name, STR("*.")) && dot && dot < server_name.len &&
			str_eq_nocase(str_from_index(name, 1), str_from_index(server_name, dot)))
			return true;
	}
	return false;
}

/* F5, F6: a host whose certificate is missing gets the default one, which is what an absent entry means. */
static void add_host_certificates(const struct generation *g, const struct host_object *h, struct tls_contexts *tls)
{
	const struct object *o =
		h->certificate.len ? find_object(g, WEIRLOCK__V1__KIND__KIND_CERTIFICATE, h->certificate) : NULL;

	if (!o)
		return;
	tls_contexts_add(tls, h->host.name, o->certificate->certificate);
	for (size_t i = 0; i < h->n_aliases; i++) {
		if (covers(o->certificate, h->aliases[i])) /* B5 */
			tls_contexts_add(tls, h->aliases[i], o->certificate->certificate);
	}
}

static struct tls_contexts *build_tls(const struct generation *g, const char **why)
{
	struct tls_contexts *tls = tls_contexts_create(&g->settings->tls, lineage_session_keys(g->lineage), why);
	struct tls_certificate *fallback = find_certificate(g, g->settings->default_certificate);

	if (!tls)
		return NULL;
	if (!fallback)
		fallback = find_certificate(g, STR("-"));
	if (fallback)
		tls_contexts_set_default(tls, fallback);
	for (size_t i = 0; i < g->n_objects; i++) {
		if (g->objects[i]->kind == WEIRLOCK__V1__KIND__KIND_HOST)
			add_host_certificates(g, g->objects[i]->host, tls);
	}
	if (client_tls_asks(g->client_tls)) {
		const struct tls_auth_finder finder = client_tls_finder(g->client_tls);

		tls_contexts_set_auth(tls, &finder);
	}
	return tls;
}

/* -------------------------------------------------------------------------------------------------------- compile */

static bool take_settings(struct generation *g, struct config_errors *errors)
{
	const struct object *o = find_object(g, WEIRLOCK__V1__KIND__KIND_SETTINGS, STR(""));

	if (!o) {
		add_error(errors, WEIRLOCK__V1__KIND__KIND_SETTINGS, STR(""), STR("is missing"));
		return false;
	}
	g->settings = o->settings;
	return true;
}

static bool take_tls(struct generation *g, bool is_same, const struct generation *before, struct config_errors *errors)
{
	const char *why = "";

	g->tls = is_same ? tls_contexts_ref(before->tls) : build_tls(g, &why);
	if (!g->tls)
		add_error(errors, WEIRLOCK__V1__KIND__KIND_SETTINGS, STR(""), str_from(why));
	return g->tls != NULL;
}

/* Of the newest generation alone: a ticket does not know under which it was made. */
static void give_ticket_keys(const struct generation *g)
{
	const struct object *o = find_object(g, WEIRLOCK__V1__KIND__KIND_TICKET_KEYS, STR(""));

	tls_session_keys_set(lineage_session_keys(g->lineage), o ? o->ticket_keys->keys : NULL, o ? o->ticket_keys->n : 0);
}

static bool take_backends(
	struct generation *g, const struct generation *before, struct str zone, struct config_errors *errors)
{
	struct str name = STR("");
	const char *why = "";

	if (backend_table_init(&g->backends, g->objects, g->n_objects, before ? &before->backends : NULL, zone, &name, &why))
		return true;
	add_error(errors, WEIRLOCK__V1__KIND__KIND_BACKEND, name, str_from(why));
	return false;
}

static bool take_upstream_tls(
	struct generation *g, bool is_same_hosts, const struct generation *before, struct config_errors *errors)
{
	struct str name = STR("");
	const char *why = "";

	if (is_same_hosts && is_same_kind(g, before, WEIRLOCK__V1__KIND__KIND_BACKEND_SECRET))
		g->upstream_tls = upstream_tls_ref(before->upstream_tls);
	else
		g->upstream_tls = upstream_tls_create(g->objects, g->n_objects, before ? before->upstream_tls : NULL, &name, &why);
	if (!g->upstream_tls)
		add_error(errors, WEIRLOCK__V1__KIND__KIND_HOST, name, str_from(why));
	return g->upstream_tls != NULL;
}

static bool build_tables(
	struct generation *g, const struct generation *before, struct str zone, struct config_errors *errors)
{
	bool is_same_hosts = before && is_same_kind(g, before, WEIRLOCK__V1__KIND__KIND_HOST);
	bool is_same_clients = is_same_hosts && is_same_kind(g, before, WEIRLOCK__V1__KIND__KIND_CLIENT_CA);
	bool is_same_tls = is_same_clients && is_same_kind(g, before, WEIRLOCK__V1__KIND__KIND_CERTIFICATE) &&
		is_same_kind(g, before, WEIRLOCK__V1__KIND__KIND_SETTINGS);

	g->hosts = is_same_hosts ? host_table_ref(before->hosts) : host_table_create(g->objects, g->n_objects);
	g->client_tls = is_same_clients ? client_tls_ref(before->client_tls)
					: client_tls_create(g->hosts, g->objects, g->n_objects, before ? before->client_tls : NULL);
	return take_settings(g, errors) && take_tls(g, is_same_tls, before, errors) && take_backends(g, before, zone, errors) &&
		take_upstream_tls(g, is_same_hosts, before, errors);
}

/* Takes `lineage`. */
static struct generation *compile(struct content *content, struct lineage *lineage, const struct generation *before,
	struct str zone, struct config_errors *errors)
{
	struct generation *g = mem_zalloc(sizeof(*g));
	size_t n, n_errors = errors->n;
	struct resource *const *resources = content_sorted(content, &n);

	atomic_init(&g->refs, 1);
	atomic_fetch_add(&n_live, 1);
	g->lineage = lineage;
	g->id = content_id(content);
	compile_objects(g, resources, n, before, errors);
	if (errors->n > n_errors || !build_tables(g, before, zone, errors)) {
		const struct generation *failed = g;

		generation_unref(&failed);
		return NULL;
	}
	give_ticket_keys(g);
	return g;
}

struct generation *config_compile(
	struct content *content, const struct generation *before, struct config_errors *errors)
{
	return config_compile_in_zone(content, before, STR(""), errors);
}

struct generation *config_compile_in_zone(
	struct content *content, const struct generation *before, struct str zone, struct config_errors *errors)
{
	struct lineage *lineage = before ? lineage_ref(before->lineage) : lineage_create(false);

	return compile(content, lineage, before, zone, errors);
}

struct generation *config_compile_for_reading(struct content *content, struct config_errors *errors)
{
	return compile(content, lineage_create(true), NULL, STR(""), errors);
}

/* ------------------------------------------------------------------------------------------------------ references */

static struct generation *writable(const struct generation *g)
{
	return (struct generation *)(uintptr_t)g; /* only its count is ever written once it is shared */
}

const struct generation *generation_ref(const struct generation *g)
{
	atomic_fetch_add_explicit(&writable(g)->refs, 1, memory_order_relaxed);
	return g;
}

void generation_unref(const struct generation **p)
{
	struct generation *g = *p ? writable(*p) : NULL;

	*p = NULL;
	if (!g || atomic_fetch_sub_explicit(&g->refs, 1, memory_order_acq_rel) > 1)
		return;
	if (g->tls)
		tls_contexts_unref(&g->tls);
	upstream_tls_unref(&g->upstream_tls);
	client_tls_unref(&g->client_tls);
	host_table_unref(&g->hosts);
	backend_table_deinit(&g->backends);
	for (size_t i = 0; i < g->n_objects; i++)
		compiled_unref(&g->objects[i]);
	mem_free(g->objects);
	lineage_unref(&g->lineage);
	mem_free(g);
	atomic_fetch_sub(&n_live, 1);
}

unsigned generation_live_count(void)
{
	return atomic_load(&n_live);
}

/* --------------------------------------------------------------------------------------------------------- reading */

bool generation_is_for_reading(const struct generation *g)
{
	return lineage_is_for_reading(g->lineage);
}

struct content_id generation_id(const struct generation *g)
{
	return g->id;
}

const struct settings *generation_settings(const struct generation *g)
{
	return &g->settings->settings;
}

const struct clientaddr_rules *generation_clientaddr_rules(const struct generation *g)
{
	return &g->settings->rules;
}

const struct backend *generation_backend(const struct generation *g, const struct route *r)
{
	return r->backend_index == BACKEND_NONE ? generation_default_backend(g)
						: backend_table_at(&g->backends, r->backend_index);
}

const struct backend *generation_backend_at(const struct generation *g, unsigned index)
{
	return backend_table_at(&g->backends, index);
}

const struct backend *generation_default_backend(const struct generation *g)
{
	const struct backend_slot *slot = g->settings->default_backend;
	const struct backend *b = slot ? backend_table_at(&g->backends, slot->index) : NULL;

	return b && (b->n_endpoints || b->external_name.len) ? b : NULL; /* D4: endpoints gone, built-in page */
}

unsigned generation_backend_bound(const struct generation *g)
{
	return g->backends.bound;
}

const struct backend *generation_next_backend(const struct generation *g, size_t *cursor)
{
	while (*cursor < g->backends.bound) {
		const struct backend *b = backend_table_at(&g->backends, (unsigned)(*cursor)++);

		if (b)
			return b;
	}
	return NULL;
}

const struct host *generation_next_host(const struct generation *g, size_t *cursor)
{
	while (*cursor < g->n_objects) {
		const struct object *o = g->objects[(*cursor)++];

		if (o->kind == WEIRLOCK__V1__KIND__KIND_HOST)
			return &o->host->host;
	}
	return NULL;
}

const struct tcp_service *generation_next_tcp(const struct generation *g, size_t *cursor)
{
	while (*cursor < g->n_objects) {
		const struct object *o = g->objects[(*cursor)++];

		if (o->kind == WEIRLOCK__V1__KIND__KIND_TCP_SERVICE)
			return &o->tcp->service;
	}
	return NULL;
}

const struct tcp_service *generation_find_tcp(const struct generation *g, uint16_t port)
{
	char text[8];
	int len = snprintf(text, sizeof(text), "%u", (unsigned)port);
	const struct object *o = find_object(g, WEIRLOCK__V1__KIND__KIND_TCP_SERVICE, str_of(text, (size_t)len));

	return o ? &o->tcp->service : NULL;
}

struct tls_auth *generation_tls_auth(const struct generation *g, const struct client_auth *auth)
{
	return client_tls_find(g->client_tls, auth);
}

struct tls_client *generation_tls_client(const struct generation *g, const struct policy *policy)
{
	return policy->proxy_ssl ? upstream_tls_find(g->upstream_tls, policy->proxy_ssl) : tls_client_plain();
}

struct tls_contexts *generation_tls(const struct generation *g)
{
	return g->tls;
}

struct str generation_certificate_name(const struct generation *g, const struct tls_certificate *certificate)
{
	for (size_t i = 0; i < g->n_objects; i++) {
		const struct object *o = g->objects[i];

		if (o->kind == WEIRLOCK__V1__KIND__KIND_CERTIFICATE && o->certificate->certificate == certificate)
			return o->name;
	}
	return STR("");
}

const struct host *generation_find_host(const struct generation *g, struct str server_name)
{
	return host_table_find(g->hosts, server_name);
}

struct host_match generation_match_host(const struct generation *g, struct str server_name)
{
	return host_table_match(g->hosts, server_name);
}

size_t generation_host_candidates(
	const struct generation *g, struct str server_name, struct host_candidate *out, size_t cap)
{
	return host_candidates(g->hosts, server_name, out, cap);
}

bool generation_has_tls(const struct generation *g, struct str server_name)
{
	return host_table_has_tls(g->hosts, server_name);
}
