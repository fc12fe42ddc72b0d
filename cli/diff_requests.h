#ifndef DIFF_REQUESTS_H
#define DIFF_REQUESTS_H
/* What changes for requests from one snapshot to another: hosts, paths, what they do, where they go, and certificates. */
#include <jansson.h>

#include "output.h"
#include "view.h"

extern const struct column diff_request_columns[];

/*
 * Rows {change: added|removed|changed, what: host|path|backend|endpoints|certificate|setting|tcp|udp|secret, where, field, before,
 * after, hosts}; a row a value. `hosts` are those that meet the change, the first few. Owned.
 */
json_t *diff_requests(const struct view *before, const struct view *after);

#endif
