#ifndef TLS_PRIVATE_H
#define TLS_PRIVATE_H
/* What the files of this room share. */
#include <pthread.h>

#include "tls.h"

#define TLS_NAME_MAX 255 /* a DNS name */

/* False for one that is only for reading. */
bool tls_certificate_has_key(const struct tls_certificate *c);

/* Gives `ssl` this certificate, chain and key. False when OpenSSL refuses. Any thread. */
bool tls_certificate_use(struct tls_certificate *c, SSL *ssl);

/*
 * The OpenSSL context for these options: the one before when they did not change, else a new one. One reference, owned.
 * NULL and a static reason for a bad cipher or curve list.
 */
SSL_CTX *tls_session_keys_context(
	struct tls_session_keys *k, const struct tls_options *options, const char **why);

/* staple.c: handshakes of `ctx` staple what is there. Keeps `t`. */
void tls_staples_attach(struct tls_staples *t, SSL_CTX *ctx);

/* A new context for these options, without keys and certificates; NULL and a static reason. */
SSL_CTX *tls_server_context(const struct tls_options *options, const char **why);

/* auth.c: has the handshake of `ssl` ask for a certificate as `a` (NULL: not at all) says, for this server name. */
void tls_auth_ask(SSL *ssl, struct tls_auth *a, struct str server_name);
/* The server name in a ClientHello while it is read; "" for none, or for what OpenSSL will refuse. */
struct str tls_hello_name(SSL *ssl);
/* What a context's sessions are good for by themselves. */
void tls_session_scope(SSL_CTX *ctx);

/* client_sessions.c: has `ctx` keep the last session of each endpoint, for as long as it lives. */
void tls_sessions_keep(SSL_CTX *ctx);
/* Before the handshake: resumes what is kept for the endpoint, and keeps what comes of it. */
void tls_sessions_use(SSL *ssl, const struct addr *endpoint);

/* Lower case, one trailing dot less (F3). False for an empty or overlong name. */
bool tls_name_fold(struct str name, char folded[TLS_NAME_MAX], struct str *out);

#endif
