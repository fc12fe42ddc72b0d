/* Why the other routes of a host lost: the winner is route_match_path's, and each loser is measured against it. */
#include <stdlib.h>

#include "path_index.h"
#include "regex.h"
#include "route.h"

const char *route_fate_doc(enum route_fate fate)
{
#define ROUTE_FATE_DOC(id, takes, doc) doc,
	static const char *const docs[] = {ROUTE_FATES(ROUTE_FATE_DOC)};

	return docs[fate];
}

static bool is_same_path(const struct route *a, const struct route *b)
{
	return a->path_type == b->path_type && str_eq(a->path, b->path);
}

/* A route that takes the path and was not chosen. */
static enum route_fate lost_to(const struct route_match *m, const struct route *loser)
{
	if (m->is_slash_redirect)
		return ROUTE_AFTER_SLASH;
	if (!m->route) /* a regular expression gave up */
		return ROUTE_AFTER_REGEX;
	if (is_same_path(m->route, loser))
		return ROUTE_SAME;
	switch (m->route->path_type) {
	case ROUTE_EXACT:
		return ROUTE_AFTER_EXACT;
	case ROUTE_REGEX:
		return ROUTE_AFTER_REGEX;
	case ROUTE_PREFIX:
		return ROUTE_SHORTER;
	}
	abort();
}

static enum route_fate fate_of_plain(const struct route_match *m, const struct route *r, struct str path)
{
	if (r == m->route)
		return m->is_slash_redirect ? ROUTE_WON_SLASH : ROUTE_WON;
	if (r->path_type == ROUTE_EXACT)
		return str_eq(r->path, path) ? lost_to(m, r) : ROUTE_NOT_EXACT;
	if (path_index_is_within(r->path, path))
		return lost_to(m, r);
	return str_starts_with(path, r->path) ? ROUTE_NOT_ELEMENT : ROUTE_NOT_PREFIX;
}

/* Regular expressions in their order; *is_over from the one that ended the search on. */
static enum route_fate fate_of_regex(const struct route *r, struct str path, bool *is_over)
{
	if (*is_over)
		return ROUTE_NOT_REACHED;
	switch (regex_match_start(r->regex, path)) {
	case REGEX_NO_MATCH:
		return ROUTE_NO_MATCH;
	case REGEX_MATCH:
		*is_over = true;
		return ROUTE_WON;
	case REGEX_GAVE_UP:
		*is_over = true;
		return ROUTE_GAVE_UP;
	}
	abort();
}

struct route_match route_explain(const struct host *host, struct str path, enum route_fate *fates)
{
	struct route_match m = route_match_path(host, path);
	bool is_final = path_index_find(host->index, path).is_final;
	bool is_over = false;

	for (size_t i = 0; i < host->n_routes; i++) {
		const struct route *r = &host->routes[i];

		if (r->path_type != ROUTE_REGEX)
			fates[i] = fate_of_plain(&m, r, path);
		else
			fates[i] = is_final ? ROUTE_NOT_ASKED : fate_of_regex(r, path, &is_over);
	}
	return m;
}
