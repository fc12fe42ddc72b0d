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

/* The typed body of a resource, without secrets; an empty object for one that is not shown. Owned. */
json_t *diff_body(const Weirlock__V1__Resource *r);
/* An object or list at `key` of a row becomes one line of JSON, so that every row is one line. */
void diff_flatten(json_t *row, const char *key);
/* The order of a snapshot: by kind, then name. */
int diff_compare(const Weirlock__V1__Resource *a, const Weirlock__V1__Resource *b);

#endif
