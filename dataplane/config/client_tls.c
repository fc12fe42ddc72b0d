/* The same authorities, asked in the same way, are the same on every proxy that serves the same bytes. */
#include "client_tls.h"

#include <openssl/sha.h>

static const void *asked(const struct host_object *h, size_t i)
{
	return i == 0 ? h->host.client_auth : NULL;
}

static struct str key(const void *asked)
{
	return ((const struct client_auth *)asked)->key;
}

static struct str secret(const void *asked)
{
	return ((const struct client_auth *)asked)->secret;
}

/* Nobody may while the Secret is not there. */
static void *make(const void *asked, const struct object *ca, const char **why)
{
	const struct client_auth *a = asked;
	uint8_t id[SHA256_DIGEST_LENGTH];
	struct buf text = {0};

	(void)why;
	if (!ca)
		return NULL;
	buf_add(&text, str_of(ca->hash, sizeof(ca->hash)));
	buf_add(&text, a->key);
	SHA256((const unsigned char *)text.ptr, text.len, id);
	buf_deinit(&text);
	return tls_auth_create(ca->client_ca->trust, a->verify_depth, id);
}

static void *ref(void *made)
{
	return tls_auth_ref(made);
}

static void unref(void *made)
{
	struct tls_auth *auth = made;

	tls_auth_unref(&auth);
}

const struct ways_kind client_tls = {asked, key, secret, make, ref, unref};
