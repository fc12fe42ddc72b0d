/* Certificates of clients (F9): who is asked, what is found, and that no session takes the place of a certificate. */
#include <openssl/err.h>

#include "check.h"
#include "test_pair.h"
#include "test_pem.h"
#include "tls.h"
#include "trust.h"

static struct test_authority ours, between, stranger;
static struct test_pem server_pem, good, deep, foreign, self_signed;
static struct tls_certificate *server_certificate;
static struct tls_session_keys *keys;

/* Who asks: "ours.test" and "same.test" by `ours`, "other.test" by `stranger`; nobody else. */
static struct tls_auth *by_ours, *by_stranger;

static struct tls_auth *find(void *owner, struct str name)
{
	(void)owner;
	if (str_eq(name, STR("ours.test")) || str_eq(name, STR("same.test")))
		return by_ours;
	return str_eq(name, STR("other.test")) ? by_stranger : NULL;
}

static unsigned n_released;

static void release(void *owner)
{
	(void)owner;
	n_released++;
}

static struct tls_auth *auth_of(const struct test_authority *a, struct str crl, unsigned depth, uint8_t mark)
{
	const uint8_t id[32] = {mark};
	const char *why;
	struct trust *trust = trust_create(test_authority_pem(a), crl, &why);
	struct tls_auth *auth = tls_auth_create(trust, depth, id);

	trust_unref(&trust);
	return auth;
}

static struct tls_contexts *contexts(bool has_tickets)
{
	const struct tls_options options = {.has_tls12 = true, .has_tls13 = true, .has_tickets = has_tickets};
	const struct tls_names names = {.auth = find, .release = release};
	const char *why;
	struct tls_contexts *t = tls_contexts_create(&options, keys, &why);

	tls_contexts_set_default(t, server_certificate);
	tls_contexts_set_names(t, &names);
	return t;
}

struct client {
	const char *name;             /* SNI; NULL none */
	const struct test_pem *shown; /* NULL: no certificate */
	int version;                  /* 0: any */
	SSL_SESSION *session;         /* to resume */
};

struct outcome {
	bool is_done, is_resumed;
	enum tls_proof proof;
	long error;
	SSL_SESSION *session; /* owned */
};

static int on_session(SSL *ssl, SSL_SESSION *session)
{
	struct outcome *out = SSL_get_app_data(ssl);

	SSL_SESSION_free(out->session);
	out->session = session;
	return 1;
}

static void show(SSL *ssl, const struct test_pem *pem)
{
	BIO *bio = BIO_new_mem_buf(pem->chain, (int)pem->chain_len), *key = BIO_new_mem_buf(pem->key, (int)pem->key_len);
	X509 *x = PEM_read_bio_X509(bio, NULL, NULL, NULL), *next;
	EVP_PKEY *pkey = PEM_read_bio_PrivateKey(key, NULL, NULL, NULL);

	SSL_use_certificate(ssl, x);
	SSL_use_PrivateKey(ssl, pkey);
	while ((next = PEM_read_bio_X509(bio, NULL, NULL, NULL)))
		SSL_add0_chain_cert(ssl, next);
	ERR_clear_error();
	X509_free(x);
	EVP_PKEY_free(pkey);
	BIO_free(bio);
	BIO_free(key);
}

static SSL *client_new(const struct client *c, SSL_CTX *ctx, struct outcome *out)
{
	SSL *ssl = SSL_new(ctx);

	SSL_CTX_set_session_cache_mode(ctx, SSL_SESS_CACHE_CLIENT | SSL_SESS_CACHE_NO_INTERNAL);
	SSL_CTX_sess_set_new_cb(ctx, on_session);
	SSL_set_app_data(ssl, out);
	if (c->version) {
		SSL_set_min_proto_version(ssl, c->version);
		SSL_set_max_proto_version(ssl, c->version);
	}
	if (c->name)
		SSL_set_tlsext_host_name(ssl, c->name);
	if (c->shown)
		show(ssl, c->shown);
	if (c->session)
		SSL_set_session(ssl, c->session);
	SSL_set_connect_state(ssl);
	return ssl;
}

/* One connection; `a` is asked about its client when it stands. */
static struct outcome meet(struct tls_contexts *t, const struct client *c, struct tls_auth *a)
{
	SSL_CTX *ctx = SSL_CTX_new(TLS_client_method());
	struct outcome out = {0};
	SSL *client = client_new(c, ctx, &out), *server = tls_accept_new(t);
	char byte = 0;

	test_pair_shake(client, server);
	tls_handshake_done(server);
	if (SSL_write(server, "x", 1) == 1)
		SSL_read(client, &byte, 1);
	out.is_done = byte == 'x';
	out.is_resumed = SSL_session_reused(server);
	if (out.is_done)
		out.proof = tls_auth_prove(server, a, &out.error);
	ERR_clear_error();
	SSL_set_shutdown(client, SSL_SENT_SHUTDOWN | SSL_RECEIVED_SHUTDOWN);
	SSL_set_shutdown(server, SSL_SENT_SHUTDOWN | SSL_RECEIVED_SHUTDOWN);
	SSL_free(client);
	SSL_free(server);
	SSL_CTX_free(ctx);
	return out;
}

static void test_proofs(void)
{
	struct tls_contexts *t = contexts(false);
	const struct {
		const char *name;
		struct client client;
		enum tls_proof proof;
		long error;
	} cases[] = {
		{"a good one", {"ours.test", &good, 0, NULL}, TLS_PROOF_GOOD, X509_V_OK},
		{"upper case and a dot in the SNI are the same name", {"OURS.Test.", &good, 0, NULL}, TLS_PROOF_GOOD, X509_V_OK},
		{"none is shown: the handshake stands, the request will not", {"ours.test", NULL, 0, NULL}, TLS_PROOF_NONE, X509_V_OK},
		{"signed by a stranger", {"ours.test", &foreign, 0, NULL}, TLS_PROOF_BAD, X509_V_ERR_UNABLE_TO_VERIFY_LEAF_SIGNATURE},
		{"self-signed", {"ours.test", &self_signed, 0, NULL}, TLS_PROOF_BAD, X509_V_ERR_DEPTH_ZERO_SELF_SIGNED_CERT},
		{"one certificate between, depth 0", {"ours.test", &deep, 0, NULL}, TLS_PROOF_BAD, X509_V_ERR_CERT_CHAIN_TOO_LONG},
		{"bypass: no SNI, so nothing was asked (E9)", {NULL, &good, 0, NULL}, TLS_PROOF_UNKNOWN, X509_V_OK},
		{"bypass: SNI of a host that asks nobody (E9)", {"open.test", &good, 0, NULL}, TLS_PROOF_UNKNOWN, X509_V_OK},
		{"bypass: SNI of a host with other authorities: checked anew", {"other.test", &foreign, 0, NULL}, TLS_PROOF_BAD,
			X509_V_ERR_UNABLE_TO_GET_ISSUER_CERT_LOCALLY},
		{"a good one that other authorities were asked about", {"other.test", &good, 0, NULL}, TLS_PROOF_GOOD, X509_V_OK},
	};

	for (size_t i = 0; i < CHECK_COUNT(cases); i++) {
		for (int version = TLS1_2_VERSION; version <= TLS1_3_VERSION; version++) {
			struct client c = cases[i].client;
			struct outcome out;

			c.version = version;
			out = meet(t, &c, by_ours);
			check_case(cases[i].name);
			CHECK(out.is_done);
			CHECK_INT(out.proof, cases[i].proof);
			if (cases[i].error == X509_V_OK || cases[i].proof != TLS_PROOF_BAD)
				CHECK_INT(out.error, cases[i].error);
			else
				CHECK(out.error != X509_V_OK);
			SSL_SESSION_free(out.session);
		}
	}
	tls_contexts_unref(&t);
}

/* SECURITY: a session that one host gave must not stand for a certificate at another. */
static void test_sessions(bool has_tickets, int version)
{
	struct tls_contexts *t = contexts(has_tickets);
	const struct {
		const char *name;
		struct client first;
		const char *then;
		bool is_resumed;
		enum tls_proof proof;
	} cases[] = {
		{"resumes where it began, and is as good as it was", {"ours.test", &good, 0, NULL}, "ours.test", true, TLS_PROOF_GOOD},
		{"a bad one stays bad", {"ours.test", &foreign, 0, NULL}, "ours.test", true, TLS_PROOF_BAD},
		{"none stays none", {"ours.test", NULL, 0, NULL}, "ours.test", true, TLS_PROOF_NONE},
		{"bypass: a session of an open host", {"open.test", NULL, 0, NULL}, "ours.test", false, TLS_PROOF_NONE},
		{"bypass: a session without SNI", {NULL, NULL, 0, NULL}, "ours.test", false, TLS_PROOF_NONE},
		{"bypass: a session of a host with other authorities", {"other.test", &foreign, 0, NULL}, "ours.test", false, TLS_PROOF_NONE},
		{"bypass: a session of a host with the same authorities", {"same.test", &good, 0, NULL}, "ours.test", false, TLS_PROOF_NONE},
		{"nor the other way round", {"ours.test", &good, 0, NULL}, "open.test", false, TLS_PROOF_UNKNOWN},
	};

	for (size_t i = 0; i < CHECK_COUNT(cases); i++) {
		struct client first = cases[i].first, second = {.name = cases[i].then, .version = version};
		struct outcome a, b;

		first.version = version;
		check_case(cases[i].name);
		a = meet(t, &first, by_ours);
		CHECK(a.is_done && a.session);
		second.session = a.session;
		b = meet(t, &second, by_ours);
		CHECK(b.is_done);
		CHECK_INT(b.is_resumed, cases[i].is_resumed);
		CHECK_INT(b.proof, cases[i].proof);
		SSL_SESSION_free(a.session);
		SSL_SESSION_free(b.session);
	}
	tls_contexts_unref(&t);
}

/* The authorities of a host change while connections and sessions live. */
static void test_changes(int version)
{
	static char crl[8192];
	size_t crl_len = test_crl(&ours, 0, crl, sizeof(crl));
	struct tls_auth *first = by_ours, *clean = auth_of(&ours, str_of(crl, crl_len), 0, 7), *revoked;
	struct client c = {"ours.test", &good, version, NULL};
	struct tls_contexts *t = contexts(true);
	struct outcome a, b;

	crl_len = test_crl(&ours, 1, crl, sizeof(crl)); /* `good` is number 1 */
	revoked = auth_of(&ours, str_of(crl, crl_len), 0, 8);
	check_case("a connection that stands is checked again by the new authorities");
	a = meet(t, &c, clean);
	CHECK_INT(a.proof, TLS_PROOF_GOOD);
	SSL_SESSION_free(a.session);
	check_case("bypass: a connection that stands, and its certificate was revoked since");
	a = meet(t, &c, revoked);
	CHECK_INT(a.proof, TLS_PROOF_BAD);
	CHECK_INT(a.error, X509_V_ERR_CERT_REVOKED);
	SSL_SESSION_free(a.session);
	check_case("bypass: a session from before the certificate was revoked");
	a = meet(t, &c, by_ours);
	CHECK_INT(a.proof, TLS_PROOF_GOOD);
	by_ours = revoked;
	c = (struct client){"ours.test", NULL, version, a.session};
	b = meet(t, &c, revoked);
	CHECK(!b.is_resumed);
	CHECK_INT(b.proof, TLS_PROOF_NONE);
	SSL_SESSION_free(a.session);
	SSL_SESSION_free(b.session);
	by_ours = first;
	tls_auth_unref(&clean);
	tls_auth_unref(&revoked);
	tls_contexts_unref(&t);
}

int main(void)
{
	const char *why;

	test_authority_make(&ours, "ours", NULL);
	test_authority_make(&stranger, "stranger", NULL);
	test_pem_issue(&good, &ours, "client"); /* its serial number is 1 */
	test_authority_make(&between, "between", &ours);
	test_pem_issue(&deep, &between, "client");
	test_pem_issue(&foreign, &stranger, "client");
	test_pem_make(&self_signed, "client");
	test_pem_make(&server_pem, "server");
	server_certificate = tls_certificate_create(test_pem_chain(&server_pem), test_pem_key(&server_pem), &why);
	keys = tls_session_keys_create();
	by_ours = auth_of(&ours, STR(""), 0, 1);
	by_stranger = auth_of(&stranger, STR(""), 0, 2);
	test_proofs();
	for (int version = TLS1_2_VERSION; version <= TLS1_3_VERSION; version++) {
		test_sessions(true, version);
		test_sessions(false, version);
		test_changes(version);
	}
	CHECK_INT(n_released, 7);
	tls_auth_unref(&by_ours);
	tls_auth_unref(&by_stranger);
	tls_session_keys_destroy(keys);
	tls_certificate_unref(&server_certificate);
	test_authority_drop(&ours);
	test_authority_drop(&between);
	test_authority_drop(&stranger);
	return check_done();
}
