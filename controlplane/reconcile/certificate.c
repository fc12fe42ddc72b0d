/* PEM to what a proxy needs and what people ask of a certificate. Nothing of a key ever leaves but into its resource. */
#include "certificate.h"

#include <openssl/err.h>
#include <openssl/pem.h>
#include <openssl/x509v3.h>
#include <stdlib.h>
#include <time.h>

#include "mem.h"
#include "trust.h"

enum { CHAIN_MAX = 16, NAMES_MAX = 1000 };

static int compare_texts(const void *a, const void *b)
{
	return str_cmp(*(const struct str *)a, *(const struct str *)b);
}

/* Never asks for a passphrase: there is nobody to answer. */
static int no_passphrase(char *out, int size, int is_writing, void *owner)
{
	(void)out;
	(void)size;
	(void)is_writing;
	(void)owner;
	return -1;
}

/* Every certificate of the chain parses, and there are not more than a proxy takes. Whether the leaf's issuer is among them. */
static bool has_good_chain(struct str pem, X509 *leaf, bool *has_issuer)
{
	BIO *bio = BIO_new_mem_buf(pem.ptr, (int)pem.len);
	X509 *one;
	int n = 0;
	bool is_at_end;

	*has_issuer = false;
	while (bio && (one = PEM_read_bio_X509(bio, NULL, no_passphrase, NULL))) {
		*has_issuer = *has_issuer || X509_check_issued(one, leaf) == X509_V_OK; /* of itself too, where it is */
		X509_free(one);
		n++;
	}
	is_at_end = ERR_GET_REASON(ERR_peek_last_error()) == PEM_R_NO_START_LINE;
	BIO_free(bio);
	return n > 0 && n <= CHAIN_MAX && is_at_end;
}

/* Where the issuer's certificate can be had, as public authorities write into theirs. */
static bool names_issuer_url(X509 *leaf)
{
	AUTHORITY_INFO_ACCESS *all = X509_get_ext_d2i(leaf, NID_info_access, NULL, NULL);
	bool found = false;

	for (int i = 0; !found && i < sk_ACCESS_DESCRIPTION_num(all); i++)
		found = OBJ_obj2nid(sk_ACCESS_DESCRIPTION_value(all, i)->method) == NID_ad_ca_issuers;
	AUTHORITY_INFO_ACCESS_free(all);
	return found;
}

static X509 *read_leaf(struct str pem)
{
	BIO *bio = pem.len > 0 && pem.len < (1 << 20) ? BIO_new_mem_buf(pem.ptr, (int)pem.len) : NULL;
	X509 *leaf = bio ? PEM_read_bio_X509(bio, NULL, NULL, NULL) : NULL;

	BIO_free(bio);
	return leaf;
}

static EVP_PKEY *read_key(struct str pem)
{
	BIO *bio = pem.len > 0 && pem.len < (1 << 20) ? BIO_new_mem_buf(pem.ptr, (int)pem.len) : NULL;
	EVP_PKEY *key = bio ? PEM_read_bio_PrivateKey(bio, NULL, no_passphrase, NULL) : NULL;

	BIO_free(bio);
	return key;
}

static bool is_dns_text(struct str s)
{
	return s.len > 0 && s.len <= 253 && value_has_only(s, "-._*");
}

static void add_name(struct arena *arena, struct certificate *out, struct str name)
{
	if (is_dns_text(name))
		out->names[out->n_names++] = arena_lower(arena, name);
}

static void read_common_name(struct arena *arena, X509 *leaf, struct certificate *out)
{
	char text[256];
	int len = X509_NAME_get_text_by_NID(X509_get_subject_name(leaf), NID_commonName, text, sizeof(text));

	out->names = arena_alloc(arena, sizeof(*out->names));
	if (len > 0)
		add_name(arena, out, str_of(text, (size_t)len));
}

/* F6: SAN DNS names, else the CN. */
static void read_names(struct arena *arena, X509 *leaf, struct certificate *out)
{
	GENERAL_NAMES *names = X509_get_ext_d2i(leaf, NID_subject_alt_name, NULL, NULL);
	int n = names ? sk_GENERAL_NAME_num(names) : 0;

	out->names = arena_alloc(arena, ((size_t)n + 1) * sizeof(*out->names));
	for (int i = 0; i < n; i++) {
		const GENERAL_NAME *name = sk_GENERAL_NAME_value(names, i);

		if (name->type == GEN_DNS && out->n_names < NAMES_MAX)
			add_name(arena, out,
				str_of(ASN1_STRING_get0_data(name->d.dNSName), (size_t)ASN1_STRING_length(name->d.dNSName)));
	}
	GENERAL_NAMES_free(names);
	if (out->n_names == 0)
		read_common_name(arena, leaf, out);
	qsort(out->names, out->n_names, sizeof(*out->names), compare_texts);
}

static int64_t unix_time(const ASN1_TIME *t)
{
	struct tm tm = {0};

	return ASN1_TIME_to_tm(t, &tm) == 1 ? (int64_t)timegm(&tm) : 0;
}

static struct str serial_text(struct arena *arena, X509 *leaf)
{
	BIO *bio = BIO_new(BIO_s_mem());

	i2a_ASN1_INTEGER(bio, X509_get0_serialNumber(leaf));
	return trust_bio_text(arena, bio);
}

static struct str key_text(struct arena *arena, EVP_PKEY *key)
{
	char group[64] = "";
	size_t len = 0;

	if (EVP_PKEY_get_base_id(key) == EVP_PKEY_RSA)
		return arena_printf(arena, "RSA %d", EVP_PKEY_get_bits(key));
	if (EVP_PKEY_get_base_id(key) != EVP_PKEY_EC || EVP_PKEY_get_group_name(key, group, sizeof(group), &len) != 1)
		return str_from(OBJ_nid2sn(EVP_PKEY_get_base_id(key)));
	if (strcmp(group, "prime256v1") == 0)
		return STR("EC P-256");
	return arena_printf(arena, "EC %s", strcmp(group, "secp384r1") == 0 ? "P-384" : group);
}

static void describe(struct arena *arena, X509 *leaf, EVP_PKEY *key, struct certificate *out)
{
	unsigned char digest[EVP_MAX_MD_SIZE];
	unsigned len = 0;

	X509_digest(leaf, EVP_sha256(), digest, &len);
	out->fingerprint = arena_str(arena, str_of(digest, len));
	out->not_before_s = unix_time(X509_get0_notBefore(leaf));
	out->not_after_s = unix_time(X509_get0_notAfter(leaf));
	out->issuer = trust_name_text(arena, X509_get_issuer_name(leaf));
	out->serial = serial_text(arena, leaf);
	out->key_type = key_text(arena, key);
	read_names(arena, leaf, out);
}

/* What a proxy would refuse must not get there: it would refuse the whole snapshot. */
static const char *judge_pair(SSL_CTX *judge, X509 *leaf, EVP_PKEY *key)
{
	if (X509_check_private_key(leaf, key) != 1)
		return "a Secret whose tls.key belongs to its tls.crt";
	if (!judge || SSL_CTX_use_certificate(judge, leaf) != 1 || SSL_CTX_use_PrivateKey(judge, key) != 1)
		return "a Secret with a key and a signature that OpenSSL takes for strong enough";
	return NULL;
}

void certificate_read_pem(struct arena *arena, SSL_CTX *judge, struct str chain, struct str key, struct certificate *out)
{
	X509 *leaf = read_leaf(chain);
	EVP_PKEY *pair = read_key(key);
	bool has_issuer;

	out->chain_pem = chain;
	out->key_pem = key;
	if (!leaf || !has_good_chain(chain, leaf, &has_issuer))
		out->why = "a Secret whose tls.crt can be read, with 16 certificates at most";
	else if (!pair)
		out->why = "a Secret whose tls.key can be read";
	else
		out->why = judge_pair(judge, leaf, pair);
	if (!out->why)
		describe(arena, leaf, pair, out);
	out->lacks_issuer = !out->why && !has_issuer && names_issuer_url(leaf);
	X509_free(leaf);
	EVP_PKEY_free(pair);
	ERR_clear_error();
}

void certificate_read(struct arena *arena, SSL_CTX *judge, const struct object *secret, struct certificate *out)
{
	const struct str *chain = pair_find(secret->secret.data, secret->secret.n_data, STR("tls.crt"));
	const struct str *key = pair_find(secret->secret.data, secret->secret.n_data, STR("tls.key"));

	if (!chain || !key)
		out->why = "a Secret with tls.crt and tls.key";
	else
		certificate_read_pem(arena, judge, *chain, *key, out);
}

void certificate_put(struct arena *scratch, const struct certificate *c, struct reconcile_result *result)
{
	Weirlock__V1__Certificate message = WEIRLOCK__V1__CERTIFICATE__INIT;

	message.chain_pem = (ProtobufCBinaryData){c->chain_pem.len, mem_alloc(c->chain_pem.len + 1)};
	message.key_pem = (ProtobufCBinaryData){c->key_pem.len, mem_alloc(c->key_pem.len + 1)};
	memcpy(message.chain_pem.data, c->chain_pem.ptr, c->chain_pem.len);
	memcpy(message.key_pem.data, c->key_pem.ptr, c->key_pem.len);
	message.names = message_texts(scratch, c->names, c->n_names);
	message.n_names = c->n_names;
	message.not_before_s = c->not_before_s;
	message.not_after_s = c->not_after_s;
	message.fingerprint = message_bytes(scratch, c->fingerprint);
	message.issuer = message_text(scratch, c->issuer);
	message.serial = message_text(scratch, c->serial);
	message.key_type = message_text(scratch, c->key_type);
	result_put(result, WEIRLOCK__V1__KIND__KIND_CERTIFICATE, c->name, &message.base);
	mem_wipe(message.key_pem.data, message.key_pem.len);
	mem_free(message.key_pem.data);
	mem_free(message.chain_pem.data);
}

/* ----------------------------------------------------------------------------------------- a certificate of our own */

static bool add_extension(X509 *cert, int nid, const char *value)
{
	X509V3_CTX context;
	X509_EXTENSION *extension;
	bool is_good;

	X509V3_set_ctx_nodb(&context);
	X509V3_set_ctx(&context, cert, cert, NULL, NULL, 0);
	extension = X509V3_EXT_conf_nid(NULL, &context, nid, value);
	is_good = extension && X509_add_ext(cert, extension, -1) == 1;
	X509_EXTENSION_free(extension);
	return is_good;
}

static bool fill_own(X509 *cert, EVP_PKEY *key, int64_t now_s)
{
	static const unsigned char cn[] = "Kubernetes Ingress Controller Fake Certificate", o[] = "Acme Co";
	X509_NAME *name = X509_get_subject_name(cert);
	BIGNUM *serial = BN_new();
	bool is_good = serial && BN_rand(serial, 127, BN_RAND_TOP_ANY, BN_RAND_BOTTOM_ANY) == 1 &&
		       BN_to_ASN1_INTEGER(serial, X509_get_serialNumber(cert)) && X509_set_version(cert, X509_VERSION_3) == 1 &&
		       ASN1_TIME_set(X509_getm_notBefore(cert), (time_t)now_s) &&
		       ASN1_TIME_set(X509_getm_notAfter(cert), (time_t)(now_s + 365LL * 86400)) &&
		       X509_NAME_add_entry_by_txt(name, "O", MBSTRING_ASC, o, -1, -1, 0) == 1 &&
		       X509_NAME_add_entry_by_txt(name, "CN", MBSTRING_ASC, cn, -1, -1, 0) == 1 &&
		       X509_set_issuer_name(cert, name) == 1 && X509_set_pubkey(cert, key) == 1 &&
		       add_extension(cert, NID_subject_alt_name, "DNS:ingress.local") &&
		       add_extension(cert, NID_ext_key_usage, "serverAuth") && X509_sign(cert, key, EVP_sha256()) > 0;

	BN_free(serial);
	return is_good;
}

static void add_bio(BIO *bio, struct buf *out)
{
	char *bytes;
	long len = BIO_get_mem_data(bio, &bytes);

	buf_add(out, str_of(bytes, (size_t)len));
}

bool reconcile_make_certificate(int64_t now_s, struct buf *chain_pem, struct buf *key_pem)
{
	EVP_PKEY *key = EVP_RSA_gen(2048);
	X509 *cert = X509_new();
	BIO *chain = BIO_new(BIO_s_mem()), *secret = BIO_new(BIO_s_secmem());
	bool is_good = key && cert && chain && secret && fill_own(cert, key, now_s) &&
		       PEM_write_bio_X509(chain, cert) == 1 &&
		       PEM_write_bio_PrivateKey(secret, key, NULL, NULL, 0, NULL, NULL) == 1;

	if (is_good) {
		add_bio(chain, chain_pem);
		add_bio(secret, key_pem);
	}
	BIO_free(chain);
	BIO_free(secret);
	X509_free(cert);
	EVP_PKEY_free(key);
	ERR_clear_error();
	return is_good;
}
