#ifndef SNAPSHOT_ORIGINS_H
#define SNAPSHOT_ORIGINS_H
/*
 * Where values came from (DESIGN: kept beside the snapshot, not in its hash), in lists, one for each part of a snapshot. What
 * did not change is shared from one snapshot to the next: a change costs its own lists, not those of the cluster.
 */
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "arena.h"
#include "str.h"

struct provenance {
	uint32_t kind;        /* of the resource */
	struct str name;
	struct str field;     /* "routes[/foo].proxy_read_timeout_ms" */
	struct str object;    /* "Ingress default/web"; "" for a default */
	struct str key;       /* annotation, ConfigMap key or JSON path */
	struct str value;     /* as written */
};

struct origins; /* counted; NULL has none */

struct origins *origins_ref(struct origins *o);
void origins_unref(struct origins **o);
/*
 * `items` take the place of the list of that name; none take it away. Texts are copied. What others hold of `*o` (which may
 * be NULL) they hold unchanged. False: these were there already.
 */
bool origins_put(struct origins **o, struct str name, const struct provenance *items, size_t n);
/* Of all lists, sorted by (kind, name, field), each once. Lives in `arena`, its texts as long as `o`. */
const struct provenance *origins_all(const struct origins *o, struct arena *arena, size_t *n);

/* As messages, one for each resource whose values are explained; in `arena` (origins_wire.c). */
struct Weirlock__V1__Origin;
struct Weirlock__V1__Origin **origins_pack(const struct origins *o, struct arena *arena, size_t *n);
/* What is in such messages. Owned; NULL when there is nothing. */
struct origins *origins_unpack(struct Weirlock__V1__Origin *const *messages, size_t n);

#endif
