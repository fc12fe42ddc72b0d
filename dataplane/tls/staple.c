/*
 * OCSP answers by the certificate that they are of. They come while the process runs and belong to no generation; a handshake takes a
 * copy, for OpenSSL frees what it is given. The lock is taken by handshakes whose client asks, and only once there are answers.
 */
#include <openssl/ocsp.h>
#include <stdatomic.h>

#include "buf.h"
#include "clock.h"
#include "map.h"
#include "mem.h"
#include "tls_private.h"

struct staple {
	int64_t expires_s;
	size_t len;
	unsigned char der[];
};

struct tls_staples {
	pthread_mutex_t lock;
	struct map items; /* SHA-256 of a certificate -> struct staple */
	int64_t swept_s;  /* when expired ones were last taken out */
	atomic_bool is_on;
	atomic_uint_fast64_t n_sent;
};

struct tls_staples *tls_staples_create(void)
{
	struct tls_staples *t = mem_zalloc(sizeof(*t));

	pthread_mutex_init(&t->lock, NULL);
	return t;
}

static void drop_all(struct tls_staples *t, int64_t until_s)
{
	size_t cursor = 0;
	struct str key;
	void *value;

	while (map_next(&t->items, &cursor, &key, &value)) {
		struct staple *s = value;

		if (s->expires_s > until_s)
			continue;
		map_del(&t->items, key);
		mem_free(s);
	}
}

/* Once a minute: there may be tens of thousands. */
static void sweep(struct tls_staples *t, int64_t now_s)
{
	if (now_s - t->swept_s < 60)
		return;
	t->swept_s = now_s;
	drop_all(t, now_s);
}

void tls_staples_destroy(struct tls_staples *t)
{
	drop_all(t, INT64_MAX);
	map_deinit(&t->items);
	pthread_mutex_destroy(&t->lock);
	mem_free(t);
}

void tls_staples_switch(struct tls_staples *t, bool is_on)
{
	atomic_store(&t->is_on, is_on);
	if (is_on)
		return;
	pthread_mutex_lock(&t->lock);
	drop_all(t, INT64_MAX);
	pthread_mutex_unlock(&t->lock);
}

bool tls_staples_put(struct tls_staples *t, struct str fingerprint, struct str response, int64_t expires_s)
{
	struct staple *s = NULL;

	if (fingerprint.len != 32 || response.len > TLS_STAPLE_MAX)
		return false;
	if (response.len) {
		s = mem_alloc(sizeof(*s) + response.len);
		s->expires_s = expires_s;
		s->len = response.len;
		memcpy(s->der, response.ptr, response.len);
	}
	pthread_mutex_lock(&t->lock);
	sweep(t, (int64_t)(clock_wall_ms() / 1000));
	mem_free(s ? map_put(&t->items, fingerprint, s) : map_del(&t->items, fingerprint));
	pthread_mutex_unlock(&t->lock);
	return true;
}

uint64_t tls_staples_sent(const struct tls_staples *t)
{
	return atomic_load(&t->n_sent);
}

/* Owned, for OpenSSL; NULL when there is none that is good now. */
static unsigned char *find(struct tls_staples *t, const X509 *certificate, int *len)
{
	unsigned char digest[EVP_MAX_MD_SIZE];
	unsigned digest_len = 0;
	unsigned char *out = NULL;
	struct staple *s;

	if (X509_digest(certificate, EVP_sha256(), digest, &digest_len) != 1)
		return NULL;
	pthread_mutex_lock(&t->lock);
	s = map_get(&t->items, str_of((const char *)digest, digest_len));
	if (s && s->expires_s > (int64_t)(clock_wall_ms() / 1000)) {
		out = OPENSSL_memdup(s->der, s->len);
		*len = (int)s->len;
	}
	pthread_mutex_unlock(&t->lock);
	return out;
}

/* The client asks, and its certificate is chosen. */
static int on_status(SSL *ssl, void *arg)
{
	struct tls_staples *t = arg;
	const X509 *certificate = atomic_load(&t->is_on) ? SSL_get_certificate(ssl) : NULL;
	int len = 0;
	unsigned char *der = certificate ? find(t, certificate, &len) : NULL;

	if (!der)
		return SSL_TLSEXT_ERR_NOACK;
	SSL_set_tlsext_status_ocsp_resp(ssl, der, len);
	atomic_fetch_add_explicit(&t->n_sent, 1, memory_order_relaxed);
	return SSL_TLSEXT_ERR_OK;
}

void tls_staples_attach(struct tls_staples *t, SSL_CTX *ctx)
{
	SSL_CTX_set_tlsext_status_cb(ctx, on_status);
	SSL_CTX_set_tlsext_status_arg(ctx, t);
}
