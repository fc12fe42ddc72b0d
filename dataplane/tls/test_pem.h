#ifndef TEST_PEM_H
#define TEST_PEM_H
/* Self-signed certificates made on the spot, for the tests of the rooms that speak TLS. */
#include <openssl/bn.h>
#include <openssl/evp.h>
#include <openssl/pem.h>
#include <openssl/rsa.h>
#include <openssl/x509v3.h>
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

static inline struct str test_pem_chain(const struct test_pem *p)
{
	return str_of(p->chain, p->chain_len);
}

static inline struct str test_pem_key(const struct test_pem *p)
{
	return str_of(p->key, p->key_len);
}

#endif
