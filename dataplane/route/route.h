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


/*
 * What became of every route of a host for one path, for people. X(id, has it been compared and does it take the path, what
 * became of it)
 */
#define ROUTE_FATES(X)                                                                                              \
	X(ROUTE_WON, 1, "chosen")                                                                                  \
	X(ROUTE_WON_SLASH, 0, "chosen for the path with a slash more: 301 (C12)")                                  \
	X(ROUTE_SHORTER, 1, "takes it, but a longer one does too (C5)")                                            \
	X(ROUTE_AFTER_EXACT, 1, "takes it, but the exact path comes before a prefix (C5)")                         \
	X(ROUTE_AFTER_REGEX, 1, "takes it, but regular expressions come before a prefix")                          \
	X(ROUTE_AFTER_SLASH, 1, "takes it, but the path with a slash more comes first (C12)")                      \
	X(ROUTE_SAME, 1, "takes it, but the same path stands before it")                                           \
	X(ROUTE_NOT_EXACT, 0, "is another path (C3)")                                                              \
	X(ROUTE_NOT_PREFIX, 0, "the path does not begin so (C4)")                                                  \
	X(ROUTE_NOT_ELEMENT, 0, "the path begins so, but ends within an element (C4)")                             \
	X(ROUTE_NO_MATCH, 0, "does not match from the start of the path (C6)")                                     \
	X(ROUTE_GAVE_UP, 0, "gave up at its limits: 500")                                                          \
	X(ROUTE_NOT_ASKED, 0, "not asked: the path was found before regular expressions are")                     \
	X(ROUTE_NOT_REACHED, 0, "not asked: one before it ended the search (C7)")
#define ROUTE_FATE_ENUM(id, takes, doc) id,
enum route_fate { ROUTE_FATES(ROUTE_FATE_ENUM) ROUTE_FATE_COUNT };
const char *route_fate_doc(enum route_fate fate);

/* route_match_path, and the fate of host->routes[i] in fates[i]. */
struct route_match route_explain(const struct host *host, struct str path, enum route_fate *fates);

#endif
