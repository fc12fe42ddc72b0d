/* Which server name, which path, and what became of all the others (SEMANTICS B3 to B6, C3 to C12). */
#include "mem.h"
#include "render.h"
#include "route.h"
#include "story.h"

/* ------------------------------------------------------------------------------------------------------------- hosts */

static const char *how_text(enum host_found how)
{
	switch (how) {
	case HOST_FOUND_EXACT:
		return "exact name";
	case HOST_FOUND_ALIAS:
		return "alias";
	case HOST_FOUND_ALIAS_WILDCARD:
		return "alias wildcard";
	case HOST_FOUND_WILDCARD:
		return "wildcard";
	case HOST_FOUND_ALIAS_REGEX:
		return "alias regex";
	case HOST_FOUND_DEFAULT:
		return "default";
	}
	return "";
}

static void set_pattern(json_t *row, const struct host_match *m)
{
	const char *before = m->how == HOST_FOUND_ALIAS_REGEX			     ? "~"
		: m->how == HOST_FOUND_WILDCARD || m->how == HOST_FOUND_ALIAS_WILDCARD ? "*"
										     : "";

	story_printf(row, "pattern", "%s%.*s", before, STR_ARG(m->how == HOST_FOUND_DEFAULT ? m->host->name : m->by));
}

static bool is_same(const struct host_match *a, const struct host_match *b)
{
	return a->host == b->host && a->how == b->how && str_eq(a->by, b->by);
}

/* Why a name that fits was not chosen (B3). */
static void tell_loss(json_t *row, const struct host_match *won, const struct host_match *lost)
{
	if (lost->how == HOST_FOUND_DEFAULT)
		story_printf(row, "result", "only for names that nothing else takes (B6)");
	else if (won->how == lost->how && won->how == HOST_FOUND_ALIAS_WILDCARD && won->by.len > lost->by.len)
		story_printf(row, "result", "takes it, but a longer suffix comes first (B3)");
	else if (won->how == lost->how || (won->how >= HOST_FOUND_WILDCARD && lost->how >= HOST_FOUND_WILDCARD))
		story_printf(row, "result", "takes it, but host %.*s stands before it", STR_ARG(won->host->name));
	else
		story_printf(row, "result", "takes it, but the %s comes first (B3)", how_text(won->how));
}

static void tell_fit(json_t *row, enum host_fit fit)
{
	static const char *const texts[] = {
		[HOST_FITS] = "",
		[HOST_FITS_NO_LABEL] = "nothing stands for its * (B4)",
		[HOST_FITS_ONE_LABEL] = "its * stands for one label, and here are more (B4)",
		[HOST_FITS_NOT_LETTER] = "its * stands for letters, digits, - and _ only (B4)",
		[HOST_FITS_NOT_REGEX] = "does not match",
	};

	json_object_set_new(row, "result", json_string(texts[fit]));
}

static json_t *host_row(const struct host_candidate *c, const struct host_match *won)
{
	json_t *row = json_object();
	bool is_chosen = is_same(&c->match, won);

	story_text(row, "host", c->match.host->name);
	json_object_set_new(row, "by", json_string(how_text(c->match.how)));
	set_pattern(row, &c->match);
	json_object_set_new(row, "chosen", json_boolean(is_chosen));
	if (is_chosen)
		json_object_set_new(row, "result", json_string("chosen"));
	else if (c->fit == HOST_FITS)
		tell_loss(row, won, &c->match);
	else
		tell_fit(row, c->fit);
	return row;
}

json_t *story_hosts(const struct story *s)
{
	struct str name = s->judgement.rule.server_name;
	struct host_match won = generation_match_host(s->generation, name);
	size_t n = generation_host_candidates(s->generation, name, NULL, 0);
	struct host_candidate *all = mem_calloc(n + 1, sizeof(*all));
	json_t *rows = json_array();

	generation_host_candidates(s->generation, name, all, n);
	for (int is_second = 0; is_second < 2; is_second++) { /* the chosen one first */
		for (size_t i = 0; i < n; i++) {
			if (is_same(&all[i].match, &won) == (bool)is_second)
				json_array_insert_new(rows, is_second ? 0 : json_array_size(rows), host_row(&all[i], &won));
		}
	}
	mem_free(all);
	return rows;
}

/* ------------------------------------------------------------------------------------------------------------- paths */

static const char *type_text(enum path_type type)
{
	switch (type) {
	case ROUTE_PREFIX:
		return "prefix";
	case ROUTE_EXACT:
		return "exact";
	case ROUTE_REGEX:
		return "regex";
	}
	return "";
}

static json_t *path_row(const struct route *r, enum route_fate fate)
{
	json_t *row = json_object();

	story_text(row, "path", r->path);
	json_object_set_new(row, "path_type", json_string(type_text(r->path_type)));
	story_text(row, "backend", r->backend_name.len ? r->backend_name : STR("(default)"));
	if (r->ingress.len)
		story_text(row, "ingress", r->ingress);
	json_object_set_new(row, "chosen", json_boolean(fate == ROUTE_WON || fate == ROUTE_WON_SLASH));
	json_object_set_new(row, "result", json_string(route_fate_doc(fate)));
	return row;
}

json_t *story_paths(const struct story *s)
{
	const struct rewrite_request *r = &s->judgement.rule;
	const struct host *host = r->match.host;
	enum route_fate *fates = mem_calloc(host->n_routes + 1, sizeof(*fates));
	json_t *rows = json_array();

	route_explain(host, r->path, fates);
	for (size_t i = 0; i < host->n_routes; i++)
		json_array_append_new(rows, path_row(&host->routes[i], fates[i]));
	mem_free(fates);
	return rows;
}
