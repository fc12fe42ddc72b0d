/* One OpenSSL context from files, made anew when they change. */
#include <openssl/err.h>

#include "clock.h"
#include "file.h"
#include "inside.h"
#include "log.h"
#include "mem.h"

enum { N_FILES = 3, CHECK_EVERY_MS = 500 };

struct serve_tls {
	char *paths[N_FILES]; /* certificate, key, client CA or NULL */
	struct stat seen[N_FILES];
	uint64_t checked_ms;
	SSL_CTX *ctx;
};

/* A key with a passphrase must be an error, not a question on the terminal. */
static int no_passphrase(char *out, int size, int for_writing, void *data)
{
	(void)out;
	(void)size;
	(void)for_writing;
	(void)data;
	return 0;
}

static const char *load_files(const struct serve_tls *tls, SSL_CTX *ctx)
{
	STACK_OF(X509_NAME) *names;

	if (SSL_CTX_use_certificate_chain_file(ctx, tls->paths[0]) != 1)
		return tls->paths[0];
	if (SSL_CTX_use_PrivateKey_file(ctx, tls->paths[1], SSL_FILETYPE_PEM) != 1 || SSL_CTX_check_private_key(ctx) != 1)
		return tls->paths[1];
	if (!tls->paths[2])
		return NULL;
	names = SSL_load_client_CA_file(tls->paths[2]);
	if (!names || SSL_CTX_load_verify_file(ctx, tls->paths[2]) != 1) {
		sk_X509_NAME_pop_free(names, X509_NAME_free);
		return tls->paths[2];
	}
	SSL_CTX_set_client_CA_list(ctx, names);
	SSL_CTX_set_verify(ctx, SSL_VERIFY_PEER | SSL_VERIFY_FAIL_IF_NO_PEER_CERT, NULL);
	return NULL;
}

/* No sessions are kept or given out: whoever comes again shows its certificate again, to the CAs of then. */
static SSL_CTX *make_context(const struct serve_tls *tls, struct buf *error)
{
	SSL_CTX *ctx = SSL_CTX_new(TLS_server_method());
	const char *wrong, *reason;

	if (!ctx)
		abort();
	SSL_CTX_set_min_proto_version(ctx, TLS1_2_VERSION);
	SSL_CTX_set_num_tickets(ctx, 0);
	SSL_CTX_set_session_cache_mode(ctx, SSL_SESS_CACHE_OFF);
	SSL_CTX_set_options(ctx, SSL_OP_NO_TICKET | SSL_OP_NO_RENEGOTIATION | SSL_OP_NO_COMPRESSION);
	SSL_CTX_set_mode(ctx, SSL_MODE_ENABLE_PARTIAL_WRITE | SSL_MODE_ACCEPT_MOVING_WRITE_BUFFER | SSL_MODE_RELEASE_BUFFERS);
	SSL_CTX_set_default_passwd_cb(ctx, no_passphrase);
	ERR_clear_error();
	wrong = load_files(tls, ctx);
	reason = ERR_reason_error_string(ERR_peek_last_error());
	ERR_clear_error();
	if (!wrong)
		return ctx;
	buf_printf(error, "%s: %s", wrong, reason ? reason : "cannot be read");
	SSL_CTX_free(ctx);
	return NULL;
}

static bool has_new_files(struct serve_tls *tls)
{
	bool is_new = false;

	for (size_t i = 0; i < N_FILES; i++)
		is_new |= tls->paths[i] && file_is_new(tls->paths[i], &tls->seen[i]);
	return is_new;
}

struct serve_tls *serve_tls_load(const char *certificate, const char *key, const char *client_ca, struct buf *error)
{
	const char *const paths[N_FILES] = {certificate, key, client_ca};
	struct serve_tls *tls = mem_zalloc(sizeof(*tls));

	for (size_t i = 0; i < N_FILES; i++)
		tls->paths[i] = paths[i] ? mem_strdup(str_from(paths[i])) : NULL;
	has_new_files(tls);
	tls->ctx = make_context(tls, error);
	if (tls->ctx)
		return tls;
	serve_tls_destroy(tls);
	return NULL;
}

void serve_tls_destroy(struct serve_tls *tls)
{
	if (!tls)
		return;
	for (size_t i = 0; i < N_FILES; i++)
		mem_free(tls->paths[i]);
	SSL_CTX_free(tls->ctx);
	mem_free(tls);
}

static void refresh(struct serve_tls *tls)
{
	uint64_t now_ms = clock_mono_ms();
	struct buf error = {0};
	SSL_CTX *ctx;

	if (now_ms - tls->checked_ms < CHECK_EVERY_MS)
		return;
	tls->checked_ms = now_ms;
	if (!has_new_files(tls))
		return;
	ctx = make_context(tls, &error);
	if (ctx) {
		SSL_CTX_free(tls->ctx);
		tls->ctx = ctx;
		log_info("serve", "certificate read again file=%s", tls->paths[0]);
	} else {
		log_warn("serve", "certificate changed and is bad, the old one stays: %s", buf_cstr(&error));
	}
	buf_deinit(&error);
}

SSL *serve_tls_accept(struct serve_tls *tls)
{
	SSL *ssl;

	refresh(tls);
	ssl = SSL_new(tls->ctx);
	if (ssl)
		SSL_set_accept_state(ssl);
	return ssl;
}
