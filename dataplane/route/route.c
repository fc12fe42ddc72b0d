/*
 * A host by name, then a route by path: an exact match, then the regular expressions in their order, then the longest prefix.
 * Hosts in regex mode (C6) hold only regular expressions; mixed ones follow nginx's order.
 */
#include "route.h"

#include "path_index.h"
#include "regex.h"

/* C7: the first that matches. One that gives up ends the search: what stands behind it may be less strict. */
static const struct route *match_regex(const struct path_index *index, struct str path, bool *has_failed)
{
	for (size_t i = 0; i < index->n_regexes; i++) {
		const struct route *r = index->regexes[i];

		switch (regex_match_start(r->regex, path)) {
		case REGEX_MATCH:
			return r;
		case REGEX_NO_MATCH:
			continue;
		case REGEX_GAVE_UP:
			*has_failed = true;
			return NULL;
		}
	}
	return NULL;
}

struct route_match route_match_path(const struct host *host, struct str path)
{
	struct route_match m = {.host = host};
	struct path_found found = path_index_find(host->index, path);

	m.route = found.route;
	m.is_slash_redirect = found.is_slash_redirect;
	if (!found.is_final && host->index->n_regexes) {
		const struct route *r = match_regex(host->index, path, &m.has_failed);

		if (r || m.has_failed)
			m.route = r;
	}
	return m;
}

struct route_match route_match(const struct generation *g, struct str server_name, struct str path)
{
	return route_match_path(generation_find_host(g, server_name), path);
}
