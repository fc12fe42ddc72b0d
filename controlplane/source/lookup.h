#ifndef SOURCE_LOOKUP_H
#define SOURCE_LOOKUP_H
/*
 * One object as the API server has it now, asked for when somebody wants to know: for what is not kept here, such as who wrote
 * which field. Asked for as a list by name, so that it needs no right beyond list.
 */
#include <jansson.h>

#include "kubeapi.h"
#include "object.h"

struct lookups;

/* `object` is borrowed for the call; NULL with a reason (static or borrowed) when there is none. Called once, never from within. */
typedef void lookup_fn(void *owner, json_t *object, const char *why);

/* Keeps `api`. */
struct lookups *lookups_create(struct kubeapi *api);
void lookups_start(struct lookups *l, enum object_kind kind, struct str namespace_, struct str name, lookup_fn *done, void *owner);
/* Before kubeapi_close: what is under way ends with a reason. */
void lookups_destroy(struct lookups *l);

#endif
