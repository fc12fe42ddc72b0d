/*
 * What holds for one generation, over an OpenSSL context that knows no names: when a ClientHello has named a server, who knows
 * names is asked, and the certificate is set on the connection. So 10,000 names cost one context, and a name that changes costs
 * nothing here.
 */
#include <assert.h>
#include <openssl/err.h>
#include <openssl/pem.h>
#include <stdatomic.h>

#include "mem.h"
#include "tls_private.h"

#define SESSIONS_MAX 20000
#define SESSION_TIMEOUT_S 600

static const char f1_ciphers[] =
	"ECDHE-ECDSA-AES128-GCM-SHA256:ECDHE-RSA-AES128-GCM-SHA256:ECDHE-ECDSA-AES256-GCM-SHA384:"
	"ECDHE-RSA-AES256-GCM-SHA384:ECDHE-ECDSA-CHACHA20-POLY1305:ECDHE-RSA-CHACHA20-POLY1305:"
	"DHE-RSA-AES256-GCM-SHA384:DHE-RSA-AES128-GCM-SHA256";

struct tls_contexts {
	atomic_uint n_refs;
	SSL_CTX *ctx;
	struct tls_names names; /* without functions: nobody knows any */
	struct tls_certificate *fallback;
	bool rejects_unknown_names;
	bool is_for_reading;
};

/* Where a connection keeps its struct tls_contexts while it shakes hands. */
static int contexts_index;

static void on_ssl_freed(void *ssl, void *contexts, CRYPTO_EX_DATA *data, int index, long arg, void *argp)
{
	struct tls_contexts *t = contexts;

	(void)ssl;
	(void)data;
	(void)index;
	(void)arg;
	(void)argp;
	tls_contexts_unref(&t);
}

static void make_index(void)
{
	contexts_index = SSL_get_ex_new_index(0, NULL, NULL, NULL, on_ssl_freed);
	if (contexts_index < 0)
		abort();
}

/* Folded; "*" for the left-most label of it in `folded`. False where it has no other labels. */
static bool make_wildcard(char folded[TLS_NAME_MAX], struct str name, struct str *out)
{
	size_t dot = str_find(name, '.');

	if (dot == 0 || dot == name.len)
		return false;
	folded[dot - 1] = '*';
	*out = str_from_index(name, dot - 1);
	return true;
}

/* By the name, or by its left-most label as "*". NULL when neither has a certificate of its own. Borrowed. */
static struct tls_certificate *find_named(const struct tls_contexts *t, struct str server_name, enum tls_found *how)
{
	char folded[TLS_NAME_MAX];
	struct tls_certificate *c;
	struct str name;

	if (!t->names.certificate || !tls_name_fold(server_name, folded, &name))
		return NULL;
	*how = TLS_FOUND_EXACT;
	c = t->names.certificate(t->names.owner, name);
	if (c || !make_wildcard(folded, name, &name))
		return c;
	*how = TLS_FOUND_WILDCARD;
	return t->names.certificate(t->names.owner, name);
}

struct tls_certificate *tls_contexts_look(const struct tls_contexts *t, struct str server_name, enum tls_found *how)
{
	struct tls_certificate *c = find_named(t, server_name, how);

	if (c)
		return c;
	*how = t->rejects_unknown_names ? TLS_FOUND_REFUSED : t->fallback ? TLS_FOUND_DEFAULT : TLS_FOUND_NONE;
	return t->rejects_unknown_names ? NULL : t->fallback;
}

struct tls_certificate *tls_contexts_find(const struct tls_contexts *t, struct str server_name)
{
	enum tls_found how;
	struct tls_certificate *c = find_named(t, server_name, &how);

	return c ? c : t->fallback;
}

struct str tls_server_name(const SSL *ssl)
{
	return str_from(SSL_get_servername(ssl, TLSEXT_NAMETYPE_host_name));
}

/* Comes for every ClientHello, with or without a name, also when a session resumes. */
static int on_server_name(SSL *ssl, int *alert, void *arg)
{
	const struct tls_contexts *t = SSL_get_ex_data(ssl, contexts_index);
	enum tls_found how;

	(void)arg;
	if (t && t->rejects_unknown_names && !tls_contexts_look(t, tls_server_name(ssl), &how)) {
		*alert = SSL_AD_UNRECOGNIZED_NAME;
		return SSL_TLSEXT_ERR_ALERT_FATAL;
	}
	return SSL_TLSEXT_ERR_OK;
}

static bool find_ciphers(const struct tls_contexts *t, char folded[TLS_NAME_MAX], struct str name, struct tls_ciphers *out)
{
	if (t->names.ciphers(t->names.owner, name, out))
		return true;
	return make_wildcard(folded, name, &name) && t->names.ciphers(t->names.owner, name, out);
}

/* `name` is `folded`, which is not it any more afterwards. */
static void choose_ciphers(const struct tls_contexts *t, SSL *ssl, char folded[TLS_NAME_MAX], struct str name)
{
	struct tls_ciphers c;

	if (!t->names.ciphers || !name.len || !find_ciphers(t, folded, name, &c))
		return;
	if (c.list.len)
		SSL_set_cipher_list(ssl, c.list.ptr);
	if (c.is_client_order)
		SSL_clear_options(ssl, SSL_OP_CIPHER_SERVER_PREFERENCE);
	ERR_clear_error();
}

/*
 * Comes first for every ClientHello, before a session is looked for: what is asked of the client decides which sessions are
 * good, so that none of another host takes the place of a certificate.
 */
static int on_hello(SSL *ssl, int *alert, void *arg)
{
	const struct tls_contexts *t = SSL_get_ex_data(ssl, contexts_index);
	char folded[TLS_NAME_MAX];
	struct str name = STR("");

	(void)alert;
	(void)arg;
	if (!t || (!t->names.auth && !t->names.ciphers))
		return SSL_CLIENT_HELLO_SUCCESS;
	if (!tls_name_fold(tls_hello_name(ssl), folded, &name))
		name = STR("");
	if (t->names.auth)
		tls_auth_ask(ssl, t->names.auth(t->names.owner, name), name);
	choose_ciphers(t, ssl, folded, name);
	return SSL_CLIENT_HELLO_SUCCESS;
}

/* Comes for full handshakes, when the name is known and no cipher is chosen yet. */
static int on_certificate(SSL *ssl, void *arg)
{
	const struct tls_contexts *t = SSL_get_ex_data(ssl, contexts_index);
	struct tls_certificate *c = t ? tls_contexts_find(t, tls_server_name(ssl)) : NULL;

	(void)arg;
	return c && tls_certificate_use(c, ssl);
}

static bool offers(const unsigned char *in, unsigned len, struct str protocol, const unsigned char **at)
{
	for (unsigned i = 0; i < len && in[i] < len - i; i += 1u + in[i]) {
		if (str_eq(str_of(in + i + 1, in[i]), protocol)) {
			*at = in + i + 1;
			return true;
		}
	}
	return false;
}

/* A client that names protocols, but none of ours, is refused: it meant to talk to something else (RFC 7301 3.2). */
static int on_alpn(SSL *ssl, const unsigned char **out, unsigned char *out_len, const unsigned char *in, unsigned len,
	void *arg)
{
	static const struct str protocols[] = {{"h2", 2}, {"http/1.1", 8}, {"http/1.0", 8}};
	const bool *has_http2 = arg;

	(void)ssl;
	for (size_t i = has_http2 ? 0 : 1; i < sizeof(protocols) / sizeof(protocols[0]); i++) {
		if (offers(in, len, protocols[i], out)) {
			*out_len = (unsigned char)protocols[i].len;
			return SSL_TLSEXT_ERR_OK;
		}
	}
	return SSL_TLSEXT_ERR_ALERT_FATAL;
}

static const char *set_versions(SSL_CTX *ctx, const struct tls_options *o)
{
	if (!o->has_tls12 && !o->has_tls13)
		return "neither TLS 1.2 nor TLS 1.3 is on";
	SSL_CTX_set_min_proto_version(ctx, o->has_tls12 ? TLS1_2_VERSION : TLS1_3_VERSION);
	SSL_CTX_set_max_proto_version(ctx, o->has_tls13 ? TLS1_3_VERSION : TLS1_2_VERSION);
	return NULL;
}

static const char *set_lists(SSL_CTX *ctx, const struct tls_options *o)
{
	char *ciphers = o->ciphers.len ? mem_strdup(o->ciphers) : mem_strdup(STR(f1_ciphers));
	char *curves = mem_strdup(o->curves);
	const char *why = NULL;

	if (!SSL_CTX_set_cipher_list(ctx, ciphers))
		why = "no cipher of the list is known to OpenSSL";
	else if (o->curves.len && !str_eq(o->curves, STR("auto")) && !SSL_CTX_set1_curves_list(ctx, curves))
		why = "a curve of the list is not known to OpenSSL";
	mem_free(ciphers);
	mem_free(curves);
	ERR_clear_error();
	return why;
}

static const char *set_dh_param(SSL_CTX *ctx, const struct tls_options *o)
{
	BIO *bio = o->dh_param_pem.len ? BIO_new_mem_buf(o->dh_param_pem.ptr, (int)o->dh_param_pem.len) : NULL;
	EVP_PKEY *group = bio ? PEM_read_bio_Parameters(bio, NULL) : NULL;
	bool is_good = !o->dh_param_pem.len || (group && EVP_PKEY_get_base_id(group) == EVP_PKEY_DH);

	if (group && is_good && SSL_CTX_set0_tmp_dh_pkey(ctx, group) == 1)
		group = NULL; /* the context's */
	else if (group)
		is_good = false;
	EVP_PKEY_free(group);
	BIO_free(bio);
	ERR_clear_error();
	return is_good ? NULL : "the DH parameters are none, or too weak for OpenSSL";
}

/* Tickets where they are on, else OpenSSL's cache in the context, which all workers and generations share. */
static void set_sessions(SSL_CTX *ctx, const struct tls_options *o)
{
	uint32_t timeout_s = o->session_timeout_ms / 1000;

	tls_session_scope(ctx);
	SSL_CTX_set_timeout(ctx, timeout_s ? timeout_s : SESSION_TIMEOUT_S);
	SSL_CTX_set_num_tickets(ctx, 1);
	if (o->has_tickets) {
		SSL_CTX_set_session_cache_mode(ctx, SSL_SESS_CACHE_OFF);
		return;
	}
	SSL_CTX_set_options(ctx, SSL_OP_NO_TICKET);
	SSL_CTX_set_session_cache_mode(ctx, o->keeps_no_sessions ? SSL_SESS_CACHE_OFF : SSL_SESS_CACHE_SERVER);
	SSL_CTX_sess_set_cache_size(ctx, o->sessions_max ? o->sessions_max : SESSIONS_MAX);
	if (o->keeps_no_sessions)
		SSL_CTX_set_num_tickets(ctx, 0); /* in TLS 1.3 a session is offered as a ticket */
}

SSL_CTX *tls_server_context(const struct tls_options *options, const char **why)
{
	static bool with_http2 = true;
	SSL_CTX *ctx = SSL_CTX_new(TLS_server_method());

	if (!ctx)
		abort();
	*why = set_versions(ctx, options);
	if (!*why)
		*why = set_lists(ctx, options);
	if (!*why)
		*why = set_dh_param(ctx, options);
	if (*why) {
		SSL_CTX_free(ctx);
		return NULL;
	}
	set_sessions(ctx, options);
	SSL_CTX_set_options(ctx, SSL_OP_CIPHER_SERVER_PREFERENCE | SSL_OP_NO_RENEGOTIATION | SSL_OP_NO_COMPRESSION
			| SSL_OP_IGNORE_UNEXPECTED_EOF);
	SSL_CTX_set_mode(ctx, SSL_MODE_ENABLE_PARTIAL_WRITE | SSL_MODE_ACCEPT_MOVING_WRITE_BUFFER | SSL_MODE_RELEASE_BUFFERS);
	SSL_CTX_set_read_ahead(ctx, 1);
	SSL_CTX_set_client_hello_cb(ctx, on_hello, NULL);
	SSL_CTX_set_tlsext_servername_callback(ctx, on_server_name);
	SSL_CTX_set_cert_cb(ctx, on_certificate, NULL);
	SSL_CTX_set_alpn_select_cb(ctx, on_alpn, options->offers_http2 ? &with_http2 : NULL);
	return ctx;
}

struct tls_contexts *tls_contexts_create(
	const struct tls_options *options, struct tls_session_keys *keys, const char **why)
{
	static pthread_once_t once = PTHREAD_ONCE_INIT;
	SSL_CTX *ctx = tls_session_keys_context(keys, options, why);
	struct tls_contexts *t;

	if (!ctx)
		return NULL;
	pthread_once(&once, make_index);
	t = mem_zalloc(sizeof(*t));
	atomic_init(&t->n_refs, 1);
	t->ctx = ctx;
	t->rejects_unknown_names = options->rejects_unknown_names;
	return t;
}

void tls_contexts_set_default(struct tls_contexts *t, struct tls_certificate *certificate)
{
	tls_certificate_ref(certificate);
	tls_certificate_unref(&t->fallback);
	t->fallback = certificate;
}

void tls_contexts_set_names(struct tls_contexts *t, const struct tls_names *names)
{
	assert(!t->names.release);
	t->names = *names;
}

void tls_contexts_set_for_reading(struct tls_contexts *t)
{
	t->is_for_reading = true;
}

struct tls_contexts *tls_contexts_ref(struct tls_contexts *t)
{
	atomic_fetch_add_explicit(&t->n_refs, 1, memory_order_relaxed);
	return t;
}

void tls_contexts_unref(struct tls_contexts **t)
{
	struct tls_contexts *gone = *t;

	*t = NULL;
	if (!gone || atomic_fetch_sub_explicit(&gone->n_refs, 1, memory_order_acq_rel) > 1)
		return;
	tls_certificate_unref(&gone->fallback);
	if (gone->names.release)
		gone->names.release(gone->names.owner);
	SSL_CTX_free(gone->ctx);
	mem_free(gone);
}

SSL *tls_accept_new(struct tls_contexts *t)
{
	SSL *ssl;

	assert(!t->is_for_reading);
	ssl = SSL_new(t->ctx);
	if (!ssl)
		abort();
	SSL_set_ex_data(ssl, contexts_index, tls_contexts_ref(t));
	SSL_set_accept_state(ssl);
	return ssl;
}

void tls_handshake_done(SSL *ssl)
{
	struct tls_contexts *t = SSL_is_server(ssl) ? SSL_get_ex_data(ssl, contexts_index) : NULL;

	if (!t)
		return;
	SSL_set_ex_data(ssl, contexts_index, NULL);
	tls_contexts_unref(&t);
}
