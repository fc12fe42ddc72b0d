#ifndef POOL_H
#define POOL_H
/*
 * Pools of proxies: what of the cluster each of them serves. A proxy is of the pool that its certificate names, and gets what
 * belongs to it and nothing else. Pure.
 *
 * An Ingress belongs to a pool by its class, or by the labels of its namespace; a TCP service, which has no class, by those
 * alone. One may belong to several pools, or to none. The pool "default" has everything, unless something else is said.
 */
#include <stdint.h>

#include "buf.h"
#include "selector.h"

#define POOL_DEFAULT "default"

enum { POOLS_MAX = 32, POOL_NAME_MAX = 63 };

enum pool_of {
	POOL_OF_ALL,
	POOL_OF_CLASSES,
	POOL_OF_NAMESPACES
};

struct pool {
	const char *name;
	const char *what;         /* "all", "class:a,b", "namespaces:team=web": as it was written */
	enum pool_of of;
	struct str *classes;
	size_t n_classes;
	struct selector selector; /* of the labels of namespaces */
};

/* A set of them is a word of bits, by index. */
struct pools {
	struct arena arena;
	struct pool items[POOLS_MAX];
	size_t n;
	bool has_no_default;      /* "default=none" was said */
};

/*
 * Takes "NAME=class:CLASS,…", "NAME=namespaces:SELECTOR", "NAME=all" or, for the default alone, "default=none"; keeps nothing of
 * `word`. False with a line in `error` that says what is wrong with it.
 */
bool pools_add(struct pools *p, struct str word, struct buf *error);
/* After the last: adds the default pool where nothing was said of it, as the first. False when none is left. */
bool pools_finish(struct pools *p, struct buf *error);
void pools_deinit(struct pools *p);

/* Whether labels of namespaces must be known. */
bool pools_want_namespaces(const struct pools *p);
/* The pools of an Ingress of this class ("": none is named) in this namespace (NULL: nothing is known of it). */
uint64_t pools_of_ingress(const struct pools *p, struct str class, const struct object *namespace_);
/* Of what has a namespace and no class. */
uint64_t pools_of_service(const struct pools *p, const struct object *namespace_);
static inline uint64_t pool_bit(size_t index)
{
	return (uint64_t)1 << index;
}

#endif
