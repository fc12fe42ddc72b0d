#ifndef SERVE_INSIDE_H
#define SERVE_INSIDE_H
/* What the files of this room share. */
#include <openssl/ssl.h>

#include "serve.h"

/* A session for one connection, from the files as they now are. Owned. NULL when OpenSSL has no memory. */
SSL *serve_tls_accept(struct serve_tls *tls);

/* The bytes of an answer: its body is left out for HEAD, and `is_last` announces the end of the connection. */
void reply_write(const struct serve_answer *answer, bool is_head, bool is_last, struct buf *out);
/* An answer by the server itself: one line of text. */
void reply_text(unsigned status, const char *line, struct buf *out);

#endif
