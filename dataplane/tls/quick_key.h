#ifndef QUICK_KEY_H
#define QUICK_KEY_H
/*
 * The public half of a private key as it is nearly always written: RSA, or one of the three usual curves, in PKCS #8 or by itself.
 * Private to tls.
 */
#include <stdbool.h>

#include "str.h"

struct quick_key {
	int curve;                   /* NID; 0: RSA */
	struct str point;            /* of a curve, on it, uncompressed */
	struct str modulus, exponent; /* of RSA: INTEGERs, with tag and length */
	int security_bits;           /* as OpenSSL counts them */
};

/* `der` is borrowed by `out`. False for anything that OpenSSL might not take, or takes in a way of its own. */
bool quick_key_read(struct str der, struct quick_key *out);
/* Whether these are the bits of its public key in a certificate. */
bool quick_key_is(const struct quick_key *k, struct str bits);

#endif
