#ifndef TLS_H
#define TLS_H
/*
 * Contexts from PEM, certificate by SNI, ALPN, session resumption, record size. OpenSSL does all of it; the stream room
 * moves the bytes.
 */
#include <openssl/ssl.h>
#include <stdbool.h>
#include <stdint.h>

#include "addr.h"
#include "str.h"

struct trust; /* trust.h */

/*
 * One certificate chain with its key, checked once; immutable, counted (atomic). Held as DER (some 3 KiB); OpenSSL's objects
 * (some 12 KiB) are made at the first handshake that needs them and kept from then on: of 10,000 certificates few are used.
 */
struct tls_certificate;

/*
 * Chain and key as PEM, one of each at least. NULL and a static reason when they do not parse, do not belong together or are
 * too weak for OpenSSL. Owned, one reference.
 */
struct tls_certificate *tls_certificate_create(struct str chain_pem, struct str key_pem, const char **why);
/*
 * The same without a key, for answers to people: it can be looked up by name, and no handshake can be made with it. Contexts
 * that hold one are for reading (tls_contexts_set_for_reading).
 */
struct tls_certificate *tls_certificate_create_keyless(struct str chain_pem, const char **why);
struct tls_certificate *tls_certificate_ref(struct tls_certificate *c);
void tls_certificate_unref(struct tls_certificate **c);

/* What the settings say about TLS towards clients. */
struct tls_options {
	bool has_tls12, has_tls13;
	struct str ciphers;              /* OpenSSL list for TLS 1.2, in the server's order; "" is the list of F1 */
	struct str curves;               /* "auto", "" or a list */
	struct str dh_param_pem;         /* the group of DHE ciphers; "": none of those is offered */
	bool rejects_unknown_names;      /* ssl-reject-handshake */
	bool has_tickets;                /* else sessions are kept here, and resume by their id */
	bool keeps_no_sessions;          /* but here they are not either */
	uint32_t sessions_max;           /* 0 is 20,000 */
	uint32_t session_timeout_ms;     /* 0 is 10 minutes */
	bool offers_http2;               /* ALPN h2 beside http/1.1; false until http2 is there */
};

struct tls_contexts; /* immutable, counted (atomic) */

/* What tickets are sealed with: AES in CBC and HMAC-SHA-256. */
enum { TLS_TICKET_KEYS_MAX = 128 };
struct tls_ticket_key {
	unsigned char name[16];
	unsigned char aes[32], mac[32];
	size_t size; /* of each of the two that count: 16 or 32 bytes */
};

/*
 * Contexts for one generation. `keys` lives as long as the process and is shared by all generations and workers: ticket keys
 * (those that were given; without any, a new one every hour, the last one still accepted) and, while the options stay the same, the OpenSSL context itself, so
 * that a session resumes across generations.
 */
struct tls_session_keys;
struct tls_session_keys *tls_session_keys_create(void);
/* After the last tls_contexts and SSL are gone. */
void tls_session_keys_destroy(struct tls_session_keys *k);
/* Starts a new ticket key now; the one before stays good for resuming. It happens by itself; for tests. */
void tls_session_keys_rotate(struct tls_session_keys *k);

/* From now on the first of these seals, and all of them open; none: keys of our own. Any thread; wipes nothing of `keys`. */
void tls_session_keys_set(struct tls_session_keys *k, const struct tls_ticket_key *keys, size_t n);

/*
 * OCSP answers to staple, by the SHA-256 of the certificate; they live as long as the keys do. Any thread. Off at first, and nothing
 * is stapled after its time.
 */
enum { TLS_STAPLE_MAX = 64 * 1024 };
struct tls_staples;
struct tls_staples *tls_session_keys_staples(struct tls_session_keys *k);
/* Off forgets all of them. */
void tls_staples_switch(struct tls_staples *t, bool is_on);
/* Takes the place of the one before; an empty one of none. False, and nothing is done, for sizes that cannot be. */
bool tls_staples_put(struct tls_staples *t, struct str fingerprint, struct str response, int64_t expires_s);
/* Handshakes that had one. */
uint64_t tls_staples_sent(const struct tls_staples *t);
struct tls_staples *tls_staples_create(void);
void tls_staples_destroy(struct tls_staples *t);

/* NULL and a static reason for a bad cipher or curve list. Owned, one reference. */
struct tls_contexts *tls_contexts_create(
	const struct tls_options *options, struct tls_session_keys *keys, const char **why);
/* Before the first use only. */
void tls_contexts_set_default(struct tls_contexts *t, struct tls_certificate *certificate);

/* Ciphers of a server name for TLS 1.2, and whose order counts. */
struct tls_ciphers {
	struct str list; /* with a NUL behind it; "": those of the options */
	bool is_client_order;
};
/*
 * Who knows server names, asked in each handshake. Names come in lower case without a last dot; "*.suffix" is asked for where a
 * name is not known. What is returned is borrowed; any thread asks.
 */
struct tls_names {
	struct tls_certificate *(*certificate)(void *owner, struct str name); /* of its own; NULL: it has none */
	bool (*ciphers)(void *owner, struct str name, struct tls_ciphers *out); /* false: none of its own; NULL: so of all */
	struct tls_auth *(*auth)(void *owner, struct str name); /* "": none was named; NULL: no certificate is asked for; so of all */
	void (*release)(void *owner);
	void *owner;
};
/* Once, before the first use; takes the reference to `owner`, which `release` gives back. */
void tls_contexts_set_names(struct tls_contexts *t, const struct tls_names *names);
/* For answers to people: contexts that hold certificates without keys never accept (an assertion). Before the first use only. */
void tls_contexts_set_for_reading(struct tls_contexts *t);
struct tls_contexts *tls_contexts_ref(struct tls_contexts *t);
void tls_contexts_unref(struct tls_contexts **t);

/* How a name came to its certificate (F3). */
enum tls_found {
	TLS_FOUND_EXACT,
	TLS_FOUND_WILDCARD, /* its left-most label as "*" */
	TLS_FOUND_DEFAULT,
	TLS_FOUND_REFUSED,  /* ssl-reject-handshake and no certificate of its own: the handshake ends */
	TLS_FOUND_NONE,     /* there is no default certificate either: the same */
};
/* The certificate a name gets: exact, then its left-most label as "*", then the default (F3). Borrowed; NULL for the last two. */
struct tls_certificate *tls_contexts_look(const struct tls_contexts *t, struct str server_name, enum tls_found *how);
/* The same, whatever ssl-reject-handshake says. */
struct tls_certificate *tls_contexts_find(const struct tls_contexts *t, struct str server_name);

/*
 * A server session for one accepted connection (no descriptor yet). Owned by the caller; holds a reference to `t` until the
 * handshake ends, not longer: an old connection does not keep an old generation's names alive.
 */
SSL *tls_accept_new(struct tls_contexts *t);
/* The handshake is over: gives that reference back. For the stream room. */
void tls_handshake_done(SSL *ssl);

/* --------------------------------------------------------------------------------------- certificates of clients (F9) */

/*
 * Who may vouch for clients. A handshake never fails for what the client shows or does not show: a request is answered, and
 * the answer says why. Immutable, counted (atomic), any thread.
 */
struct tls_auth;
/*
 * Keeps a reference to `trust`. `id` tells two apart that vouch differently, on every proxy alike: a session never resumes
 * under another one than it began with, nor under another server name. Owned, one reference.
 */
struct tls_auth *tls_auth_create(struct trust *trust, unsigned verify_depth, const uint8_t id[32]);
struct tls_auth *tls_auth_ref(struct tls_auth *a);
void tls_auth_unref(struct tls_auth **a);

enum tls_proof {
	TLS_PROOF_NONE,    /* the client was asked and showed no certificate */
	TLS_PROOF_GOOD,
	TLS_PROOF_BAD,     /* the certificate did not pass */
	TLS_PROOF_UNKNOWN, /* it was not asked by these authorities and cannot be asked any more: only on a new connection */
};
/*
 * What the client of a finished handshake proved to `a`. The answer of the handshake where it asked for `a`; else the chain
 * that the client showed is checked again, once for each `a` that follows another: authorities may have changed since.
 * `*error` is an X509_V_ code, X509_V_OK unless BAD.
 */
enum tls_proof tls_auth_prove(const SSL *ssl, struct tls_auth *a, long *error);

/* How HTTPS endpoints are talked to (F11). */
struct tls_client_options {
	struct tls_certificate *certificate; /* shown to endpoints that ask; NULL: none */
	struct trust *trust;                 /* who may vouch for endpoints; NULL: nobody is checked */
	unsigned verify_depth;               /* certificates between the endpoint's and one of `trust` */
	struct str name;                     /* that the endpoint's certificate must hold, a DNS name or an address */
	bool sends_name;                     /* SNI, when it is a DNS name */
	bool has_tls12, has_tls13;           /* neither: both */
	struct str ciphers;                  /* OpenSSL list for TLS 1.2; "" is OpenSSL's own */
};
/*
 * Immutable, counted (atomic), any thread. Keeps the last session of each endpoint, so that a later connection resumes it:
 * an endpoint that was checked once with these very options is not checked again while its session is good.
 */
struct tls_client;
/* Keeps references. NULL and a static reason for a bad cipher list or name. Owned, one reference. */
struct tls_client *tls_client_create(const struct tls_client_options *options, const char **why);
struct tls_client *tls_client_ref(struct tls_client *c);
void tls_client_unref(struct tls_client **c);
/* The one that checks nothing, shows nothing and names nobody. Borrowed, for ever. */
struct tls_client *tls_client_plain(void);
/* Different for any two that were ever made; never 0. */
uint64_t tls_client_number(const struct tls_client *c);
/* A client session towards the endpoint. Owned; `c` may go before it. */
SSL *tls_connect_new(struct tls_client *c, const struct addr *endpoint);
/* The server name the client asked for, "" when none. Borrowed from `ssl`. */
struct str tls_server_name(const SSL *ssl);

#endif
