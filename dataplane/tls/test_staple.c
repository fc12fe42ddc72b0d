/* OCSP answers: to whoever asks, of the certificate that is shown, never after their time, and none of it while they are off. */
#include <openssl/ocsp.h>

#include "check.h"
#include "clock.h"
#include "test_names.h"
#include "test_pair.h"
#include "test_pem.h"
#include "tls.h"

static struct tls_session_keys *keys;
static struct tls_contexts *contexts;

static struct str leaf_fingerprint(const struct test_pem *pem, unsigned char digest[EVP_MAX_MD_SIZE])
{
	BIO *bio = BIO_new_mem_buf(pem->chain, (int)pem->chain_len);
	X509 *x = PEM_read_bio_X509(bio, NULL, NULL, NULL);
	unsigned len;

	X509_digest(x, EVP_sha256(), digest, &len);
	X509_free(x);
	BIO_free(bio);
	return str_of((const char *)digest, len);
}

/* What a client gets: "" for nothing. Borrowed until the next call. */
static struct str meet(const char *name, bool asks, int version)
{
	static char kept[256];
	SSL_CTX *ctx = SSL_CTX_new(TLS_client_method());
	SSL *client = SSL_new(ctx), *server = tls_accept_new(contexts);
	const unsigned char *got = NULL;
	long len;

	SSL_set_min_proto_version(client, version);
	SSL_set_max_proto_version(client, version);
	SSL_set_tlsext_host_name(client, name);
	if (asks)
		SSL_set_tlsext_status_type(client, TLSEXT_STATUSTYPE_ocsp);
	SSL_set_connect_state(client);
	test_pair_shake(client, server);
	CHECK(SSL_is_init_finished(client) && SSL_is_init_finished(server));
	len = SSL_get_tlsext_status_ocsp_resp(client, &got);
	if (len > 0)
		memcpy(kept, got, (size_t)len < sizeof(kept) ? (size_t)len : sizeof(kept));
	tls_handshake_done(server);
	SSL_free(client);
	SSL_free(server);
	SSL_CTX_free(ctx);
	return str_of(kept, len > 0 ? (size_t)len : 0);
}

static void staples(const struct test_pem *one, const struct test_pem *two, int version)
{
	struct tls_staples *t = tls_session_keys_staples(keys);
	unsigned char first[EVP_MAX_MD_SIZE], second[EVP_MAX_MD_SIZE];
	struct str id = leaf_fingerprint(one, first), other = leaf_fingerprint(two, second);
	int64_t now_s = (int64_t)(clock_wall_ms() / 1000);
	uint64_t sent = tls_staples_sent(t);

	check_case("off");
	CHECK(tls_staples_put(t, id, STR("one"), now_s + 100));
	CHECK_STR(meet("one.example.com", true, version), STR(""));
	check_case("on: of the certificate that is shown, to who asks");
	tls_staples_switch(t, true);
	CHECK_STR(meet("one.example.com", true, version), STR("one"));
	CHECK_STR(meet("one.example.com", false, version), STR(""));
	CHECK_STR(meet("two.example.com", true, version), STR(""));
	CHECK(tls_staples_put(t, other, STR("two"), now_s + 100));
	CHECK_STR(meet("two.example.com", true, version), STR("two"));
	CHECK_STR(meet("one.example.com", true, version), STR("one"));
	CHECK_INT(tls_staples_sent(t) - sent, 3);
	check_case("a newer one, an expired one, and none any more");
	CHECK(tls_staples_put(t, id, STR("newer"), now_s + 100));
	CHECK_STR(meet("one.example.com", true, version), STR("newer"));
	CHECK(tls_staples_put(t, id, STR("old"), now_s));
	CHECK_STR(meet("one.example.com", true, version), STR(""));
	CHECK(tls_staples_put(t, other, STR(""), 0));
	CHECK_STR(meet("two.example.com", true, version), STR(""));
	check_case("sizes that cannot be");
	CHECK(!tls_staples_put(t, STR("short"), STR("x"), now_s + 100));
	CHECK(!tls_staples_put(t, id, str_of(one->chain, TLS_STAPLE_MAX + 1), now_s + 100));
	check_case("off again: forgotten");
	CHECK(tls_staples_put(t, id, STR("one"), now_s + 100));
	tls_staples_switch(t, false);
	tls_staples_switch(t, true);
	CHECK_STR(meet("one.example.com", true, version), STR(""));
	tls_staples_switch(t, false);
}

int main(void)
{
	const struct tls_options options = {.has_tls12 = true, .has_tls13 = true};
	struct test_pem one, two;
	struct test_name named[1];
	struct test_names names = {named, 1};
	struct tls_certificate *a, *b;
	const char *why;

	test_pem_make(&one, "one.example.com");
	test_pem_make(&two, "two.example.com");
	keys = tls_session_keys_create();
	contexts = tls_contexts_create(&options, keys, &why);
	a = tls_certificate_create(str_of(one.chain, one.chain_len), str_of(one.key, one.key_len), &why);
	b = tls_certificate_create(str_of(two.chain, two.chain_len), str_of(two.key, two.key_len), &why);
	tls_contexts_set_default(contexts, a);
	named[0] = (struct test_name){STR("two.example.com"), b};
	test_names_set(contexts, &names);
	staples(&one, &two, TLS1_2_VERSION);
	staples(&one, &two, TLS1_3_VERSION);
	tls_certificate_unref(&a);
	tls_certificate_unref(&b);
	tls_contexts_unref(&contexts);
	tls_session_keys_destroy(keys);
	return check_done();
}
