/*
 * The last session of each endpoint, in a table that belongs to the OpenSSL context and goes with it: connections may outlive
 * the tls_client they were made by. One lock, taken twice a handshake.
 */
#include <pthread.h>

#include "map.h"
#include "mem.h"
#include "tls_private.h"

enum { ENDPOINTS_MAX = 4096, KEY_BYTES = 19 }; /* more endpoints push others out */

struct sessions {
	pthread_mutex_t lock;
	struct map by_endpoint; /* of SSL_SESSION *, each a reference */
};

static pthread_once_t once = PTHREAD_ONCE_INIT;
static int sessions_index; /* of a context: its struct sessions */
static int endpoint_index; /* of a connection: the key of its endpoint, KEY_BYTES */

static void on_context_freed(void *ctx, void *value, CRYPTO_EX_DATA *data, int index, long arg, void *argp)
{
	struct sessions *s = value;
	size_t cursor = 0;
	void *session;

	(void)ctx;
	(void)data;
	(void)index;
	(void)arg;
	(void)argp;
	if (!s)
		return;
	while (map_next(&s->by_endpoint, &cursor, NULL, &session))
		SSL_SESSION_free(session);
	map_deinit(&s->by_endpoint);
	pthread_mutex_destroy(&s->lock);
	mem_free(s);
}

static void on_connection_freed(void *ssl, void *value, CRYPTO_EX_DATA *data, int index, long arg, void *argp)
{
	(void)ssl;
	(void)data;
	(void)index;
	(void)arg;
	(void)argp;
	mem_free(value);
}

static void make_indexes(void)
{
	sessions_index = SSL_CTX_get_ex_new_index(0, NULL, NULL, NULL, on_context_freed);
	endpoint_index = SSL_get_ex_new_index(0, NULL, NULL, NULL, on_connection_freed);
	if (sessions_index < 0 || endpoint_index < 0)
		abort();
}

static void make_room(struct sessions *s)
{
	size_t cursor = 0;
	struct str key;
	void *session;

	if (s->by_endpoint.n < ENDPOINTS_MAX || !map_next(&s->by_endpoint, &cursor, &key, &session))
		return;
	map_del(&s->by_endpoint, key);
	SSL_SESSION_free(session);
}

/* Comes when a session is whole: in TLS 1.3 with each ticket, after the handshake. 1: the reference is ours. */
static int on_new_session(SSL *ssl, SSL_SESSION *session)
{
	struct sessions *s = SSL_CTX_get_ex_data(SSL_get_SSL_CTX(ssl), sessions_index);
	const char *key = SSL_get_ex_data(ssl, endpoint_index);
	SSL_SESSION *before;

	if (!key)
		return 0;
	pthread_mutex_lock(&s->lock);
	if (!map_get(&s->by_endpoint, str_of(key, KEY_BYTES)))
		make_room(s);
	before = map_put(&s->by_endpoint, str_of(key, KEY_BYTES), session);
	pthread_mutex_unlock(&s->lock);
	SSL_SESSION_free(before);
	return 1;
}

void tls_sessions_keep(SSL_CTX *ctx)
{
	struct sessions *s = mem_zalloc(sizeof(*s));

	pthread_once(&once, make_indexes);
	pthread_mutex_init(&s->lock, NULL);
	SSL_CTX_set_ex_data(ctx, sessions_index, s);
	SSL_CTX_set_session_cache_mode(ctx, SSL_SESS_CACHE_CLIENT | SSL_SESS_CACHE_NO_INTERNAL);
	SSL_CTX_sess_set_new_cb(ctx, on_new_session);
}

static char *make_key(const struct addr *endpoint)
{
	char *key = mem_alloc(KEY_BYTES);

	key[0] = (char)endpoint->family;
	key[1] = (char)(endpoint->port >> 8);
	key[2] = (char)(endpoint->port & 0xff);
	memcpy(key + 3, endpoint->ip, 16);
	return key;
}

void tls_sessions_use(SSL *ssl, const struct addr *endpoint)
{
	struct sessions *s = SSL_CTX_get_ex_data(SSL_get_SSL_CTX(ssl), sessions_index);
	char *key = make_key(endpoint);
	SSL_SESSION *session;

	SSL_set_ex_data(ssl, endpoint_index, key);
	pthread_mutex_lock(&s->lock);
	session = map_get(&s->by_endpoint, str_of(key, KEY_BYTES));
	if (session && !SSL_SESSION_is_resumable(session)) { /* a handshake with it failed */
		map_del(&s->by_endpoint, str_of(key, KEY_BYTES));
		SSL_SESSION_free(session);
		session = NULL;
	}
	if (session)
		SSL_set_session(ssl, session);
	pthread_mutex_unlock(&s->lock);
}
