#ifndef ANSWER_H
#define ANSWER_H
/* What is answered to a head, without I/O. Private to the room. */
#include "admin.h"
#include "http.h"

/* Appends a whole response. `is_last`: the connection closes after it. */
void answer_request(const struct admin_hooks *hooks, const struct http_head *head, bool is_last, struct buf *out);
void answer_error(unsigned status, const char *reason, struct buf *out);

#endif
