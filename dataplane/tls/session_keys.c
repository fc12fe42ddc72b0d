/*
 * What lets a session resume on any worker and in any generation: ticket keys that live as long as the process, and one
 * OpenSSL context for as long as the options stay the same.
 */
#include <openssl/core_names.h>
#include <openssl/evp.h>
#include <openssl/rand.h>

#include "buf.h"
#include "clock.h"
#include "mem.h"
#include "tls_private.h"

#define ROTATE_MS (60 * 60 * 1000u) /* a ticket is good for session_timeout_ms, at most this long */

struct ticket_key {
	unsigned char name[16];
	unsigned char aes[32];
	unsigned char mac[32];
};

struct tls_session_keys {
	pthread_mutex_t lock; /* taken once a handshake */
	struct ticket_key current, last;
	bool has_last;
	uint64_t made_ms;
	SSL_CTX *ctx;         /* of `options`; main thread only, as all below */
	struct buf options;   /* in a form that compares */
};

static void make_key(struct ticket_key *key)
{
	if (RAND_bytes((unsigned char *)key, sizeof(*key)) != 1)
		abort(); /* without randomness there is no TLS */
}

struct tls_session_keys *tls_session_keys_create(void)
{
	struct tls_session_keys *k = mem_zalloc(sizeof(*k));

	pthread_mutex_init(&k->lock, NULL);
	make_key(&k->current);
	k->made_ms = clock_mono_ms();
	return k;
}

void tls_session_keys_destroy(struct tls_session_keys *k)
{
	if (!k)
		return;
	SSL_CTX_free(k->ctx);
	buf_deinit(&k->options);
	pthread_mutex_destroy(&k->lock);
	mem_wipe(k, sizeof(*k));
	mem_free(k);
}

static void rotate_locked(struct tls_session_keys *k)
{
	k->last = k->current;
	k->has_last = true;
	make_key(&k->current);
	k->made_ms = clock_mono_ms();
}

void tls_session_keys_rotate(struct tls_session_keys *k)
{
	pthread_mutex_lock(&k->lock);
	rotate_locked(k);
	pthread_mutex_unlock(&k->lock);
}

static void key_to_write(struct tls_session_keys *k, struct ticket_key *out)
{
	pthread_mutex_lock(&k->lock);
	if (clock_mono_ms() - k->made_ms >= ROTATE_MS)
		rotate_locked(k);
	*out = k->current;
	pthread_mutex_unlock(&k->lock);
}

/* 1 the current key, 2 the last one (the client gets a new ticket), 0 none. */
static int key_to_read(struct tls_session_keys *k, const unsigned char name[16], struct ticket_key *out)
{
	int found = 0;

	pthread_mutex_lock(&k->lock);
	if (memcmp(name, k->current.name, 16) == 0) {
		*out = k->current;
		found = 1;
	} else if (k->has_last && memcmp(name, k->last.name, 16) == 0) {
		*out = k->last;
		found = 2;
	}
	pthread_mutex_unlock(&k->lock);
	return found;
}

static bool set_mac(EVP_MAC_CTX *mac, struct ticket_key *key)
{
	char digest[] = "SHA256";
	OSSL_PARAM params[] = {
		OSSL_PARAM_construct_octet_string(OSSL_MAC_PARAM_KEY, key->mac, sizeof(key->mac)),
		OSSL_PARAM_construct_utf8_string(OSSL_MAC_PARAM_DIGEST, digest, 0),
		OSSL_PARAM_construct_end(),
	};

	return EVP_MAC_CTX_set_params(mac, params) == 1;
}

static int write_ticket(struct tls_session_keys *k, unsigned char *name, unsigned char *iv, EVP_CIPHER_CTX *cipher,
	EVP_MAC_CTX *mac)
{
	struct ticket_key key;
	bool is_ready;

	key_to_write(k, &key);
	memcpy(name, key.name, sizeof(key.name));
	is_ready = RAND_bytes(iv, 16) == 1
		&& EVP_EncryptInit_ex(cipher, EVP_aes_256_cbc(), NULL, key.aes, iv) == 1 && set_mac(mac, &key);
	mem_wipe(&key, sizeof(key));
	return is_ready ? 1 : -1;
}

static int read_ticket(struct tls_session_keys *k, const unsigned char *name, const unsigned char *iv,
	EVP_CIPHER_CTX *cipher, EVP_MAC_CTX *mac)
{
	struct ticket_key key;
	int found = key_to_read(k, name, &key);
	bool is_ready;

	if (!found)
		return 0;
	is_ready = EVP_DecryptInit_ex(cipher, EVP_aes_256_cbc(), NULL, key.aes, iv) == 1 && set_mac(mac, &key);
	mem_wipe(&key, sizeof(key));
	return is_ready ? found : -1;
}

/* 2 makes OpenSSL give a new ticket: in TLS 1.3 always, for clients use each ticket once there. */
static int on_ticket(SSL *ssl, unsigned char *name, unsigned char *iv, EVP_CIPHER_CTX *cipher, EVP_MAC_CTX *mac,
	int is_writing)
{
	struct tls_session_keys *k = SSL_CTX_get_app_data(SSL_get_SSL_CTX(ssl));
	int result = is_writing ? write_ticket(k, name, iv, cipher, mac) : read_ticket(k, name, iv, cipher, mac);

	return !is_writing && result == 1 && SSL_version(ssl) == TLS1_3_VERSION ? 2 : result;
}

static void describe(const struct tls_options *o, struct buf *out)
{
	buf_printf(out, "%d %d %d %u %d ", o->has_tls12, o->has_tls13, o->has_tickets, o->session_timeout_ms,
		o->offers_http2);
	buf_printf(out, "%zu ", o->ciphers.len);
	buf_add(out, o->ciphers);
	buf_add(out, o->curves);
}

SSL_CTX *tls_session_keys_context(struct tls_session_keys *k, const struct tls_options *options, const char **why)
{
	struct buf described = {0};
	SSL_CTX *ctx;

	describe(options, &described);
	if (k->ctx && str_eq(buf_str(&described), buf_str(&k->options))) {
		buf_deinit(&described);
		SSL_CTX_up_ref(k->ctx);
		return k->ctx;
	}
	ctx = tls_server_context(options, why);
	if (!ctx) {
		buf_deinit(&described);
		return NULL;
	}
	SSL_CTX_set_app_data(ctx, k);
	SSL_CTX_set_tlsext_ticket_key_evp_cb(ctx, on_ticket);
	SSL_CTX_free(k->ctx);
	buf_deinit(&k->options);
	k->ctx = ctx;
	k->options = described;
	SSL_CTX_up_ref(ctx);
	return ctx;
}
