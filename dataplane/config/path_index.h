#ifndef PATH_INDEX_H
#define PATH_INDEX_H
/*
 * How a host finds the route of a path without looking at all of them: one hash table over configured paths, asked once per
 * path element in a single pass (C3–C5), and the regular expressions in their order (C7).
 */
#include "arena.h"
#include "config.h"

struct path_slot {
	const struct route *exact;  /* ROUTE_EXACT with this path */
	const struct route *prefix; /* ROUTE_PREFIX with this path */
	uint64_t hash;
};

struct path_index {
	struct path_slot *slots; /* open addressing, at most half full; NULL when there are no plain paths */
	size_t mask;
	uint64_t seed;
	size_t longest;          /* length of the longest plain path */
	const struct route **regexes;
	size_t n_regexes;
};

/* Lives in `arena`, points into `routes`. Of two routes with the same type and path the first counts. */
const struct path_index *path_index_build(struct arena *arena, const struct route *routes, size_t n_routes);

struct path_found {
	const struct route *route; /* NULL: none */
	bool is_final;             /* an exact match or a slash redirect: regular expressions are not asked */
	bool is_slash_redirect;    /* C12 */
};
/* C4: whether a prefix takes the path: all of it, or up to the end of an element. */
bool path_index_is_within(struct str prefix, struct str path);
struct path_found path_index_find(const struct path_index *index, struct str path);

#endif
