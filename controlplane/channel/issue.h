#ifndef CHANNEL_ISSUE_H
#define CHANNEL_ISSUE_H
/* Certificates of the control channel, made and looked at. All in PEM, times in Unix seconds. */
#include <stdbool.h>
#include <stdint.h>

#include "buf.h"
#include "str.h"

enum { ISSUE_SKEW_S = 300 }; /* clocks may differ by that: certificates begin so long before they were made */

/* Appends a CA for the channel and its key (P-256, PKCS #8). */
bool issue_ca(int64_t now_s, int64_t life_s, struct buf *crt, struct buf *key);
/*
 * "controller", "operator", or "proxy" with its pool (of others it is NULL): the certificate by that CA, which it does not outlive, and a
 * new key. False: the CA is none.
 */
bool issue_identity(const char *who, const char *pool, struct str ca_crt, struct str ca_key, int64_t now_s, int64_t life_s, struct buf *crt, struct buf *key);
/* When the first certificate in `crt` was made and when it ends. False: there is none. */
bool issue_times(struct str crt, int64_t *made_s, int64_t *ends_s);
/* Whether the first certificate in `crt` was made with this CA's key. */
bool issue_is_by(struct str crt, struct str ca_crt);
/* Appends those of `crts` that have not ended and that `bundle` has not. */
void issue_bundle(struct str crts, int64_t now_s, struct buf *bundle);

#endif
