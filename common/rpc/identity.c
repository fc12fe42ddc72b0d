/*
 * The three files of an identity directory as two contexts: one to accept with, one to connect with. TLS 1.3 alone, no
 * tickets, no early data: a session is short to make and must prove its certificate each time.
 */
#include "identity.h"

#include <errno.h>
#include <openssl/err.h>
#include <openssl/kdf.h>
#include <openssl/x509.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>

#include "clock.h"
#include "deny.h"
#include "file.h"
#include "log.h"
#include "mem.h"
#include "secure.h"

enum { N_FILES = 3, CHECK_EVERY_MS = 500, DENY_MAX_BYTES = 8 * 1024 * 1024 };
static const char *const file_names[N_FILES] = {"tls.crt", "tls.key", "ca.crt"};

struct rpc_identity {
	char *paths[N_FILES];
	struct stat seen[N_FILES]; /* of the files as they were when last read, well or not */
	uint64_t checked_ms;
	unsigned version; /* grows when other files were read */
	char *deny_path;
	struct stat deny_seen;
	struct deny deny;
	unsigned deny_version;
	SSL_CTX *server, *client;
	BIO_METHOD *bio;
};

static const char *ssl_reason(void)
{
	const char *reason = ERR_reason_error_string(ERR_peek_last_error());

	return reason ? reason : "unknown error";
}

/* A key with a passphrase must be an error, not a question on the terminal. */
static int no_passphrase(char *out, int size, int for_writing, void *data)
{
	(void)out;
	(void)size;
	(void)for_writing;
	(void)data;
	return 0;
}

static int select_alpn(SSL *ssl, const unsigned char **out, unsigned char *out_len, const unsigned char *in,
	unsigned in_len, void *data)
{
	struct str offered = str_of(in, in_len);

	(void)ssl;
	(void)data;
	while (offered.len) {
		size_t len = (uint8_t)offered.ptr[0];

		if (str_eq(str_first(str_from_index(offered, 1), len), str_from(SECURE_ALPN))) {
			*out = (const unsigned char *)offered.ptr + 1;
			*out_len = (unsigned char)len;
			return SSL_TLSEXT_ERR_OK;
		}
		offered = str_from_index(offered, 1 + len);
	}
	return SSL_TLSEXT_ERR_ALERT_FATAL;
}

static bool load_files(SSL_CTX *ctx, const struct rpc_identity *identity, struct buf *error)
{
	const char *wrong = NULL;

	ERR_clear_error();
	if (SSL_CTX_use_certificate_chain_file(ctx, identity->paths[0]) != 1)
		wrong = identity->paths[0];
	else if (SSL_CTX_use_PrivateKey_file(ctx, identity->paths[1], SSL_FILETYPE_PEM) != 1 ||
		SSL_CTX_check_private_key(ctx) != 1)
		wrong = identity->paths[1];
	else if (SSL_CTX_load_verify_file(ctx, identity->paths[2]) != 1)
		wrong = identity->paths[2];
	if (wrong)
		buf_printf(error, "%s: %s", wrong, ssl_reason());
	ERR_clear_error();
	return !wrong;
}

static SSL_CTX *make_context(const struct rpc_identity *identity, bool is_server, struct buf *error)
{
	static const unsigned char alpn[] = "\x0a" SECURE_ALPN;
	SSL_CTX *ctx = SSL_CTX_new(is_server ? TLS_server_method() : TLS_client_method());

	if (!ctx || SSL_CTX_set_min_proto_version(ctx, TLS1_3_VERSION) != 1 ||
		SSL_CTX_set_ciphersuites(ctx,
			"TLS_AES_256_GCM_SHA384:TLS_AES_128_GCM_SHA256:TLS_CHACHA20_POLY1305_SHA256") != 1 ||
		SSL_CTX_set1_groups_list(ctx, "X25519:P-256") != 1) {
		buf_printf(error, "TLS 1.3 cannot be set up: %s", ssl_reason());
		SSL_CTX_free(ctx);
		return NULL;
	}
	SSL_CTX_set_num_tickets(ctx, 0);
	SSL_CTX_set_session_cache_mode(ctx, SSL_SESS_CACHE_OFF);
	SSL_CTX_set_options(ctx, SSL_OP_NO_TICKET | SSL_OP_NO_RENEGOTIATION);
	SSL_CTX_set_mode(ctx, SSL_MODE_RELEASE_BUFFERS);
	SSL_CTX_set_max_cert_list(ctx, 12 * 1024);
	SSL_CTX_set_default_passwd_cb(ctx, no_passphrase);
	SSL_CTX_set_verify(ctx, SSL_VERIFY_PEER | SSL_VERIFY_FAIL_IF_NO_PEER_CERT, secure_verify);
	if (is_server)
		SSL_CTX_set_alpn_select_cb(ctx, select_alpn, NULL);
	else
		SSL_CTX_set_alpn_protos(ctx, alpn, sizeof(alpn) - 1);
	if (!load_files(ctx, identity, error)) {
		SSL_CTX_free(ctx);
		return NULL;
	}
	return ctx;
}

static bool look(struct rpc_identity *identity)
{
	bool is_new = false;

	for (size_t i = 0; i < N_FILES; i++)
		is_new = file_is_new(identity->paths[i], &identity->seen[i]) || is_new;
	return is_new;
}

/* Without the file nobody is denied; with one that cannot be read, those before are. */
static bool read_deny(struct rpc_identity *identity, struct buf *error)
{
	FILE *file = fopen(identity->deny_path, "re");
	struct buf text, why = {0};
	bool is_good = file || errno == ENOENT;

	buf_init(&text, DENY_MAX_BYTES);
	if (!is_good)
		buf_add(&why, str_from(strerror(errno)));
	while (file && is_good) {
		char *room = buf_reserve(&text, 4096);
		size_t n = room ? fread(room, 1, 4096, file) : 0;

		text.len += n;
		if (!room || ferror(file)) {
			buf_add(&why, STR("it is too large, or cannot be read"));
			is_good = false;
		}
		if (!n)
			break;
	}
	if (file)
		fclose(file);
	is_good = is_good && deny_read(&identity->deny, buf_str(&text), &why);
	if (!is_good)
		buf_printf(error, "%s: %s", identity->deny_path, buf_cstr(&why));
	identity->deny_version += is_good;
	buf_deinit(&text);
	buf_deinit(&why);
	return is_good;
}

static char *path_of(const char *directory, const char *name)
{
	struct buf path = {0};
	char *out;

	buf_printf(&path, "%s/%s", directory, name);
	out = mem_strdup(buf_str(&path));
	buf_deinit(&path);
	return out;
}

static bool read_files(struct rpc_identity *identity, struct buf *error)
{
	SSL_CTX *server = make_context(identity, true, error), *client;

	if (!server)
		return false;
	client = make_context(identity, false, error);
	if (!client) {
		SSL_CTX_free(server);
		return false;
	}
	SSL_CTX_free(identity->server);
	SSL_CTX_free(identity->client);
	identity->server = server;
	identity->client = client;
	identity->version++;
	return true;
}

struct rpc_identity *rpc_identity_load(const char *directory, struct buf *error)
{
	struct rpc_identity *identity = mem_zalloc(sizeof(*identity));

	identity->bio = secure_bio_create();
	for (size_t i = 0; i < N_FILES; i++)
		identity->paths[i] = path_of(directory, file_names[i]);
	identity->deny_path = path_of(directory, "deny.txt");
	for (size_t i = 0; i < N_FILES; i++) {
		struct stat st;

		if (stat(identity->paths[i], &st) != 0) {
			buf_printf(error, "--identity: cannot read %s: %s (it holds tls.crt, tls.key and ca.crt; deploy/identity makes one)",
				identity->paths[i], strerror(errno));
			rpc_identity_destroy(identity);
			return NULL;
		}
	}
	look(identity);
	file_is_new(identity->deny_path, &identity->deny_seen);
	if (!read_files(identity, error) || !read_deny(identity, error)) {
		rpc_identity_destroy(identity);
		return NULL;
	}
	return identity;
}

void rpc_identity_destroy(struct rpc_identity *identity)
{
	if (!identity)
		return;
	for (size_t i = 0; i < N_FILES; i++)
		mem_free(identity->paths[i]);
	mem_free(identity->deny_path);
	deny_deinit(&identity->deny);
	SSL_CTX_free(identity->server);
	SSL_CTX_free(identity->client);
	BIO_meth_free(identity->bio);
	mem_free(identity);
}

static void refresh(struct rpc_identity *identity)
{
	uint64_t now = clock_mono_ms();
	struct buf error = {0};

	if (now - identity->checked_ms < CHECK_EVERY_MS)
		return;
	identity->checked_ms = now;
	if (look(identity)) {
		if (read_files(identity, &error))
			log_info("rpc", "identity read again file=%s", identity->paths[0]);
		else
			log_warn("rpc", "identity changed and is bad, the old one stays: %s", buf_cstr(&error));
	}
	buf_clear(&error);
	if (file_is_new(identity->deny_path, &identity->deny_seen)) {
		if (read_deny(identity, &error))
			log_info("rpc", "denied certificates read again file=%s n=%zu", identity->deny_path, identity->deny.entries.n);
		else
			log_error("rpc", "the list of denied certificates is bad, the one before stays: %s", buf_cstr(&error));
	}
	buf_deinit(&error);
}

SSL_CTX *identity_context(struct rpc_identity *identity, bool is_server)
{
	refresh(identity);
	return is_server ? identity->server : identity->client;
}

bool identity_denies(const struct rpc_identity *identity, X509 *certificate)
{
	return deny_has(&identity->deny, certificate);
}

unsigned identity_deny_version(struct rpc_identity *identity)
{
	refresh(identity);
	return identity->deny_version;
}

unsigned rpc_identity_version(struct rpc_identity *identity)
{
	refresh(identity);
	return identity->version;
}

/* HKDF-SHA256 (RFC 5869), extract and expand. */
static bool hkdf(struct str key, struct str salt, struct str purpose, uint8_t *out, size_t n)
{
	EVP_PKEY_CTX *ctx = EVP_PKEY_CTX_new_id(EVP_PKEY_HKDF, NULL);
	size_t got = n;
	bool is_done = ctx && EVP_PKEY_derive_init(ctx) == 1 && EVP_PKEY_CTX_set_hkdf_md(ctx, EVP_sha256()) == 1 &&
		EVP_PKEY_CTX_set1_hkdf_key(ctx, (const uint8_t *)key.ptr, (int)key.len) == 1 &&
		EVP_PKEY_CTX_set1_hkdf_salt(ctx, (const uint8_t *)salt.ptr, (int)salt.len) == 1 &&
		EVP_PKEY_CTX_add1_hkdf_info(ctx, (const uint8_t *)purpose.ptr, (int)purpose.len) == 1 &&
		EVP_PKEY_derive(ctx, out, &got) == 1 && got == n;

	EVP_PKEY_CTX_free(ctx);
	return is_done;
}

bool rpc_identity_derive(struct rpc_identity *identity, const char *purpose, struct str salt, uint8_t *out, size_t n)
{
	EVP_PKEY *key = SSL_CTX_get0_privatekey(identity->client);
	unsigned char *der = NULL;
	int size = key ? i2d_PrivateKey(key, &der) : 0; /* the same bytes for the same key, however its file is written */
	bool is_done = size > 0 && hkdf(str_of(der, (size_t)size), salt, str_from(purpose), out, n);

	if (der)
		OPENSSL_clear_free(der, (size_t)size);
	ERR_clear_error();
	return is_done;
}

const BIO_METHOD *identity_bio(const struct rpc_identity *identity)
{
	return identity->bio;
}

static bool is_pool(struct str pool)
{
	if (!pool.len || pool.len > 63)
		return false;
	for (size_t i = 0; i < pool.len; i++) {
		char c = pool.ptr[i];

		if (!((c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') || c == '-'))
			return false;
	}
	return true;
}

bool identity_uri_of_dns(struct str name, char uri[IDENTITY_URI_MAX])
{
	const struct str ours = STR(".weirlock.invalid"), proxy = STR(".proxy");
	struct str who;

	if (!str_ends_with(name, ours))
		return false;
	who = str_first(name, name.len - ours.len);
	if (str_eq(who, STR("controller")) || str_eq(who, STR("operator"))) {
		snprintf(uri, IDENTITY_URI_MAX, "spiffe://weirlock/%.*s", STR_ARG(who));
		return true;
	}
	if (!str_ends_with(who, proxy) || !is_pool(str_first(who, who.len - proxy.len)))
		return false;
	snprintf(uri, IDENTITY_URI_MAX, "spiffe://weirlock/proxy/%.*s", STR_ARG(str_first(who, who.len - proxy.len)));
	return true;
}

unsigned identity_role(struct str uri)
{
	const struct str proxy = STR("spiffe://weirlock/proxy/");

	if (str_eq(uri, STR("spiffe://weirlock/controller")))
		return RPC_ROLE_CONTROLLER;
	if (str_eq(uri, STR("spiffe://weirlock/operator")))
		return RPC_ROLE_OPERATOR;
	if (str_starts_with(uri, proxy) && is_pool(str_from_index(uri, proxy.len)))
		return RPC_ROLE_PROXY;
	return 0;
}
