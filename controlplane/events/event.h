#ifndef EVENTS_EVENT_H
#define EVENTS_EVENT_H
/* An Event as the API server has it (core/v1, as ingress-nginx writes them). No I/O. */
#include <jansson.h>

#include "events.h"

/*
 * "web.1f3a…": the same for the same object, reason and text, in whatever process, so that a new leader does not say again what
 * stands already. `salt` (may be "") makes it another one.
 */
void event_add_name(const struct event *event, struct str salt, struct buf *out);
/* Owned. `instance` is who tells it; `wall_ms` is Unix time. */
json_t *event_make(const struct event *event, struct str name, struct str instance, unsigned count, uint64_t wall_ms);
/* The patch that says it came again: `count` times in all; 0 leaves that out. Owned. */
json_t *event_again(unsigned count, uint64_t wall_ms);

#endif
