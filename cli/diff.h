#ifndef DIFF_H
#define DIFF_H
/* What changes from one snapshot to another: resources, and for a changed one its fields. */
#include <jansson.h>

#include "output.h"
#include "weirlock/v1/snapshot.pb-c.h"

extern const struct column diff_columns[];

/* Rows {change: added|removed|changed, kind, name, field, before, after}; a row a field. Owned. */
json_t *diff_snapshots(const Weirlock__V1__Snapshot *before, const Weirlock__V1__Snapshot *after);
/* The fields in which two JSON values differ, appended to `rows` as {field, before, after}. Lists of objects are compared
 * element by element, by path, name or address where they have one. */
void diff_values(json_t *before, json_t *after, const char *field, json_t *rows);

#endif
