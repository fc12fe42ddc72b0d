#ifndef TEST_PEM_H
#define TEST_PEM_H
/* Self-signed certificates made on the spot, for the tests of the rooms that speak TLS. */
#include <openssl/bn.h>
#include <openssl/evp.h>
#include <openssl/pem.h>
#include <openssl/rsa.h>
#include <openssl/x509v3.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "str.h"

struct test_pem {
	char chain[16384], key[8192];
	size_t chain_len, key_len;
};

static inline size_t test_pem_drain(BIO *bio, char *into, size_t room)
{
	int n = BIO_read(bio, into, (int)room);

	BIO_free(bio);
	if (n <= 0)
		abort();
	return (size_t)n;
}

/* A key of `key` and a certificate for `name` with it, appended to out->chain; out->key becomes the key. */
static inline void test_pem_add(struct test_pem *out, EVP_PKEY *key, const char *name)
{
	X509 *x = X509_new();
	X509_NAME *subject = X509_get_subject_name(x);
	BIO *chain = BIO_new(BIO_s_mem()), *pem = BIO_new(BIO_s_mem());

	X509_set_version(x, 2);
	ASN1_INTEGER_set(X509_get_serialNumber(x), 1);
	X509_gmtime_adj(X509_getm_notBefore(x), -3600);
	X509_gmtime_adj(X509_getm_notAfter(x), 3600);
	X509_NAME_add_entry_by_txt(subject, "CN", MBSTRING_UTF8, (const unsigned char *)name, -1, -1, 0);
	X509_set_issuer_name(x, subject);
	X509_set_pubkey(x, key);
	if (!X509_sign(x, key, EVP_sha256()))
		abort();
	PEM_write_bio_X509(chain, x);
	PEM_write_bio_PrivateKey(pem, key, NULL, NULL, 0, NULL, NULL);
	out->chain_len += test_pem_drain(chain, out->chain + out->chain_len, sizeof(out->chain) - out->chain_len);
	out->key_len = test_pem_drain(pem, out->key, sizeof(out->key));
	X509_free(x);
}

static inline void test_pem_make(struct test_pem *out, const char *name)
{
	EVP_PKEY *key = EVP_EC_gen("P-256");

	memset(out, 0, sizeof(*out));
	test_pem_add(out, key, name);
	EVP_PKEY_free(key);
}

static inline void test_pem_make_rsa(struct test_pem *out, const char *name, unsigned bits)
{
	EVP_PKEY *key = EVP_RSA_gen(bits);

	memset(out, 0, sizeof(*out));
	test_pem_add(out, key, name);
	EVP_PKEY_free(key);
}

/* One that vouches for others. */
struct test_authority {
	X509 *cert;
	EVP_PKEY *key;
	char pem[4096];
	size_t pem_len;
	int next_serial;
};

static inline void test_extension(X509 *x, X509 *issuer, int nid, const char *value)
{
	X509_EXTENSION *e;
	X509V3_CTX context;

	X509V3_set_ctx_nodb(&context);
	X509V3_set_ctx(&context, issuer, x, NULL, NULL, 0);
	e = X509V3_EXT_conf_nid(NULL, &context, nid, value);
	if (!e || !X509_add_ext(x, e, -1))
		abort();
	X509_EXTENSION_free(e);
}

/* A certificate for `name` (CN and SAN), by `by` or (NULL) by itself; `is_authority` lets it vouch. */
static inline X509 *test_issue(struct test_authority *by, EVP_PKEY *key, const char *name, bool is_authority)
{
	X509 *x = X509_new();
	char san[128];

	snprintf(san, sizeof(san), "%s:%s", strchr(name, '.') && name[0] >= '0' && name[0] <= '9' ? "IP" : "DNS", name);
	X509_set_version(x, 2);
	ASN1_INTEGER_set(X509_get_serialNumber(x), by ? ++by->next_serial : 1);
	X509_gmtime_adj(X509_getm_notBefore(x), -3600);
	X509_gmtime_adj(X509_getm_notAfter(x), 3600);
	X509_NAME_add_entry_by_txt(X509_get_subject_name(x), "CN", MBSTRING_UTF8, (const unsigned char *)name, -1, -1, 0);
	X509_set_issuer_name(x, X509_get_subject_name(by ? by->cert : x));
	X509_set_pubkey(x, key);
	test_extension(x, by ? by->cert : x, NID_basic_constraints, is_authority ? "critical,CA:TRUE" : "CA:FALSE");
	if (!is_authority)
		test_extension(x, by ? by->cert : x, NID_subject_alt_name, san);
	if (!X509_sign(x, by ? by->key : key, EVP_sha256()))
		abort();
	return x;
}

static inline void test_authority_make(struct test_authority *a, const char *name, struct test_authority *by)
{
	BIO *bio = BIO_new(BIO_s_mem());

	memset(a, 0, sizeof(*a));
	a->key = EVP_EC_gen("P-256");
	a->cert = test_issue(by, a->key, name, true);
	PEM_write_bio_X509(bio, a->cert);
	a->pem_len = test_pem_drain(bio, a->pem, sizeof(a->pem));
}

static inline void test_authority_drop(struct test_authority *a)
{
	X509_free(a->cert);
	EVP_PKEY_free(a->key);
}

static inline struct str test_authority_pem(const struct test_authority *a)
{
	return str_of(a->pem, a->pem_len);
}

/* A chain for `name` by the authority, which is itself in it when it is not its own issuer. */
static inline void test_pem_issue(struct test_pem *out, struct test_authority *by, const char *name)
{
	EVP_PKEY *key = EVP_EC_gen("P-256");
	BIO *chain = BIO_new(BIO_s_mem()), *pem = BIO_new(BIO_s_mem());
	X509 *x = test_issue(by, key, name, false);

	memset(out, 0, sizeof(*out));
	PEM_write_bio_X509(chain, x);
	if (X509_NAME_cmp(X509_get_issuer_name(by->cert), X509_get_subject_name(by->cert)) != 0)
		PEM_write_bio_X509(chain, by->cert);
	PEM_write_bio_PrivateKey(pem, key, NULL, NULL, 0, NULL, NULL);
	out->chain_len = test_pem_drain(chain, out->chain, sizeof(out->chain));
	out->key_len = test_pem_drain(pem, out->key, sizeof(out->key));
	X509_free(x);
	EVP_PKEY_free(key);
}

/* The revocation list of the authority, with one serial number in it (0: none). */
static inline size_t test_crl(struct test_authority *by, int serial, char *into, size_t room)
{
	X509_CRL *crl = X509_CRL_new();
	ASN1_TIME *now = X509_gmtime_adj(NULL, -60), *later = X509_gmtime_adj(NULL, 3600);
	BIO *bio = BIO_new(BIO_s_mem());

	X509_CRL_set_version(crl, 1);
	X509_CRL_set_issuer_name(crl, X509_get_subject_name(by->cert));
	X509_CRL_set1_lastUpdate(crl, now);
	X509_CRL_set1_nextUpdate(crl, later);
	if (serial) {
		X509_REVOKED *r = X509_REVOKED_new();
		ASN1_INTEGER *n = ASN1_INTEGER_new();

		ASN1_INTEGER_set(n, serial);
		X509_REVOKED_set_serialNumber(r, n);
		X509_REVOKED_set_revocationDate(r, now);
		X509_CRL_add0_revoked(crl, r);
		ASN1_INTEGER_free(n);
	}
	if (!X509_CRL_sign(crl, by->key, EVP_sha256()))
		abort();
	PEM_write_bio_X509_CRL(bio, crl);
	ASN1_TIME_free(now);
	ASN1_TIME_free(later);
	X509_CRL_free(crl);
	return test_pem_drain(bio, into, room);
}

static inline struct str test_pem_chain(const struct test_pem *p)
{
	return str_of(p->chain, p->chain_len);
}

static inline struct str test_pem_key(const struct test_pem *p)
{
	return str_of(p->key, p->key_len);
}

#endif
