#ifndef ROUTE_H
#define ROUTE_H
/* Host and path to rule (SEMANTICS B, C, E). Const in, const out. */
#include "config.h"
#include "str.h"

struct route_match {
	const struct host *host;   /* never NULL: the default host at least */
	const struct route *route; /* NULL: nothing on this host takes the path (cannot be while every host has "/", B9) */
	bool is_slash_redirect;    /* C12: the route's path is this path plus "/": answer 301 to it */
	bool has_failed;           /* a regular expression gave up at its limits; route is NULL: answer 500 */
};

/* `server_name` from http_server_name, `path` from http_normalise_path. */
struct route_match route_match(const struct generation *g, struct str server_name, struct str path);
/* The second half of it: on a host that is already known. */
struct route_match route_match_path(const struct host *host, struct str path);

#endif
