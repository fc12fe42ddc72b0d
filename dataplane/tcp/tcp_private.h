#ifndef TCP_PRIVATE_H
#define TCP_PRIVATE_H
#include "end.h"
#include "stream.h"
#include "tcp.h"
#include "tunnel.h"
#include "upstream.h"

enum tcp_state {
	TCP_PROXY,   /* a PROXY header must come first */
	TCP_CONNECT, /* to an endpoint, and to the next one where that fails */
	TCP_TUNNEL,
	TCP_CLOSED,  /* its handle is closing */
};

enum { TCP_TRIES_MAX = 16 }; /* of proxy-stream-next-upstream-tries */

struct tcp_session {
	struct stream client;
	struct tcp_session *next, *prev;
	struct tcp_set *set;
	struct exchange_env *env;
	struct deadline deadline;
	struct upstream_user user;
	struct upstream_conn *upstream;
	struct tunnel tunnel;
	struct env_generation *held;      /* until the tunnel: what the endpoints' numbers belong to */
	const struct backend *backend;    /* of it */
	struct balance_ticket ticket;
	struct balance_outcome outcome;
	struct buf in;                    /* what is there of the PROXY header */
	struct addr peer, local;          /* of the connection */
	struct addr client_addr, dst;     /* what the log and the endpoint are told: of a header that is believed, else those */
	struct addr endpoint;             /* the last one tried; family 0 for none */
	struct str name;                  /* "namespace-service-port"; owned */
	uint16_t tried[TCP_TRIES_MAX];
	uint16_t port;
	uint8_t n_tried;
	uint8_t proxy_version;            /* of the header that the endpoint gets; 0: none */
	enum tcp_state state;
	uint64_t began_ms, first_ms, attempt_ms, connect_ms; /* first_ms: of the first attempt; connect_ms: how long it took */
	uint64_t active_ms;               /* when a byte last moved */
};

/* log.c: its line in the access log. */
void tcp_log(struct tcp_session *s, enum end_reason why);

#endif
