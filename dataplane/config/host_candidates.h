#ifndef HOST_CANDIDATES_H
#define HOST_CANDIDATES_H
/* The names of a snapshot that come near a server name, for people. Private to config. */
#include "host_table.h"

/* `hosts` are those of `t`. */
size_t host_candidates(const struct object_list *hosts, const struct host_table *t, struct str server_name,
	struct host_candidate *out, size_t cap);

#endif
