#ifndef EVENTS_H
#define EVENTS_H
/*
 * Events about objects (N7), for `kubectl describe`: written by the leader alone, each thing once and not too fast. They tell
 * news; what stands is what `weirctl problems` lists.
 */
#include <stdbool.h>
#include <uv.h>

#include "buf.h"
#include "kubeapi.h"
#include "object.h"
#include "problem.h"
#include "str.h"

struct event {
	enum object_kind kind;
	struct str namespace_, name;
	struct str uid, version; /* of the object's newest form; or "" */
	const char *reason;      /* "Sync"; static */
	bool is_warning;
	struct str text;
	bool is_standing;        /* another leader may have said it: then it is not said again */
	bool is_of_process;      /* each process counts its own */
};

/* Texts are copied. */
struct events_options {
	struct str instance;  /* who tells it, for people */
	bool is_cluster_wide; /* objects of all namespaces: for the rule that is missing */
};
struct events_hooks {
	void *owner;
	bool (*leads)(void *owner); /* at this moment */
	/* What is wrong at present; none: nothing any more. */
	void (*on_problems)(void *owner, struct str origin, const struct problems *problems);
};

struct events;
struct events *events_open(uv_loop_t *loop, struct kubeapi *api, const struct events_options *options, const struct events_hooks *hooks);
/* Nothing happens while we do not lead. Texts are copied. */
void events_tell(struct events *events, const struct event *event);
/* We lead no more: what waits is dropped, and all counts begin anew. */
void events_drop(struct events *events);
/* Prometheus text. */
void events_metrics(const struct events *events, struct buf *out);
/* What waits is dropped. Before kubeapi_close. `on_closed` may be NULL. */
void events_close(struct events *events, void (*on_closed)(void *owner), void *owner);

#endif
