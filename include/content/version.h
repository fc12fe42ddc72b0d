#ifndef VERSION_H
#define VERSION_H
/*
 * How much of a cluster is in a snapshot, and how much a controller has seen: for each kind the largest resourceVersion. Several
 * controllers are never equally far; a proxy that turns from one to another must not go back to what was before.
 */
#include <stdbool.h>
#include <stdint.h>

#include "arena.h"
#include "weirlock/v1/control.pb-c.h"

/* Travels as a number: add at the end. */
#define VERSION_MARKS(X)                      \
	X(EPOCH, "epoch")                     \
	X(INGRESS, "Ingress")                 \
	X(INGRESS_CLASS, "IngressClass")      \
	X(SERVICE, "Service")                 \
	X(ENDPOINT_SLICE, "EndpointSlice")    \
	X(SECRET, "Secret")                   \
	X(CONFIG_MAP, "ConfigMap")            \
	X(NAMESPACE, "Namespace")             \
	X(MANIFESTS, "manifests")
#define VERSION_MARK_ENUM(id, text) MARK_##id,
enum version_mark { VERSION_MARKS(VERSION_MARK_ENUM) MARK_COUNT };

/* "EndpointSlice". Static. */
const char *version_mark_text(enum version_mark mark);

struct version {
	uint64_t marks[MARK_COUNT]; /* [MARK_EPOCH]: who restores a cluster gives a larger one, and the others begin anew */
};

void version_raise(struct version *v, enum version_mark mark, uint64_t to);
/*
 * Who has seen this much cannot give what holds that much: then `which` says of what. A mark that was never seen decides nothing:
 * this source does not have it.
 */
bool version_is_behind(const struct version *seen, const struct version *held, enum version_mark *which);
/* What is held once `more` is, too. */
void version_take(struct version *held, const struct version *more);
/* What is to be told to who knows `known`, in `arena`; NULL: nothing. */
Weirlock__V1__Version *version_news(const struct version *v, const struct version *known, struct arena *arena);
/* `m` may be NULL. What is not known here is passed over. */
void version_read(const Weirlock__V1__Version *m, struct version *out);

#endif
