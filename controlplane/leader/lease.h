#ifndef LEADER_LEASE_H
#define LEADER_LEASE_H
/* The Lease as the API server has it (coordination.k8s.io/v1), read and written. No I/O. */
#include <jansson.h>

#include "election.h"

/* False: it is none. Texts are borrowed from `json`. */
bool lease_read(json_t *json, struct lease *out);
/*
 * What is to be stored for a step that writes; all that others have put into `seen` (NULL with ELECTION_CREATE) stays.
 * `wall_ms` is Unix time, for people. Owned.
 */
struct lease_wish {
	struct str namespace_, name, holder;
	uint64_t duration_ms, wall_ms;
};
json_t *lease_make(json_t *seen, enum election_step step, const struct lease_wish *wish);

#endif
