/*
 * A certificate chain and its key. Everything is checked when it is created, by handing it to OpenSSL as a handshake would;
 * what is kept is DER alone. The first handshake that needs it makes OpenSSL's objects again and publishes them with one
 * compare-and-swap, so that workers need no lock.
 */
#include <assert.h>
#include <limits.h>
#include <openssl/decoder.h>
#include <openssl/err.h>
#include <openssl/x509v3.h>
#include <stdatomic.h>

#include "mem.h"
#include "pem.h"
#include "quick.h"
#include "tls_private.h"

#define CHAIN_MAX 16           /* certificates; more are no chain that a client would accept */
#define PEM_MAX (1024 * 1024)  /* a Secret is smaller */

struct parsed {
	X509 *leaf;
	STACK_OF(X509) *chain;
	EVP_PKEY *key;
};

struct tls_certificate {
	atomic_uint n_refs;
	_Atomic(struct parsed *) parsed;
	struct der certs[CHAIN_MAX]; /* leaf first */
	unsigned n_certs;
	struct der key;
};

/* Never asks a terminal for the passphrase of an encrypted key. */
static int no_passphrase(char *into, int size, int is_writing, void *arg)
{
	(void)into;
	(void)size;
	(void)is_writing;
	(void)arg;
	return -1;
}

static const char *read_chain(struct tls_certificate *c, struct str pem)
{
	const char *why = NULL;
	enum pem_block kind;
	struct der d;

	while (!why && (kind = pem_next(&pem, &d)) != PEM_END) {
		if (kind == PEM_BAD)
			why = "the certificate is not PEM";
		else if (kind == PEM_KEY)
			der_free(&d); /* some put both into one file */
		else if (kind == PEM_CERTIFICATE && c->n_certs == CHAIN_MAX) {
			der_free(&d);
			why = "the chain has more than 16 certificates";
		} else if (kind == PEM_CERTIFICATE)
			c->certs[c->n_certs++] = d;
	}
	if (!why && c->n_certs == 0)
		why = "no certificate in the PEM text";
	return why;
}

static const char *read_key(struct tls_certificate *c, struct str pem)
{
	const char *why = NULL;
	enum pem_block kind;
	struct der d;

	while (!why && !c->key.ptr && (kind = pem_next(&pem, &d)) != PEM_END) {
		if (kind == PEM_BAD)
			why = "the private key is not PEM, or is encrypted";
		else if (kind == PEM_CERTIFICATE)
			der_free(&d);
		else if (kind == PEM_KEY)
			c->key = d;
	}
	if (!why && !c->key.ptr)
		why = "no private key in the PEM text";
	return why;
}

/*
 * OpenSSL takes 340 µs to set up the decoding of one key and 20 µs to do it: with 10,000 certificates it matters that one
 * decoder is kept. It writes its result to the address it was made with, so one at a time may use it.
 */
static struct {
	pthread_mutex_t lock;
	OSSL_DECODER_CTX *ctx;
	EVP_PKEY *result;
} decoder = {.lock = PTHREAD_MUTEX_INITIALIZER};

static EVP_PKEY *decode_key(const struct der *d)
{
	const unsigned char *p = d->ptr;
	size_t len = (size_t)d->len;
	EVP_PKEY *key = NULL;

	pthread_mutex_lock(&decoder.lock);
	if (!decoder.ctx) {
		decoder.ctx = OSSL_DECODER_CTX_new_for_pkey(
			&decoder.result, "DER", NULL, NULL, EVP_PKEY_KEYPAIR, NULL, NULL);
		if (decoder.ctx)
			OSSL_DECODER_CTX_set_pem_password_cb(decoder.ctx, no_passphrase, NULL);
	}
	decoder.result = NULL;
	if (decoder.ctx && OSSL_DECODER_from_data(decoder.ctx, &p, &len))
		key = decoder.result;
	else
		EVP_PKEY_free(decoder.result);
	decoder.result = NULL;
	pthread_mutex_unlock(&decoder.lock);
	return key;
}

static X509 *decode_certificate(const struct der *d)
{
	const unsigned char *p = d->ptr;

	return d2i_X509(NULL, &p, d->len);
}

static void free_parsed(struct parsed *p)
{
	if (!p)
		return;
	X509_free(p->leaf);
	sk_X509_pop_free(p->chain, X509_free);
	EVP_PKEY_free(p->key);
	mem_free(p);
}

static struct parsed *parse(const struct tls_certificate *c, const char **why)
{
	struct parsed *p = mem_zalloc(sizeof(*p));

	*why = NULL;
	p->chain = sk_X509_new_null();
	p->leaf = decode_certificate(&c->certs[0]);
	if (!p->leaf)
		*why = "the certificate does not parse";
	for (unsigned i = 1; !*why && i < c->n_certs; i++) {
		X509 *x = decode_certificate(&c->certs[i]);

		if (!x)
			*why = "a certificate of the chain does not parse";
		else
			sk_X509_push(p->chain, x);
	}
	if (!*why && c->key.ptr && !(p->key = decode_key(&c->key)))
		*why = "the private key does not parse";
	if (*why) {
		free_parsed(p);
		p = NULL;
	}
	ERR_clear_error();
	return p;
}

static bool use(const struct parsed *p, SSL *ssl)
{
	return SSL_use_cert_and_key(ssl, p->leaf, p->key, p->chain, 1) == 1;
}

static SSL_CTX *check_context;

static void make_check_context(void)
{
	check_context = SSL_CTX_new(TLS_server_method());
}

/* Whether a handshake could use it: key and certificate belong together and are strong enough. */
static const char *check(const struct parsed *p)
{
	const char *why = NULL;
	SSL *ssl;

	EVP_PKEY *public = X509_get0_pubkey(p->leaf);

	if (!public)
		return "the certificate's public key is of no known kind";
	if (EVP_PKEY_eq(public, p->key) != 1)
		return "the private key does not belong to the certificate";
	ssl = SSL_new(check_context);
	if (!ssl)
		abort();
	if (!use(p, ssl))
		why = "the certificate or its key is too weak for OpenSSL, or of a kind that TLS does not use";
	SSL_free(ssl);
	return why;
}

/* The same for a fraction of the cost, where nothing is unusual. */
static bool is_plainly_good(const struct tls_certificate *c)
{
	bool is_good = quick_is_good(der_str(&c->certs[0]), der_str(&c->key), SSL_CTX_get_security_level(check_context));

	for (unsigned i = 1; is_good && i < c->n_certs; i++)
		is_good = quick_knows(der_str(&c->certs[i]));
	return is_good;
}

/* NULL: a handshake could use it. */
static const char *look_at(const struct tls_certificate *c)
{
	static pthread_once_t once = PTHREAD_ONCE_INIT;
	const char *why;
	struct parsed *p;

	pthread_once(&once, make_check_context);
	if (is_plainly_good(c))
		return NULL;
	p = parse(c, &why);
	if (p)
		why = check(p);
	free_parsed(p);
	for (unsigned i = 1; !why && i < c->n_certs; i++)
		quick_learn(der_str(&c->certs[i]));
	return why;
}

/* `key_pem` may be NULL: a certificate without a key. */
static struct tls_certificate *create(struct str chain_pem, const struct str *key_pem, const char **why)
{
	struct tls_certificate *c;

	if (chain_pem.len > PEM_MAX || (key_pem && key_pem->len > PEM_MAX)) {
		*why = "the PEM text is larger than 1 MiB";
		return NULL;
	}
	c = mem_zalloc(sizeof(*c));
	atomic_init(&c->n_refs, 1);
	*why = read_chain(c, chain_pem);
	if (!*why && key_pem)
		*why = read_key(c, *key_pem);
	if (!*why && key_pem)
		*why = look_at(c);
	else if (!*why)
		free_parsed(parse(c, why));
	ERR_clear_error();
	if (*why)
		tls_certificate_unref(&c);
	return c;
}

struct tls_certificate *tls_certificate_create(struct str chain_pem, struct str key_pem, const char **why)
{
	return create(chain_pem, &key_pem, why);
}

struct tls_certificate *tls_certificate_create_keyless(struct str chain_pem, const char **why)
{
	return create(chain_pem, NULL, why);
}

bool tls_certificate_has_key(const struct tls_certificate *c)
{
	return c->key.ptr != NULL;
}

struct tls_certificate *tls_certificate_ref(struct tls_certificate *c)
{
	atomic_fetch_add_explicit(&c->n_refs, 1, memory_order_relaxed);
	return c;
}

void tls_certificate_unref(struct tls_certificate **c)
{
	struct tls_certificate *gone = *c;

	*c = NULL;
	if (!gone || atomic_fetch_sub_explicit(&gone->n_refs, 1, memory_order_acq_rel) > 1)
		return;
	free_parsed(atomic_load(&gone->parsed));
	for (unsigned i = 0; i < gone->n_certs; i++)
		der_free(&gone->certs[i]);
	der_free(&gone->key);
	mem_free(gone);
}

bool tls_certificate_use(struct tls_certificate *c, SSL *ssl)
{
	struct parsed *p = atomic_load_explicit(&c->parsed, memory_order_acquire);
	struct parsed *none = NULL;
	const char *why;

	assert(tls_certificate_has_key(c));
	if (!p) {
		p = parse(c, &why);
		if (!p)
			return false;
		X509_get0_pubkey(p->leaf); /* fills OpenSSL's caches before other threads see it */
		X509_check_purpose(p->leaf, -1, 0);
		if (!atomic_compare_exchange_strong(&c->parsed, &none, p)) {
			free_parsed(p);
			p = none;
		}
	}
	return use(p, ssl);
}
