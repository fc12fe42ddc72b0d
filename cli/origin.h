#ifndef ORIGIN_H
#define ORIGIN_H
/* Where an effective value came from, and how people write it. */
#include <jansson.h>
#include <stdbool.h>

#include "buf.h"
#include "view.h"

/* The ConfigMap key (or option) of a field of Settings; of a field of Policy, what is its default. */
void origin_key(const char *field, struct buf *key);
void origin_policy_key(const char *field, struct buf *key);
void origin_backend_key(const char *field, struct buf *key);
/* `value` of a field for people: times in seconds, bits by name, lists as they are. Owned. */
json_t *origin_shown(const char *field, json_t *value);

/* A controller and manifests tell where values came from; a proxy does not know. */
bool origin_is_known(const struct view *v);
/* Sets "from" of a row, and "key" and "written" when there is an origin. */
void origin_set(json_t *row, const struct view *v, const Weirlock__V1__Provenance *origin);
/* A row of one value: key, field, value, what is shown of it, and where it came from; `origin` may be NULL. Owned. */
json_t *origin_row(
	const struct view *v, const char *field, struct str key, json_t *value, const Weirlock__V1__Provenance *origin);
/* Each setting of the whole proxy as such a row. Owned. */
json_t *origin_settings(const struct view *v);

#endif
