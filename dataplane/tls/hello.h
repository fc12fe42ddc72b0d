#ifndef TLS_HELLO_H
#define TLS_HELLO_H
/*
 * The server name in a ClientHello, from the bytes with which a client begins, before there is any TLS: for connections that
 * are handed on as they are. Does no I/O and keeps no reference to `in`.
 */
#include "parse.h"
#include "str.h"

enum { TLS_HELLO_MAX = 16 * 1024 }; /* bytes that are looked at; a longer ClientHello is none of ours */

/*
 * PARSE_DONE: `*name` is the server name (in `name_bytes` where records cut it, else in `in`), as it was sent; "" for none.
 * PARSE_MORE: `in` is a valid prefix; call again with more.
 * PARSE_BAD:  no ClientHello, or one that is not well formed.
 */
enum parse_result tls_hello_parse(struct str in, char name_bytes[256], struct str *name);

#endif
