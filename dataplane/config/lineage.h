#ifndef LINEAGE_H
#define LINEAGE_H
/*
 * What all generations that follow one another share: the numbers of backend names, and the secrets of TLS sessions.
 * Counted; numbers are taken on the main thread and given back on any.
 */
#include <stdbool.h>

#include "str.h"

struct lineage;
struct tls_session_keys;

/* Owned, one reference. */
struct lineage *lineage_create(bool is_for_reading);
/* All its generations are for people to read: certificates come without keys, and nothing is served. */
bool lineage_is_for_reading(const struct lineage *l);
struct lineage *lineage_ref(struct lineage *l);
void lineage_unref(struct lineage **l);
struct tls_session_keys *lineage_session_keys(struct lineage *l);

/* A backend name and its number, the same for as long as anybody holds the slot. */
struct backend_slot {
	struct lineage *lineage;
	struct str name;
	unsigned index;
	unsigned refs; /* under the lineage's lock */
};

/* One more reference to the slot of `name`. */
struct backend_slot *lineage_take_slot(struct lineage *l, struct str name);
void lineage_drop_slot(struct backend_slot *slot);

#endif
