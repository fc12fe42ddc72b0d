#ifndef TRUST_H
#define TRUST_H
/*
 * Certificates that vouch for others, with what they revoked, from PEM: the controller judges and describes them with the
 * very code that proxies check peers by, so that neither takes what the other refuses.
 */
#include <openssl/x509_vfy.h>
#include <stdint.h>

#include "arena.h"
#include "str.h"

enum { TRUST_MAX = 1000 }; /* certificates, and as many revocation lists */

/* Immutable, counted (atomic); any thread. */
struct trust;

/*
 * From a bundle of certificates, and revocation lists ("": none; with one, every certificate of a chain must be found unrevoked).
 * NULL and a static reason ("holds no certificate") when one does not parse. Owned, one reference.
 */
struct trust *trust_create(struct str ca_pem, struct str crl_pem, const char **why);
struct trust *trust_ref(struct trust *t);
void trust_unref(struct trust **t);

/* Borrowed. */
X509_STORE *trust_store(const struct trust *t);
/* The subjects of the certificates, in their order: what a server says it takes. Borrowed. */
const STACK_OF(X509_NAME) *trust_names(const struct trust *t);
/* How many certificates, and the SHA-256 of the DER of one. */
size_t trust_n(const struct trust *t);
struct str trust_fingerprint(const struct trust *t, size_t index);

/* A name as RFC 2253 has it, every byte that is not plain ASCII escaped: it can stand in a field. In `arena`. */
struct str trust_name_text(struct arena *arena, const X509_NAME *name);
/* What was written to `bio` (takes), a memory BIO. In `arena`. */
struct str trust_bio_text(struct arena *arena, BIO *bio);

#endif
