/* What the cheap look takes, a handshake takes: kinds of keys, the wrong key, weak ones, and damage of all sorts. */
#include <openssl/err.h>
#include <openssl/ssl.h>

#include "check.h"
#include "quick.h"
#include "test_pem.h"

enum { DER_MAX = 4096 };

struct made {
	EVP_PKEY *key;
	unsigned char der[DER_MAX], plain[DER_MAX], wrapped[DER_MAX]; /* the certificate; its key by itself, and in PKCS #8 */
	size_t len, plain_len, wrapped_len;
};

static size_t wrap(EVP_PKEY *key, unsigned char *out)
{
	PKCS8_PRIV_KEY_INFO *info = EVP_PKEY2PKCS8(key);
	int len;

	CHECK(i2d_PKCS8_PRIV_KEY_INFO(info, NULL) <= DER_MAX);
	len = i2d_PKCS8_PRIV_KEY_INFO(info, &out);
	PKCS8_PRIV_KEY_INFO_free(info);
	return (size_t)len;
}

static struct made make(EVP_PKEY *key, const EVP_MD *digest)
{
	struct made m = {.key = key};
	unsigned char *end = m.der;
	X509 *x = X509_new();

	X509_set_version(x, X509_VERSION_3);
	ASN1_INTEGER_set(X509_get_serialNumber(x), 1);
	X509_gmtime_adj(X509_getm_notBefore(x), 0);
	X509_gmtime_adj(X509_getm_notAfter(x), 3600);
	X509_NAME_add_entry_by_txt(X509_get_subject_name(x), "CN", MBSTRING_UTF8, (const unsigned char *)"a.test", -1, -1, 0);
	X509_NAME_add_entry_by_txt(X509_get_issuer_name(x), "CN", MBSTRING_UTF8, (const unsigned char *)"ca", -1, -1, 0);
	X509_set_pubkey(x, key);
	CHECK(X509_sign(x, key, digest) > 0);
	CHECK(i2d_X509(x, NULL) <= DER_MAX);
	m.len = (size_t)i2d_X509(x, &end);
	X509_free(x);
	end = m.plain;
	CHECK(i2d_PrivateKey(key, NULL) <= DER_MAX);
	m.plain_len = (size_t)i2d_PrivateKey(key, &end);
	m.wrapped_len = wrap(key, m.wrapped);
	return m;
}

static bool openssl_takes(const unsigned char *der, size_t len, const unsigned char *key_der, size_t key_len, int level)
{
	SSL_CTX *ctx = SSL_CTX_new(TLS_server_method());
	X509 *x = d2i_X509(NULL, &der, (long)len);
	EVP_PKEY *key = d2i_AutoPrivateKey(NULL, &key_der, (long)key_len);
	bool is_good;
	SSL *ssl;

	SSL_CTX_set_security_level(ctx, level);
	ssl = SSL_new(ctx);
	is_good = x && key && X509_get0_pubkey(x) && EVP_PKEY_eq(X509_get0_pubkey(x), key) == 1 &&
		SSL_use_cert_and_key(ssl, x, key, NULL, 1) == 1;
	X509_free(x);
	EVP_PKEY_free(key);
	SSL_free(ssl);
	SSL_CTX_free(ctx);
	ERR_clear_error();
	return is_good;
}

static void test_kinds(void)
{
	struct {
		const char *name;
		struct made made;
		bool is_quick[4]; /* at levels 0 to 3 */
	} cases[] = {
		{"P-256", make(EVP_EC_gen("P-256"), EVP_sha256()), {true, true, true, true}},
		{"P-384", make(EVP_EC_gen("P-384"), EVP_sha384()), {true, true, true, true}},
		{"P-521", make(EVP_EC_gen("P-521"), EVP_sha512()), {true, true, true, true}},
		{"RSA 2048", make(EVP_RSA_gen(2048), EVP_sha256()), {true, true, true, false}},
		{"RSA 3072", make(EVP_RSA_gen(3072), EVP_sha256()), {true, true, true, true}},
		{"RSA 1024", make(EVP_RSA_gen(1024), EVP_sha256()), {true, true, false, false}},
		{"RSA 2048 with SHA-1", make(EVP_RSA_gen(2048), EVP_sha1()), {false, false, false, false}},
		{"Ed25519", make(EVP_PKEY_Q_keygen(NULL, NULL, "ED25519"), NULL), {false, false, false, false}},
	};
	const size_t n = sizeof(cases) / sizeof(cases[0]);

	for (size_t i = 0; i < n; i++) {
		const struct made *m = &cases[i].made;

		for (int level = 0; level < 4; level++) {
			bool is_quick = quick_is_good(str_of(m->der, m->len), str_of(m->plain, m->plain_len), level);

			if (!CHECK(is_quick == cases[i].is_quick[level]) ||
				!CHECK(quick_is_good(str_of(m->der, m->len), str_of(m->wrapped, m->wrapped_len), level) == is_quick) ||
				!CHECK(!is_quick || openssl_takes(m->der, m->len, m->plain, m->plain_len, level)))
				fprintf(stderr, "%s at level %d\n", cases[i].name, level);
		}
		for (size_t j = 0; j < n; j++)
			CHECK(j == i || !quick_is_good(str_of(m->der, m->len), str_of(cases[j].made.plain, cases[j].made.plain_len), 0));
	}
	for (size_t i = 0; i < n; i++)
		EVP_PKEY_free(cases[i].made.key);
}

static bool is_quick(const struct made *m, bool is_wrapped)
{
	const unsigned char *key = is_wrapped ? m->wrapped : m->plain;
	size_t key_len = is_wrapped ? m->wrapped_len : m->plain_len;
	bool is = quick_is_good(str_of(m->der, m->len), str_of(key, key_len), 2);

	CHECK(!is || openssl_takes(m->der, m->len, key, key_len, 2));
	return is;
}

/* Every `step`th byte is changed, in three ways, and such a length is tried. How often it is taken all the same. */
static unsigned damage(const struct made *m, unsigned char *bytes, size_t *len, bool is_wrapped, size_t step)
{
	static const unsigned char bits[] = {1, 0x40, 0x80};
	size_t whole = *len;
	unsigned n_taken = 0;

	for (size_t i = 0; i < whole; i += step) {
		for (size_t j = 0; j < sizeof(bits); j++) {
			bytes[i] ^= bits[j];
			n_taken += is_quick(m, is_wrapped);
			bytes[i] ^= bits[j];
		}
		*len = i;
		CHECK(!is_quick(m, is_wrapped));
		*len = whole;
	}
	return n_taken;
}

static void test_damage(EVP_PKEY *key, size_t step)
{
	struct made m = make(key, EVP_sha256());
	unsigned n_taken = damage(&m, m.der, &m.len, false, step);

	CHECK(n_taken > 0 && n_taken < 3 * m.len); /* of names, dates and signatures nobody asks here */
	n_taken = damage(&m, m.plain, &m.plain_len, false, step);
	CHECK(n_taken > 0 && n_taken < 3 * m.plain_len); /* nor of the secret half */
	CHECK(damage(&m, m.wrapped, &m.wrapped_len, true, step) < 3 * m.wrapped_len);
	EVP_PKEY_free(key);
}

static void test_issuers(void)
{
	char name[16];

	CHECK(!quick_knows(STR("a")));
	quick_learn(STR("a"));
	quick_learn(STR("a"));
	CHECK(quick_knows(STR("a")) && !quick_knows(STR("b")));
	for (int i = 0; i < 200; i++) {
		snprintf(name, sizeof(name), "%d", i);
		quick_learn(str_from(name));
		CHECK(quick_knows(str_from(name)));
	}
	CHECK(!quick_knows(STR("a"))); /* there is room for the last ones alone */
}

int main(void)
{
	test_kinds();
	test_damage(EVP_EC_gen("P-256"), 1);
	test_damage(EVP_RSA_gen(2048), 7);
	test_issuers();
	return check_done();
}
