/* A client keeps its sessions for as long as the way that it was made for. */
#include "upstream_tls.h"

static const void *asked(const struct host_object *h, size_t i)
{
	return i < h->n_proxy_ssl ? h->proxy_ssl[i] : NULL;
}

static struct str key(const void *asked)
{
	return ((const struct proxy_ssl *)asked)->key;
}

static struct str secret(const void *asked)
{
	return ((const struct proxy_ssl *)asked)->secret;
}

/* What is to be checked and cannot be is left out, so that nobody talks to such an endpoint. */
static bool can_be_done(const struct proxy_ssl *ssl, const struct backend_secret_object *s)
{
	if (ssl->secret.len && !s)
		return false;
	return !ssl->verifies || (s && s->trust && ssl->name.len);
}

static void *make(const void *asked, const struct object *secret, const char **why)
{
	const struct proxy_ssl *ssl = asked;
	const struct backend_secret_object *s = secret ? secret->backend_secret : NULL;
	struct tls_client_options options = {
		.certificate = s ? s->certificate : NULL,
		.verify_depth = ssl->verify_depth,
		.name = ssl->name,
		.sends_name = ssl->sends_name,
		.has_tls12 = ssl->has_tls12,
		.has_tls13 = ssl->has_tls13,
		.ciphers = ssl->ciphers,
	};

	if (!can_be_done(ssl, s))
		return NULL;
	if (ssl->verifies)
		options.trust = s->trust;
	return tls_client_create(&options, why);
}

static void *ref(void *made)
{
	return tls_client_ref(made);
}

static void unref(void *made)
{
	struct tls_client *client = made;

	tls_client_unref(&client);
}

const struct ways_kind upstream_tls = {asked, key, secret, make, ref, unref};
