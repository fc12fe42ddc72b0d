#ifndef DIGEST_H
#define DIGEST_H
/* SHA-256 over pieces. A failure inside OpenSSL is not an error path: it aborts, as running out of memory does. */
#include <openssl/evp.h>
#include <stdint.h>

#include "str.h"

EVP_MD_CTX *digest_begin(void);
void digest_add(EVP_MD_CTX *d, struct str bytes);
/* As 4 bytes, big-endian. */
void digest_put_u32(uint8_t out[4], uint32_t n);
void digest_add_u32(EVP_MD_CTX *d, uint32_t n);
/* Takes `d`. */
void digest_end(EVP_MD_CTX *d, uint8_t out[32]);

#endif
