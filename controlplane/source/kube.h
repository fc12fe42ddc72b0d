#ifndef KUBE_H
#define KUBE_H
/*
 * The API server as a source. Ingresses, IngressClasses, Services and EndpointSlices are listed and watched whole, in the
 * namespaces that are served; ConfigMaps and Secrets only by name, those that options or objects refer to.
 *
 * Events are as in source.h. SOURCE_LISTED comes when all that is read whole is in: whoever reads the events says then what
 * is wanted by name (kube_want), and SOURCE_SYNCED comes when that is in, too. Nothing that is served is dropped because the
 * server is away, forgets a version or refuses: it is told as a problem, and tried again.
 */
#include "kubeapi.h"
#include "source.h"

/* Texts are kept. Paths are "namespace/name", or "". */
struct kube_options {
	const struct str *namespaces; /* served; none: all */
	size_t n_namespaces;
	struct str namespace_selector; /* of labels; served are the namespaces that have them. Not with namespaces */
	bool wants_namespaces;         /* Namespaces are events too, for their labels */
	struct str configmap, default_certificate, default_backend;
	const struct str *publish_services; /* each once */
	size_t n_publish_services;
	unsigned silence_s;    /* a watch without a byte for so long is begun again; 0 is 150 (bookmarks come every minute) */
	unsigned page;         /* objects of a list at a time; 0 is 500 */
};

struct kube;
/* Keeps `api` and `owner`. Events come on the loop's next turns. */
struct kube *kube_open(uv_loop_t *loop, struct kubeapi *api, const struct kube_options *options, source_event_fn *on_event,
	void *owner);
/* No event is sent after this call. Before kubeapi_close. `on_closed` may be NULL. */
void kube_close(struct kube *kube, void (*on_closed)(void *owner));
/*
 * What `reader` needs by name, replacing what it needed before; n = 0 forgets. Keys are object keys: "Secret default/web".
 * What nobody needs any more is deleted. May be called from within an event.
 */
void kube_want(struct kube *kube, struct str reader, const struct str *keys, size_t n);
/* Whether something that was asked for by name is still on its way for the first time. */
bool kube_is_settling(const struct kube *kube);
/* What it waits for before SYNCED; nothing when it has synced. For people, one line. */
void kube_waiting(const struct kube *kube, struct buf *out);
/* Of a kind: the largest resourceVersion of an object that came, changed or went, and up to which all was seen. */
struct kube_mark {
	uint64_t changed, seen;
};
struct kube_mark kube_mark(const struct kube *kube, enum object_kind kind);
/* Prometheus text. */
void kube_metrics(const struct kube *kube, struct buf *out);

#endif
