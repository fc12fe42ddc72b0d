#ifndef IDENTITY_H
#define IDENTITY_H
/* Certificates as OpenSSL contexts, read again when their files change. */
#include <openssl/ssl.h>

#include "rpc.h"

enum { IDENTITY_URI_MAX = 96 };

/* The context for the next handshake; borrowed until the next call. SSL objects keep their own reference. */
SSL_CTX *identity_context(struct rpc_identity *identity, bool is_server);
/* The BIO over the bytes of one message, see secure.c. */
const BIO_METHOD *identity_bio(const struct rpc_identity *identity);
/* The role of a URI SAN, or 0. Pool names are 1 to 63 of a-z, 0-9 and '-'. */
unsigned identity_role(struct str uri);
/* Whether deny.txt of the directory lists the certificate; as it was when it was last looked at. */
bool identity_denies(const struct rpc_identity *identity, X509 *certificate);
/* Looks at the file (twice a second at most); another number than before says that it was read again. */
unsigned identity_deny_version(struct rpc_identity *identity);
/*
 * The URI that a DNS SAN stands for, for those who can make certificates, but none with URIs: controller.weirlock.invalid,
 * operator.weirlock.invalid and POOL.proxy.weirlock.invalid. False for any other name.
 */
bool identity_uri_of_dns(struct str name, char uri[IDENTITY_URI_MAX]);

#endif
