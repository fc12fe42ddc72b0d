/* A map from what a host says (client_auth.key) to those who vouch. */
#include "client_tls.h"

#include <openssl/sha.h>

#include "map.h"
#include "mem.h"
#include "weirlock/v1/snapshot.pb-c.h"

struct way {
	struct object *ca; /* held */
	struct tls_auth *auth;
};

struct client_tls {
	atomic_uint refs;
	struct host_table *hosts;
	struct map ways; /* of struct way */
};

/* The same on every proxy that serves the same bytes. */
static struct tls_auth *make_auth(const struct client_auth *a, const struct object *ca)
{
	uint8_t id[SHA256_DIGEST_LENGTH];
	struct buf text = {0};

	buf_add(&text, str_of(ca->hash, sizeof(ca->hash)));
	buf_add(&text, a->key);
	SHA256((const unsigned char *)text.ptr, text.len, id);
	buf_deinit(&text);
	return tls_auth_create(ca->client_ca->trust, a->verify_depth, id);
}

static void add(struct client_tls *t, const struct client_auth *a, const struct map *cas, const struct client_tls *before)
{
	struct object *ca = map_get(cas, a->secret);
	const struct way *old = before ? map_get(&before->ways, a->key) : NULL;
	struct way *w;

	if (!ca || map_get(&t->ways, a->key))
		return;
	w = mem_zalloc(sizeof(*w));
	w->ca = compiled_ref(ca);
	w->auth = old && old->ca == ca ? tls_auth_ref(old->auth) : make_auth(a, ca);
	map_put(&t->ways, a->key, w);
}

struct client_tls *client_tls_create(
	struct host_table *hosts, struct object *const *objects, size_t n, const struct client_tls *before)
{
	struct client_tls *t = mem_zalloc(sizeof(*t));
	struct map cas = {0};

	atomic_init(&t->refs, 1);
	t->hosts = host_table_ref(hosts);
	for (size_t i = 0; i < n; i++) {
		if (objects[i]->kind == WEIRLOCK__V1__KIND__KIND_CLIENT_CA)
			map_put(&cas, objects[i]->name, objects[i]);
	}
	for (size_t i = 0; i < n; i++) {
		if (objects[i]->kind == WEIRLOCK__V1__KIND__KIND_HOST && objects[i]->host->host.client_auth)
			add(t, objects[i]->host->host.client_auth, &cas, before);
	}
	map_deinit(&cas);
	return t;
}

struct client_tls *client_tls_ref(struct client_tls *t)
{
	atomic_fetch_add_explicit(&t->refs, 1, memory_order_relaxed);
	return t;
}

void client_tls_unref(struct client_tls **p)
{
	struct client_tls *t = *p;
	size_t cursor = 0;
	void *value;

	*p = NULL;
	if (!t || atomic_fetch_sub_explicit(&t->refs, 1, memory_order_acq_rel) > 1)
		return;
	while (map_next(&t->ways, &cursor, NULL, &value)) {
		struct way *w = value;

		compiled_unref(&w->ca);
		tls_auth_unref(&w->auth);
		mem_free(w);
	}
	map_deinit(&t->ways);
	host_table_unref(&t->hosts);
	mem_free(t);
}

bool client_tls_asks(const struct client_tls *t)
{
	return t->ways.n > 0;
}

struct tls_auth *client_tls_find(const struct client_tls *t, const struct client_auth *auth)
{
	const struct way *w = map_get(&t->ways, auth->key);

	return w ? w->auth : NULL;
}

/* "off" asks for nothing; a name that is no host's is the default host's. */
static struct tls_auth *find_by_name(void *owner, struct str server_name)
{
	const struct client_tls *t = owner;
	const struct client_auth *auth = host_table_find(t->hosts, server_name)->client_auth;

	return auth && auth->verify != CLIENT_VERIFY_OFF ? client_tls_find(t, auth) : NULL;
}

static void release(void *owner)
{
	struct client_tls *t = owner;

	client_tls_unref(&t);
}

struct tls_auth_finder client_tls_finder(struct client_tls *t)
{
	return (struct tls_auth_finder){.find = find_by_name, .release = release, .owner = client_tls_ref(t)};
}
