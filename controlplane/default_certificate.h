#ifndef DEFAULT_CERTIFICATE_H
#define DEFAULT_CERTIFICATE_H
/*
 * The certificate for hosts without one, where no other is given (F4). It is random, it is in the snapshot, and so it is in
 * the snapshot's id: were it made anew at each start, a restart would send every proxy a new snapshot, and two controllers
 * would never agree. So it is kept: in --state-dir if that is given, else beside the identity, which all replicas of a
 * controller have in common and which holds keys anyway.
 */
#include <stdbool.h>

#include "buf.h"

/*
 * Appends chain and key as PEM: those kept in `directory` (NULL: nowhere) as default-tls.pem while they
 * are younger than 350 days, or new ones, which are then kept there if it can be written to; *is_kept says whether they are.
 * False when they cannot be made.
 */
bool default_certificate_get(const char *directory, struct buf *chain_pem, struct buf *key_pem, bool *is_kept);

#endif
