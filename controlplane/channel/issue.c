/* What deploy/identity makes with openssl's program, made here. */
#include "issue.h"

#include <openssl/bio.h>
#include <openssl/ec.h>
#include <openssl/err.h>
#include <openssl/evp.h>
#include <openssl/pem.h>
#include <openssl/rand.h>
#include <openssl/x509v3.h>

static bool add_extension(X509 *cert, X509 *issuer, int nid, const char *value)
{
	X509V3_CTX ctx;
	X509_EXTENSION *extension;
	bool is_good;

	X509V3_set_ctx(&ctx, issuer, cert, NULL, NULL, 0);
	extension = X509V3_EXT_conf_nid(NULL, &ctx, nid, value);
	is_good = extension && X509_add_ext(cert, extension, -1) == 1;
	X509_EXTENSION_free(extension);
	return is_good;
}

static bool fill(X509 *cert, EVP_PKEY *key, const char *name, int64_t now_s, int64_t ends_s)
{
	X509_NAME *subject = X509_get_subject_name(cert);
	unsigned char random[16];
	BIGNUM *serial;
	bool is_good;

	if (RAND_bytes(random, sizeof(random)) != 1)
		return false;
	random[0] &= 0x7f;
	serial = BN_bin2bn(random, sizeof(random), NULL);
	is_good = serial && BN_to_ASN1_INTEGER(serial, X509_get_serialNumber(cert)) && X509_set_version(cert, X509_VERSION_3) == 1 &&
		ASN1_TIME_set(X509_getm_notBefore(cert), (time_t)(now_s - ISSUE_SKEW_S)) && ASN1_TIME_set(X509_getm_notAfter(cert), (time_t)ends_s) &&
		X509_NAME_add_entry_by_txt(subject, "CN", MBSTRING_UTF8, (const unsigned char *)name, -1, -1, 0) == 1 &&
		X509_set_pubkey(cert, key) == 1;
	BN_free(serial);
	return is_good;
}

static void add_bio(BIO *bio, struct buf *out)
{
	char *bytes;
	long n = BIO_get_mem_data(bio, &bytes);

	buf_add(out, str_of(bytes, (size_t)n));
}

static bool write_both(X509 *cert, EVP_PKEY *key, struct buf *crt, struct buf *secret)
{
	BIO *public = BIO_new(BIO_s_mem()), *private = BIO_new(BIO_s_secmem());
	bool is_good = public && private && PEM_write_bio_X509(public, cert) == 1 &&
		PEM_write_bio_PKCS8PrivateKey(private, key, NULL, NULL, 0, NULL, NULL) == 1;

	if (is_good) {
		add_bio(public, crt);
		add_bio(private, secret);
	}
	BIO_free(public);
	BIO_free(private);
	ERR_clear_error();
	return is_good;
}

static X509 *read_certificate(BIO *bio)
{
	return PEM_read_bio_X509(bio, NULL, NULL, NULL);
}

static X509 *first_certificate(struct str crt)
{
	BIO *bio = BIO_new_mem_buf(crt.ptr, (int)crt.len);
	X509 *cert = bio ? read_certificate(bio) : NULL;

	BIO_free(bio);
	ERR_clear_error();
	return cert;
}

bool issue_ca(int64_t now_s, int64_t life_s, struct buf *crt, struct buf *key)
{
	EVP_PKEY *pair = EVP_EC_gen("P-256");
	X509 *cert = X509_new();
	bool is_good = pair && cert && fill(cert, pair, "Weirlock channel CA", now_s, now_s + life_s) &&
		X509_set_issuer_name(cert, X509_get_subject_name(cert)) == 1 &&
		add_extension(cert, cert, NID_basic_constraints, "critical,CA:TRUE,pathlen:0") &&
		add_extension(cert, cert, NID_key_usage, "critical,keyCertSign,cRLSign") &&
		add_extension(cert, cert, NID_subject_key_identifier, "hash") && X509_sign(cert, pair, EVP_sha256()) > 0 &&
		write_both(cert, pair, crt, key);

	X509_free(cert);
	EVP_PKEY_free(pair);
	return is_good;
}

static bool sign_identity(const char *who, const char *pool, X509 *ca, EVP_PKEY *ca_key, int64_t now_s, int64_t ends_s, struct buf *crt, struct buf *key)
{
	bool is_operator = str_eq(str_from(who), STR("operator"));
	EVP_PKEY *pair = EVP_EC_gen("P-256");
	X509 *cert = X509_new();
	struct buf name = {0}, uri = {0};
	bool is_good;

	buf_printf(&name, "weirlock %s", who);
	buf_printf(&uri, "URI:spiffe://weirlock/%s%s%s", who, pool ? "/" : "", pool ? pool : "");
	is_good = pair && cert && fill(cert, pair, buf_cstr(&name), now_s, ends_s) && X509_set_issuer_name(cert, X509_get_subject_name(ca)) == 1 &&
		add_extension(cert, ca, NID_basic_constraints, "critical,CA:FALSE") &&
		add_extension(cert, ca, NID_key_usage, "critical,digitalSignature") &&
		add_extension(cert, ca, NID_ext_key_usage, is_operator ? "clientAuth" : "serverAuth,clientAuth") &&
		add_extension(cert, ca, NID_authority_key_identifier, "keyid:always") &&
		add_extension(cert, ca, NID_subject_alt_name, buf_cstr(&uri)) && X509_sign(cert, ca_key, EVP_sha256()) > 0 &&
		write_both(cert, pair, crt, key);
	buf_deinit(&name);
	buf_deinit(&uri);
	X509_free(cert);
	EVP_PKEY_free(pair);
	return is_good;
}

bool issue_identity(const char *who, const char *pool, struct str ca_crt, struct str ca_key, int64_t now_s, int64_t life_s, struct buf *crt, struct buf *key)
{
	X509 *ca = first_certificate(ca_crt);
	BIO *bio = BIO_new_mem_buf(ca_key.ptr, (int)ca_key.len);
	EVP_PKEY *pair = bio ? PEM_read_bio_PrivateKey(bio, NULL, NULL, NULL) : NULL;
	int64_t made_s, ends_s;
	bool is_good = ca && pair && X509_check_private_key(ca, pair) == 1 && issue_times(ca_crt, &made_s, &ends_s) &&
		sign_identity(who, pool, ca, pair, now_s, ends_s < now_s + life_s ? ends_s : now_s + life_s, crt, key);

	BIO_free(bio);
	EVP_PKEY_free(pair);
	X509_free(ca);
	ERR_clear_error();
	return is_good;
}

static bool read_time(const ASN1_TIME *time, int64_t *out)
{
	ASN1_TIME *epoch = ASN1_TIME_set(NULL, 0);
	int days, seconds;
	bool is_good = epoch && ASN1_TIME_diff(&days, &seconds, epoch, time) == 1;

	ASN1_TIME_free(epoch);
	if (is_good)
		*out = (int64_t)days * 86400 + seconds;
	return is_good;
}

static bool times_of(const X509 *cert, int64_t *made_s, int64_t *ends_s)
{
	bool is_good = read_time(X509_get0_notBefore(cert), made_s) && read_time(X509_get0_notAfter(cert), ends_s);

	*made_s += ISSUE_SKEW_S;
	return is_good;
}

bool issue_times(struct str crt, int64_t *made_s, int64_t *ends_s)
{
	X509 *cert = first_certificate(crt);
	bool is_good;

	*made_s = *ends_s = 0;
	is_good = cert && times_of(cert, made_s, ends_s);
	X509_free(cert);
	return is_good;
}

bool issue_is_by(struct str crt, struct str ca_crt)
{
	X509 *cert = first_certificate(crt), *ca = first_certificate(ca_crt);
	bool is_by = cert && ca && X509_verify(cert, X509_get0_pubkey(ca)) == 1;

	X509_free(cert);
	X509_free(ca);
	ERR_clear_error();
	return is_by;
}

void issue_bundle(struct str crts, int64_t now_s, struct buf *bundle)
{
	BIO *bio = BIO_new_mem_buf(crts.ptr, (int)crts.len);
	X509 *cert;

	while (bio && (cert = read_certificate(bio))) {
		BIO *one = BIO_new(BIO_s_mem());
		struct buf text = {0};
		int64_t made_s, ends_s = 0;

		if (one && times_of(cert, &made_s, &ends_s) && ends_s > now_s && PEM_write_bio_X509(one, cert) == 1)
			add_bio(one, &text);
		if (str_find_str(buf_str(bundle), buf_str(&text)) == bundle->len)
			buf_add(bundle, buf_str(&text));
		buf_deinit(&text);
		BIO_free(one);
		X509_free(cert);
	}
	BIO_free(bio);
	ERR_clear_error();
}
