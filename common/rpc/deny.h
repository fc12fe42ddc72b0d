#ifndef DENY_H
#define DENY_H
/* Certificates that are not accepted any more, whoever issued them: revocation for a CA of a few dozen leaves. */
#include <openssl/x509.h>
#include <stdbool.h>

#include "buf.h"
#include "map.h"

struct deny {
	struct map entries; /* lower-case hex, of a serial without leading zeros or of a SHA-256 fingerprint */
};

/*
 * What `text` lists takes the place of what was there: a line each, of hex digits (colons are passed over, as openssl prints
 * them), with # before a remark. False with a line in `error` that names the first bad one; then nothing is changed.
 */
bool deny_read(struct deny *d, struct str text, struct buf *error);
bool deny_has(const struct deny *d, X509 *certificate);
void deny_deinit(struct deny *d);

#endif
