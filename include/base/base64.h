#ifndef BASE64_H
#define BASE64_H
/* RFC 4648, with padding; line breaks are skipped, as Kubernetes does. */
#include <stdbool.h>
#include <stddef.h>

#include "str.h"

/* What one character stands for, 0 to 63, or -1. */
int base64_digit(char c);
/* Room for what `len` bytes of text decode to at most. */
#define BASE64_ROOM(len) ((len) / 4 * 3 + 4)
/* False when it is no base64; `out` has room for BASE64_ROOM(text.len) bytes and may have been written to. */
bool base64_decode(struct str text, char *out, size_t *len);

#endif
