#ifndef CLIENT_TLS_H
#define CLIENT_TLS_H
/*
 * Who may vouch for clients (F9): a struct tls_auth for each way in which hosts of a generation ask, and which of them a server
 * name asks by. Immutable, counted (atomic); holds its table of hosts, for a handshake may outlive the generation. Private to
 * config.
 */
#include "host_table.h"
#include "object.h"

struct client_tls;

/*
 * From `hosts` and the objects of kind HOST and CLIENT_CA among `objects`; ways that did not change keep what they had in
 * `before` (may be NULL). Owned, one reference.
 */
struct client_tls *client_tls_create(
	struct host_table *hosts, struct object *const *objects, size_t n, const struct client_tls *before);
struct client_tls *client_tls_ref(struct client_tls *t);
void client_tls_unref(struct client_tls **t);
/* Whether any host asks. */
bool client_tls_asks(const struct client_tls *t);
/* NULL when the Secret is not there. Borrowed. */
struct tls_auth *client_tls_find(const struct client_tls *t, const struct client_auth *auth);
/* For tls_contexts_set_auth; takes a reference to `t`. */
struct tls_auth_finder client_tls_finder(struct client_tls *t);

#endif
