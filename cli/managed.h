#ifndef MANAGED_H
#define MANAGED_H
/* metadata.managedFields of an object: who wrote which field last, and when. */
#include <jansson.h>

#include "str.h"

/*
 * The newest entry of `managed` (an array, or NULL) that owns an annotation or datum by `key`, with or without a prefix before a
 * slash; or, for an empty key, spec.rules. Where nobody owns just that, the newest entry that owns anything. Borrowed, or NULL.
 */
json_t *managed_owner(json_t *managed, struct str key);

#endif
