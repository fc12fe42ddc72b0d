/* Ticket keys that several proxies share: whoever has the key resumes, old ones open for a time, and nobody else's do. */
#include <openssl/err.h>

#include "check.h"
#include "test_pair.h"
#include "test_pem.h"
#include "tls.h"

static struct test_pem pem;
static struct tls_certificate *certificate;
static int version;

/* One proxy: its keys and its contexts. */
struct proxy {
	struct tls_session_keys *keys;
	struct tls_contexts *contexts;
};

static struct proxy proxy_new(struct tls_options options)
{
	struct proxy p = {.keys = tls_session_keys_create()};
	const char *why;

	options.has_tls12 = options.has_tls13 = true;
	p.contexts = tls_contexts_create(&options, p.keys, &why);
	tls_contexts_set_default(p.contexts, certificate);
	return p;
}

static void proxy_drop(struct proxy *p)
{
	tls_contexts_unref(&p->contexts);
	tls_session_keys_destroy(p->keys);
}

static struct tls_ticket_key key(unsigned char mark, size_t size)
{
	struct tls_ticket_key k = {.size = size};

	memset(k.name, mark, sizeof(k.name));
	memset(k.aes, mark, size);
	memset(k.mac, mark, size);
	return k;
}

static int on_session(SSL *ssl, SSL_SESSION *session)
{
	SSL_SESSION **kept = SSL_get_app_data(ssl);

	SSL_SESSION_free(*kept);
	*kept = session;
	return 1;
}

/* Connects with *session and leaves the newest one there. Whether it resumed. */
static bool meet(const struct proxy *p, SSL_SESSION **session)
{
	SSL_CTX *ctx = SSL_CTX_new(TLS_client_method());
	SSL *client, *server = tls_accept_new(p->contexts);
	bool is_resumed;
	char byte;

	SSL_CTX_set_session_cache_mode(ctx, SSL_SESS_CACHE_CLIENT | SSL_SESS_CACHE_NO_INTERNAL);
	SSL_CTX_sess_set_new_cb(ctx, on_session);
	client = SSL_new(ctx);
	SSL_set_min_proto_version(client, version);
	SSL_set_max_proto_version(client, version);
	SSL_set_app_data(client, session);
	if (*session)
		SSL_set_session(client, *session);
	SSL_set_connect_state(client);
	test_pair_shake(client, server);
	CHECK_INT(SSL_write(server, "x", 1), 1);
	CHECK_INT(SSL_read(client, &byte, 1), 1);
	is_resumed = SSL_session_reused(client);
	if (version == TLS1_2_VERSION) { /* a ticket that is renewed there is told to nobody */
		SSL_SESSION_free(*session);
		*session = SSL_get1_session(client);
	}
	ERR_clear_error();
	SSL_set_shutdown(client, SSL_SENT_SHUTDOWN | SSL_RECEIVED_SHUTDOWN);
	SSL_set_shutdown(server, SSL_SENT_SHUTDOWN | SSL_RECEIVED_SHUTDOWN);
	SSL_free(client);
	SSL_free(server);
	SSL_CTX_free(ctx);
	return is_resumed;
}

static void test_shared(size_t size)
{
	const struct tls_ticket_key one[] = {key(1, size)}, two[] = {key(2, size), key(3, size), key(1, size)}, three[] = {key(3, size)};
	struct tls_options options = {.has_tickets = true};
	struct proxy p = proxy_new(options), q = proxy_new(options);
	SSL_SESSION *session = NULL;

	check_case("keys of their own: neither opens the other's");
	CHECK(!meet(&p, &session) && meet(&p, &session) && !meet(&q, &session));
	SSL_SESSION_free(session);
	session = NULL;
	tls_session_keys_set(p.keys, one, 1);
	tls_session_keys_set(q.keys, one, 1);
	check_case("shared keys: each opens the other's");
	CHECK(!meet(&p, &session) && meet(&q, &session) && meet(&p, &session));
	check_case("rotated on one: old ones open on both, new ones where the next key is known already");
	tls_session_keys_set(q.keys, two, 3);
	CHECK(meet(&q, &session));
	tls_session_keys_set(p.keys, two, 3);
	CHECK(meet(&p, &session));
	check_case("the old one is taken away");
	SSL_SESSION_free(session);
	session = NULL;
	tls_session_keys_set(p.keys, one, 1);
	CHECK(!meet(&p, &session));
	tls_session_keys_set(p.keys, three, 1);
	CHECK(!meet(&p, &session));
	CHECK(meet(&p, &session));
	check_case("given keys are not rotated here; without them a proxy has its own again");
	tls_session_keys_rotate(p.keys);
	CHECK(meet(&p, &session));
	tls_session_keys_set(p.keys, NULL, 0);
	CHECK(!meet(&p, &session));
	CHECK(meet(&p, &session));
	SSL_SESSION_free(session);
	proxy_drop(&p);
	proxy_drop(&q);
}

static void test_no_cache(void)
{
	struct proxy p = proxy_new((struct tls_options){.keeps_no_sessions = true});
	SSL_SESSION *session = NULL;

	check_case("neither tickets nor a cache: nothing resumes");
	CHECK(!meet(&p, &session) && !meet(&p, &session));
	SSL_SESSION_free(session);
	proxy_drop(&p);
}

int main(void)
{
	const char *why;

	test_pem_make(&pem, "a");
	certificate = tls_certificate_create(test_pem_chain(&pem), test_pem_key(&pem), &why);
	for (version = TLS1_2_VERSION; version <= TLS1_3_VERSION; version++) {
		test_shared(16);
		test_shared(32);
		test_no_cache();
	}
	tls_certificate_unref(&certificate);
	return check_done();
}
