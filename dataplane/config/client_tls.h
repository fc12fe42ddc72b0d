#ifndef CLIENT_TLS_H
#define CLIENT_TLS_H
/* Who may vouch for clients (F9): a struct tls_auth for each way in which hosts ask (ways.h). Private to config. */
#include "ways.h"

/* Secrets are of kind CLIENT_CA. Made for struct client_auth, found by its key. */
extern const struct ways_kind client_tls;

#endif
