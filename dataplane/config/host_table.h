#ifndef HOST_TABLE_H
#define HOST_TABLE_H
/* Server name to host (B3, B4). Immutable and counted: generations share it while no host changed. Private to config. */
#include "object.h"

struct host_table;

/* Holds references to the objects of kind HOST among `objects`, which come sorted by name. Owned, one reference. */
struct host_table *host_table_create(struct object *const *objects, size_t n);
struct host_table *host_table_ref(struct host_table *t);
void host_table_unref(struct host_table **t);
const struct host *host_table_find(const struct host_table *t, struct str server_name);
struct host_match host_table_match(const struct host_table *t, struct str server_name);
/* Its host objects, by name. Borrowed. */
struct object *const *host_table_objects(const struct host_table *t, size_t *n);
/* B4: whether the "*" of a host stands for this label. */
bool host_table_is_label(struct str s);
bool host_table_has_tls(const struct host_table *t, struct str server_name);

/* Whether a host of it has a passthrough_name. */
bool host_table_has_passthrough(const struct host_table *t);

#endif
