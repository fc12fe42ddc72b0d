#ifndef AFFINITY_H
#define AFFINITY_H
/*
 * Sessions by cookie (SEMANTICS I10 to I15): from a cookie to an endpoint and back, and the Set-Cookie line. Pure: the same
 * cookie leads to the same endpoint in every worker and proxy, after every restart, for as long as the endpoint is there.
 * Whatever a client sends leads to an endpoint of the backend or to none.
 */
#include "balance.h"
#include "buf.h"
#include "str.h"

/* The endpoint that a cookie's value means, or -1: unknown, or gone. */
int affinity_find(const struct backend *backend, struct str value);
/* Whether the value was made for this backend (I22: sessions and canaries). */
bool affinity_is_of(const struct backend *backend, struct str value);
/* Appends a value that means this endpoint. `random`: bits to begin with. */
void affinity_write_value(const struct backend *backend, unsigned endpoint, uint64_t random, struct buf *out);

/* What the attributes depend on. */
struct affinity_cookie {
	struct str value;
	struct str route_path; /* where the affinity names no path */
	struct str user_agent;
	bool is_tls;           /* the client's connection */
	uint64_t unix_s;
};
/* Appends "Set-Cookie: … CRLF" (I15). */
void affinity_write_cookie(const struct backend *backend, const struct affinity_cookie *cookie, struct buf *out);

#endif
