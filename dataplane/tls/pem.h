#ifndef PEM_H
#define PEM_H
/* PEM text, block by block. Private to tls. */
#include <stdbool.h>

#include "str.h"

/* Owned; from OpenSSL's memory. */
struct der {
	unsigned char *ptr;
	long len;
};
struct str der_str(const struct der *d);
/* Wipes it first. */
void der_free(struct der *d);

enum pem_block { PEM_END, PEM_BAD, PEM_CERTIFICATE, PEM_KEY, PEM_OTHER };
/* Takes the next block off the front. `*out` is filled for a certificate and for a key that is not encrypted; an encrypted one is bad. */
enum pem_block pem_next(struct str *text, struct der *out);

#endif
