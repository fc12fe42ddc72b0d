/*
 * Certificates of clients. OpenSSL checks them in the handshake, against the authorities of the host that the ClientHello
 * names, and goes on whatever it finds; the finding is asked for with each request.
 */
#include <openssl/err.h>
#include <openssl/sha.h>
#include <openssl/x509v3.h>
#include <pthread.h>
#include <stdatomic.h>

#include "mem.h"
#include "tls_private.h"
#include "trust.h"

struct tls_auth {
	atomic_uint n_refs;
	struct trust *trust;
	unsigned verify_depth;
	uint8_t id[32];
};

/* What a connection knows of its client's certificate. */
struct peer {
	struct tls_auth *asked;   /* for whom the handshake asked */
	struct tls_auth *checked; /* of the last check after it */
	long error;               /* what it found */
};

static int peer_index;

static void on_ssl_freed(void *ssl, void *value, CRYPTO_EX_DATA *data, int index, long arg, void *argp)
{
	struct peer *p = value;

	(void)ssl;
	(void)data;
	(void)index;
	(void)arg;
	(void)argp;
	if (!p)
		return;
	tls_auth_unref(&p->asked);
	tls_auth_unref(&p->checked);
	mem_free(p);
}

static void make_index(void)
{
	peer_index = SSL_get_ex_new_index(0, NULL, NULL, NULL, on_ssl_freed);
	if (peer_index < 0)
		abort();
}

static struct peer *peer_of(const SSL *ssl)
{
	static pthread_once_t once = PTHREAD_ONCE_INIT;

	pthread_once(&once, make_index);
	return SSL_get_ex_data(ssl, peer_index);
}

struct tls_auth *tls_auth_create(struct trust *trust, unsigned verify_depth, const uint8_t id[32])
{
	struct tls_auth *a = mem_zalloc(sizeof(*a));

	atomic_init(&a->n_refs, 1);
	a->trust = trust_ref(trust);
	a->verify_depth = verify_depth;
	memcpy(a->id, id, sizeof(a->id));
	return a;
}

struct tls_auth *tls_auth_ref(struct tls_auth *a)
{
	atomic_fetch_add_explicit(&a->n_refs, 1, memory_order_relaxed);
	return a;
}

void tls_auth_unref(struct tls_auth **a)
{
	struct tls_auth *gone = *a;

	*a = NULL;
	if (!gone || atomic_fetch_sub_explicit(&gone->n_refs, 1, memory_order_acq_rel) > 1)
		return;
	trust_unref(&gone->trust);
	mem_free(gone);
}

/* -------------------------------------------------------------------------------------------------- the handshake */

static const unsigned char plain_scope[] = "weirlock";

void tls_session_scope(SSL_CTX *ctx)
{
	SSL_CTX_set_session_id_context(ctx, plain_scope, sizeof(plain_scope) - 1);
}

/* list length (2), type (1), length (2), name: one name, as OpenSSL takes it. */
struct str tls_hello_name(SSL *ssl)
{
	const unsigned char *p;
	size_t len, name_len;

	if (!SSL_client_hello_get0_ext(ssl, TLSEXT_TYPE_server_name, &p, &len) || len < 5)
		return STR("");
	name_len = (size_t)p[3] << 8 | p[4];
	if (((size_t)p[0] << 8 | p[1]) != len - 2 || p[2] != TLSEXT_NAMETYPE_host_name || name_len != len - 5)
		return STR("");
	return str_of(p + 5, name_len);
}

/* Whatever is wrong with it: the request is answered with the reason. */
static int go_on(int is_good, X509_STORE_CTX *ctx)
{
	(void)is_good;
	(void)ctx;
	return 1;
}

/* A session is good for the same authorities and the same server name alone: that is where its client was checked. */
static void set_scope(SSL *ssl, const struct tls_auth *a, struct str server_name)
{
	unsigned char scope[SHA256_DIGEST_LENGTH];
	EVP_MD_CTX *d = EVP_MD_CTX_new();

	if (!d || !EVP_DigestInit_ex(d, EVP_sha256(), NULL) || !EVP_DigestUpdate(d, a->id, sizeof(a->id)) ||
		(server_name.len && !EVP_DigestUpdate(d, server_name.ptr, server_name.len)) || !EVP_DigestFinal_ex(d, scope, NULL))
		abort();
	EVP_MD_CTX_free(d);
	SSL_set_session_id_context(ssl, scope, sizeof(scope));
}

/* A second ClientHello of one handshake may name another server: what the first one asked for is taken back. */
static void ask_nothing(SSL *ssl, struct peer *p)
{
	if (!p)
		return;
	tls_auth_unref(&p->asked);
	SSL_set_verify(ssl, SSL_VERIFY_NONE, NULL);
	SSL_set_session_id_context(ssl, plain_scope, sizeof(plain_scope) - 1);
}

static struct peer *need_peer(SSL *ssl)
{
	struct peer *p = peer_of(ssl);

	if (p)
		return p;
	p = mem_zalloc(sizeof(*p));
	SSL_set_ex_data(ssl, peer_index, p);
	return p;
}

void tls_auth_ask(SSL *ssl, struct tls_auth *a, struct str server_name)
{
	struct peer *p = a ? need_peer(ssl) : peer_of(ssl);

	ask_nothing(ssl, p);
	if (!a)
		return;
	p->asked = tls_auth_ref(a);
	SSL_set1_verify_cert_store(ssl, trust_store(a->trust));
	SSL_set_verify_depth(ssl, (int)a->verify_depth);
	SSL_set0_CA_list(ssl, SSL_dup_CA_list(trust_names(a->trust)));
	SSL_set_verify(ssl, SSL_VERIFY_PEER, go_on);
	set_scope(ssl, a, server_name);
}

/* ------------------------------------------------------------------------------------------------------ afterwards */

/* The chain that the client showed, against other authorities than those of the handshake. */
static long check_again(const SSL *ssl, X509 *leaf, const struct tls_auth *a)
{
	X509_STORE_CTX *ctx = X509_STORE_CTX_new();
	long error = X509_V_ERR_UNSPECIFIED;

	if (!ctx || !X509_STORE_CTX_init(ctx, trust_store(a->trust), leaf, SSL_get_peer_cert_chain(ssl)))
		abort();
	X509_STORE_CTX_set_default(ctx, "ssl_client");
	X509_STORE_CTX_set_depth(ctx, (int)a->verify_depth);
	if (X509_verify_cert(ctx) == 1)
		error = X509_V_OK;
	else if (X509_STORE_CTX_get_error(ctx) != X509_V_OK)
		error = X509_STORE_CTX_get_error(ctx);
	X509_STORE_CTX_free(ctx);
	ERR_clear_error();
	return error;
}

static long find_error(const SSL *ssl, struct peer *p, X509 *leaf, struct tls_auth *a)
{
	if (p->asked == a)
		return SSL_get_verify_result(ssl);
	if (p->checked != a) {
		p->error = check_again(ssl, leaf, a);
		tls_auth_unref(&p->checked);
		p->checked = tls_auth_ref(a);
	}
	return p->error;
}

enum tls_proof tls_auth_prove(const SSL *ssl, struct tls_auth *a, long *error)
{
	struct peer *p = peer_of(ssl);
	X509 *leaf = SSL_get0_peer_certificate(ssl);

	*error = X509_V_OK;
	if (!p || !p->asked)
		return TLS_PROOF_UNKNOWN;
	if (!leaf)
		return TLS_PROOF_NONE;
	*error = find_error(ssl, p, leaf, a);
	if (*error == X509_V_OK)
		return TLS_PROOF_GOOD;
	/* a session brought the certificate without its chain: only a whole handshake can tell */
	if (p->asked != a && SSL_session_reused(ssl) && !SSL_get_peer_cert_chain(ssl)) {
		*error = X509_V_OK;
		return TLS_PROOF_UNKNOWN;
	}
	return TLS_PROOF_BAD;
}
