#ifndef QUICK_H
#define QUICK_H
/*
 * A cheap look at certificates, which never takes one that a handshake would not: what it does not take has to be asked of OpenSSL as
 * usual. Private to tls.
 */
#include <stdbool.h>

#include "str.h"

/* The certificate is that of the private key (both DER), and both are strong enough for OpenSSL's security level. False: look closer. */
bool quick_is_good(struct str leaf, struct str key, int level);
/* A certificate of a chain (DER) that a handshake took. */
void quick_learn(struct str issuer);
bool quick_knows(struct str issuer);

#endif
