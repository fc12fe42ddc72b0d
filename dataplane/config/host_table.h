#ifndef HOST_TABLE_H
#define HOST_TABLE_H
/*
 * Server name to host (B3, B4). Immutable and counted: a table after a change shares with the one before what is not about the
 * hosts that changed. Private to config.
 */
#include "object_list.h"

struct host_table;

/*
 * `before` (NULL for an empty one) with the changes, all of kind HOST, as object_list_change left them. Holds references to its
 * hosts. Owned, one reference: without changes, to `before`.
 */
struct host_table *host_table_change(struct host_table *before, const struct object_change *changes, size_t n);
struct host_table *host_table_ref(struct host_table *t);
void host_table_unref(struct host_table **t);
const struct host *host_table_find(const struct host_table *t, struct str server_name);
struct host_match host_table_match(const struct host_table *t, struct str server_name);
/* B4: whether the "*" of a host stands for this label. */
bool host_table_is_label(struct str s);
bool host_table_has_tls(const struct host_table *t, struct str server_name);
/* The host that has this very name or alias, which may be "*.example.com"; NULL for none. */
const struct host_object *host_table_owner(const struct host_table *t, struct str name);
/* Whether a host of it has a passthrough_name; ciphers of its own. */
bool host_table_has_passthrough(const struct host_table *t);
bool host_table_has_ciphers(const struct host_table *t);

#endif
