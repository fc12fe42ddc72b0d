/* OpenSSL reads and checks; this says which of its findings mean what. */
#include "ocsp_answer.h"

#include <openssl/err.h>
#include <openssl/ocsp.h>
#include <openssl/pem.h>
#include <time.h>

#include "mem.h"

enum {
	CHAIN_MAX = 16,
	SKEW_S = 300,        /* between the responder's clock and ours */
	UNDATED_S = 3600,    /* an answer that does not say until when it is good */
	REFRESH_MAX_S = 12 * 3600,
	MINUTE_S = 60,
	HOUR_S = 3600,
};

struct staple_subject {
	X509 *leaf, *issuer;
	OCSP_CERTID *id;
	char *url;
};

static X509 *next_certificate(BIO *pem)
{
	return PEM_read_bio_X509(pem, NULL, NULL, NULL);
}

/* The certificate of the chain that signed the leaf, in whatever order they stand. */
static X509 *find_issuer(BIO *pem, X509 *leaf)
{
	for (int i = 1; i < CHAIN_MAX; i++) {
		X509 *x = next_certificate(pem);

		if (!x || (X509_check_issued(x, leaf) == X509_V_OK && X509_verify(leaf, X509_get0_pubkey(x)) == 1))
			return x;
		X509_free(x);
	}
	return NULL;
}

static bool is_url(struct str s)
{
	return (str_starts_with(s, STR("http://")) || str_starts_with(s, STR("https://"))) && s.len < 2000;
}

static char *find_url(X509 *leaf)
{
	STACK_OF(OPENSSL_STRING) *urls = X509_get1_ocsp(leaf);
	char *found = NULL;

	for (int i = 0; !found && i < sk_OPENSSL_STRING_num(urls); i++) {
		struct str url = str_from(sk_OPENSSL_STRING_value(urls, i));

		if (is_url(url))
			found = mem_strdup(url);
	}
	X509_email_free(urls);
	return found;
}

/* What stands in the way, or NULL. */
static const char *fill(struct staple_subject *s, BIO *pem, bool *is_fault)
{
	*is_fault = false;
	s->leaf = next_certificate(pem);
	if (!s->leaf)
		return "a certificate that can be read";
	s->url = find_url(s->leaf);
	if (!s->url)
		return "a certificate that names an OCSP responder";
	s->issuer = find_issuer(pem, s->leaf);
	*is_fault = s->issuer == NULL;
	if (!s->issuer)
		return "a chain with the certificate of its issuer";
	s->id = OCSP_cert_to_id(EVP_sha1(), s->leaf, s->issuer); /* the one hash that every responder knows */
	return s->id ? NULL : "a certificate that can be asked for";
}

struct staple_subject *staple_subject_create(struct str chain_pem, const char **rule, bool *is_fault)
{
	struct staple_subject *s = mem_zalloc(sizeof(*s));
	BIO *pem = BIO_new_mem_buf(chain_pem.ptr, (int)chain_pem.len);

	*rule = pem ? fill(s, pem, is_fault) : "a certificate that can be read";
	BIO_free(pem);
	ERR_clear_error();
	if (!*rule)
		return s;
	staple_subject_destroy(s);
	return NULL;
}

void staple_subject_destroy(struct staple_subject *s)
{
	if (!s)
		return;
	X509_free(s->leaf);
	X509_free(s->issuer);
	OCSP_CERTID_free(s->id);
	mem_free(s->url);
	mem_free(s);
}

const char *staple_subject_url(const struct staple_subject *s)
{
	return s->url;
}

/* Without a nonce: an answer that was made for everybody is what is to be stapled. */
void staple_subject_request(const struct staple_subject *s, struct buf *out)
{
	OCSP_REQUEST *request = OCSP_REQUEST_new();
	unsigned char *der = NULL;
	int len;

	if (!request || !OCSP_request_add0_id(request, OCSP_CERTID_dup(s->id)))
		abort();
	len = i2d_OCSP_REQUEST(request, &der);
	if (len > 0)
		buf_add(out, str_of((const char *)der, (size_t)len));
	OPENSSL_free(der);
	OCSP_REQUEST_free(request);
}

/* ------------------------------------------------------------------------------------------------------------- answers */

static int64_t unix_time(const ASN1_GENERALIZEDTIME *t)
{
	struct tm tm = {0};

	return t && ASN1_TIME_to_tm(t, &tm) == 1 ? (int64_t)timegm(&tm) : 0;
}

/* Signed by the issuer, or by a certificate that the issuer gave out for just that. */
static bool is_signed(const struct staple_subject *s, OCSP_BASICRESP *basic, int64_t now_s)
{
	X509_STORE *store = X509_STORE_new();
	STACK_OF(X509) *issuers = sk_X509_new_null();
	bool is_good = store && issuers && X509_STORE_add_cert(store, s->issuer) == 1 && sk_X509_push(issuers, s->issuer) > 0;

	if (is_good) {
		X509_STORE_set_flags(store, X509_V_FLAG_PARTIAL_CHAIN);
		X509_VERIFY_PARAM_set_time(X509_STORE_get0_param(store), (time_t)now_s);
		is_good = OCSP_basic_verify(basic, issuers, store, 0) > 0;
	}
	sk_X509_free(issuers);
	X509_STORE_free(store);
	return is_good;
}

/* The part about this certificate, at this time. */
static enum staple_verdict judge_single(
	const struct staple_subject *s, OCSP_BASICRESP *basic, int64_t now_s, int64_t *until_s, const char **why)
{
	ASN1_GENERALIZEDTIME *revoked, *this_update, *next_update;
	int status, reason;

	*why = "an answer about this certificate";
	if (!OCSP_resp_find_status(basic, s->id, &status, &reason, &revoked, &this_update, &next_update))
		return STAPLE_UNUSABLE;
	*why = "an answer of now";
	*until_s = next_update ? unix_time(next_update) : now_s + UNDATED_S;
	if (!unix_time(this_update) || unix_time(this_update) > now_s + SKEW_S || *until_s <= now_s)
		return STAPLE_UNUSABLE;
	*why = "an answer that knows the certificate";
	if (status == V_OCSP_CERTSTATUS_REVOKED)
		return STAPLE_REVOKED;
	return status == V_OCSP_CERTSTATUS_GOOD ? STAPLE_GOOD : STAPLE_UNUSABLE;
}

static enum staple_verdict judge_basic(
	const struct staple_subject *s, OCSP_BASICRESP *basic, int64_t now_s, int64_t *until_s, const char **why)
{
	if (basic && is_signed(s, basic, now_s))
		return judge_single(s, basic, now_s, until_s, why);
	*why = "an answer signed by the issuer, or by whom it charged with that";
	return STAPLE_UNUSABLE;
}

enum staple_verdict staple_subject_judge(
	const struct staple_subject *s, struct str answer, int64_t now_s, int64_t *until_s, const char **why)
{
	const unsigned char *at = (const unsigned char *)answer.ptr;
	OCSP_RESPONSE *response = answer.len ? d2i_OCSP_RESPONSE(NULL, &at, (long)answer.len) : NULL;
	enum staple_verdict verdict = STAPLE_UNUSABLE;

	*until_s = 0;
	*why = "an OCSP answer";
	if (response && (const char *)at == answer.ptr + answer.len) {
		*why = "an answer without an error";
		if (OCSP_response_status(response) == OCSP_RESPONSE_STATUS_SUCCESSFUL) {
			OCSP_BASICRESP *basic = OCSP_response_get1_basic(response);

			verdict = judge_basic(s, basic, now_s, until_s, why);
			OCSP_BASICRESP_free(basic);
		}
	}
	OCSP_RESPONSE_free(response);
	ERR_clear_error();
	return verdict;
}

/* --------------------------------------------------------------------------------------------------------------- times */

int64_t staple_refresh_s(int64_t now_s, int64_t until_s)
{
	int64_t half = (until_s - now_s) / 2;

	return half < MINUTE_S ? MINUTE_S : half > REFRESH_MAX_S ? REFRESH_MAX_S : half;
}

int64_t staple_retry_s(unsigned n_failures)
{
	int64_t wait = MINUTE_S;

	for (unsigned i = 1; i < n_failures && wait < HOUR_S; i++)
		wait *= 2;
	return wait < HOUR_S ? wait : HOUR_S;
}
