#ifndef FIELDS_H
#define FIELDS_H
/* A header block that is put together for nghttp2. Names may come in any case: nghttp2 writes them in lower case. */
#include <nghttp2/nghttp2.h>
#include <stddef.h>
#include <stdint.h>

#include "str.h"

enum { HTTP2_FIELDS_MAX = 320 }; /* what is beyond is left out: more than any head has */

/* Keeps what it is given until it is submitted. */
struct http2_fields {
	nghttp2_nv items[HTTP2_FIELDS_MAX]; /* not cleared: set n to 0 */
	size_t n;
};

void http2_fields_add(struct http2_fields *f, struct str name, struct str value);
/* "name: value CRLF" each, but for Upgrade, which HTTP/2 has not. */
void http2_fields_add_lines(struct http2_fields *f, struct str lines);

#endif
