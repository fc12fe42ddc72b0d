/* Our side as the client of HTTPS endpoints, against a server of OpenSSL's: whom it believes, what it shows and says (F11). */
#include <openssl/err.h>

#include "check.h"
#include "test_pair.h"
#include "test_pem.h"
#include "tls.h"
#include "trust.h"

static struct test_authority root, middle, stranger;
static struct test_pem by_root, by_middle, by_stranger, self_signed, of_proxy, ip_named;
static const struct addr endpoint = {.family = 4, .port = 8443, .ip = {10, 0, 0, 1}};

struct server {
	const struct test_pem *pem;
	bool wants_certificate; /* and believes none that `root` did not sign */
	int version;            /* 0: any */
};

struct outcome {
	bool is_done, is_resumed;
	long verified;
	int version;
	char name[64];   /* SNI */
	char client[64]; /* CN of the client's certificate */
};

static SSL_CTX *server_new(const struct server *s)
{
	SSL_CTX *ctx = SSL_CTX_new(TLS_server_method());
	BIO *bio = BIO_new_mem_buf(s->pem->chain, (int)s->pem->chain_len), *key = BIO_new_mem_buf(s->pem->key, (int)s->pem->key_len);
	X509 *x = PEM_read_bio_X509(bio, NULL, NULL, NULL), *next;
	EVP_PKEY *pkey = PEM_read_bio_PrivateKey(key, NULL, NULL, NULL);

	SSL_CTX_use_certificate(ctx, x);
	SSL_CTX_use_PrivateKey(ctx, pkey);
	while ((next = PEM_read_bio_X509(bio, NULL, NULL, NULL)))
		SSL_CTX_add0_chain_cert(ctx, next);
	SSL_CTX_set_session_id_context(ctx, (const unsigned char *)"test", 4);
	if (s->version) {
		SSL_CTX_set_min_proto_version(ctx, s->version);
		SSL_CTX_set_max_proto_version(ctx, s->version);
	}
	if (s->wants_certificate) {
		X509_STORE_add_cert(SSL_CTX_get_cert_store(ctx), root.cert);
		SSL_CTX_set_verify(ctx, SSL_VERIFY_PEER | SSL_VERIFY_FAIL_IF_NO_PEER_CERT, NULL);
	}
	ERR_clear_error();
	X509_free(x);
	EVP_PKEY_free(pkey);
	BIO_free(bio);
	BIO_free(key);
	return ctx;
}

static void common_name(X509 *x, char out[64])
{
	if (x)
		X509_NAME_get_text_by_NID(X509_get_subject_name(x), NID_commonName, out, 64);
}

static void look(SSL *client, SSL *server, struct outcome *out)
{
	const char *name = SSL_get_servername(server, TLSEXT_NAMETYPE_host_name);

	out->is_done = SSL_is_init_finished(client) && SSL_is_init_finished(server);
	out->is_resumed = SSL_session_reused(client);
	out->verified = SSL_get_verify_result(client);
	out->version = SSL_version(client);
	snprintf(out->name, sizeof(out->name), "%s", name ? name : "");
	common_name(SSL_get0_peer_certificate(server), out->client);
}

/* One connection, to its end: tickets of TLS 1.3 come after the handshake, with the first byte. */
static struct outcome meet(struct tls_client *c, SSL_CTX *ctx)
{
	SSL *client = tls_connect_new(c, &endpoint), *server = SSL_new(ctx);
	struct outcome out = {0};
	char byte = 0;

	SSL_set_accept_state(server);
	test_pair_shake(client, server);
	look(client, server, &out);
	if (out.is_done && SSL_write(server, "x", 1) == 1)
		SSL_read(client, &byte, 1);
	out.is_done = byte == 'x';
	ERR_clear_error();
	if (out.is_done) {
		SSL_set_shutdown(client, SSL_SENT_SHUTDOWN | SSL_RECEIVED_SHUTDOWN);
		SSL_set_shutdown(server, SSL_SENT_SHUTDOWN | SSL_RECEIVED_SHUTDOWN);
	}
	SSL_free(client);
	SSL_free(server);
	return out;
}

static struct outcome meet_once(const struct tls_client_options *options, const struct server *s)
{
	const char *why = NULL;
	struct tls_client *c = tls_client_create(options, &why);
	SSL_CTX *ctx = server_new(s);
	struct outcome out = {0};

	CHECK_STR(str_from(why), str_from(NULL));
	if (c)
		out = meet(c, ctx);
	tls_client_unref(&c);
	SSL_CTX_free(ctx);
	return out;
}

/* Whom we believe. */
static void test_verify(void)
{
	const char *why;
	struct trust *trust = trust_create(test_authority_pem(&root), STR(""), &why);
	const struct {
		const char *name;
		bool verifies;
		unsigned depth;
		const char *ask;
		const struct test_pem *shown;
		bool is_fine;
	} cases[] = {
		{"not asked to check: a self-signed one will do", false, 1, "", &self_signed, true},
		{"signed by the authority, the right name", true, 1, "b.example", &by_root, true},
		{"another name (F11)", true, 1, "c.example", &by_root, false},
		{"a name below it", true, 1, "x.b.example", &by_root, false},
		{"upper case and a dot", true, 1, "B.Example.", &by_root, true},
		{"signed by a stranger", true, 1, "b.example", &by_stranger, false},
		{"self-signed", true, 1, "b.example", &self_signed, false},
		{"one certificate between: depth 1", true, 1, "b.example", &by_middle, true},
		{"one certificate between: depth 0", true, 0, "b.example", &by_middle, false},
		{"an address for a name", true, 1, "10.0.0.1", &ip_named, true},
		{"another address", true, 1, "10.0.0.2", &ip_named, false},
	};

	for (size_t i = 0; i < CHECK_COUNT(cases); i++) {
		for (int version = TLS1_2_VERSION; version <= TLS1_3_VERSION; version++) {
			const struct tls_client_options options = {.trust = cases[i].verifies ? trust : NULL,
				.verify_depth = cases[i].depth, .name = str_from(cases[i].ask)};
			const struct server server = {.pem = cases[i].shown, .version = version};

			check_case(cases[i].name);
			CHECK_INT(meet_once(&options, &server).is_done, cases[i].is_fine);
		}
	}
	trust_unref(&trust);
}

static void test_refused(void)
{
	const char *why = NULL;
	struct trust *trust = trust_create(test_authority_pem(&root), STR(""), &why);
	struct tls_client_options options = {.trust = trust};

	check_case("to check without a name");
	CHECK(!tls_client_create(&options, &why));
	CHECK_STR(str_from(why), STR("a name is needed to check endpoints for"));
	check_case("ciphers that nobody knows");
	options = (struct tls_client_options){.ciphers = STR("NONSENSE")};
	CHECK(!tls_client_create(&options, &why));
	CHECK_STR(str_from(why), STR("no cipher of the list is known to OpenSSL"));
	trust_unref(&trust);
}

/* What we show and say. */
static void test_shows(void)
{
	const char *why;
	struct tls_certificate *own = tls_certificate_create(test_pem_chain(&of_proxy), test_pem_key(&of_proxy), &why);
	struct tls_client_options options = {.certificate = own};
	struct server server = {.pem = &by_root, .wants_certificate = true};
	struct outcome out = meet_once(&options, &server);

	check_case("a client certificate is shown to an endpoint that asks");
	CHECK(out.is_done);
	CHECK_STR(str_from(out.client), STR("proxy"));
	check_case("none is there to be shown");
	options.certificate = NULL;
	CHECK(!meet_once(&options, &server).is_done);
	check_case("no SNI unless wanted");
	server.wants_certificate = false;
	options.name = STR("b.example");
	CHECK_STR(str_from(meet_once(&options, &server).name), STR(""));
	options.sends_name = true;
	CHECK_STR(str_from(meet_once(&options, &server).name), STR("b.example"));
	check_case("an address is no SNI (RFC 6066 3)");
	options.name = STR("10.0.0.1");
	CHECK_STR(str_from(meet_once(&options, &server).name), STR(""));
	check_case("protocols");
	options = (struct tls_client_options){.has_tls12 = true};
	CHECK_INT(meet_once(&options, &server).version, TLS1_2_VERSION);
	options = (struct tls_client_options){.has_tls13 = true};
	CHECK_INT(meet_once(&options, &server).version, TLS1_3_VERSION);
	server.version = TLS1_2_VERSION;
	CHECK(!meet_once(&options, &server).is_done);
	tls_certificate_unref(&own);
}

/* The second connection to an endpoint resumes; nobody else's session is used. */
static void test_sessions(int version)
{
	const char *why;
	struct trust *trust = trust_create(test_authority_pem(&root), STR(""), &why);
	const struct tls_client_options options = {.trust = trust, .verify_depth = 1, .name = STR("b.example")};
	struct tls_client *c = tls_client_create(&options, &why), *other = tls_client_create(&options, &why);
	const struct server server = {.pem = &by_root, .version = version}, replaced = {.pem = &by_stranger, .version = version};
	SSL_CTX *ctx = server_new(&server), *stranger_ctx = server_new(&replaced);

	check_case(version == TLS1_2_VERSION ? "sessions 1.2" : "sessions 1.3");
	CHECK(tls_client_number(c) != tls_client_number(other));
	CHECK(!meet(c, ctx).is_resumed);
	for (int i = 0; i < 3; i++) {
		struct outcome out = meet(c, ctx);

		CHECK(out.is_done && out.is_resumed);
		CHECK_INT(out.verified, X509_V_OK);
	}
	CHECK(!meet(other, ctx).is_resumed);
	check_case("somebody else at the same address is checked anew, and not believed");
	CHECK(!meet(c, stranger_ctx).is_done);
	check_case("and the endpoint that is back is taken");
	CHECK(meet(c, ctx).is_done);
	tls_client_unref(&c);
	tls_client_unref(&other);
	trust_unref(&trust);
	SSL_CTX_free(ctx);
	SSL_CTX_free(stranger_ctx);
}

int main(void)
{
	test_authority_make(&root, "root", NULL);
	test_authority_make(&middle, "middle", &root);
	test_authority_make(&stranger, "stranger", NULL);
	test_pem_issue(&by_root, &root, "b.example");
	test_pem_issue(&by_middle, &middle, "b.example");
	test_pem_issue(&by_stranger, &stranger, "b.example");
	test_pem_issue(&ip_named, &root, "10.0.0.1");
	test_pem_issue(&of_proxy, &root, "proxy");
	test_pem_make(&self_signed, "b.example");
	test_verify();
	test_refused();
	test_shows();
	test_sessions(TLS1_2_VERSION);
	test_sessions(TLS1_3_VERSION);
	test_authority_drop(&root);
	test_authority_drop(&middle);
	test_authority_drop(&stranger);
	return check_done();
}
