/*
 * The same verdict as a handshake's for nearly all certificates, at a tenth of the cost. OpenSSL takes a third of a millisecond to set up
 * the decoding of the public key of each certificate that it parses. Here the certificate is parsed without that, by OpenSSL too, in a
 * library context that knows no keys; and its public key is the one of the private key if the bytes are the same. Chain certificates that
 * a handshake would take are remembered: they are the same few for thousands of hosts.
 */
#include <openssl/bn.h>
#include <openssl/core_names.h>
#include <openssl/ec.h>
#include <openssl/err.h>
#include <openssl/evp.h>
#include <openssl/provider.h>
#include <openssl/sha.h>
#include <openssl/x509v3.h>
#include <pthread.h>

#include "quick.h"

enum { ISSUERS = 64, POINT_MAX = 256, RSA_MAX = 4096 };

static struct {
	pthread_mutex_t lock;
	uint8_t hashes[ISSUERS][SHA256_DIGEST_LENGTH]; /* a ring */
	unsigned n;
} issuers = {.lock = PTHREAD_MUTEX_INITIALIZER};

static OSSL_LIB_CTX *bare;

static void make_bare(void)
{
	bare = OSSL_LIB_CTX_new();
	if (bare && !OSSL_PROVIDER_load(bare, "null")) {
		OSSL_LIB_CTX_free(bare);
		bare = NULL;
	}
	ERR_clear_error();
}

/* ------------------------------------------------------------------------------------------------------ the same key */

static bool is_same_point(const EVP_PKEY *key, const X509_ALGOR *algorithm, struct str bits)
{
	unsigned char point[POINT_MAX];
	const ASN1_OBJECT *oid;
	const void *parameter;
	char curve[64];
	size_t len;
	int kind;

	X509_ALGOR_get0(&oid, &kind, &parameter, algorithm);
	if (OBJ_obj2nid(oid) != NID_X9_62_id_ecPublicKey || kind != V_ASN1_OBJECT ||
		EVP_PKEY_get_group_name(key, curve, sizeof(curve), &len) != 1 || OBJ_obj2nid(parameter) != OBJ_sn2nid(curve))
		return false;
	return EVP_PKEY_get_octet_string_param(key, OSSL_PKEY_PARAM_PUB_KEY, point, sizeof(point), &len) == 1 &&
		str_eq(str_of(point, len), bits);
}

/* Appends an INTEGER; the end, or NULL. */
static unsigned char *add_number(const EVP_PKEY *key, const char *name, unsigned char *at, const unsigned char *end)
{
	BIGNUM *number = NULL;
	ASN1_INTEGER *integer = NULL;

	if (EVP_PKEY_get_bn_param(key, name, &number) == 1)
		integer = BN_to_ASN1_INTEGER(number, NULL);
	if (integer && i2d_ASN1_INTEGER(integer, NULL) <= end - at)
		i2d_ASN1_INTEGER(integer, &at);
	else
		at = NULL;
	ASN1_INTEGER_free(integer);
	BN_free(number);
	return at;
}

/* SEQUENCE { modulus, exponent }, written anew and compared. */
static bool is_same_modulus(const EVP_PKEY *key, const X509_ALGOR *algorithm, struct str bits)
{
	unsigned char numbers[RSA_MAX], head[8], *at = numbers, *end = head;
	const ASN1_OBJECT *oid;
	struct str both, start;
	int kind;

	X509_ALGOR_get0(&oid, &kind, NULL, algorithm);
	if (OBJ_obj2nid(oid) != NID_rsaEncryption || kind != V_ASN1_NULL)
		return false;
	at = add_number(key, OSSL_PKEY_PARAM_RSA_N, at, numbers + sizeof(numbers));
	at = at ? add_number(key, OSSL_PKEY_PARAM_RSA_E, at, numbers + sizeof(numbers)) : NULL;
	if (!at)
		return false;
	both = str_of(numbers, (size_t)(at - numbers));
	ASN1_put_object(&end, 1, (int)both.len, V_ASN1_SEQUENCE, V_ASN1_UNIVERSAL);
	start = str_of(head, (size_t)(end - head));
	return str_starts_with(bits, start) && str_eq(str_from_index(bits, start.len), both);
}

static bool is_same_key(X509 *leaf, const EVP_PKEY *key)
{
	const unsigned char *bytes;
	X509_ALGOR *algorithm;
	int len;

	if (X509_PUBKEY_get0_param(NULL, &bytes, &len, &algorithm, X509_get_X509_PUBKEY(leaf)) != 1)
		return false;
	switch (EVP_PKEY_get_base_id(key)) {
	case EVP_PKEY_EC:
		return is_same_point(key, algorithm, str_of(bytes, (size_t)len));
	case EVP_PKEY_RSA:
		return is_same_modulus(key, algorithm, str_of(bytes, (size_t)len));
	default:
		return false;
	}
}

/* ------------------------------------------------------------------------------------------------------ strong enough */

/* Of the signature; 0: nothing that is plainly good. OpenSSL would look at the extensions too, and fetch a digest for that. */
static int signature_bits(const X509 *leaf)
{
	int digest, algorithm;

	if (!OBJ_find_sigid_algs(X509_get_signature_nid(leaf), &digest, &algorithm))
		return 0;
	return digest == NID_sha256 ? 128 : digest == NID_sha384 ? 192 : digest == NID_sha512 ? 256 : 0;
}

/* As ssl_security_default_callback has it. */
static bool is_strong(const X509 *leaf, const EVP_PKEY *key, int level)
{
	static const int bits_of_level[] = {1, 80, 112, 128, 192, 256};
	int want = bits_of_level[level < 0 ? 0 : level > 5 ? 5 : level];

	return EVP_PKEY_get_security_bits(key) >= want && signature_bits(leaf) >= want;
}

static bool is_known(const uint8_t hash[SHA256_DIGEST_LENGTH])
{
	bool is = false;

	for (unsigned i = 0; !is && i < ISSUERS && i < issuers.n; i++)
		is = memcmp(issuers.hashes[i], hash, SHA256_DIGEST_LENGTH) == 0;
	return is;
}

bool quick_knows(struct str issuer)
{
	uint8_t hash[SHA256_DIGEST_LENGTH];
	bool is;

	SHA256((const unsigned char *)issuer.ptr, issuer.len, hash);
	pthread_mutex_lock(&issuers.lock);
	is = is_known(hash);
	pthread_mutex_unlock(&issuers.lock);
	return is;
}

void quick_learn(struct str issuer)
{
	uint8_t hash[SHA256_DIGEST_LENGTH];

	SHA256((const unsigned char *)issuer.ptr, issuer.len, hash);
	pthread_mutex_lock(&issuers.lock);
	if (!is_known(hash))
		memcpy(issuers.hashes[issuers.n++ % ISSUERS], hash, sizeof(hash));
	pthread_mutex_unlock(&issuers.lock);
}

bool quick_is_good(struct str leaf, const EVP_PKEY *key, int level)
{
	static pthread_once_t once = PTHREAD_ONCE_INIT;
	const unsigned char *p = (const unsigned char *)leaf.ptr;
	bool is_good = false;
	X509 *x;

	pthread_once(&once, make_bare);
	x = bare ? X509_new_ex(bare, NULL) : NULL;
	if (x && d2i_X509(&x, &p, (long)leaf.len))
		is_good = is_same_key(x, key) && is_strong(x, key, level);
	X509_free(x); /* d2i has set it to NULL if it failed */
	ERR_clear_error();
	return is_good;
}
