/* Three hash tables and a list: exact names, alias wildcards, one-label wildcards, alias regexes in the order of hosts. */
#include "host_table.h"

#include "decode.h"
#include "map.h"
#include "mem.h"
#include "path_index.h"
#include "regex.h"

enum { MAX_LABELS = 128 };

struct alias_regex {
	const struct regex *regex;
	const struct host *host;
	struct str pattern;
};

struct host_table {
	atomic_uint refs;
	struct object **objects; /* held, so that a table lives alone */
	size_t n_objects;
	struct map exact;        /* names and plain aliases */
	struct map deep;         /* ".example.com" of alias "*.example.com": any number of labels */
	struct map shallow;      /* ".example.com" of host "*.example.com": one label */
	struct alias_regex *regexes;
	size_t n_regexes, regexes_cap;
	const struct host *fallback;
	bool has_passthrough;
};

/* Stands in for a "_" that nobody configured. */
static const struct path_index no_paths;
static const struct host nobody = {.name = {"_", 1}, .index = &no_paths};

/* Host names and aliases are told apart from a host by what they map to; the first of equals stays. */
static void put_first(struct map *m, struct str key, const struct host *host)
{
	if (!map_get(m, key))
		map_put(m, key, (void *)(uintptr_t)host);
}

static bool is_wildcard(struct str name)
{
	return str_starts_with(name, STR("*."));
}

static void add_name(struct host_table *t, const struct host *host)
{
	if (str_eq(host->name, STR("_")))
		t->fallback = host;
	else if (is_wildcard(host->name))
		put_first(&t->shallow, str_from_index(host->name, 1), host);
	else
		put_first(&t->exact, host->name, host);
}

static void add_aliases(struct host_table *t, const struct host_object *h)
{
	for (size_t i = 0; i < h->n_aliases; i++) {
		struct str alias = h->aliases[i];

		if (is_wildcard(alias))
			put_first(&t->deep, str_from_index(alias, 1), &h->host);
		else
			put_first(&t->exact, alias, &h->host);
	}
	for (size_t i = 0; i < h->n_alias_regexes; i++) {
		t->regexes = mem_grow(t->regexes, &t->regexes_cap, t->n_regexes + 1, sizeof(*t->regexes));
		t->regexes[t->n_regexes++] = (struct alias_regex){h->alias_regexes[i], &h->host, h->alias_patterns[i]};
	}
}

struct host_table *host_table_create(struct object *const *objects, size_t n)
{
	struct host_table *t = mem_zalloc(sizeof(*t));

	atomic_init(&t->refs, 1);
	t->fallback = &nobody;
	t->objects = mem_calloc(n ? n : 1, sizeof(struct object *));
	for (size_t i = 0; i < n; i++) {
		if (objects[i]->kind == WEIRLOCK__V1__KIND__KIND_HOST)
			t->objects[t->n_objects++] = compiled_ref(objects[i]);
	}
	for (size_t i = 0; i < t->n_objects; i++) {
		add_name(t, &t->objects[i]->host->host);
		t->has_passthrough = t->has_passthrough || t->objects[i]->host->passthrough;
	}
	for (size_t i = 0; i < t->n_objects; i++) /* an alias never takes a host's own name (B5) */
		add_aliases(t, t->objects[i]->host);
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
	map_deinit(&t->exact);
	map_deinit(&t->deep);
	map_deinit(&t->shallow);
	for (size_t i = 0; i < t->n_objects; i++)
		compiled_unref(&t->objects[i]);
	mem_free(t->objects);
	mem_free(t->regexes);
	mem_free(t);
}

/* ---------------------------------------------------------------------------------------------------------- lookup */

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
			host = map_get(&t->deep, *suffix = rest);
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
	return map_get(&t->shallow, str_from_index(name, dot));
}

/*
 * Upstream makes one-label wildcards regular expressions too, and tries all of them in the order of their servers' names: a
 * wildcard host stands before the alias regexes of every host that sorts after it. A regex that gives up does not match.
 */
static struct host_match find_in_order(const struct host_table *t, struct str name)
{
	const struct host *wildcard = find_shallow(t, name);

	for (size_t i = 0; i < t->n_regexes; i++) {
		const struct alias_regex *alias = &t->regexes[i];
		struct regex_groups groups;

		if (wildcard && str_cmp(wildcard->name, alias->host->name) <= 0)
			break;
		if (regex_find(alias->regex, name, &groups) == REGEX_MATCH)
			return (struct host_match){alias->host, HOST_FOUND_ALIAS_REGEX, alias->pattern};
	}
	if (wildcard)
		return (struct host_match){wildcard, HOST_FOUND_WILDCARD, str_from_index(wildcard->name, 1)};
	return (struct host_match){t->fallback, HOST_FOUND_DEFAULT, STR("")};
}

struct host_match host_table_match(const struct host_table *t, struct str server_name)
{
	struct host_match m = {.host = t->fallback, .how = HOST_FOUND_DEFAULT};

	if (!server_name.len || server_name.len > MAX_SERVER_NAME)
		return m;
	m.host = map_get(&t->exact, server_name);
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
	return t->has_passthrough;
}

const struct host *host_table_find(const struct host_table *t, struct str server_name)
{
	return host_table_match(t, server_name).host;
}

struct object *const *host_table_objects(const struct host_table *t, size_t *n)
{
	*n = t->n_objects;
	return t->objects;
}

bool host_table_has_tls(const struct host_table *t, struct str server_name)
{
	const struct host *host = map_get(&t->exact, server_name);
	size_t dot = str_find(server_name, '.');

	if (host && host->has_tls)
		return true;
	host = dot < server_name.len ? map_get(&t->shallow, str_from_index(server_name, dot)) : NULL;
	return host && host->has_tls;
}
