#ifndef STORE_H
#define STORE_H
/*
 * The cluster as last seen: objects by kind and name, who refers to whom, and which hosts a change touches. Holds what was
 * set aside too: a refused object keeps its last good form here, and that form is what every reader sees.
 *
 * One thread. Everything returned is borrowed until the next change of the store, unless said otherwise. Arrays are sorted
 * and complete, so readers never depend on the order of events.
 */
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "arena.h"
#include "object.h"
#include "problem.h"
#include "str.h"

struct store;

struct store *store_create(void);
void store_destroy(struct store *store);

/*
 * The object as it now is. Takes the reference. `notes` (may be NULL or empty) are warnings about it that do not keep it
 * from being served; they are copied and replace those of the form before. Clears a refusal of the same object.
 * False when content and notes are what was there: nothing is touched then.
 */
bool store_put(struct store *store, struct object *object, const struct problems *notes);
/* The object is gone, and with it its last good form, its refusal and its notes. False when it was not known. */
bool store_delete(struct store *store, enum object_kind kind, struct str namespace_, struct str name);
/*
 * The newest form is refused for the reasons in `problems` (copied); the last good form, if there is one, keeps being what
 * readers see. False when the same refusal stood already.
 */
bool store_refuse(struct store *store, enum object_kind kind, struct str namespace_, struct str name,
	const struct problems *problems);
/* Problems of something that is no object: a file, an option. Replaces what `origin` had; none (or NULL) clears it. */
bool store_set_origin_problems(struct store *store, struct str origin, const struct problems *problems);
/* Appends refusals, notes and problems of origins, sorted. Problems found by readers of the store are theirs to keep. */
void store_problems(const struct store *store, struct problems *out);
/* Grows with every change of what store_problems() gives. */
unsigned long store_problems_version(const struct store *store);

/* How many changes of objects there were so far. */
uint64_t store_seq(const struct store *store);
/* The last change of an object: which of all it was. False when there is no such object, served or refused. */
bool store_seen(const struct store *store, enum object_kind kind, struct str namespace_, struct str name, uint64_t *seq);

/* ---------------------------------------------------------------------------------------------------- objects */

/* The last good form, or NULL. */
const struct object *store_get(const struct store *store, enum object_kind kind, struct str namespace_, struct str name);
/* "default/web". NULL also when there is no slash. */
const struct object *store_get_path(const struct store *store, enum object_kind kind, struct str path);
/* Whether a newest form stands refused (with or without a last good one). */
bool store_is_refused(const struct store *store, enum object_kind kind, struct str namespace_, struct str name);

struct object_list {
	const struct object *const *items;
	size_t n;
};
/*
 * All of a kind. Ingresses are in the order of C9: creationTimestamp ascending, ties by "namespace/name" descending.
 * Other kinds are sorted by namespace, then name.
 */
struct object_list store_list(struct store *store, enum object_kind kind);
/* The slices of a Service, sorted by name (H1). */
struct object_list store_slices(struct store *store, struct str namespace_, struct str service);

/* ----------------------------------------------------------------------------------------------- who refers to whom */

/*
 * A host is the lower-cased host of an Ingress rule; "_" stands for the empty one and for an Ingress with a default
 * backend and no rules (B6, B8). Ingresses of every class are in here; the class is reconcile's first stage.
 */
struct host_list {
	const struct str *names;
	size_t n;
};
/* All hosts that some Ingress names, sorted. */
struct host_list store_hosts(struct store *store);
/* The Ingresses with a rule for the host, in the order of C9. */
struct object_list store_host_ingresses(struct store *store, struct str host);
/* The Ingresses whose rules or default backend name the Service, in the order of C9 (C20). */
struct object_list store_service_ingresses(struct store *store, struct str namespace_, struct str service);

/*
 * What else was read while `reader` was built, replacing what was noted before; n = 0 forgets. A reader is a host name,
 * "Service default/web", or STORE_EVERYTHING for what all hosts depend on (the settings ConfigMap, the default certificate).
 * Keys are object keys as object_key() writes them ("Secret default/basic-auth"), whether the object exists or not, or
 * "Host www.example.com": a change of that host's Ingresses, and any text given to store_touch().
 * Not needed for what the store sees itself: Ingresses of the host, Services their rules and default backends name, and
 * Secrets of their tls entries.
 */
#define STORE_EVERYTHING STR("*")
void store_set_reads(struct store *store, struct str reader, const struct str *keys, size_t n);

/* ------------------------------------------------------------------------------------------------------ what changed */

/*
 * What to build again. All arrays are sorted, without duplicates, and live in the arena given to store_take_changes.
 * A host that is no longer named by any Ingress is listed too: it is to be dropped.
 */
struct store_changes {
	bool everything;         /* an IngressClass changed, or something that STORE_EVERYTHING reads */
	struct str everything_by; /* the key of that, if it is one thing that it reads; else "" */
	struct str *hosts;       /* hosts to build again */
	size_t n_hosts;
	struct str *services;    /* "default/web": Backend and Endpoints to build again, used by some Ingress or not */
	size_t n_services;
	struct str *endpoints;   /* "default/web": only slices changed; never one that is in `services` */
	size_t n_endpoints;
};
/* Moves the changes out. False when there are none. Texts are copied to `arena`. */
bool store_take_changes(struct store *store, struct arena *arena, struct store_changes *out);
/* Whether `everything` of the above is to be built. */
bool store_has_everything(const struct store *store);
/*
 * Moves out the part that can be built before the rest: `endpoints` of the above. False when there is none, or when everything
 * is to be built.
 */
bool store_take_endpoints(struct store *store, struct arena *arena, struct str **services, size_t *n);
/* Whether there are changes, and whether they are more than slices. */
bool store_has_changes(const struct store *store, bool *is_structural);
/* Readers of `key` are to be built again; a host name touches that host: "Host a.example.com". */
void store_touch(struct store *store, struct str key);

#endif
