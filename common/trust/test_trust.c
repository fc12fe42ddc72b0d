/* Which bundles are taken, what is told of them, and whom they vouch for. */
#include "trust.h"

#include <openssl/pem.h>
#include <openssl/x509v3.h>
#include <stdlib.h>

#include "buf.h"
#include "check.h"

static struct buf one, two, crl, other;

static void drain(BIO *bio, struct buf *out)
{
	char *bytes;
	long len = BIO_get_mem_data(bio, &bytes);

	buf_add(out, str_of(bytes, (size_t)len));
	BIO_free(bio);
}

/* A self-signed certificate, and the list of what it revoked: nothing. */
static void make(const char *name, struct buf *pem, struct buf *list)
{
	EVP_PKEY *key = EVP_EC_gen("P-256");
	X509 *x = X509_new();
	X509_CRL *revoked = X509_CRL_new();
	ASN1_TIME *now = X509_gmtime_adj(NULL, -60), *later = X509_gmtime_adj(NULL, 3600);
	BIO *bio = BIO_new(BIO_s_mem()), *crl_bio = BIO_new(BIO_s_mem());

	X509_set_version(x, X509_VERSION_3);
	ASN1_INTEGER_set(X509_get_serialNumber(x), 7);
	X509_set1_notBefore(x, now);
	X509_set1_notAfter(x, later);
	X509_NAME_add_entry_by_txt(X509_get_subject_name(x), "CN", MBSTRING_UTF8, (const unsigned char *)name, -1, -1, 0);
	X509_set_issuer_name(x, X509_get_subject_name(x));
	X509_set_pubkey(x, key);
	X509_CRL_set_version(revoked, X509_CRL_VERSION_2);
	X509_CRL_set_issuer_name(revoked, X509_get_subject_name(x));
	X509_CRL_set1_lastUpdate(revoked, now);
	X509_CRL_set1_nextUpdate(revoked, later);
	if (!X509_sign(x, key, EVP_sha256()) || !X509_CRL_sign(revoked, key, EVP_sha256()))
		abort();
	PEM_write_bio_X509(bio, x);
	PEM_write_bio_X509_CRL(crl_bio, revoked);
	drain(bio, pem);
	drain(crl_bio, list);
	ASN1_TIME_free(now);
	ASN1_TIME_free(later);
	X509_CRL_free(revoked);
	X509_free(x);
	EVP_PKEY_free(key);
}

static struct str joined(struct str a, struct str b)
{
	static char text[16384];

	memcpy(text, a.ptr, a.len);
	memcpy(text + a.len, b.ptr, b.len);
	return str_of(text, a.len + b.len);
}

static void test_create(void)
{
	const struct {
		const char *name;
		struct str ca, crl;
		const char *why; /* NULL: taken */
		size_t n;
	} cases[] = {
		{"one certificate", buf_str(&one), STR(""), NULL, 1},
		{"with a list", buf_str(&one), buf_str(&crl), NULL, 1},
		{"no certificate", STR("hello"), STR(""), "holds no certificate", 0},
		{"nothing", STR(""), STR(""), "holds no certificate", 0},
		{"half a certificate", str_first(buf_str(&one), one.len / 2), STR(""), "holds a certificate that does not parse", 0},
		{"a good one and a bad one", joined(buf_str(&one),
			STR("-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n")), STR(""), "holds a certificate that does not parse", 0},
		{"a list that is none", buf_str(&one), STR("hello"), "holds no revocation list", 0},
		{"half a list", buf_str(&one), str_first(buf_str(&crl), crl.len / 2), "holds a revocation list that does not parse", 0},
	};

	for (size_t i = 0; i < CHECK_COUNT(cases); i++) {
		const char *why = "untouched";
		struct trust *t = trust_create(cases[i].ca, cases[i].crl, &why);

		check_case(cases[i].name);
		CHECK_STR(str_from(why), str_from(cases[i].why));
		CHECK((t != NULL) == (cases[i].why == NULL));
		if (t)
			CHECK_INT(trust_n(t), cases[i].n);
		trust_unref(&t);
	}
}

static void test_described(void)
{
	const char *why;
	struct trust *t = trust_create(joined(buf_str(&one), buf_str(&two)), STR(""), &why), *held = trust_ref(t);

	check_case("two certificates");
	trust_unref(&held);
	CHECK_INT(trust_n(t), 2);
	CHECK_INT(sk_X509_NAME_num(trust_names(t)), 2);
	CHECK(!str_eq(trust_fingerprint(t, 0), trust_fingerprint(t, 1)));
	trust_unref(&t);
}

static int verify(const struct trust *t, const struct buf *pem)
{
	BIO *bio = BIO_new_mem_buf(pem->ptr, (int)pem->len);
	X509 *x = PEM_read_bio_X509(bio, NULL, NULL, NULL);
	X509_STORE_CTX *ctx = X509_STORE_CTX_new();
	int error = X509_V_ERR_UNSPECIFIED;

	X509_STORE_CTX_init(ctx, trust_store(t), x, NULL);
	X509_verify_cert(ctx);
	error = X509_STORE_CTX_get_error(ctx);
	X509_STORE_CTX_free(ctx);
	X509_free(x);
	BIO_free(bio);
	return error;
}

static void test_vouches(void)
{
	const char *why;
	struct trust *t = trust_create(buf_str(&one), STR(""), &why);
	struct trust *listed = trust_create(buf_str(&one), buf_str(&crl), &why);
	struct trust *unlisted = trust_create(buf_str(&one), buf_str(&other), &why);

	check_case("vouches for its own, and for no other");
	CHECK_INT(verify(t, &one), X509_V_OK);
	CHECK(verify(t, &two) != X509_V_OK);
	CHECK_INT(verify(listed, &one), X509_V_OK);
	check_case("a list of somebody else: nothing is known of revocations, so nobody is believed");
	CHECK_INT(verify(unlisted, &one), X509_V_ERR_UNABLE_TO_GET_CRL);
	trust_unref(&t);
	trust_unref(&listed);
	trust_unref(&unlisted);
}

int main(void)
{
	make("one", &one, &crl);
	make("two", &two, &other);
	test_create();
	test_described();
	test_vouches();
	buf_deinit(&one);
	buf_deinit(&two);
	buf_deinit(&crl);
	buf_deinit(&other);
	return check_done();
}
