#ifndef UPSTREAM_TLS_H
#define UPSTREAM_TLS_H
/*
 * How HTTPS endpoints are talked to (F11): a struct tls_client for each way that some host of a generation names, whatever the
 * number of its routes. Immutable, counted (atomic). Private to config.
 */
#include "object.h"

struct upstream_tls;

/*
 * From the objects of kind HOST and BACKEND_SECRET among `objects`, sorted; ways that did not change keep the client they had
 * in `before` (may be NULL), and with it their sessions. NULL with the host's name and a reason for one that OpenSSL refuses.
 * Owned, one reference.
 */
struct upstream_tls *upstream_tls_create(struct object *const *objects, size_t n, const struct upstream_tls *before,
	struct str *name, const char **why);
struct upstream_tls *upstream_tls_ref(struct upstream_tls *t);
void upstream_tls_unref(struct upstream_tls **t);
/* NULL when its secret is not there. Borrowed. */
struct tls_client *upstream_tls_find(const struct upstream_tls *t, const struct proxy_ssl *ssl);

#endif
