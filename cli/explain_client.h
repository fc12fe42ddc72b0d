#ifndef EXPLAIN_CLIENT_H
#define EXPLAIN_CLIENT_H
/* The parts of weirctl explain client-ip. What they return is owned by the caller; the story is borrowed. */
#include "story.h"

/* explain_hops.c. The hops of s->trace, from the TCP peer inwards. */
json_t *client_hops(const struct story *s);
/* Scheme, host and port of `who`, and why. */
json_t *client_values(const struct story *s, const struct clientaddr *who);
/* The fields about the client that a proxy writes for the backend. */
json_t *client_backend_fields(const struct story *s, const struct clientaddr *who);
/* What becomes of each field that the client sent, and whether one is passed on. */
json_t *client_own_fields(const struct story *s);
bool client_passes(const struct story *s, const struct http_field *field);

/* explain_trust.c. The list of proxy-real-ip-cidr, and where it was written. */
json_t *client_trust(const struct story *s);
/* Keys that trust more than they need, or less, with the fix. */
json_t *client_warnings(const struct story *s);
/* Trusted networks that no hop of this request needed. */
json_t *client_unused_networks(const struct story *s);

/* explain_compare.c. What ingress-nginx would have made of it, row by row; *differs says whether any row does. */
json_t *client_compare(struct story *s, bool *differs);
/* The same where the connection is closed before there is a request; goes_on: not by us. */
json_t *client_compare_connection(const struct story *s, bool goes_on, bool *differs);

#endif
