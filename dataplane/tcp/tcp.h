#ifndef TCP_H
#define TCP_H
/*
 * Sessions of TCP services (SEMANTICS A50): a client's connection, perhaps with a PROXY header in front, an endpoint of the
 * service, and bytes both ways until one side ends or nothing moves for proxy-stream-timeout. A session outlives every change
 * of configuration, that of its own service too; the timeouts it obeys are the newest.
 */
#include "addr.h"
#include "env.h"

struct tcp_session;

/* The open sessions of one worker. Zeroed, but for `env`, is empty. */
struct tcp_set {
	struct exchange_env *env;
	struct tcp_session *first;
	unsigned n_open;
	void (*on_empty)(struct tcp_set *set); /* the last one is gone; may be NULL */
};

/* Takes the accepted descriptor. Closed at once when the generation in force has no service on the port. */
void tcp_open(struct tcp_set *set, int fd, uint16_t port, const struct addr *peer, const struct addr *local);
/*
 * The same for a connection whose first bytes were looked at and left where they are: TLS that goes to the backend of `host` as
 * it is (A47). `client` and `dst` are what the log and the endpoint are told: the peer and our address, or those of a PROXY
 * header that is believed.
 */
void tcp_pass(struct tcp_set *set, int fd, const struct host *host, const struct addr *peer, const struct addr *local,
	const struct addr *client, const struct addr *dst);
/* A newer generation is in force: a changed proxy-stream-timeout counts from when a byte last moved. */
void tcp_apply(struct tcp_set *set);
/* Ends all of them. */
void tcp_cut(struct tcp_set *set);

#endif
