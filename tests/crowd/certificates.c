/*
 * certificates N: N certificates with their keys on stdout, one JSON object a line, of names host-0.scale.test and on. Always the same
 * kinds in the same order: every other one has an RSA key of 2048 bits, of which there are eight, the others one of P-256. Each is in a
 * chain with the CA that signed it.
 */
#include <openssl/evp.h>
#include <openssl/pem.h>
#include <openssl/x509v3.h>
#include <stdio.h>
#include <stdlib.h>

#include "buf.h"

enum { RSA_KEYS = 8, DAYS = 3650 };

static void require(int is_good, const char *what)
{
	if (is_good)
		return;
	fprintf(stderr, "certificates: %s failed\n", what);
	exit(1);
}

static void add_extension(X509 *x, X509 *issuer, int nid, const char *value)
{
	X509_EXTENSION *e;
	X509V3_CTX ctx;

	X509V3_set_ctx(&ctx, issuer, x, NULL, NULL, 0);
	e = X509V3_EXT_conf_nid(NULL, &ctx, nid, value);
	require(e && X509_add_ext(x, e, -1), value);
	X509_EXTENSION_free(e);
}

/* `issuer` NULL: a CA of its own. */
static X509 *sign(const char *name, EVP_PKEY *key, X509 *issuer, EVP_PKEY *issuer_key, long serial)
{
	X509 *x = X509_new();
	struct buf names = {0};

	X509_set_version(x, X509_VERSION_3);
	ASN1_INTEGER_set(X509_get_serialNumber(x), serial);
	X509_gmtime_adj(X509_getm_notBefore(x), -3600);
	X509_gmtime_adj(X509_getm_notAfter(x), DAYS * 86400L);
	X509_NAME_add_entry_by_txt(X509_get_subject_name(x), "CN", MBSTRING_UTF8, (const unsigned char *)name, -1, -1, 0);
	X509_set_issuer_name(x, X509_get_subject_name(issuer ? issuer : x));
	X509_set_pubkey(x, key);
	buf_printf(&names, "DNS:%s", name);
	add_extension(x, issuer ? issuer : x, NID_basic_constraints, issuer ? "critical,CA:FALSE" : "critical,CA:TRUE");
	add_extension(x, issuer ? issuer : x, NID_key_usage, issuer ? "critical,digitalSignature" : "critical,keyCertSign");
	add_extension(x, issuer ? issuer : x, NID_subject_key_identifier, "hash");
	if (issuer)
		add_extension(x, issuer, NID_subject_alt_name, buf_cstr(&names));
	buf_deinit(&names);
	require(X509_sign(x, issuer ? issuer_key : key, EVP_sha256()), "X509_sign");
	return x;
}

static void add_pem(struct buf *out, const char *name, BIO *pem)
{
	char *bytes;
	long n = BIO_get_mem_data(pem, &bytes);

	buf_printf(out, ",\"%s\":", name);
	buf_add_json(out, str_of(bytes, (size_t)n));
	BIO_free(pem);
}

static void print(const char *name, X509 *x, X509 *ca, EVP_PKEY *key)
{
	BIO *chain = BIO_new(BIO_s_mem()), *secret = BIO_new(BIO_s_mem());
	struct buf out = {0};

	PEM_write_bio_X509(chain, x);
	PEM_write_bio_X509(chain, ca);
	PEM_write_bio_PrivateKey(secret, key, NULL, NULL, 0, NULL, NULL);
	buf_printf(&out, "{\"name\":\"%s\"", name);
	add_pem(&out, "crt", chain);
	add_pem(&out, "key", secret);
	printf("%s}\n", buf_cstr(&out));
	buf_deinit(&out);
}

int main(int argc, char **argv)
{
	EVP_PKEY *rsa[RSA_KEYS] = {0}, *ca_key = EVP_EC_gen("P-256");
	X509 *ca = sign("Weirlock benchmark CA", ca_key, NULL, NULL, 1);
	unsigned long n = argc == 2 ? strtoul(argv[1], NULL, 10) : 0;

	for (unsigned long i = 0; i < n; i++) {
		EVP_PKEY *own = NULL, *key;
		char name[64];
		X509 *x;

		if (i % 2 && !rsa[i / 2 % RSA_KEYS])
			rsa[i / 2 % RSA_KEYS] = EVP_RSA_gen(2048);
		key = i % 2 ? rsa[i / 2 % RSA_KEYS] : (own = EVP_EC_gen("P-256"));
		require(key != NULL, "a key");
		snprintf(name, sizeof(name), "host-%lu.scale.test", i);
		x = sign(name, key, ca, ca_key, (long)i + 2);
		print(name, x, ca, key);
		X509_free(x);
		EVP_PKEY_free(own);
	}
	for (unsigned i = 0; i < RSA_KEYS; i++)
		EVP_PKEY_free(rsa[i]);
	EVP_PKEY_free(ca_key);
	X509_free(ca);
	return n ? 0 : 2;
}
