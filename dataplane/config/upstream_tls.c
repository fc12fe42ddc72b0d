/* A map from what a policy says (proxy_ssl.key) to the client that does it. */
#include "upstream_tls.h"

#include "map.h"
#include "mem.h"
#include "weirlock/v1/snapshot.pb-c.h"

struct way {
	struct object *secret; /* held; NULL: needs none */
	struct tls_client *client;
};

struct upstream_tls {
	atomic_uint refs;
	struct map ways; /* of struct way */
	struct map secrets; /* of struct object, borrowed, while it is made */
};

static void free_way(struct way *w)
{
	if (w->secret)
		compiled_unref(&w->secret);
	tls_client_unref(&w->client);
	mem_free(w);
}

static struct tls_client *make_client(const struct proxy_ssl *ssl, const struct object *secret, const char **why)
{
	const struct backend_secret_object *s = secret ? secret->backend_secret : NULL;
	const struct tls_client_options options = {
		.certificate = s ? s->certificate : NULL,
		.trust = ssl->verifies ? s->trust : NULL, /* `add` saw to it that it is there */
		.verify_depth = ssl->verify_depth,
		.name = ssl->name,
		.sends_name = ssl->sends_name,
		.has_tls12 = ssl->has_tls12,
		.has_tls13 = ssl->has_tls13,
		.ciphers = ssl->ciphers,
	};

	return tls_client_create(&options, why);
}

/* What is to be checked and cannot be is left out, so that nobody talks to such an endpoint. */
static bool add(struct upstream_tls *t, const struct proxy_ssl *ssl, const struct upstream_tls *before, const char **why)
{
	struct object *secret = ssl->secret.len ? map_get(&t->secrets, ssl->secret) : NULL;
	const struct way *old = before ? map_get(&before->ways, ssl->key) : NULL;
	struct tls_client *client;
	struct way *w;

	if (map_get(&t->ways, ssl->key) || (ssl->secret.len && !secret))
		return true;
	if (ssl->verifies && (!secret || !secret->backend_secret->trust || !ssl->name.len))
		return true;
	client = old && old->secret == secret ? tls_client_ref(old->client) : make_client(ssl, secret, why);
	if (!client)
		return false;
	w = mem_zalloc(sizeof(*w));
	w->secret = secret ? compiled_ref(secret) : NULL;
	w->client = client;
	map_put(&t->ways, ssl->key, w);
	return true;
}

static bool add_host(struct upstream_tls *t, const struct host_object *h, const struct upstream_tls *before, const char **why)
{
	for (size_t i = 0; i < h->n_proxy_ssl; i++) {
		if (!add(t, h->proxy_ssl[i], before, why))
			return false;
	}
	return true;
}

struct upstream_tls *upstream_tls_create(struct object *const *objects, size_t n, const struct upstream_tls *before,
	struct str *name, const char **why)
{
	struct upstream_tls *t = mem_zalloc(sizeof(*t));
	bool is_fine = true;

	atomic_init(&t->refs, 1);
	for (size_t i = 0; i < n; i++) {
		if (objects[i]->kind == WEIRLOCK__V1__KIND__KIND_BACKEND_SECRET)
			map_put(&t->secrets, objects[i]->name, objects[i]);
	}
	for (size_t i = 0; is_fine && i < n; i++) {
		if (objects[i]->kind != WEIRLOCK__V1__KIND__KIND_HOST)
			continue;
		*name = objects[i]->name;
		is_fine = add_host(t, objects[i]->host, before, why);
	}
	map_deinit(&t->secrets);
	if (!is_fine)
		upstream_tls_unref(&t);
	return t;
}

struct upstream_tls *upstream_tls_ref(struct upstream_tls *t)
{
	atomic_fetch_add_explicit(&t->refs, 1, memory_order_relaxed);
	return t;
}

void upstream_tls_unref(struct upstream_tls **p)
{
	struct upstream_tls *t = *p;
	size_t cursor = 0;
	void *way;

	*p = NULL;
	if (!t || atomic_fetch_sub_explicit(&t->refs, 1, memory_order_acq_rel) > 1)
		return;
	while (map_next(&t->ways, &cursor, NULL, &way))
		free_way(way);
	map_deinit(&t->ways);
	mem_free(t);
}

struct tls_client *upstream_tls_find(const struct upstream_tls *t, const struct proxy_ssl *ssl)
{
	const struct way *w = map_get(&t->ways, ssl->key);

	return w ? w->client : NULL;
}
