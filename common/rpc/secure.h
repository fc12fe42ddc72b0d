#ifndef SECURE_H
#define SECURE_H
/*
 * One TLS 1.3 session whose records travel in messages: bytes in, bytes out, no sockets. Without an identity it is a session
 * in clear (--insecure), with a greeting of its own, so that a mix-up is told apart from garbage.
 */
#include <openssl/ssl.h>

#include "rpc.h"

#define SECURE_ALPN "weirlock/1"

enum secure_state { SECURE_HANDSHAKE, SECURE_OPEN, SECURE_FAILED };

struct secure;

/* `roles`: one of these the peer must have. `identity` may be NULL. */
struct secure *secure_create(struct rpc_identity *identity, bool is_server, unsigned roles);
void secure_destroy(struct secure *s);
/*
 * Feeds the bytes of one message (a client begins with none). Appends to `plain` what the peer said, and to `out` what must
 * be sent to it: also after a failure, when it is the alert that tells why.
 */
enum secure_state secure_feed(struct secure *s, struct str bytes, struct buf *plain, struct buf *out);
/* Appends `plain` sealed to `out`. False when the session cannot any more. */
bool secure_seal(struct secure *s, struct str plain, struct buf *out);

/* Whether the certificate of the peer has been denied since. */
bool secure_is_denied(const struct secure *s);
/* Of the peer, once open. Borrowed. */
const char *secure_identity(const struct secure *s);
unsigned secure_roles(const struct secure *s);
/* Why it failed; "" otherwise. Borrowed. */
const char *secure_reason(struct secure *s);

/* For contexts: the check of a certificate's role. */
int secure_verify(int is_good, X509_STORE_CTX *chain);
BIO_METHOD *secure_bio_create(void);

#endif
