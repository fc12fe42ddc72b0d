#ifndef UPSTREAM_TLS_H
#define UPSTREAM_TLS_H
/* How HTTPS endpoints are talked to (F11): a struct tls_client for each way that policies name (ways.h). Private to config. */
#include "ways.h"

/* Secrets are of kind BACKEND_SECRET. Made for struct proxy_ssl, found by its key. */
extern const struct ways_kind upstream_tls;

#endif
