/* What the cheap look takes, a handshake takes: kinds of keys, the wrong key, weak ones, and damage of all sorts. */
#include <openssl/err.h>
#include <openssl/ssl.h>

#include "check.h"
#include "quick.h"
#include "test_pem.h"

enum { DER_MAX = 4096 };

struct made {
	EVP_PKEY *key;
	unsigned char der[DER_MAX];
	size_t len;
};

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
	return m;
}

static bool openssl_takes(const unsigned char *der, size_t len, EVP_PKEY *key, int level)
{
	SSL_CTX *ctx = SSL_CTX_new(TLS_server_method());
	X509 *x = d2i_X509(NULL, &der, (long)len);
	bool is_good;
	SSL *ssl;

	SSL_CTX_set_security_level(ctx, level);
	ssl = SSL_new(ctx);
	is_good = x && X509_get0_pubkey(x) && EVP_PKEY_eq(X509_get0_pubkey(x), key) == 1 &&
		SSL_use_cert_and_key(ssl, x, key, NULL, 1) == 1;
	X509_free(x);
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
			bool is_quick = quick_is_good(str_of(m->der, m->len), m->key, level);

			if (!CHECK(is_quick == cases[i].is_quick[level]) || !CHECK(!is_quick || openssl_takes(m->der, m->len, m->key, level)))
				fprintf(stderr, "%s at level %d\n", cases[i].name, level);
		}
		for (size_t j = 0; j < n; j++)
			CHECK(j == i || !quick_is_good(str_of(m->der, m->len), cases[j].made.key, 0));
	}
	for (size_t i = 0; i < n; i++)
		EVP_PKEY_free(cases[i].made.key);
}

/* Every byte is changed, in two ways, and every length is tried. */
static void test_damage(EVP_PKEY *key)
{
	struct made m = make(key, EVP_sha256());
	unsigned n_taken = 0;

	for (size_t i = 0; i < m.len; i++) {
		for (unsigned char bit = 1; bit; bit = bit == 1 ? 0x40 : 0) {
			m.der[i] ^= bit;
			if (quick_is_good(str_of(m.der, m.len), key, 2)) {
				n_taken++;
				CHECK(openssl_takes(m.der, m.len, key, 2));
			}
			m.der[i] ^= bit;
		}
		CHECK(!quick_is_good(str_of(m.der, i), key, 2));
	}
	CHECK(n_taken > 0 && n_taken < 2 * m.len); /* of names, dates and signatures nobody asks here */
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
	test_damage(EVP_EC_gen("P-256"));
	test_damage(EVP_RSA_gen(2048));
	test_issuers();
	return check_done();
}
