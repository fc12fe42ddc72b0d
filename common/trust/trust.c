/* PEM blocks one after another into OpenSSL's store. */
#include "trust.h"

#include <openssl/err.h>
#include <openssl/pem.h>
#include <openssl/x509.h>
#include <stdatomic.h>
#include <stdlib.h>

#include "mem.h"

enum { PEM_MAX = 1024 * 1024, FINGERPRINT_BYTES = 32 }; /* a Secret is smaller */

struct trust {
	atomic_uint n_refs;
	X509_STORE *store;
	STACK_OF(X509_NAME) *names;
	uint8_t (*fingerprints)[FINGERPRINT_BYTES];
	size_t n, cap;
};

/* Never asks a terminal for the passphrase of an encrypted block. */
static int no_passphrase(char *into, int size, int is_writing, void *arg)
{
	(void)into;
	(void)size;
	(void)is_writing;
	(void)arg;
	return -1;
}

static BIO *open_pem(struct str pem)
{
	BIO *bio = BIO_new_mem_buf(pem.len ? pem.ptr : "", (int)pem.len);

	if (!bio)
		abort();
	ERR_clear_error();
	return bio;
}

/* Whether the last block was followed by none, and not by one that does not parse. */
static bool is_at_end(void)
{
	bool is_end = ERR_GET_REASON(ERR_peek_last_error()) == PEM_R_NO_START_LINE;

	ERR_clear_error();
	return is_end;
}

static void add_certificate(struct trust *t, X509 *x)
{
	X509_NAME *name = X509_NAME_dup(X509_get_subject_name(x));
	unsigned len = 0;

	t->fingerprints = mem_grow(t->fingerprints, &t->cap, t->n + 1, sizeof(*t->fingerprints));
	if (!name || !X509_digest(x, EVP_sha256(), t->fingerprints[t->n], &len) || !X509_STORE_add_cert(t->store, x) ||
		!sk_X509_NAME_push(t->names, name))
		abort();
	t->n++;
}

static const char *read_certificates(struct trust *t, struct str pem)
{
	BIO *bio = open_pem(pem);
	const char *why = NULL;
	X509 *x;

	while (!why && (x = PEM_read_bio_X509(bio, NULL, no_passphrase, NULL))) {
		if (t->n == TRUST_MAX)
			why = "holds more than 1000 certificates";
		else
			add_certificate(t, x);
		X509_free(x);
	}
	if (!why && !is_at_end())
		why = "holds a certificate that does not parse";
	if (!why && !t->n)
		why = "holds no certificate";
	BIO_free(bio);
	return why;
}

static const char *read_lists(struct trust *t, struct str pem)
{
	BIO *bio = open_pem(pem);
	const char *why = NULL;
	X509_CRL *crl;
	size_t n = 0;

	while (!why && (crl = PEM_read_bio_X509_CRL(bio, NULL, no_passphrase, NULL))) {
		if (n++ == TRUST_MAX)
			why = "holds more than 1000 revocation lists";
		else if (!X509_STORE_add_crl(t->store, crl))
			abort();
		X509_CRL_free(crl);
	}
	if (!why && !is_at_end())
		why = "holds a revocation list that does not parse";
	if (!why && !n)
		why = "holds no revocation list";
	BIO_free(bio);
	X509_STORE_set_flags(t->store, X509_V_FLAG_CRL_CHECK | X509_V_FLAG_CRL_CHECK_ALL);
	return why;
}

struct trust *trust_create(struct str ca_pem, struct str crl_pem, const char **why)
{
	struct trust *t = mem_zalloc(sizeof(*t));

	atomic_init(&t->n_refs, 1);
	t->store = X509_STORE_new();
	t->names = sk_X509_NAME_new_null();
	if (!t->store || !t->names)
		abort();
	*why = ca_pem.len > PEM_MAX || crl_pem.len > PEM_MAX ? "is larger than 1 MiB" : read_certificates(t, ca_pem);
	if (!*why && crl_pem.len)
		*why = read_lists(t, crl_pem);
	ERR_clear_error();
	if (*why)
		trust_unref(&t);
	return t;
}

struct trust *trust_ref(struct trust *t)
{
	atomic_fetch_add_explicit(&t->n_refs, 1, memory_order_relaxed);
	return t;
}

void trust_unref(struct trust **t)
{
	struct trust *gone = *t;

	*t = NULL;
	if (!gone || atomic_fetch_sub_explicit(&gone->n_refs, 1, memory_order_acq_rel) > 1)
		return;
	X509_STORE_free(gone->store);
	sk_X509_NAME_pop_free(gone->names, X509_NAME_free);
	mem_free(gone->fingerprints);
	mem_free(gone);
}

X509_STORE *trust_store(const struct trust *t)
{
	return t->store;
}

const STACK_OF(X509_NAME) *trust_names(const struct trust *t)
{
	return t->names;
}

size_t trust_n(const struct trust *t)
{
	return t->n;
}

struct str trust_fingerprint(const struct trust *t, size_t index)
{
	return str_of(t->fingerprints[index], FINGERPRINT_BYTES);
}

struct str trust_bio_text(struct arena *arena, BIO *bio)
{
	char *bytes;
	long len = BIO_get_mem_data(bio, &bytes);
	struct str text = arena_str(arena, str_of(bytes, len > 0 ? (size_t)len : 0));

	BIO_free(bio);
	return text;
}

struct str trust_name_text(struct arena *arena, const X509_NAME *name)
{
	BIO *bio = BIO_new(BIO_s_mem());

	X509_NAME_print_ex(bio, name, 0, XN_FLAG_RFC2253);
	return trust_bio_text(arena, bio);
}
