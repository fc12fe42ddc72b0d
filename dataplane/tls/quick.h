#ifndef QUICK_H
#define QUICK_H
/*
 * A cheap look at certificates, which never takes one that a handshake would not: what it does not take has to be asked of OpenSSL as
 * usual. Private to tls.
 */
#include <openssl/evp.h>
#include <stdbool.h>

#include "str.h"

/* The certificate (DER) is that of the key, and both are strong enough for OpenSSL's security level. False: look closer. */
bool quick_is_good(struct str leaf, const EVP_PKEY *key, int level);
/* A certificate of a chain (DER) that a handshake took. */
void quick_learn(struct str issuer);
bool quick_knows(struct str issuer);

#endif
