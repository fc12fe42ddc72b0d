/*
 * A generation: the objects of a snapshot, and the tables that requests read. Compiling begins with what differs from the
 * generation before, and every table is that of the generation before with those changes. All else is shared, so that a
 * change costs what it is about, and so does the end of the generation that it replaces.
 */
#include "generation_private.h"

#include "changes.h"
#include "client_tls.h"
#include "mem.h"
#include "server_names.h"
#include "upstream_tls.h"
#include "weirlock/v1/snapshot.pb-c.h"

static atomic_uint n_live;
static const struct generation nothing; /* before the first */

/* On its way. */
struct compiling {
	struct generation *g;
	const struct generation *before; /* or `nothing` */
	struct changes changes;
	struct str zone;
	struct config_errors *errors;
};

static size_t count_changes(const struct compiling *c, uint32_t kind)
{
	size_t n;

	changes_of(&c->changes, kind, &n);
	return n;
}

/* ------------------------------------------------------------------------------------------------------------ TLS */

static struct tls_certificate *find_certificate(const struct generation *g, struct str name)
{
	const struct object *o = name.len ? objects_find(&g->objects, WEIRLOCK__V1__KIND__KIND_CERTIFICATE, name) : NULL;

	return o ? o->certificate->certificate : NULL;
}

static struct tls_contexts *build_tls(struct generation *g, const char **why)
{
	struct tls_contexts *tls = tls_contexts_create(&g->settings->tls, lineage_session_keys(g->lineage), why);
	struct tls_certificate *fallback = find_certificate(g, g->settings->default_certificate);
	struct tls_names names;

	if (!tls)
		return NULL;
	if (!fallback)
		fallback = find_certificate(g, STR("-"));
	if (fallback)
		tls_contexts_set_default(tls, fallback);
	if (lineage_is_for_reading(g->lineage))
		tls_contexts_set_for_reading(tls);
	names = server_names(g->hosts, objects_of(&g->objects, WEIRLOCK__V1__KIND__KIND_CERTIFICATE), g->clients);
	tls_contexts_set_names(tls, &names);
	return tls;
}

static bool is_same_tls(const struct compiling *c)
{
	return c->before->tls && c->g->hosts == c->before->hosts && c->g->clients == c->before->clients &&
		!count_changes(c, WEIRLOCK__V1__KIND__KIND_CERTIFICATE) && !count_changes(c, WEIRLOCK__V1__KIND__KIND_SETTINGS);
}

static bool take_tls(struct compiling *c)
{
	const char *why = "";

	c->g->tls = is_same_tls(c) ? tls_contexts_ref(c->before->tls) : build_tls(c->g, &why);
	if (!c->g->tls)
		config_errors_add(c->errors, WEIRLOCK__V1__KIND__KIND_SETTINGS, STR(""), str_from(why));
	return c->g->tls != NULL;
}

static struct tls_staples *staples_of(const struct generation *g)
{
	return tls_session_keys_staples(lineage_session_keys(g->lineage));
}

bool generation_put_staple(const struct generation *g, struct str fingerprint, struct str response, int64_t expires_s)
{
	return tls_staples_put(staples_of(g), fingerprint, response, expires_s);
}

uint64_t generation_n_stapled(const struct generation *g)
{
	return tls_staples_sent(staples_of(g));
}

/* Of the newest generation alone: a ticket does not know under which it was made. */
static void give_session_secrets(const struct generation *g)
{
	const struct object *o = objects_find(&g->objects, WEIRLOCK__V1__KIND__KIND_TICKET_KEYS, STR(""));

	tls_session_keys_set(lineage_session_keys(g->lineage), o ? o->ticket_keys->keys : NULL, o ? o->ticket_keys->n : 0);
	tls_staples_switch(staples_of(g), g->settings->settings.enable_ocsp);
}

/* -------------------------------------------------------------------------------------------------------- compile */

static bool take_settings(struct compiling *c)
{
	const struct object *o = objects_find(&c->g->objects, WEIRLOCK__V1__KIND__KIND_SETTINGS, STR(""));

	if (o)
		c->g->settings = o->settings;
	else
		config_errors_add(c->errors, WEIRLOCK__V1__KIND__KIND_SETTINGS, STR(""), STR("is missing"));
	return o != NULL;
}

static bool take_backends(struct compiling *c)
{
	struct backend_changes changes = {0};
	struct str name = STR("");
	const char *why = "";
	bool is_fine;

	changes.backends = changes_of(&c->changes, WEIRLOCK__V1__KIND__KIND_BACKEND, &changes.n_backends);
	changes.slices = changes_of(&c->changes, WEIRLOCK__V1__KIND__KIND_ENDPOINTS, &changes.n_slices);
	is_fine = backend_table_change(&c->g->backends, &c->before->backends, &changes, c->zone, &name, &why);
	if (!is_fine)
		config_errors_add(c->errors, WEIRLOCK__V1__KIND__KIND_BACKEND, name, str_from(why));
	return is_fine;
}

static void take_hosts(struct compiling *c)
{
	size_t n;
	const struct object_change *changes = changes_of(&c->changes, WEIRLOCK__V1__KIND__KIND_HOST, &n);

	c->g->hosts = host_table_change(c->before->hosts, changes, n);
}

/* Fills `*ways` from `before` with Secrets of `secret_kind`. */
static bool take_ways(struct compiling *c, const struct ways_kind *kind, uint32_t secret_kind, struct ways *before, struct ways **ways)
{
	struct ways_change change = {.kind = kind, .all_secrets = objects_of(&c->g->objects, secret_kind)};
	const struct object *bad = NULL;
	const char *why = "";

	change.hosts = changes_of(&c->changes, WEIRLOCK__V1__KIND__KIND_HOST, &change.n_hosts);
	change.secrets = changes_of(&c->changes, secret_kind, &change.n_secrets);
	*ways = ways_change(before, &change, &bad, &why);
	if (!*ways)
		config_errors_add(c->errors, bad->kind, bad->name, str_from(why));
	return *ways != NULL;
}

static bool build_tables(struct compiling *c)
{
	struct generation *g = c->g;

	take_hosts(c);
	return take_ways(c, &client_tls, WEIRLOCK__V1__KIND__KIND_CLIENT_CA, c->before->clients, &g->clients) && take_settings(c) &&
		take_tls(c) && take_backends(c) &&
		take_ways(c, &upstream_tls, WEIRLOCK__V1__KIND__KIND_BACKEND_SECRET, c->before->upstreams, &g->upstreams);
}

/* Takes `lineage`. `from` (may be NULL) is the snapshot of `before`. */
static struct generation *compile(struct content *content, struct lineage *lineage, struct content *from,
	const struct generation *before, struct str zone, struct config_errors *errors)
{
	struct generation *g = mem_zalloc(sizeof(*g));
	struct compiling c = {.g = g, .before = before ? before : &nothing, .zone = zone, .errors = errors};
	struct content_id from_id = from ? content_id(from) : (struct content_id){{0}};
	size_t n_errors = errors->n;
	const struct generation *failed = g;

	atomic_init(&g->refs, 1);
	atomic_fetch_add(&n_live, 1);
	g->lineage = lineage;
	g->id = content_id(content);
	if (!before || !content_id_eq(&from_id, &before->id))
		from = NULL;
	changes_find(&c.changes, &c.before->objects, from, content, lineage, errors);
	changes_make(&c.changes, &c.before->objects, &g->objects);
	if (errors->n > n_errors || !build_tables(&c)) {
		generation_unref(&failed);
		g = NULL;
	}
	if (g)
		give_session_secrets(g);
	changes_deinit(&c.changes);
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
	ways_unref(&g->upstreams);
	ways_unref(&g->clients);
	host_table_unref(&g->hosts);
	backend_table_deinit(&g->backends);
	objects_deinit(&g->objects);
	lineage_unref(&g->lineage);
	mem_free(g);
	atomic_fetch_sub(&n_live, 1);
}

unsigned generation_live_count(void)
{
	return atomic_load(&n_live);
}
