/*
 * Every configured path is a key. A request path asks the table at each of its element boundaries, from short to long, with
 * a hash that grows byte by byte, so the cost is that of reading the path once, however many routes there are.
 */
#include "path_index.h"

#include "map.h"

static uint64_t hash_byte(uint64_t hash, char c)
{
	return (hash ^ (unsigned char)c) * 0x100000001b3u;
}

/* The low bits of a product know little of its high ones. */
static uint64_t hash_end(uint64_t hash)
{
	hash ^= hash >> 32;
	hash *= 0x9e3779b97f4a7c15u;
	return hash ^ hash >> 29;
}

static uint64_t hash_path(uint64_t seed, struct str path)
{
	for (size_t i = 0; i < path.len; i++)
		seed = hash_byte(seed, path.ptr[i]);
	return hash_end(seed);
}

static struct str slot_path(const struct path_slot *slot)
{
	return slot->exact ? slot->exact->path : slot->prefix->path;
}

static bool is_free(const struct path_slot *slot)
{
	return !slot->exact && !slot->prefix;
}

/* The slot of `first` followed by `last`, or the free one where it would be. */
static struct path_slot *find_slot(const struct path_index *index, uint64_t hash, struct str first, struct str last)
{
	for (size_t at = hash & index->mask;; at = (at + 1) & index->mask) {
		struct path_slot *slot = &index->slots[at];
		struct str path;

		if (is_free(slot))
			return slot;
		if (slot->hash != hash)
			continue;
		path = slot_path(slot);
		if (path.len == first.len + last.len && str_starts_with(path, first) && str_ends_with(path, last))
			return slot;
	}
}

static void put(struct path_index *index, const struct route *route)
{
	uint64_t hash = hash_path(index->seed, route->path);
	struct path_slot *slot = find_slot(index, hash, route->path, STR(""));
	const struct route **place = route->path_type == ROUTE_EXACT ? &slot->exact : &slot->prefix;

	slot->hash = hash;
	if (!*place)
		*place = route;
	if (route->path.len > index->longest)
		index->longest = route->path.len;
}

const struct path_index *path_index_build(struct arena *arena, const struct route *routes, size_t n_routes)
{
	struct path_index *index = arena_zalloc(arena, sizeof(*index));
	size_t n_plain = 0, n_slots = 4;

	for (size_t i = 0; i < n_routes; i++)
		n_plain += routes[i].path_type != ROUTE_REGEX;
	while (n_slots < n_plain * 2)
		n_slots *= 2;
	if (n_plain) {
		index->slots = arena_zalloc(arena, n_slots * sizeof(*index->slots));
		index->mask = n_slots - 1;
	}
	if (n_plain < n_routes)
		index->regexes = arena_zalloc(arena, (n_routes - n_plain) * sizeof(struct route *));
	index->seed = hash_bytes(STR("path_index"));
	for (size_t i = 0; i < n_routes; i++) {
		if (routes[i].path_type == ROUTE_REGEX)
			index->regexes[index->n_regexes++] = &routes[i];
		else
			put(index, &routes[i]);
	}
	return index;
}

/* C12: a route that would take the path with one more slash. A location that is denied redirects nobody. */
static const struct route *slash_route(const struct path_index *index, uint64_t hash, struct str path)
{
	const struct path_slot *slot;
	const struct route *route;

	if (path.len >= index->longest)
		return NULL;
	slot = find_slot(index, hash_end(hash_byte(hash, '/')), path, STR("/"));
	route = slot->exact ? slot->exact : slot->prefix;
	return route && !route->fixed_status ? route : NULL;
}

/* Whether a configured path may end at `len`: after the last byte, after a slash, or before one. */
static bool is_boundary(struct str path, size_t len)
{
	return len == path.len || path.ptr[len - 1] == '/' || path.ptr[len] == '/';
}

bool path_index_is_within(struct str prefix, struct str path)
{
	return str_starts_with(path, prefix) && prefix.len && is_boundary(path, prefix.len);
}

struct path_found path_index_find(const struct path_index *index, struct str path)
{
	struct path_found found = {0};
	uint64_t hash = index->seed;
	size_t len;

	if (!index->slots)
		return found;
	for (len = 1; len <= path.len && len <= index->longest; len++) {
		const struct path_slot *slot;

		hash = hash_byte(hash, path.ptr[len - 1]);
		if (!is_boundary(path, len))
			continue;
		slot = find_slot(index, hash_end(hash), str_first(path, len), STR(""));
		if (len == path.len && slot->exact)
			return (struct path_found){slot->exact, true, false};
		if (!slot->prefix)
			continue;
		found.route = slot->prefix;
		/* Upstream gives a prefix without a slash an exact location of its own, one with a slash it does not. */
		found.is_final = len == path.len && path.ptr[len - 1] != '/';
	}
	if (!found.is_final && len > path.len) {
		const struct route *slash = slash_route(index, hash, path);

		if (slash)
			return (struct path_found){slash, true, true};
	}
	return found;
}
