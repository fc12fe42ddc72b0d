/*
 * The same verdict as a handshake's for nearly all certificates, at a tenth of the cost. OpenSSL takes a third of a millisecond to set up
 * the decoding of the public key of each certificate that it parses, and nearly as much of each private key. Here the certificate is parsed
 * without that, by OpenSSL too, in a library context that knows no keys; and its public key is the one of the private key if the bytes are
 * the same. Chain certificates that
 * a handshake would take are remembered: they are the same few for thousands of hosts.
 */
#include <openssl/err.h>
#include <openssl/provider.h>
#include <openssl/sha.h>
#include <openssl/x509v3.h>
#include <pthread.h>

#include "quick.h"
#include "quick_key.h"

enum { ISSUERS = 64 };

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

static bool is_same_key(X509 *leaf, const struct quick_key *key)
{
	const unsigned char *bytes;
	const ASN1_OBJECT *oid;
	const void *parameter;
	X509_ALGOR *algorithm;
	int len, kind;

	if (X509_PUBKEY_get0_param(NULL, &bytes, &len, &algorithm, X509_get_X509_PUBKEY(leaf)) != 1)
		return false;
	X509_ALGOR_get0(&oid, &kind, &parameter, algorithm);
	if (key->curve && (OBJ_obj2nid(oid) != NID_X9_62_id_ecPublicKey || kind != V_ASN1_OBJECT || OBJ_obj2nid(parameter) != key->curve))
		return false;
	if (!key->curve && (OBJ_obj2nid(oid) != NID_rsaEncryption || kind != V_ASN1_NULL))
		return false;
	return quick_key_is(key, str_of(bytes, (size_t)len));
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
static bool is_strong(const X509 *leaf, const struct quick_key *key, int level)
{
	static const int bits_of_level[] = {1, 80, 112, 128, 192, 256};
	int want = bits_of_level[level < 0 ? 0 : level > 5 ? 5 : level];

	return key->security_bits >= want && signature_bits(leaf) >= want;
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

bool quick_is_good(struct str leaf, struct str key, int level)
{
	static pthread_once_t once = PTHREAD_ONCE_INIT;
	const unsigned char *p = (const unsigned char *)leaf.ptr;
	struct quick_key read;
	bool is_good = false;
	X509 *x;

	if (!quick_key_read(key, &read))
		return false;
	pthread_once(&once, make_bare);
	x = bare ? X509_new_ex(bare, NULL) : NULL;
	if (x && d2i_X509(&x, &p, (long)leaf.len))
		is_good = is_same_key(x, &read) && is_strong(x, &read, level);
	X509_free(x); /* d2i has set it to NULL if it failed */
	ERR_clear_error();
	return is_good;
}
