#ifndef RECONCILE_CERTIFICATE_H
#define RECONCILE_CERTIFICATE_H
/* A certificate with its key, as OpenSSL reads it; private to the room. */
#include "pass.h"

struct certificate {
	struct str name;       /* "namespace/secret", "-" for the generated one */
	const char *why;       /* what it is not, so that it cannot be served (static); NULL: it can */
	struct str chain_pem, key_pem; /* borrowed */
	struct str *names;     /* SAN DNS names, else the CN; lower-cased, sorted */
	size_t n_names;
	int64_t not_before_s, not_after_s;
	bool lacks_issuer;     /* of a public authority, by what it says, and without the certificate of that */
	struct str fingerprint; /* 32 bytes */
	struct str issuer, serial, key_type;
	unsigned long told_in; /* the result that has it already */
};

/* Fills everything but `name` and `told_in`. `judge` takes what proxies take. */
void certificate_read(struct arena *arena, SSL_CTX *judge, const struct object *secret, struct certificate *out);
void certificate_read_pem(struct arena *arena, SSL_CTX *judge, struct str chain, struct str key, struct certificate *out);
void certificate_put(struct arena *scratch, const struct certificate *c, struct reconcile_result *result);

#endif
