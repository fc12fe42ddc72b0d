/*
 * A generation: the objects of a snapshot, and the tables that requests read. Compiling begins with what differs from the
 * generation before: the difference of the two snapshots, or, where that is not at hand, of the sorted resources and the sorted
 * objects. All else is shared, most of it in chunks and pages, so that a change of endpoints costs next to nothing.
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
	struct object_list objects;
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

/* On its way. */
struct compiling {
	struct generation *g;
	const struct generation *before; /* or NULL */
	struct object_change *changes;   /* sorted */
	size_t n, cap;
	struct object **flat; /* all objects, once somebody wants them so */
	struct str zone;
	struct config_errors *errors;
};

/* False when there are too many errors already. */
static bool add_put(struct compiling *c, const struct resource *r)
{
	struct object *o;

	if (c->errors->n >= CONFIG_MAX_ERRORS)
		return false;
	o = compile_one(c->g, r, c->errors);
	if (!o)
		return true;
	c->changes = mem_grow(c->changes, &c->cap, c->n + 1, sizeof(*c->changes));
	c->changes[c->n++] = (struct object_change){.kind = o->kind, .name = o->name, .put = o};
	return true;
}

static void add_drop(struct compiling *c, uint32_t kind, struct str name)
{
	c->changes = mem_grow(c->changes, &c->cap, c->n + 1, sizeof(*c->changes));
	c->changes[c->n++] = (struct object_change){.kind = kind, .name = name};
}

static int compare(uint32_t kind, struct str name, uint32_t other_kind, struct str other_name)
{
	if (kind != other_kind)
		return kind < other_kind ? -1 : 1;
	return str_cmp(name, other_name);
}

/* The two sorted lists side by side. */
static void find_changes(struct compiling *c, struct content *content)
{
	static const struct object_list none;
	const struct object_list *before = c->before ? &c->before->objects : &none;
	size_t n, i = 0, j = 0;
	struct resource *const *resources = content_sorted(content, &n);
	bool goes_on = true;

	while (goes_on && (i < n || j < before->n)) {
		const struct object *o = j < before->n ? object_list_at(before, j) : NULL;
		int order = i == n ? 1 : !o ? -1 : compare(resources[i]->kind, resources[i]->name, o->kind, o->name);

		if (order > 0)
			add_drop(c, o->kind, o->name);
		else if (order < 0 || memcmp(o->hash, resources[i]->hash, sizeof(o->hash)) != 0)
			goes_on = add_put(c, resources[i]);
		i += order <= 0;
		j += order >= 0;
	}
}

/* The same from the snapshots, of which all that is alike is passed over. */
static void take_changes(struct compiling *c, struct content *from, struct content *content)
{
	struct arena arena = {0};
	struct content_change change;
	size_t i = 0, j = 0;
	bool goes_on = true;

	content_diff(from, content, &arena, &change);
	while (goes_on && (i < change.n_put || j < change.n_drop)) {
		const struct resource *put = i < change.n_put ? change.put[i] : NULL;
		const struct resource *drop = j < change.n_drop ? change.drop[j] : NULL;

		if (!put || (drop && compare(drop->kind, drop->name, put->kind, put->name) < 0)) {
			const struct object *o = object_list_find(&c->before->objects, drop->kind, drop->name);

			if (o)
				add_drop(c, o->kind, o->name); /* its name lives as long as the generation before */
			j++;
		} else {
			goes_on = add_put(c, put);
			i++;
		}
	}
	arena_deinit(&arena);
}

/* Whether both generations hold the very same objects of a kind. */
static bool is_same_kind(const struct compiling *c, uint32_t kind)
{
	for (size_t i = 0; i < c->n; i++) {
		if (c->changes[i].kind == kind)
			return false;
	}
	return c->before != NULL;
}

static bool is_endpoints_alone(const struct compiling *c)
{
	for (size_t i = 0; i < c->n; i++) {
		if (c->changes[i].kind != WEIRLOCK__V1__KIND__KIND_ENDPOINTS)
			return false;
	}
	return c->before != NULL;
}

static struct object *const *flat_of(struct compiling *c)
{
	if (!c->flat)
		c->flat = object_list_flat(&c->g->objects);
	return c->flat;
}

static const struct object *find_object(const struct generation *g, uint32_t kind, struct str name)
{
	return object_list_find(&g->objects, kind, name);
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

/* F1: of the host's names, whatever certificate they have. */
static void add_host_ciphers(const struct host_object *h, struct tls_contexts *tls)
{
	if (!h->ssl_ciphers.len && !h->is_client_cipher_order)
		return;
	tls_contexts_set_ciphers(tls, h->host.name, h->ssl_ciphers, h->is_client_cipher_order);
	for (size_t i = 0; i < h->n_aliases; i++)
		tls_contexts_set_ciphers(tls, h->aliases[i], h->ssl_ciphers, h->is_client_cipher_order);
}

static struct tls_contexts *build_tls(struct compiling *c, const char **why)
{
	const struct generation *g = c->g;
	struct object *const *objects = flat_of(c);
	struct tls_contexts *tls = tls_contexts_create(&g->settings->tls, lineage_session_keys(g->lineage), why);
	struct tls_certificate *fallback = find_certificate(g, g->settings->default_certificate);

	if (!tls)
		return NULL;
	if (!fallback)
		fallback = find_certificate(g, STR("-"));
	if (fallback)
		tls_contexts_set_default(tls, fallback);
	for (size_t i = 0; i < g->objects.n; i++) {
		if (objects[i]->kind != WEIRLOCK__V1__KIND__KIND_HOST)
			continue;
		add_host_certificates(g, objects[i]->host, tls);
		add_host_ciphers(objects[i]->host, tls);
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

static bool take_tls(struct compiling *c, bool is_same)
{
	const char *why = "";

	c->g->tls = is_same ? tls_contexts_ref(c->before->tls) : build_tls(c, &why);
	if (!c->g->tls)
		add_error(c->errors, WEIRLOCK__V1__KIND__KIND_SETTINGS, STR(""), str_from(why));
	return c->g->tls != NULL;
}

/* Of the newest generation alone: a ticket does not know under which it was made. */
static void give_ticket_keys(const struct generation *g)
{
	const struct object *o = find_object(g, WEIRLOCK__V1__KIND__KIND_TICKET_KEYS, STR(""));

	tls_session_keys_set(lineage_session_keys(g->lineage), o ? o->ticket_keys->keys : NULL, o ? o->ticket_keys->n : 0);
}

static bool take_backends(struct compiling *c)
{
	const struct backend_table *before = c->before ? &c->before->backends : NULL;
	struct str name = STR("");
	const char *why = "";
	bool is_fine = is_endpoints_alone(c) ?
		backend_table_change(&c->g->backends, before, c->changes, c->n, c->zone, &name, &why) :
		backend_table_init(&c->g->backends, flat_of(c), c->g->objects.n, before, c->zone, &name, &why);

	if (!is_fine)
		add_error(c->errors, WEIRLOCK__V1__KIND__KIND_BACKEND, name, str_from(why));
	return is_fine;
}

static bool take_upstream_tls(struct compiling *c, bool is_same_hosts)
{
	struct str name = STR("");
	const char *why = "";

	if (is_same_hosts && is_same_kind(c, WEIRLOCK__V1__KIND__KIND_BACKEND_SECRET))
		c->g->upstream_tls = upstream_tls_ref(c->before->upstream_tls);
	else
		c->g->upstream_tls = upstream_tls_create(
			flat_of(c), c->g->objects.n, c->before ? c->before->upstream_tls : NULL, &name, &why);
	if (!c->g->upstream_tls)
		add_error(c->errors, WEIRLOCK__V1__KIND__KIND_HOST, name, str_from(why));
	return c->g->upstream_tls != NULL;
}

static bool build_tables(struct compiling *c)
{
	struct generation *g = c->g;
	bool is_same_hosts = is_same_kind(c, WEIRLOCK__V1__KIND__KIND_HOST);
	bool is_same_clients = is_same_hosts && is_same_kind(c, WEIRLOCK__V1__KIND__KIND_CLIENT_CA);
	bool is_same_tls = is_same_clients && is_same_kind(c, WEIRLOCK__V1__KIND__KIND_CERTIFICATE) &&
		is_same_kind(c, WEIRLOCK__V1__KIND__KIND_SETTINGS);

	g->hosts = is_same_hosts ? host_table_ref(c->before->hosts) : host_table_create(flat_of(c), g->objects.n);
	g->client_tls = is_same_clients ?
		client_tls_ref(c->before->client_tls) :
		client_tls_create(g->hosts, flat_of(c), g->objects.n, c->before ? c->before->client_tls : NULL);
	return take_settings(g, c->errors) && take_tls(c, is_same_tls) && take_backends(c) && take_upstream_tls(c, is_same_hosts);
}

/* Takes `lineage`. `from` (may be NULL) is the snapshot of `before`. */
static struct generation *compile(struct content *content, struct lineage *lineage, struct content *from,
	const struct generation *before, struct str zone, struct config_errors *errors)
{
	static const struct object_list none;
	struct generation *g = mem_zalloc(sizeof(*g));
	struct compiling c = {.g = g, .before = before, .zone = zone, .errors = errors};
	struct content_id from_id = from ? content_id(from) : (struct content_id){{0}};
	size_t n_errors = errors->n;
	const struct generation *failed = g;

	atomic_init(&g->refs, 1);
	atomic_fetch_add(&n_live, 1);
	g->lineage = lineage;
	g->id = content_id(content);
	if (from && before && content_id_eq(&from_id, &before->id))
		take_changes(&c, from, content);
	else
		find_changes(&c, content);
	object_list_change(&g->objects, before ? &before->objects : &none, c.changes, c.n);
	if (errors->n > n_errors || !build_tables(&c)) {
		generation_unref(&failed);
		g = NULL;
	}
	if (g)
		give_ticket_keys(g);
	mem_free(c.changes);
	mem_free(c.flat);
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
	return config_compile_change(NULL, content, before, zone, errors);
}

struct generation *config_compile_change(struct content *from, struct content *content, const struct generation *before,
	struct str zone, struct config_errors *errors)
{
	struct lineage *lineage = before ? lineage_ref(before->lineage) : lineage_create(false);

	return compile(content, lineage, from, before, zone, errors);
}

struct generation *config_compile_for_reading(struct content *content, struct config_errors *errors)
{
	return compile(content, lineage_create(true), NULL, NULL, STR(""), errors);
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
	object_list_deinit(&g->objects);
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

const struct backend *generation_next_checked_backend(const struct generation *g, unsigned *cursor)
{
	return backend_table_next_checked(&g->backends, cursor);
}

const struct backend *generation_next_changed_backend(
	const struct generation *g, const struct generation *before, size_t *cursor)
{
	unsigned next;

	while (before && *cursor < g->backends.bound &&
		backend_table_is_same(&g->backends, &before->backends, (unsigned)*cursor, &next))
		*cursor = next;
	return generation_next_backend(g, cursor);
}

/* The next object of a kind, or NULL; `*cursor` is 0 at first. */
static const struct object *next_object(const struct generation *g, uint32_t kind, size_t *cursor)
{
	const struct object *o;

	if (!*cursor)
		*cursor = object_list_begin(&g->objects, kind);
	o = *cursor < g->objects.n ? object_list_at(&g->objects, *cursor) : NULL;
	++*cursor;
	return o && o->kind == kind ? o : NULL;
}

/* Resources that are named for a port. */
static const struct object *find_port(const struct generation *g, uint32_t kind, uint16_t port)
{
	char text[8];
	int len = snprintf(text, sizeof(text), "%u", (unsigned)port);

	return find_object(g, kind, str_of(text, (size_t)len));
}

const struct host *generation_next_host(const struct generation *g, size_t *cursor)
{
	const struct object *o = next_object(g, WEIRLOCK__V1__KIND__KIND_HOST, cursor);

	return o ? &o->host->host : NULL;
}

const struct tcp_service *generation_next_tcp(const struct generation *g, size_t *cursor)
{
	const struct object *o = next_object(g, WEIRLOCK__V1__KIND__KIND_TCP_SERVICE, cursor);

	return o ? &o->tcp->service : NULL;
}

const struct tcp_service *generation_find_tcp(const struct generation *g, uint16_t port)
{
	const struct object *o = find_port(g, WEIRLOCK__V1__KIND__KIND_TCP_SERVICE, port);

	return o ? &o->tcp->service : NULL;
}

const struct udp_service *generation_next_udp(const struct generation *g, size_t *cursor)
{
	const struct object *o = next_object(g, WEIRLOCK__V1__KIND__KIND_UDP_SERVICE, cursor);

	return o ? &o->udp->service : NULL;
}

const struct udp_service *generation_find_udp(const struct generation *g, uint16_t port)
{
	const struct object *o = find_port(g, WEIRLOCK__V1__KIND__KIND_UDP_SERVICE, port);

	return o ? &o->udp->service : NULL;
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
	for (size_t i = 0; i < g->objects.n; i++) {
		const struct object *o = object_list_at(&g->objects, i);

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

bool generation_has_passthrough(const struct generation *g)
{
	return host_table_has_passthrough(g->hosts);
}

const struct host *generation_find_passthrough(const struct generation *g, struct str server_name)
{
	char lower[MAX_SERVER_NAME];
	struct host_match match;

	if (!server_name.len || server_name.len > sizeof(lower))
		return NULL;
	for (size_t i = 0; i < server_name.len; i++)
		lower[i] = (char)ascii_lower((unsigned char)server_name.ptr[i]);
	match = host_table_match(g->hosts, str_of(lower, server_name.len));
	return match.how == HOST_FOUND_EXACT && match.host->passthrough_name.len ? match.host : NULL;
}

bool generation_has_tls(const struct generation *g, struct str server_name)
{
	return host_table_has_tls(g->hosts, server_name);
}
