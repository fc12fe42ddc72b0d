/* Handshakes in memory: a client of OpenSSL's against tls_accept_new. */
#include <openssl/err.h>

#include "check.h"
#include "test_names.h"
#include "test_pair.h"
#include "test_pem.h"
#include "tls.h"

static struct test_pem pem_a, pem_b, pem_rsa;
static struct tls_certificate *cert_a, *cert_b, *cert_rsa;
static struct tls_session_keys *keys;

struct client {
	int version;            /* TLS1_2_VERSION … */
	const char *name;       /* SNI; NULL none */
	const char *alpn;       /* with length bytes; NULL none */
	const char *ciphers;    /* TLS 1.2; NULL OpenSSL's */
	SSL_SESSION *session;   /* to resume; NULL none */
};

struct outcome {
	bool is_done;
	bool is_resumed;
	char name[64];          /* CN of the server's certificate */
	char alpn[16];
	char cipher[64];
	char server_name[64];   /* as the server saw it */
	const char *error;      /* of the client */
	SSL_SESSION *session;   /* owned */
	int n_sessions;         /* tickets that came */
};

static int on_session(SSL *ssl, SSL_SESSION *session)
{
	struct outcome *out = SSL_get_app_data(ssl);

	SSL_SESSION_free(out->session);
	out->session = session;
	out->n_sessions++;
	return 1;
}

static SSL *client_new(const struct client *c, SSL_CTX *ctx, struct outcome *out)
{
	SSL *ssl;

	SSL_CTX_set_min_proto_version(ctx, c->version);
	SSL_CTX_set_max_proto_version(ctx, c->version);
	SSL_CTX_set_session_cache_mode(ctx, SSL_SESS_CACHE_CLIENT | SSL_SESS_CACHE_NO_INTERNAL);
	SSL_CTX_sess_set_new_cb(ctx, on_session);
	if (c->ciphers)
		CHECK_INT(SSL_CTX_set_cipher_list(ctx, c->ciphers), 1);
	ssl = SSL_new(ctx);
	SSL_set_app_data(ssl, out);
	if (c->name)
		SSL_set_tlsext_host_name(ssl, c->name);
	if (c->alpn)
		SSL_set_alpn_protos(ssl, (const unsigned char *)c->alpn, (unsigned)strlen(c->alpn));
	if (c->session)
		SSL_set_session(ssl, c->session);
	SSL_set_connect_state(ssl);
	return ssl;
}

static void keep_name(SSL *client, struct outcome *out)
{
	X509 *x = SSL_get0_peer_certificate(client);

	if (x)
		X509_NAME_get_text_by_NID(X509_get_subject_name(x), NID_commonName, out->name, sizeof(out->name));
}

static void keep_outcome(SSL *client, SSL *server, struct outcome *out)
{
	const unsigned char *alpn;
	unsigned alpn_len;
	struct str name = tls_server_name(server);

	keep_name(client, out);
	SSL_get0_alpn_selected(client, &alpn, &alpn_len);
	if (alpn_len)
		memcpy(out->alpn, alpn, alpn_len);
	strncpy(out->cipher, SSL_get_cipher_name(client), sizeof(out->cipher) - 1);
	memcpy(out->server_name, name.ptr, name.len);
	out->is_resumed = SSL_session_reused(client);
}

static struct outcome shake(struct tls_contexts *t, const struct client *c)
{
	struct outcome out = {0};
	SSL_CTX *ctx = SSL_CTX_new(TLS_client_method());
	SSL *client = client_new(c, ctx, &out), *server = tls_accept_new(t);
	int client_result = 0, server_result = 0;
	char byte;

	test_pair_join(client, server);
	for (int i = 0; i < 10 && !(client_result == 1 && server_result == 1); i++) {
		ERR_clear_error();
		client_result = SSL_do_handshake(client);
		if (client_result != 1 && SSL_get_error(client, client_result) == SSL_ERROR_SSL)
			out.error = ERR_reason_error_string(ERR_peek_error());
		ERR_clear_error();
		server_result = SSL_do_handshake(server);
		ERR_clear_error();
	}
	out.is_done = client_result == 1 && server_result == 1;
	if (out.is_done) {
		tls_handshake_done(server);
		tls_handshake_done(server); /* once more does nothing */
		SSL_read(client, &byte, 1);  /* takes the tickets */
		keep_outcome(client, server, &out);
		SSL_shutdown(server);
		SSL_shutdown(client);
	}
	SSL_free(client);
	SSL_free(server);
	SSL_CTX_free(ctx);
	ERR_clear_error();
	return out;
}

static struct test_name names[2];
static struct test_names all_names = {names, 2};

static struct tls_contexts *contexts(const struct tls_options *options)
{
	const char *why = NULL;
	struct tls_contexts *t = tls_contexts_create(options, keys, &why);

	CHECK(t != NULL);
	names[0] = (struct test_name){STR("a.example"), cert_a};
	names[1] = (struct test_name){STR("*.b.example"), cert_b};
	test_names_set(t, &all_names);
	tls_contexts_set_default(t, cert_rsa);
	return t;
}

static const struct tls_options both = {.has_tls12 = true, .has_tls13 = true, .has_tickets = true};
static const int versions[] = {TLS1_2_VERSION, TLS1_3_VERSION};

/* F1, F3: both versions; the certificate follows the name. */
static void test_names(void)
{
	static const struct {
		const char *name, *want;
	} cases[] = {{"a.example", "a"}, {"A.EXAMPLE", "a"}, {"x.b.example", "b"}, {"unknown.example", "rsa"}, {NULL, "rsa"}};
	struct tls_contexts *t = contexts(&both);

	for (size_t v = 0; v < 2; v++) {
		for (size_t i = 0; i < CHECK_COUNT(cases); i++) {
			const struct client c = {.version = versions[v], .name = cases[i].name};
			struct outcome out = shake(t, &c);

			check_case(cases[i].name ? cases[i].name : "no SNI");
			CHECK(out.is_done);
			CHECK_STR(str_from(out.name), str_from(cases[i].want));
			CHECK_STR(str_from(out.server_name), str_from(cases[i].name));
			CHECK_STR(str_from(out.alpn), STR(""));
			SSL_SESSION_free(out.session);
		}
	}
	tls_contexts_unref(&t);
}

static void test_refusals(void)
{
	struct tls_options options = both;
	struct tls_contexts *t;
	struct outcome out;

	options.rejects_unknown_names = true;
	t = contexts(&options);
	check_case("known name passes (F3)");
	out = shake(t, &(struct client){.version = TLS1_3_VERSION, .name = "x.b.example"});
	CHECK(out.is_done);
	SSL_SESSION_free(out.session);
	check_case("unknown name is refused (F3)");
	out = shake(t, &(struct client){.version = TLS1_3_VERSION, .name = "unknown.example"});
	CHECK(!out.is_done);
	CHECK_STR(str_from(out.error), STR("tlsv1 unrecognized name"));
	check_case("no name is refused (F3)");
	out = shake(t, &(struct client){.version = TLS1_2_VERSION});
	CHECK(!out.is_done);
	tls_contexts_unref(&t);

	check_case("TLS 1.1 is refused (F1)");
	t = contexts(&both);
	CHECK(!shake(t, &(struct client){.version = TLS1_1_VERSION, .name = "a.example"}).is_done);
	check_case("CBC is not offered (F1)");
	CHECK(!shake(t, &(struct client){.version = TLS1_2_VERSION, .name = "a.example", .ciphers = "ECDHE-ECDSA-AES128-SHA"})
			.is_done);
	tls_contexts_unref(&t);

	check_case("only TLS 1.3");
	options = both;
	options.has_tls12 = false;
	t = contexts(&options);
	CHECK(!shake(t, &(struct client){.version = TLS1_2_VERSION, .name = "a.example"}).is_done);
	tls_contexts_unref(&t);

	check_case("no certificate at all");
	t = tls_contexts_create(&both, keys, &(const char *){NULL});
	CHECK(!shake(t, &(struct client){.version = TLS1_3_VERSION, .name = "a.example"}).is_done);
	tls_contexts_unref(&t);
}

static void test_choices(void)
{
	static const struct {
		const char *name, *alpn, *want, *want_http2;
	} cases[] = {
		{"h2 and http/1.1", "\2h2\10http/1.1", "http/1.1", "h2"},
		{"http/1.1 first", "\10http/1.1\2h2", "http/1.1", "h2"},
		{"http/1.0", "\10http/1.0", "http/1.0", "http/1.0"},
		{"no protocol of ours", "\3foo", NULL, NULL},
	};
	struct tls_options options = both;
	struct outcome out;

	for (int has_http2 = 0; has_http2 < 2; has_http2++) {
		struct tls_contexts *t;

		options.offers_http2 = has_http2;
		t = contexts(&options);
		for (size_t i = 0; i < CHECK_COUNT(cases); i++) {
			const char *want = has_http2 ? cases[i].want_http2 : cases[i].want;

			check_case(cases[i].name);
			out = shake(t, &(struct client){.version = TLS1_3_VERSION, .name = "a.example", .alpn = cases[i].alpn});
			CHECK_INT(out.is_done, want != NULL);
			CHECK_STR(str_from(out.alpn), str_from(want));
			SSL_SESSION_free(out.session);
		}
		tls_contexts_unref(&t);
	}
	check_case("the server's order counts (F1)");
	struct tls_contexts *t = contexts(&both);

	out = shake(t, &(struct client){.version = TLS1_2_VERSION, .name = "a.example",
		.ciphers = "ECDHE-ECDSA-CHACHA20-POLY1305:ECDHE-ECDSA-AES256-GCM-SHA384:ECDHE-ECDSA-AES128-GCM-SHA256"});
	CHECK_STR(str_from(out.cipher), STR("ECDHE-ECDSA-AES128-GCM-SHA256"));
	SSL_SESSION_free(out.session);
	tls_contexts_unref(&t);
}

/* TLS 1.2 gives no new ticket when a session resumes. */
static void use_newest(struct client *c, struct outcome *out)
{
	if (!out->session)
		return;
	SSL_SESSION_free(c->session);
	c->session = out->session;
	out->session = NULL;
}

/* A session of one generation resumes in the next, with tickets and without, also after one new ticket key, not two. */
static void test_resumption(bool has_tickets, size_t v)
{
	struct tls_options options = both;
	struct client c = {.version = versions[v], .name = "a.example"};
	struct tls_contexts *t, *next;
	struct outcome first, second;

	options.has_tickets = has_tickets;
	check_case(has_tickets ? v ? "tickets, TLS 1.3" : "tickets, TLS 1.2" : v ? "ids, TLS 1.3" : "ids, TLS 1.2");
	t = contexts(&options);
	first = shake(t, &c);
	CHECK(first.is_done && !first.is_resumed);
	CHECK_INT(first.n_sessions, 1);
	CHECK_INT(SSL_SESSION_get_max_early_data(first.session), 0); /* it can be sent again by anybody (SECURITY) */
	next = contexts(&options);
	tls_contexts_unref(&t);
	c.session = first.session;
	second = shake(next, &c);
	CHECK(second.is_resumed);
	CHECK_STR(str_from(second.server_name), STR("a.example"));
	use_newest(&c, &second);
	tls_session_keys_rotate(keys);
	second = shake(next, &c);
	CHECK(second.is_resumed);
	use_newest(&c, &second);
	tls_session_keys_rotate(keys);
	tls_session_keys_rotate(keys);
	second = shake(next, &c);
	CHECK(second.is_done);
	CHECK_INT(second.is_resumed, !has_tickets);
	use_newest(&c, &second);
	SSL_SESSION_free(c.session);
	tls_contexts_unref(&next);
}

/* An accepted connection holds its generation's names until the handshake is over, whatever its fate. */
static void test_lifetime(void)
{
	struct tls_contexts *t = contexts(&both);
	SSL *ssl = tls_accept_new(t);

	check_case("lifetime");
	tls_contexts_unref(&t);
	CHECK(t == NULL);
	SSL_free(ssl);
}

int main(void)
{
	const char *why;

	test_pem_make(&pem_a, "a");
	test_pem_make(&pem_b, "b");
	test_pem_make_rsa(&pem_rsa, "rsa", 2048);
	cert_a = tls_certificate_create(test_pem_chain(&pem_a), test_pem_key(&pem_a), &why);
	cert_b = tls_certificate_create(test_pem_chain(&pem_b), test_pem_key(&pem_b), &why);
	cert_rsa = tls_certificate_create(test_pem_chain(&pem_rsa), test_pem_key(&pem_rsa), &why);
	keys = tls_session_keys_create();
	test_names();
	test_refusals();
	test_choices();
	for (size_t v = 0; v < 2; v++) {
		test_resumption(true, v);
		test_resumption(false, v);
	}
	test_lifetime();
	tls_certificate_unref(&cert_a);
	tls_certificate_unref(&cert_b);
	tls_certificate_unref(&cert_rsa);
	tls_session_keys_destroy(keys);
	return check_done();
}
