#ifndef SUBSTITUTE_H
#define SUBSTITUTE_H
/*
 * Writes texts with $ in them (C14, E10): captures of the rule's regular expression and a few variables of the request. One
 * pass that writes what it measures: there is no second count that could differ. Private to rewrite.
 */
#include "regex.h"
#include "rewrite.h"

/* Path bytes, escaped as nginx does: space, #, %, ?, control bytes and those above 0x7e become %XX. */
void substitute_escape(struct buf *out, struct str path);

/* Whether the route rewrites (C15), and whether its target is an URL to redirect to. */
bool substitute_is_active(const struct route *route);
bool substitute_is_url(const struct route *route);

/* A Location. `groups` is NULL when there was no match to take captures from. False when it does not fit. */
bool substitute_url(const struct rewrite_request *r, struct str text, const struct regex_groups *groups, struct buf *out);
/* A request target: begins with a slash; the request's own query follows unless `text` ends in '?'. */
bool substitute_target(const struct rewrite_request *r, struct str text, const struct regex_groups *groups, struct buf *out);

#endif
