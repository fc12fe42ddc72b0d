/*
 * A change is a pass over the parts that it touches. A part's result is compared with the one before: resources go to their
 * places, problems and origins are taken over where they differ. Who owns an alias depends on all hosts that want one (B5), so
 * those are built together whenever one of them changes.
 */
#include "parts.h"

#include "mem.h"
#include "pass.h"
#include "places.h"

#define EVERYTHING_PART "*"

/* What came out of a part for one pool. */
struct outcome {
	struct resource **resources;
	size_t n_resources;
	bool has_origins;
};

struct part {
	struct str name;            /* "*", "Host a.example.com", "Service default/web" */
	struct problems problems;   /* of all pools; sorted */
	bool has_alias;
	unsigned long round;        /* of the last build */
	struct outcome outcomes[];  /* one a pool */
};

/* All of one pool. */
struct whole {
	struct places places;
	struct origins *origins; /* by the name of the part */
	struct snapshot *latest;
};

struct parts {
	struct store *store;
	const struct reconcile_options *options;
	struct setting_values *last;
	struct map parts; /* name -> struct part */
	struct whole *wholes;  /* one a pool */
	size_t n_pools;
	struct reads reads, alias_reads;
	unsigned long round, problems_version;
	size_t n_built;
	bool has_everything, is_alias_dirty, is_settings_due;
};

struct parts *parts_create(struct store *store, const struct reconcile_options *options, struct setting_values *last)
{
	struct parts *p = mem_zalloc(sizeof(*p));

	p->store = store;
	p->options = options;
	p->last = last;
	p->n_pools = options->pools ? options->pools->n : 1;
	p->wholes = mem_calloc(p->n_pools, sizeof(*p->wholes));
	for (size_t i = 0; i < p->n_pools; i++)
		places_init(&p->wholes[i].places);
	return p;
}

static void clear_outcome(struct outcome *o)
{
	for (size_t i = 0; i < o->n_resources; i++)
		resource_unref(&o->resources[i]);
	mem_free(o->resources);
}

static void free_part(const struct parts *p, struct part *part)
{
	for (size_t i = 0; i < p->n_pools; i++)
		clear_outcome(&part->outcomes[i]);
	problems_deinit(&part->problems);
	mem_free((char *)(uintptr_t)part->name.ptr);
	mem_free(part);
}

void parts_destroy(struct parts *p)
{
	size_t cursor = 0;
	void *value;

	if (!p)
		return;
	for (size_t i = 0; i < p->n_pools; i++) {
		places_deinit(&p->wholes[i].places);
		origins_unref(&p->wholes[i].origins);
		snapshot_unref(&p->wholes[i].latest);
	}
	mem_free(p->wholes);
	while (map_next(&p->parts, &cursor, NULL, &value))
		free_part(p, value);
	map_deinit(&p->parts);
	reads_deinit(&p->reads);
	reads_deinit(&p->alias_reads);
	mem_free(p);
}

void parts_forget(struct parts *p)
{
	p->has_everything = false;
}

void parts_renew_settings(struct parts *p)
{
	p->is_settings_due = true;
}

/* --------------------------------------------------------------------------------------------------- one part's result */

static struct part *need_part(struct parts *p, struct str name)
{
	struct part *part = map_get(&p->parts, name);

	if (!part) {
		part = mem_zalloc(sizeof(*part) + p->n_pools * sizeof(part->outcomes[0]));
		part->name = (struct str){mem_strdup(name), name.len};
		map_put(&p->parts, name, part);
	}
	return part;
}

/* Pools mostly have the same of a part: then they have one resource. */
static struct resource *shared(const struct part *part, size_t pool, size_t index, struct resource *r)
{
	for (size_t i = 0; i < pool; i++) {
		const struct outcome *o = &part->outcomes[i];
		struct resource *other = index < o->n_resources ? o->resources[index] : NULL;

		if (other && other->kind == r->kind && str_eq(other->name, r->name) && !memcmp(other->hash, r->hash, sizeof(r->hash)))
			return other;
	}
	return r;
}

static void take_resources(struct parts *p, struct part *part, size_t pool, struct reconcile_result *result)
{
	struct resource **kept = result->n_resources ? mem_calloc(result->n_resources, sizeof(*kept)) : NULL;
	struct places *places = &p->wholes[pool].places;
	struct outcome *o = &part->outcomes[pool];

	for (size_t i = 0; i < result->n_resources; i++)
		kept[i] = resource_ref(places_put(places, part->name, shared(part, pool, i, result->resources[i]), p->round));
	for (size_t i = 0; i < o->n_resources; i++) {
		places_drop(places, part->name, o->resources[i], p->round);
		resource_unref(&o->resources[i]);
	}
	mem_free(o->resources);
	o->resources = kept;
	o->n_resources = result->n_resources;
}

static void take_problems(struct parts *p, struct part *part, struct problems *found)
{
	problems_sort(found);
	if (problems_equal(&part->problems, found))
		return;
	problems_deinit(&part->problems);
	part->problems.arena.block_size = 256; /* there are tens of thousands of parts */
	problems_add_all(&part->problems, found);
	p->problems_version++;
}

static void drop_if_empty(struct parts *p, struct part *part)
{
	for (size_t i = 0; i < p->n_pools; i++) {
		if (part->outcomes[i].n_resources || part->outcomes[i].has_origins)
			return;
	}
	if (part->problems.n || part->has_alias)
		return;
	map_del(&p->parts, part->name);
	free_part(p, part);
}

/* -------------------------------------------------------------------------------------------------------- building parts */

typedef void build_fn(struct reconcile *pass, struct str name, struct reconcile_result *result);

/* For one pool after the other; what is read for any of them is read. */
static void build_part(struct parts *p, struct reconcile *pass, struct part *part, struct str name, build_fn *build)
{
	struct problems found = {0};

	reads_clear(&p->reads);
	pass->reads = &p->reads;
	part->round = p->round;
	for (pass->pool = 0; pass->pool < p->n_pools; pass->pool++) {
		struct reconcile_result result;

		pass->result_number++;
		reconcile_result_init(&result);
		build(pass, name, &result);
		take_resources(p, part, pass->pool, &result);
		part->outcomes[pass->pool].has_origins = result.n_origins > 0;
		origins_put(&p->wholes[pass->pool].origins, part->name, result.origins, result.n_origins);
		problems_add_all(&found, &result.problems);
		reconcile_result_deinit(&result);
	}
	take_problems(p, part, &found);
	problems_deinit(&found);
	pass->pool = 0;
	p->n_built++;
}

static void build_settings(struct reconcile *pass, struct str name, struct reconcile_result *result)
{
	(void)name;
	reconcile_settings(pass, result);
	tcp_put_all(pass, result);
	reconcile_note_reads(pass);
}

static void build_everything_part(struct parts *p, struct reconcile *pass)
{
	build_part(p, pass, need_part(p, STR(EVERYTHING_PART)), STR(""), build_settings);
	store_set_reads(p->store, STORE_EVERYTHING, p->reads.keys, p->reads.n);
}

static bool has_read(const struct reads *r, struct str key)
{
	for (size_t i = 0; i < r->n; i++) {
		if (str_eq(r->keys[i], key))
			return true;
	}
	return false;
}

static struct part *need_part_of(struct parts *p, const char *kind, struct str name)
{
	struct buf key = {0};
	struct part *part;

	buf_printf(&key, "%s %.*s", kind, STR_ARG(name));
	part = need_part(p, buf_str(&key));
	buf_deinit(&key);
	return part;
}

static void build_host(struct parts *p, struct reconcile *pass, struct str name)
{
	struct part *part = need_part_of(p, "Host", name);
	bool has_alias;

	if (part->round == p->round)
		return;
	build_part(p, pass, part, name, reconcile_host);
	has_alias = has_read(&p->reads, ALIASES_KEY);
	p->is_alias_dirty = p->is_alias_dirty || has_alias || part->has_alias;
	part->has_alias = has_alias;
	if (!str_eq(name, STORE_EVERYTHING)) /* such a host is never served, whatever it reads */
		store_set_reads(p->store, name, p->reads.keys, p->reads.n);
	drop_if_empty(p, part);
}

static void build_service(struct parts *p, struct reconcile *pass, struct str name)
{
	struct part *part = need_part_of(p, "Service", name);

	if (part->round == p->round)
		return;
	build_part(p, pass, part, name, reconcile_service);
	store_set_reads(p->store, part->name, p->reads.keys, p->reads.n);
	drop_if_empty(p, part);
}

/* All that want an alias, and the names whose being a host decides who gets one. */
static void build_aliases(struct parts *p, struct reconcile *pass)
{
	struct arena arena = {0};
	struct store_changes changes;

	p->is_alias_dirty = false;
	store_touch(p->store, ALIASES_KEY);
	if (store_take_changes(p->store, &arena, &changes)) {
		for (size_t i = 0; i < changes.n_hosts; i++)
			build_host(p, pass, changes.hosts[i]);
	}
	arena_deinit(&arena);
	store_set_reads(p->store, ALIASES_KEY, p->alias_reads.keys, p->alias_reads.n);
	p->is_alias_dirty = false;
}

static void build_changes(struct parts *p, struct reconcile *pass, const struct store_changes *changes)
{
	for (size_t i = 0; i < changes->n_hosts; i++) {
		if (str_eq(changes->hosts[i], ALIASES_KEY))
			p->is_alias_dirty = true;
		else
			build_host(p, pass, changes->hosts[i]);
	}
	if (p->is_alias_dirty)
		build_aliases(p, pass);
	for (size_t i = 0; i < changes->n_services; i++)
		build_service(p, pass, changes->services[i]);
	for (size_t i = 0; i < changes->n_endpoints; i++)
		build_service(p, pass, changes->endpoints[i]);
}

/* Parts of hosts and Services that nobody names any more: built again, they are empty. */
static void build_former(struct parts *p, struct reconcile *pass)
{
	struct arena arena = {0};
	struct str *names = arena_alloc(&arena, (p->parts.n + 1) * sizeof(*names)), name;
	size_t n = 0, cursor = 0;
	void *value;

	while (map_next(&p->parts, &cursor, &name, &value)) {
		if (((struct part *)value)->round != p->round)
			names[n++] = arena_str(&arena, name);
	}
	for (size_t i = 0; i < n; i++) {
		struct str bare = str_from_index(names[i], str_find(names[i], ' ') + 1);

		if (str_starts_with(names[i], STR("Host ")))
			build_host(p, pass, bare);
		else
			build_service(p, pass, bare);
	}
	arena_deinit(&arena);
}

static void build_all(struct parts *p, struct reconcile *pass)
{
	struct host_list hosts = store_hosts(p->store);
	struct arena arena = {0};
	struct map services = {0};
	struct str name;
	size_t cursor = 0;
	void *value;

	build_everything_part(p, pass);
	build_host(p, pass, STR("_"));
	for (size_t i = 0; i < hosts.n; i++)
		build_host(p, pass, hosts.names[i]);
	pass->reads = NULL; /* whom Ingresses name is nobody's reading */
	reconcile_services_of_all(pass, &services, &arena);
	while (map_next(&services, &cursor, &name, &value))
		build_service(p, pass, name);
	map_deinit(&services);
	arena_deinit(&arena);
	build_former(p, pass);
	p->is_alias_dirty = false;
	store_set_reads(p->store, ALIASES_KEY, p->alias_reads.keys, p->alias_reads.n);
	p->has_everything = true;
}

/* ------------------------------------------------------------------------------------------------------------ snapshots */

static struct reconcile *begin_pass(struct parts *p, struct reconcile_options *options)
{
	struct reconcile *pass;

	*options = *p->options;
	options->last_settings = p->last;
	pass = reconcile_begin(p->store, options);
	pass->alias_reads = &p->alias_reads;
	p->round++;
	p->n_built = 0;
	return pass;
}

static void finish_pool(struct whole *whole, uint64_t built_ms)
{
	struct snapshot *s = snapshot_create(content_copy(whole->places.content), built_ms);

	snapshot_set_origins(s, whole->origins);
	snapshot_unref(&whole->latest);
	whole->latest = s;
}

static struct snapshot *finish(struct parts *p, struct reconcile *pass, uint64_t built_ms)
{
	reconcile_end(pass);
	for (size_t i = 0; i < p->n_pools; i++)
		finish_pool(&p->wholes[i], built_ms);
	return snapshot_ref(p->wholes[0].latest);
}

struct snapshot *parts_snapshot(const struct parts *p, size_t pool)
{
	return p->wholes[pool].latest;
}

/* What no part but that of the settings reads: of sessions and their tickets. */
static bool is_of_settings_part(enum setting_id id)
{
	static const enum setting_id of_it[] = {SETTING_SSL_SESSION_TICKETS, SETTING_SSL_SESSION_TICKET_KEY,
		SETTING_SSL_SESSION_TICKET_ROTATION, SETTING_SSL_SESSION_TIMEOUT, SETTING_SSL_SESSION_CACHE, SETTING_SSL_SESSION_CACHE_SIZE};

	for (size_t i = 0; i < sizeof(of_it) / sizeof(of_it[0]); i++) {
		if (of_it[i] == id)
			return true;
	}
	return false;
}

/* Values follow from what was written. */
static bool is_same_for_others(const struct setting_values *a, const struct setting_values *b)
{
	bool is_same = str_eq(a->object, b->object);

	for (int i = 0; is_same && i < SETTING_COUNT; i++) {
		const struct setting *x = &a->items[i], *y = &b->items[i];

		is_same = is_of_settings_part((enum setting_id)i) || (x->is_set == y->is_set && str_eq(x->written, y->written));
	}
	return is_same;
}

/* Nothing else touched everything than the ConfigMap of the settings, and of these nothing that parts of hosts and Services read. */
static bool is_settings_part_alone(const struct parts *p, const struct reconcile *pass, const struct store_changes *changes)
{
	struct buf key = {0};
	bool is_alone;

	buf_printf(&key, "ConfigMap %.*s", STR_ARG(p->options->configmap));
	is_alone = str_eq(changes->everything_by, buf_str(&key)) && is_same_for_others(p->last, &pass->settings);
	buf_deinit(&key);
	return is_alone;
}

struct snapshot *parts_build(struct parts *p, uint64_t built_ms)
{
	struct reconcile_options options;
	struct reconcile *pass = begin_pass(p, &options);
	struct arena arena = {0};
	struct store_changes changes;
	bool has_changes = store_take_changes(p->store, &arena, &changes), has_settings = true;

	if (!p->has_everything || (changes.everything && !is_settings_part_alone(p, pass, &changes))) {
		build_all(p, pass);
	} else {
		has_settings = changes.everything || p->is_settings_due;
		if (has_settings)
			build_everything_part(p, pass);
		if (has_changes)
			build_changes(p, pass, &changes);
	}
	p->is_settings_due = false;
	if (has_settings) {
		settings_deinit(p->last);
		reconcile_take_settings(pass, p->last);
	}
	arena_deinit(&arena);
	return finish(p, pass, built_ms);
}

struct snapshot *parts_build_endpoints(struct parts *p, uint64_t built_ms)
{
	struct reconcile_options options;
	struct arena arena = {0};
	struct reconcile *pass;
	struct str *services;
	struct snapshot *s = NULL;
	size_t n;

	if (p->has_everything && store_take_endpoints(p->store, &arena, &services, &n)) {
		pass = begin_pass(p, &options);
		for (size_t i = 0; i < n; i++)
			build_service(p, pass, services[i]);
		s = finish(p, pass, built_ms);
	}
	arena_deinit(&arena);
	return s;
}

void parts_problems(const struct parts *p, struct problems *out)
{
	size_t cursor = 0;
	void *value;

	while (map_next(&p->parts, &cursor, NULL, &value))
		problems_add_all(out, &((const struct part *)value)->problems);
}

unsigned long parts_problems_version(const struct parts *p)
{
	return p->problems_version;
}

size_t parts_last_count(const struct parts *p)
{
	return p->n_built;
}
