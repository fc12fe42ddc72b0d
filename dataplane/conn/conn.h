#ifndef CONN_H
#define CONN_H
/*
 * One client connection. It speaks HTTP/1: reads heads in the worker's buffer, starts an exchange for each, frames its
 * answer, and holds no buffer while it is idle. Answers leave in the order of the requests: the next head is looked at when
 * the exchange before it is over. Or it speaks HTTP/2, by ALPN or by the preface in clear (F2): then http2 has its bytes, and
 * what is here opens and closes.
 */
#include <openssl/ssl.h>
#include <stdbool.h>

#include "addr.h"
#include "env.h"
#include "http2.h"

struct conn;

/* Who a connection is from that is handed on: of the connection itself, and of a PROXY header that is believed, else the same. */
struct conn_passed {
	struct addr peer, local, client, dst;
};

/* The open connections of one worker. Zeroed is empty. */
struct conn_set {
	struct exchange_env *env;
	struct conn *first, *last;              /* the newest, the oldest, but for what a search for room has passed over */
	unsigned n_open;
	struct http2_shared http2;
	void (*on_empty)(struct conn_set *set); /* the last one is gone; may be NULL */
	/*
	 * Takes a descriptor whose TLS is for a host that has it handed on as it is (A47), from its first byte on; may be NULL:
	 * there are none. All but the descriptor is borrowed.
	 */
	void (*on_passthrough)(struct conn_set *set, int fd, const struct host *host, const struct conn_passed *passed);
};

void conn_set_init(struct conn_set *set, struct exchange_env *env);
/* All must be gone. */
void conn_set_deinit(struct conn_set *set);
/*
 * Takes the accepted descriptor and `ssl` (NULL for plain). On failure both are closed and nothing is left. Whether a PROXY
 * header must come first is decided now, by the settings in force; a later change does not touch this connection.
 */
void conn_open(struct conn_set *set, int fd, SSL *ssl, const struct addr *peer, const struct addr *local);
/*
 * For drain: closes those that wait for another request; new ones that have not sent their first get a second. The others
 * close after their answer (env->is_leaving).
 */
void conn_drain(struct conn_set *set);
/* Ends the one that has waited longest without an exchange. False: there is none, as far as was looked. Nobody reads meanwhile. */
bool conn_make_room(struct conn_set *set, enum end_reason why);
/* Ends those that wait for a request, looking at `max`. The same. */
void conn_end_waiting(struct conn_set *set, enum end_reason why, unsigned max);
/* Cuts all that are left. */
void conn_cut(struct conn_set *set);

#endif
