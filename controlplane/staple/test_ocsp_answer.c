/* Answers of a responder: whose, of which certificate, and of when; and when the next question is due. */
#include "ocsp_answer.h"

#include <openssl/ocsp.h>
#include <openssl/pem.h>
#include <openssl/x509v3.h>
#include <time.h>

#include "check.h"

enum { NOW = 1800000000, DAY = 86400 };

struct party {
	EVP_PKEY *key;
	X509 *cert;
};

static void extend(X509 *cert, X509 *issuer, int nid, const char *value)
{
	X509V3_CTX context;
	X509_EXTENSION *e;

	X509V3_set_ctx_nodb(&context);
	X509V3_set_ctx(&context, issuer, cert, NULL, NULL, 0);
	e = X509V3_EXT_conf_nid(NULL, &context, nid, value);
	CHECK(e && X509_add_ext(cert, e, -1) == 1);
	X509_EXTENSION_free(e);
}

/* `by` NULL: it signs itself. */
static struct party make(const char *name, long serial, const struct party *by, int nid, const char *value)
{
	struct party p = {EVP_EC_gen("P-256"), X509_new()};
	const struct party *signer = by ? by : &p;

	X509_set_version(p.cert, X509_VERSION_3);
	ASN1_INTEGER_set(X509_get_serialNumber(p.cert), serial);
	ASN1_TIME_set(X509_getm_notBefore(p.cert), NOW - 10 * DAY);
	ASN1_TIME_set(X509_getm_notAfter(p.cert), NOW + 100 * DAY);
	X509_NAME_add_entry_by_txt(X509_get_subject_name(p.cert), "CN", MBSTRING_ASC, (const unsigned char *)name, -1, -1, 0);
	X509_set_issuer_name(p.cert, X509_get_subject_name(signer->cert));
	X509_set_pubkey(p.cert, p.key);
	if (!by)
		extend(p.cert, p.cert, NID_basic_constraints, "critical,CA:TRUE");
	if (value)
		extend(p.cert, signer->cert, nid, value);
	CHECK(X509_sign(p.cert, signer->key, EVP_sha256()) > 0);
	return p;
}

static void end(struct party *p)
{
	EVP_PKEY_free(p->key);
	X509_free(p->cert);
}

static void add_pem(struct buf *out, const struct party *p)
{
	BIO *bio = BIO_new(BIO_s_mem());
	char *bytes;
	long len;

	PEM_write_bio_X509(bio, p->cert);
	len = BIO_get_mem_data(bio, &bytes);
	buf_add(out, str_of(bytes, (size_t)len));
	BIO_free(bio);
}

/* What a responder says of `of`, issued by `issuer`, signed by `signer`. `next` 0: it does not say until when. */
static void answer(struct buf *out, const struct party *of, const struct party *issuer, const struct party *signer, int status,
	int64_t this_s, int64_t next_s)
{
	OCSP_BASICRESP *basic = OCSP_BASICRESP_new();
	ASN1_TIME *this_update = ASN1_GENERALIZEDTIME_set(NULL, this_s), *next_update = next_s ? ASN1_GENERALIZEDTIME_set(NULL, next_s) : NULL;
	ASN1_TIME *revoked = status == V_OCSP_CERTSTATUS_REVOKED ? ASN1_GENERALIZEDTIME_set(NULL, this_s) : NULL;
	OCSP_RESPONSE *response;
	unsigned char *der = NULL;
	int len;
	OCSP_CERTID *id = OCSP_cert_to_id(EVP_sha1(), of->cert, issuer->cert);

	CHECK(OCSP_basic_add1_status(basic, id, status, 0, revoked, this_update, next_update) != NULL);
	CHECK(OCSP_basic_sign(basic, signer->cert, signer->key, EVP_sha256(), NULL, 0) == 1);
	response = OCSP_response_create(OCSP_RESPONSE_STATUS_SUCCESSFUL, basic);
	len = i2d_OCSP_RESPONSE(response, &der);
	buf_clear(out);
	buf_add(out, str_of((const char *)der, (size_t)len));
	OPENSSL_free(der);
	OCSP_RESPONSE_free(response);
	OCSP_BASICRESP_free(basic);
	OCSP_CERTID_free(id);
	ASN1_TIME_free(this_update);
	ASN1_TIME_free(next_update);
	ASN1_TIME_free(revoked);
}

static void judge(void)
{
	struct party ca = make("ca", 1, NULL, 0, NULL), other = make("ca", 1, NULL, 0, NULL);
	struct party leaf = make("leaf", 2, &ca, NID_info_access, "OCSP;URI:http://ocsp.example.com/x");
	struct party sibling = make("sibling", 3, &ca, 0, NULL);
	struct party charged = make("charged", 4, &ca, NID_ext_key_usage, "OCSPSigning");
	struct party uncharged = make("uncharged", 5, &ca, NID_ext_key_usage, "serverAuth");
	const struct {
		const char *name;
		const struct party *of, *signer;
		int status;
		int64_t this_s, next_s;
		enum staple_verdict verdict;
		const char *why;
	} cases[] = {
		{"by the issuer", &leaf, &ca, V_OCSP_CERTSTATUS_GOOD, NOW - 10, NOW + DAY, STAPLE_GOOD, NULL},
		{"by whom it charged", &leaf, &charged, V_OCSP_CERTSTATUS_GOOD, NOW - 10, NOW + DAY, STAPLE_GOOD, NULL},
		{"our clock is slow", &leaf, &ca, V_OCSP_CERTSTATUS_GOOD, NOW + 200, NOW + DAY, STAPLE_GOOD, NULL},
		{"no end", &leaf, &ca, V_OCSP_CERTSTATUS_GOOD, NOW - 10, 0, STAPLE_GOOD, NULL},
		{"revoked", &leaf, &ca, V_OCSP_CERTSTATUS_REVOKED, NOW - 10, NOW + DAY, STAPLE_REVOKED, NULL},
		{"not known there", &leaf, &ca, V_OCSP_CERTSTATUS_UNKNOWN, NOW - 10, NOW + DAY, STAPLE_UNUSABLE,
			"an answer that knows the certificate"},
		{"by a certificate of the issuer for something else", &leaf, &uncharged, V_OCSP_CERTSTATUS_GOOD, NOW - 10, NOW + DAY,
			STAPLE_UNUSABLE, "an answer signed by the issuer, or by whom it charged with that"},
		{"by the certificate itself", &leaf, &leaf, V_OCSP_CERTSTATUS_GOOD, NOW - 10, NOW + DAY, STAPLE_UNUSABLE,
			"an answer signed by the issuer, or by whom it charged with that"},
		{"by another one of the name", &leaf, &other, V_OCSP_CERTSTATUS_GOOD, NOW - 10, NOW + DAY, STAPLE_UNUSABLE,
			"an answer signed by the issuer, or by whom it charged with that"},
		{"of another certificate", &sibling, &ca, V_OCSP_CERTSTATUS_GOOD, NOW - 10, NOW + DAY, STAPLE_UNUSABLE,
			"an answer about this certificate"},
		{"expired", &leaf, &ca, V_OCSP_CERTSTATUS_GOOD, NOW - DAY, NOW, STAPLE_UNUSABLE, "an answer of now"},
		{"of tomorrow", &leaf, &ca, V_OCSP_CERTSTATUS_GOOD, NOW + 400, NOW + DAY, STAPLE_UNUSABLE, "an answer of now"},
		{"revoked, expired", &leaf, &ca, V_OCSP_CERTSTATUS_REVOKED, NOW - DAY, NOW - 1, STAPLE_UNUSABLE, "an answer of now"},
	};
	struct buf chain = {0}, der = {0};
	struct staple_subject *s;
	const char *why;
	int64_t until_s;
	bool is_fault;

	add_pem(&chain, &leaf);
	add_pem(&chain, &sibling); /* in the way */
	check_case("no issuer");
	CHECK(!staple_subject_create(buf_str(&chain), &why, &is_fault) && is_fault);
	add_pem(&chain, &other); /* of the issuer's name */
	CHECK(!staple_subject_create(buf_str(&chain), &why, &is_fault) && is_fault);
	buf_clear(&chain);
	add_pem(&chain, &leaf);
	add_pem(&chain, &other);
	add_pem(&chain, &ca);
	s = staple_subject_create(buf_str(&chain), &why, &is_fault);
	CHECK(s && !why);
	CHECK_STR(str_from(staple_subject_url(s)), STR("http://ocsp.example.com/x"));
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		check_case(cases[i].name);
		answer(&der, cases[i].of, &ca, cases[i].signer, cases[i].status, cases[i].this_s, cases[i].next_s);
		CHECK_INT(staple_subject_judge(s, buf_str(&der), NOW, &until_s, &why), cases[i].verdict);
		CHECK(!cases[i].why || str_eq(str_from(why), str_from(cases[i].why)));
		if (cases[i].verdict == STAPLE_GOOD)
			CHECK_INT(until_s, cases[i].next_s ? cases[i].next_s : NOW + 3600);
	}
	check_case("cut, and changed, at every byte");
	answer(&der, &leaf, &ca, &ca, V_OCSP_CERTSTATUS_GOOD, NOW - 10, NOW + DAY);
	for (size_t i = 0; i < der.len; i++) {
		CHECK(staple_subject_judge(s, str_of(der.ptr, i), NOW, &until_s, &why) == STAPLE_UNUSABLE);
		der.ptr[i] ^= 1;
		if (staple_subject_judge(s, buf_str(&der), NOW, &until_s, &why) == STAPLE_GOOD)
			CHECK_INT(until_s, NOW + DAY); /* a byte that says nothing */
		der.ptr[i] ^= 1;
	}
	buf_add_char(&der, 0);
	CHECK(staple_subject_judge(s, buf_str(&der), NOW, &until_s, &why) == STAPLE_UNUSABLE);
	staple_subject_destroy(s);
	check_case("nobody to ask");
	buf_clear(&chain);
	add_pem(&chain, &sibling);
	CHECK(!staple_subject_create(buf_str(&chain), &why, &is_fault) && !is_fault);
	CHECK(!staple_subject_create(STR("nonsense"), &why, &is_fault) && !staple_subject_create(STR(""), &why, &is_fault));
	buf_deinit(&chain);
	buf_deinit(&der);
	end(&ca);
	end(&other);
	end(&leaf);
	end(&sibling);
	end(&charged);
	end(&uncharged);
}

static void times(void)
{
	check_case("half of what is left; twice as long after each failure");
	CHECK_INT(staple_refresh_s(NOW, NOW + 7 * DAY), 12 * 3600);
	CHECK_INT(staple_refresh_s(NOW, NOW + 3600), 1800);
	CHECK_INT(staple_refresh_s(NOW, NOW + 30), 60);
	CHECK_INT(staple_refresh_s(NOW, NOW - 5), 60);
	CHECK_INT(staple_retry_s(1), 60);
	CHECK_INT(staple_retry_s(2), 120);
	CHECK_INT(staple_retry_s(6), 1920);
	CHECK_INT(staple_retry_s(7), 3600);
	CHECK_INT(staple_retry_s(4000000000u), 3600);
}

int main(void)
{
	judge();
	times();
	return check_done();
}
