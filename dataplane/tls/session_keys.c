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

#define ROTATE_MS (60 * 60 * 1000u) /* of keys of our own: a ticket is good for session_timeout_ms, at most this long */

/* Keys at one time: the first seals, all open. */
struct ticket_keys {
	struct tls_ticket_key items[TLS_TICKET_KEYS_MAX];
	size_t n;
};

struct tls_session_keys {
	pthread_mutex_t lock; /* taken once a handshake */
	struct ticket_keys keys;
	bool is_given;        /* by the snapshot, so that all proxies have them; else made here, and rotated */
	uint64_t made_ms;
	SSL_CTX *ctx;         /* of `options`; main thread only, as all below */
	struct buf options;   /* in a form that compares */
	struct tls_staples *staples;
};

static void make_key(struct tls_ticket_key *key)
{
	if (RAND_bytes((unsigned char *)key, sizeof(*key)) != 1)
		abort(); /* without randomness there is no TLS */
	key->size = sizeof(key->aes);
}

struct tls_session_keys *tls_session_keys_create(void)
{
	struct tls_session_keys *k = mem_zalloc(sizeof(*k));

	pthread_mutex_init(&k->lock, NULL);
	make_key(&k->keys.items[0]);
	k->keys.n = 1;
	k->made_ms = clock_mono_ms();
	k->staples = tls_staples_create();
	return k;
}

void tls_session_keys_destroy(struct tls_session_keys *k)
{
	if (!k)
		return;
	SSL_CTX_free(k->ctx);
	tls_staples_destroy(k->staples);
	buf_deinit(&k->options);
	pthread_mutex_destroy(&k->lock);
	mem_wipe(k, sizeof(*k));
	mem_free(k);
}

struct tls_staples *tls_session_keys_staples(struct tls_session_keys *k)
{
	return k->staples;
}

static void rotate_locked(struct tls_session_keys *k)
{
	k->keys.items[1] = k->keys.items[0];
	make_key(&k->keys.items[0]);
	k->keys.n = 2;
	k->made_ms = clock_mono_ms();
}

void tls_session_keys_rotate(struct tls_session_keys *k)
{
	pthread_mutex_lock(&k->lock);
	if (!k->is_given)
		rotate_locked(k);
	pthread_mutex_unlock(&k->lock);
}

void tls_session_keys_set(struct tls_session_keys *k, const struct tls_ticket_key *keys, size_t n)
{
	pthread_mutex_lock(&k->lock);
	if (n) {
		k->keys.n = n < TLS_TICKET_KEYS_MAX ? n : TLS_TICKET_KEYS_MAX;
		memcpy(k->keys.items, keys, k->keys.n * sizeof(*keys));
	} else if (k->is_given) { /* what others have is not ours to seal with any longer */
		mem_wipe(&k->keys, sizeof(k->keys));
		rotate_locked(k);
		k->keys.n = 1;
	}
	k->is_given = n > 0;
	pthread_mutex_unlock(&k->lock);
}

static void key_to_write(struct tls_session_keys *k, struct tls_ticket_key *out)
{
	pthread_mutex_lock(&k->lock);
	if (!k->is_given && clock_mono_ms() - k->made_ms >= ROTATE_MS)
		rotate_locked(k);
	*out = k->keys.items[0];
	pthread_mutex_unlock(&k->lock);
}

/* 1 the key that seals, 2 another one (the client gets a new ticket), 0 none. */
static int key_to_read(struct tls_session_keys *k, const unsigned char name[16], struct tls_ticket_key *out)
{
	int found = 0;

	pthread_mutex_lock(&k->lock);
	for (size_t i = 0; !found && i < k->keys.n; i++) {
		if (memcmp(name, k->keys.items[i].name, sizeof(k->keys.items[i].name)) != 0)
			continue;
		*out = k->keys.items[i];
		found = i ? 2 : 1;
	}
	pthread_mutex_unlock(&k->lock);
	return found;
}

static bool set_mac(EVP_MAC_CTX *mac, struct tls_ticket_key *key)
{
	char digest[] = "SHA256";
	OSSL_PARAM params[] = {
		OSSL_PARAM_construct_octet_string(OSSL_MAC_PARAM_KEY, key->mac, key->size),
		OSSL_PARAM_construct_utf8_string(OSSL_MAC_PARAM_DIGEST, digest, 0),
		OSSL_PARAM_construct_end(),
	};

	return EVP_MAC_CTX_set_params(mac, params) == 1;
}

static const EVP_CIPHER *cipher_of(const struct tls_ticket_key *key)
{
	return key->size == 16 ? EVP_aes_128_cbc() : EVP_aes_256_cbc();
}

static int write_ticket(struct tls_session_keys *k, unsigned char *name, unsigned char *iv, EVP_CIPHER_CTX *cipher,
	EVP_MAC_CTX *mac)
{
	struct tls_ticket_key key;
	bool is_ready;

	key_to_write(k, &key);
	memcpy(name, key.name, sizeof(key.name));
	is_ready = RAND_bytes(iv, 16) == 1
		&& EVP_EncryptInit_ex(cipher, cipher_of(&key), NULL, key.aes, iv) == 1 && set_mac(mac, &key);
	mem_wipe(&key, sizeof(key));
	return is_ready ? 1 : -1;
}

static int read_ticket(struct tls_session_keys *k, const unsigned char *name, const unsigned char *iv,
	EVP_CIPHER_CTX *cipher, EVP_MAC_CTX *mac)
{
	struct tls_ticket_key key;
	int found = key_to_read(k, name, &key);
	bool is_ready;

	if (!found)
		return 0;
	is_ready = EVP_DecryptInit_ex(cipher, cipher_of(&key), NULL, key.aes, iv) == 1 && set_mac(mac, &key);
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
	buf_printf(out, "%d %d %d %u %d %d %u ", o->has_tls12, o->has_tls13, o->has_tickets, o->session_timeout_ms,
		o->offers_http2, o->keeps_no_sessions, o->sessions_max);
	buf_printf(out, "%zu ", o->ciphers.len);
	buf_add(out, o->ciphers);
	buf_printf(out, " %zu ", o->curves.len);
	buf_add(out, o->curves);
	buf_add(out, o->dh_param_pem);
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
	tls_staples_attach(k->staples, ctx);
	SSL_CTX_free(k->ctx);
	buf_deinit(&k->options);
	k->ctx = ctx;
	k->options = described;
	SSL_CTX_up_ref(ctx);
	return ctx;
}
