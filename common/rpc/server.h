#ifndef SERVER_H
#define SERVER_H
/*
 * What the files of the server share: server.c has the socket, server_session.c the sessions on it, server_waiting.c those
 * that have no room yet, server_rate.c what strangers may cost, server_call.c their calls.
 */
#include <uv.h>

#include "frame.h"
#include "map.h"
#include "rpc.h"
#include "secure.h"
#include "socket.h"

enum { SERVICES_MAX = 4, PORTS_MAX = 8, SESSION_KEY_SIZE = SOCKET_PIPE_SIZE + 8 };

/* So many a second; what is over the rate is only counted. */
struct rate {
	uint64_t second;
	unsigned n, n_over;
};

struct rpc_peer {
	struct rpc_server *server;
	struct rpc_peer *next;
	struct secure *secure;
	uint8_t key[SESSION_KEY_SIZE]; /* pipe, session */
	uint64_t session;
	uint8_t trace[SOCKET_TRACE_MAX];
	bool is_open, is_over;
	bool is_paid;           /* its handshake cost what one costs */
	uint64_t begun_ms, heard_ms;
	struct rate faults;     /* messages that no client of ours sends */
	unsigned n_unconfirmed; /* sent since it was heard last */
	struct rpc_call *calls;
	unsigned n_calls;
	void *data;
};

struct rpc_call {
	struct rpc_call *next;
	struct rpc_peer *peer;
	uint64_t id, deadline_ms;
	const ProtobufCMethodDescriptor *method;
	bool is_in_handler, is_held, is_over;
	void (*on_gone)(void *data, struct rpc_call *call);
	void *data;
};

struct service {
	ProtobufCService *service;
	unsigned roles;
};

/* Handshakes that may be begun: HANDSHAKES_A_SECOND, and as many at once as nobody used before. */
struct budget {
	uint64_t at_ms;
	unsigned spent; /* in thousandths of a handshake, of the burst */
};

/* The last warning about strangers, and how often it would have been repeated since. */
struct said {
	char text[256];
	uint64_t at_ms;
	unsigned n_again;
};

struct waiting;

struct waiting_line {
	struct waiting *first, *last;
	struct map connections; /* who has a place in it */
	unsigned n;
};

struct rpc_server {
	struct rpc_server_options options;
	uv_poll_t poll;
	uv_timer_t timer;
	unsigned n_handles;
	int fd;
	struct map sessions;
	struct map beginning;  /* by connection: whose handshake is under way */
	struct rpc_peer *peers; /* all of them */
	struct service services[SERVICES_MAX];
	size_t n_services;
	uint16_t ports[PORTS_MAX];
	size_t n_ports;
	struct rpc_server_stats stats;
	struct budget handshakes;
	struct waiting_line waiting;
	struct rate resets, warnings;
	struct said said;
	unsigned deny_version; /* that the sessions were held against */
	uint64_t reaped_ms, drained_ms, evicted_ms; /* drained: nothing that was sent is unread */
	struct buf plain, out, packed;
	bool is_closing;
	void (*on_closed)(void *data);
	void *closed_data;
};

/* server_session.c */

/* A message from the socket, of whoever. */
void session_receive(struct rpc_server *server, const struct socket_message *m);
/* Frees the sessions that are over or silent, and ends the calls of the others that are past their deadline. */
void session_sweep(struct rpc_server *server, uint64_t now_ms);
/* Not linked any more; its calls are gone first, then the owner of the services is told. */
void session_free(struct rpc_peer *peer);
/* Sealed and sent; `payload` may be NULL. A session that cannot is over. */
void session_send(struct rpc_peer *peer, const struct envelope *envelope, const ProtobufCMessage *payload);

/* The peer sent what no client of ours sends: one that goes on so is over. */
void session_fault(struct rpc_peer *peer);

/* server_rate.c */

bool rate_allows(struct rate *r, unsigned limit, uint64_t now_ms);
bool budget_allows(struct budget *b, uint64_t now_ms);
void budget_take(struct budget *b);
/* What began was no handshake. */
void budget_give_back(struct budget *b);
/* One line a second at most about what strangers send, and the same one once a minute; the next one says how many were left out. */
void warn_stranger(struct rpc_server *server, const char *what, const char *why);

/* server_waiting.c */

/* Copies it, in the place that its connection has already, or last. False when it is too large, or too many wait. */
bool waiting_add(struct waiting_line *line, const struct socket_message *m, uint64_t now_ms);
/* The one that has waited longest, of those who came at `since_ms` or later: all others are forgotten. Borrowed; NULL: none. */
const struct socket_message *waiting_first(struct waiting_line *line, uint64_t since_ms);
void waiting_drop_first(struct waiting_line *line);
void waiting_clear(struct waiting_line *line);

/* server_call.c */

void call_request(struct rpc_peer *peer, const struct envelope *request);
void call_cancel(struct rpc_peer *peer, uint64_t id);
void call_sweep(struct rpc_peer *peer, uint64_t now_ms);
/* The call is gone without an answer. */
void call_drop(struct rpc_call *call);

#endif
