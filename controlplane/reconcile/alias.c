/* B5: further names of a host. Who owns an alias depends on all hosts, so that is worked out once a pass, when asked for. */
#define PCRE2_CODE_UNIT_WIDTH 8
#include <pcre2.h>
#include <stdlib.h>

#include "mem.h"
#include "pass.h"

enum {
	PATTERN_MAX = 1024,     /* bytes of a regular expression, in paths and aliases */
	NEST_MAX = 50,
	COST_MAX = 64 * 1024,   /* bytes, compiled */
};

/* Who has which in one pool. */
struct alias_set {
	struct map by_host; /* host -> struct alias_list */
	bool is_filled;
};

struct alias_list {
	struct str *items;
	size_t n;
	struct problems problems;
};

/* What proxies compile with, so that none of them refuses a snapshot for a pattern. */
static pcre2_code *compile(struct str pattern)
{
	pcre2_compile_context *context = pcre2_compile_context_create(NULL);
	int code;
	size_t at;
	pcre2_code *compiled;

	pcre2_set_parens_nest_limit(context, NEST_MAX);
	compiled = pcre2_compile((PCRE2_SPTR)pattern.ptr, pattern.len,
		PCRE2_CASELESS | PCRE2_NEVER_UTF | PCRE2_NEVER_UCP | PCRE2_NEVER_BACKSLASH_C, &code, &at, context);
	pcre2_compile_context_free(context);
	return compiled;
}

size_t regex_cost(struct str pattern)
{
	pcre2_code *compiled = pattern.len <= PATTERN_MAX ? compile(pattern) : NULL;
	size_t size = 0;

	if (compiled && pcre2_pattern_info(compiled, PCRE2_INFO_SIZE, &size) != 0)
		size = 0;
	pcre2_code_free(compiled);
	return size <= COST_MAX ? size : 0;
}

/* One alias of one host: whether it can be had. */
static const char *why_not(struct reconcile *pass, const struct map *taken, struct str alias)
{
	struct str suffix = str_starts_with(alias, STR("*.")) ? str_from_index(alias, 2) : alias;

	if (str_starts_with(alias, STR("~")))
		return regex_cost(str_from_index(alias, 1)) > 0 ? NULL : "~ and a regular expression of moderate size";
	if (suffix.len == 0 || suffix.len > 253 || !value_has_only(suffix, "-._") || suffix.ptr[0] == '.')
		return "a name, *.name or ~ and a regular expression";
	if (host_is_served(pass, alias))
		return "free: it is a host of some Ingress (B5)";
	return map_get(taken, alias) ? "free: another host has this alias already (B5)" : NULL;
}

static void add_aliases(struct reconcile *pass, struct alias_set *set, struct view *view, const struct annotation *a, struct str host,
	struct map *taken)
{
	struct alias_list *list = arena_zalloc(&pass->arena, sizeof(*list));

	list->items = arena_alloc(&pass->arena, (a->value.n + 1) * sizeof(*list->items));
	for (size_t i = 0; i < a->value.n; i++) {
		struct str written = a->value.items[i];
		struct str alias = str_starts_with(written, STR("~")) ? written : arena_lower(&pass->arena, written);
		const char *why = why_not(pass, taken, alias);

		if (why) {
			problems_add(&list->problems, &(struct problem){.severity = SEVERITY_FAULT,
				.object = view->object->key, .field = a->name, .value = written, .rule = str_from(why),
				.fix = STR("take this alias out"), .effect = STR("this alias is not served, the others are")});
			continue;
		}
		map_put(taken, alias, list);
		list->items[list->n++] = alias;
	}
	map_put(&set->by_host, host, list);
}

/* Annotations of few are read for nothing then. */
static bool may_have_alias(const struct object *ingress)
{
	for (size_t i = 0; i < ingress->n_annotations; i++) {
		if (str_ends_with(ingress->annotations[i].name, STR("/server-alias")))
			return true;
	}
	return false;
}

/* The first Ingress with aliases for a host counts. */
static void collect(struct reconcile *pass, struct alias_set *set)
{
	struct object_list all = store_list(pass->untracked, KIND_INGRESS);
	struct reads *reads = pass->reads;
	struct map taken = {0};

	pass->reads = pass->alias_reads;
	if (pass->reads && !pass->has_alias_reads)
		reads_clear(pass->reads);
	pass->has_alias_reads = set->is_filled = true;
	for (size_t i = 0; i < all.n; i++) {
		struct view *view = may_have_alias(all.items[i]) ? view_of(pass, all.items[i]) : NULL;
		const struct annotation *a =
			view ? annotation_get(&view->annotations, ANNOTATION_SERVER_ALIAS) : NULL;

		if (!a || !view->is_served || !pool_has_view(pass, view))
			continue;
		for (size_t r = 0; r < view->object->ingress.n_rules; r++) {
			struct str host = host_name(&pass->arena, view->object->ingress.rules[r].host);

			if (!str_eq(host, STR("_")) && !map_get(&set->by_host, host))
				add_aliases(pass, set, view, a, host, &taken);
		}
	}
	map_deinit(&taken);
	pass->reads = reads;
}

static int compare_texts(const void *a, const void *b)
{
	return str_cmp(*(const struct str *)a, *(const struct str *)b);
}

struct str *alias_of_host(struct reconcile *pass, struct str host, struct reconcile_result *result, size_t *n)
{
	struct alias_set *set;
	struct alias_list *list;

	if (!pass->aliases)
		pass->aliases = arena_zalloc(&pass->arena, pool_count(pass) * sizeof(*pass->aliases));
	set = &pass->aliases[pass->pool];
	if (!set->is_filled)
		collect(pass, set);
	list = map_get(&set->by_host, host);
	*n = list ? list->n : 0;
	if (!list)
		return NULL;
	if (list->n > 1)
		qsort(list->items, list->n, sizeof(*list->items), compare_texts);
	problems_add_all(&result->problems, &list->problems);
	return list->items;
}

void alias_end(struct reconcile *pass)
{
	for (size_t i = 0; pass->aliases && i < pool_count(pass); i++) {
		struct map *by_host = &pass->aliases[i].by_host;
		size_t cursor = 0;
		void *value;

		while (map_next(by_host, &cursor, NULL, &value))
			problems_deinit(&((struct alias_list *)value)->problems);
		map_deinit(by_host);
	}
}
