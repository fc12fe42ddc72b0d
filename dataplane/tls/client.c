/* One OpenSSL context for each way in which endpoints are talked to; names and trust are the context's own. */
#include <openssl/err.h>
#include <openssl/x509v3.h>
#include <pthread.h>
#include <stdatomic.h>

#include "mem.h"
#include "tls_private.h"
#include "trust.h"

struct tls_client {
	atomic_uint n_refs;
	uint64_t number;
	SSL_CTX *ctx;
	struct tls_certificate *certificate;
	char *server_name; /* SNI; NULL: none */
};

static _Atomic uint64_t last_number;

static void set_versions(SSL_CTX *ctx, const struct tls_client_options *o)
{
	bool has_both = o->has_tls12 == o->has_tls13;

	SSL_CTX_set_min_proto_version(ctx, has_both || o->has_tls12 ? TLS1_2_VERSION : TLS1_3_VERSION);
	SSL_CTX_set_max_proto_version(ctx, has_both || o->has_tls13 ? TLS1_3_VERSION : TLS1_2_VERSION);
}

static const char *set_ciphers(SSL_CTX *ctx, const struct tls_client_options *o)
{
	char *ciphers = o->ciphers.len ? mem_strdup(o->ciphers) : NULL;
	const char *why = !ciphers || SSL_CTX_set_cipher_list(ctx, ciphers) ? NULL : "no cipher of the list is known to OpenSSL";

	mem_free(ciphers);
	return why;
}

/* An endpoint is checked for a name always: a certificate of the same authority for somebody else is no proof. */
static const char *set_trust(SSL_CTX *ctx, const struct tls_client_options *o, const char *name)
{
	X509_VERIFY_PARAM *param = SSL_CTX_get0_param(ctx);

	if (!o->trust) {
		SSL_CTX_set_verify(ctx, SSL_VERIFY_NONE, NULL);
		return NULL;
	}
	if (!name)
		return "a name is needed to check endpoints for";
	SSL_CTX_set1_verify_cert_store(ctx, trust_store(o->trust));
	SSL_CTX_set_verify(ctx, SSL_VERIFY_PEER, NULL);
	SSL_CTX_set_verify_depth(ctx, (int)o->verify_depth);
	X509_VERIFY_PARAM_set_hostflags(param, X509_CHECK_FLAG_NO_PARTIAL_WILDCARDS);
	if (X509_VERIFY_PARAM_set1_ip_asc(param, name) == 1 || X509_VERIFY_PARAM_set1_host(param, name, 0) == 1)
		return NULL;
	return "OpenSSL does not take the name";
}

static const char *configure(struct tls_client *c, const struct tls_client_options *o, const char *name)
{
	const char *why = set_trust(c->ctx, o, name);
	struct addr ip;

	if (!why)
		why = set_ciphers(c->ctx, o);
	if (name && o->sends_name && !addr_parse_ip(o->name, &ip))
		c->server_name = mem_strdup(str_from(name));
	set_versions(c->ctx, o);
	SSL_CTX_set_options(c->ctx, SSL_OP_NO_RENEGOTIATION | SSL_OP_NO_COMPRESSION);
	SSL_CTX_set_mode(c->ctx, SSL_MODE_ENABLE_PARTIAL_WRITE | SSL_MODE_ACCEPT_MOVING_WRITE_BUFFER | SSL_MODE_RELEASE_BUFFERS);
	SSL_CTX_set_read_ahead(c->ctx, 1);
	tls_sessions_keep(c->ctx);
	ERR_clear_error();
	return why;
}

struct tls_client *tls_client_create(const struct tls_client_options *options, const char **why)
{
	struct tls_client *c = mem_zalloc(sizeof(*c));
	char folded[TLS_NAME_MAX];
	struct str name;
	char *text = tls_name_fold(options->name, folded, &name) ? mem_strdup(name) : NULL;

	atomic_init(&c->n_refs, 1);
	c->number = atomic_fetch_add(&last_number, 1) + 1;
	c->ctx = SSL_CTX_new(TLS_client_method());
	if (!c->ctx)
		abort();
	if (options->certificate)
		c->certificate = tls_certificate_ref(options->certificate);
	*why = configure(c, options, text);
	mem_free(text);
	if (*why)
		tls_client_unref(&c);
	return c;
}

struct tls_client *tls_client_ref(struct tls_client *c)
{
	atomic_fetch_add_explicit(&c->n_refs, 1, memory_order_relaxed);
	return c;
}

void tls_client_unref(struct tls_client **c)
{
	struct tls_client *gone = *c;

	*c = NULL;
	if (!gone || atomic_fetch_sub_explicit(&gone->n_refs, 1, memory_order_acq_rel) > 1)
		return;
	SSL_CTX_free(gone->ctx);
	tls_certificate_unref(&gone->certificate);
	mem_free(gone->server_name);
	mem_free(gone);
}

static struct tls_client *plain;

static void make_plain(void)
{
	const struct tls_client_options nothing = {0};
	const char *why;

	plain = tls_client_create(&nothing, &why);
	if (!plain)
		abort();
}

struct tls_client *tls_client_plain(void)
{
	static pthread_once_t once = PTHREAD_ONCE_INIT;

	pthread_once(&once, make_plain);
	return plain;
}

uint64_t tls_client_number(const struct tls_client *c)
{
	return c->number;
}

SSL *tls_connect_new(struct tls_client *c, const struct addr *endpoint)
{
	SSL *ssl = SSL_new(c->ctx);

	if (!ssl || (c->certificate && !tls_certificate_use(c->certificate, ssl)))
		abort(); /* it was used once already, when it was made */
	if (c->server_name)
		SSL_set_tlsext_host_name(ssl, c->server_name);
	tls_sessions_use(ssl, endpoint);
	SSL_set_connect_state(ssl);
	return ssl;
}
