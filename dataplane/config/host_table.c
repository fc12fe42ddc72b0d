/*
 * Three maps and a list: exact names, alias wildcards, one-label wildcards, alias regexes in the order of hosts. Where two hosts
 * claim a name both stand there, the one that has it first, so that the other has it when that one leaves.
 */
#include "host_table.h"

#include "decode.h"
#include "mem.h"
#include "path_index.h"
#include "regex.h"
#include "shared_map.h"

enum { MAX_LABELS = 128 };

struct alias_regex {
	const struct regex *regex;
	const struct host_object *host;
	struct str pattern;
};

/* Counted: most changes are about hosts that have none. Their hosts are held by every table that has the list. */
struct alias_regexes {
	atomic_uint refs;
	size_t n;
	struct alias_regex items[]; /* by the names of their hosts */
};

struct host_table {
	atomic_uint refs;
	struct shared_map exact;   /* names and plain aliases */
	struct shared_map deep;    /* ".example.com" of alias "*.example.com": any number of labels */
	struct shared_map shallow; /* ".example.com" of host "*.example.com": one label */
	struct alias_regexes *regexes; /* NULL: none */
	struct object *fallback;       /* the host "_", held; NULL: none */
	size_t n_passthrough, n_ciphers; /* hosts that have a passthrough_name; ciphers of their own */
};

/* Stands in for a "_" that nobody configured. */
static const struct path_index no_paths;
static const struct host nobody = {.name = {"_", 1}, .index = &no_paths};

static void ref_host(void *value)
{
	compiled_ref(((struct host_object *)value)->object);
}

static void unref_host(void *value)
{
	struct object *o = ((struct host_object *)value)->object;

	compiled_unref(&o);
}

/* An alias never takes a host's own name (B5); else the first one by name has it. */
static int compare_claims(struct str name, const void *a, const void *b)
{
	const struct host_object *x = a, *y = b;
	bool is_own = str_eq(x->host.name, name);

	if (is_own != str_eq(y->host.name, name))
		return is_own ? -1 : 1;
	return str_cmp(x->object->name, y->object->name);
}

static const struct shared_map_values hosts = {ref_host, unref_host, compare_claims};

static bool is_wildcard(struct str name)
{
	return str_starts_with(name, STR("*."));
}

/* ------------------------------------------------------------------------------------------------------------ changing */

typedef void claim_fn(struct shared_map *m, struct str key, struct host_object *h);

static void claim(struct shared_map *m, struct str key, struct host_object *h)
{
	shared_map_put(m, key, h);
}

static void give_up(struct shared_map *m, struct str key, struct host_object *h)
{
	shared_map_del(m, key, h);
}

/* All keys under which a host is found by the maps. */
static void each_name(struct host_table *t, struct host_object *h, claim_fn *on_name)
{
	struct str name = h->host.name;

	if (is_wildcard(name))
		on_name(&t->shallow, str_from_index(name, 1), h);
	else if (!str_eq(name, STR("_")))
		on_name(&t->exact, name, h);
	for (size_t i = 0; i < h->n_aliases; i++) {
		struct str alias = h->aliases[i];

		if (is_wildcard(alias))
			on_name(&t->deep, str_from_index(alias, 1), h);
		else
			on_name(&t->exact, alias, h);
	}
}

static bool is_fallback(const struct host_object *h)
{
	return str_eq(h->host.name, STR("_"));
}

static void add_host(struct host_table *t, struct object *o)
{
	struct host_object *h = o->host;

	each_name(t, h, claim);
	t->n_passthrough += h->passthrough != NULL;
	t->n_ciphers += host_has_ciphers(h);
	if (is_fallback(h)) {
		compiled_unref(&t->fallback);
		t->fallback = compiled_ref(o);
	}
}

static void drop_host(struct host_table *t, const struct object *o)
{
	struct host_object *h = o->host;

	t->n_passthrough -= h->passthrough != NULL;
	t->n_ciphers -= host_has_ciphers(h);
	if (is_fallback(h))
		compiled_unref(&t->fallback);
	each_name(t, h, give_up);
}

static size_t count_regexes(const struct object *o)
{
	return o ? o->host->n_alias_regexes : 0;
}

static void add_regexes(struct alias_regexes *list, const struct object *o)
{
	for (size_t i = 0; i < count_regexes(o); i++)
		list->items[list->n++] = (struct alias_regex){o->host->alias_regexes[i], o->host, o->host->alias_patterns[i]};
}

/* Two sorted lists side by side: those of hosts that stay, and of those that changed. */
static struct alias_regexes *merge_regexes(const struct alias_regexes *before, const struct object_change *changes, size_t n,
	size_t n_most)
{
	struct alias_regexes *list = mem_alloc(sizeof(*list) + n_most * sizeof(*list->items));
	size_t i = 0, j = 0;

	atomic_init(&list->refs, 1);
	list->n = 0;
	while (i < before->n || j < n) {
		const struct alias_regex *old = i < before->n ? &before->items[i] : NULL;
		int order = !old ? 1 : j == n ? -1 : str_cmp(old->host->object->name, changes[j].name);

		if (order < 0)
			list->items[list->n++] = *old;
		else if (order > 0)
			add_regexes(list, changes[j++].put);
		i += order <= 0;
	}
	return list;
}

static struct alias_regexes *change_regexes(struct alias_regexes *before, const struct object_change *changes, size_t n)
{
	static const struct alias_regexes none;
	size_t n_touched = 0, n_put = 0;

	for (size_t i = 0; i < n; i++) {
		n_put += count_regexes(changes[i].put);
		n_touched += count_regexes(changes[i].put) + count_regexes(changes[i].before);
	}
	if (n_touched)
		return merge_regexes(before ? before : &none, changes, n, n_put + (before ? before->n : 0));
	if (before)
		atomic_fetch_add_explicit(&before->refs, 1, memory_order_relaxed);
	return before;
}

static struct host_table *create(const struct host_table *before)
{
	struct host_table *t = mem_zalloc(sizeof(*t));

	if (before) {
		*t = *before;
		shared_map_copy(&t->exact, &before->exact);
		shared_map_copy(&t->deep, &before->deep);
		shared_map_copy(&t->shallow, &before->shallow);
		if (t->fallback)
			compiled_ref(t->fallback);
	} else {
		shared_map_init(&t->exact, &hosts);
		shared_map_init(&t->deep, &hosts);
		shared_map_init(&t->shallow, &hosts);
	}
	atomic_init(&t->refs, 1);
	return t;
}

struct host_table *host_table_change(struct host_table *before, const struct object_change *changes, size_t n)
{
	struct host_table *t;

	if (before && !n)
		return host_table_ref(before);
	t = create(before);
	for (size_t i = 0; i < n; i++) {
		if (changes[i].before)
			drop_host(t, changes[i].before);
		if (changes[i].put)
			add_host(t, changes[i].put);
	}
	t->regexes = change_regexes(before ? before->regexes : NULL, changes, n);
	return t;
}

struct host_table *host_table_ref(struct host_table *t)
{
	atomic_fetch_add_explicit(&t->refs, 1, memory_order_relaxed);
	return t;
}

void host_table_unref(struct host_table **p)
{
	struct host_table *t = *p;

	*p = NULL;
	if (!t || atomic_fetch_sub_explicit(&t->refs, 1, memory_order_acq_rel) > 1)
		return;
	if (t->regexes && atomic_fetch_sub_explicit(&t->regexes->refs, 1, memory_order_acq_rel) == 1)
		mem_free(t->regexes);
	compiled_unref(&t->fallback);
	shared_map_deinit(&t->exact);
	shared_map_deinit(&t->deep);
	shared_map_deinit(&t->shallow);
	mem_free(t);
}

/* ---------------------------------------------------------------------------------------------------------- lookup */

/* The host under a key; NULL for none. */
static const struct host *get(const struct shared_map *m, struct str key)
{
	const struct host_object *h = shared_map_get(m, key);

	return h ? &h->host : NULL;
}

static const struct host *fallback(const struct host_table *t)
{
	return t->fallback ? &t->fallback->host->host : &nobody;
}

static const struct host *find_deep(const struct host_table *t, struct str name, struct str *suffix)
{
	const struct host *host = NULL;
	struct str rest = name;

	if (!t->deep.n)
		return NULL;
	for (unsigned i = 0; i < MAX_LABELS && !host; i++) { /* from the longest suffix on */
		size_t dot = str_find(rest, '.');

		if (dot == rest.len)
			break;
		rest = str_from_index(rest, dot);
		if (rest.ptr != name.ptr) /* something stands before the dot */
			host = get(&t->deep, *suffix = rest);
		rest = str_from_index(rest, 1);
	}
	return host;
}

/* B4: the label that a "*" stands for. */
bool host_table_is_label(struct str s)
{
	for (size_t i = 0; i < s.len; i++) {
		unsigned char c = ascii_lower((unsigned char)s.ptr[i]);

		if (!((c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') || c == '_' || c == '-'))
			return false;
	}
	return s.len > 0;
}

static const struct host *find_shallow(const struct host_table *t, struct str name)
{
	size_t dot = str_find(name, '.');

	if (!t->shallow.n || dot == name.len || !host_table_is_label(str_first(name, dot)))
		return NULL;
	return get(&t->shallow, str_from_index(name, dot));
}

/*
 * Upstream makes one-label wildcards regular expressions too, and tries all of them in the order of their servers' names: a
 * wildcard host stands before the alias regexes of every host that sorts after it. A regex that gives up does not match.
 */
static struct host_match find_in_order(const struct host_table *t, struct str name)
{
	const struct host *wildcard = find_shallow(t, name);

	for (size_t i = 0; t->regexes && i < t->regexes->n; i++) {
		const struct alias_regex *alias = &t->regexes->items[i];
		struct regex_groups groups;

		if (wildcard && str_cmp(wildcard->name, alias->host->host.name) <= 0)
			break;
		if (regex_find(alias->regex, name, &groups) == REGEX_MATCH)
			return (struct host_match){&alias->host->host, HOST_FOUND_ALIAS_REGEX, alias->pattern};
	}
	if (wildcard)
		return (struct host_match){wildcard, HOST_FOUND_WILDCARD, str_from_index(wildcard->name, 1)};
	return (struct host_match){fallback(t), HOST_FOUND_DEFAULT, STR("")};
}

struct host_match host_table_match(const struct host_table *t, struct str server_name)
{
	struct host_match m = {.how = HOST_FOUND_EXACT};

	if (!server_name.len || server_name.len > MAX_SERVER_NAME)
		return (struct host_match){.host = fallback(t), .how = HOST_FOUND_DEFAULT};
	m.host = get(&t->exact, server_name);
	if (m.host) {
		m.how = str_eq(m.host->name, server_name) ? HOST_FOUND_EXACT : HOST_FOUND_ALIAS;
		m.by = server_name;
		return m;
	}
	m.host = find_deep(t, server_name, &m.by);
	if (m.host) {
		m.how = HOST_FOUND_ALIAS_WILDCARD;
		return m;
	}
	return find_in_order(t, server_name);
}

bool host_table_has_passthrough(const struct host_table *t)
{
	return t->n_passthrough > 0;
}

bool host_table_has_ciphers(const struct host_table *t)
{
	return t->n_ciphers > 0;
}

const struct host *host_table_find(const struct host_table *t, struct str server_name)
{
	return host_table_match(t, server_name).host;
}

const struct host_object *host_table_owner(const struct host_table *t, struct str name)
{
	const struct host_object *h;

	if (!is_wildcard(name))
		return shared_map_get(&t->exact, name);
	h = shared_map_get(&t->shallow, str_from_index(name, 1));
	return h ? h : shared_map_get(&t->deep, str_from_index(name, 1));
}

bool host_table_has_tls(const struct host_table *t, struct str server_name)
{
	const struct host *host = get(&t->exact, server_name);
	size_t dot = str_find(server_name, '.');

	if (host && host->has_tls)
		return true;
	host = dot < server_name.len ? get(&t->shallow, str_from_index(server_name, dot)) : NULL;
	return host && host->has_tls;
}
