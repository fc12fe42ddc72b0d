#ifndef RPC_H
#define RPC_H
/*
 * Calls by method name between a server and its clients, over nanomsg (raw REQ/REP), inside TLS 1.3. Requests and responses
 * are protobuf-c messages; statuses are gRPC's. A server may hold a call and answer it later: that is how a push travels.
 *
 * Everything here runs on the loop it was given and on the thread of that loop. Nothing blocks, but for rpc_wait_*.
 * Frame and handshake: common/rpc/frame.h and secure.h. Limits are in rpc_limits below.
 */
#include <protobuf-c/protobuf-c.h>
#include <stdbool.h>
#include <stdint.h>
#include <uv.h>

#include "buf.h"
#include "str.h"

enum rpc_status {
	RPC_OK = 0,
	RPC_CANCELLED = 1,
	RPC_UNKNOWN = 2,
	RPC_INVALID_ARGUMENT = 3,
	RPC_DEADLINE_EXCEEDED = 4,
	RPC_NOT_FOUND = 5,
	RPC_PERMISSION_DENIED = 7,
	RPC_RESOURCE_EXHAUSTED = 8,
	RPC_FAILED_PRECONDITION = 9,
	RPC_UNIMPLEMENTED = 12,
	RPC_INTERNAL = 13,
	RPC_UNAVAILABLE = 14,    /* no connection, or lost before the answer */
	RPC_UNAUTHENTICATED = 16 /* one side does not accept the other's certificate */
};
/* "DEADLINE_EXCEEDED". Static; "UNKNOWN" for a number that is none of these. */
const char *rpc_status_text(enum rpc_status status);

/* Who a certificate says its holder is, by its URI SAN. Bits, so that a set of roles can be asked for. */
enum rpc_role {
	RPC_ROLE_CONTROLLER = 1, /* spiffe://weirlock/controller */
	RPC_ROLE_PROXY = 2,      /* spiffe://weirlock/proxy/POOL */
	RPC_ROLE_OPERATOR = 4,   /* spiffe://weirlock/operator */
	RPC_ROLE_ANY = 7         /* a peer without TLS (--insecure) has all of them */
};

enum rpc_limits {
	RPC_REQUEST_MAX = 64 * 1024,  /* bytes of a packed request */
	RPC_ANSWER_MAX = 512 * 1024,  /* of a packed response */
	RPC_CHUNK_BYTES = 64 * 1024,  /* of a blob, in one Fetch */
	RPC_HELD_MAX = 8,             /* calls of one session that wait for an answer */
	RPC_PENDING_MAX = 64          /* calls of one client that wait for an answer */
};

/*
 * `url` is tcp://HOST:PORT (brackets around IPv6) or ipc://PATH. Otherwise false, with a static reason. For the check of
 * options before anything is begun.
 */
bool rpc_url_is_valid(const char *url, const char **why);
/* The two ends of tcp://HOST:PORT, unchecked and borrowed. False: it is no such URL. */
bool rpc_url_split(const char *url, struct str *host, struct str *port);
/*
 * `url` may be used without TLS: ipc://, or tcp:// to 127.0.0.0/8, [::1] or localhost. Otherwise false, with a static
 * reason. For the check of --insecure at start.
 */
bool rpc_url_is_local(const char *url, const char **why);

/* What programs ask of their options for the channel before anything begins; false with a line in `error`. */
bool rpc_check_urls(const char *option, const char *const *urls, size_t n, struct buf *error);
/* One of --identity DIR and --insecure. */
bool rpc_check_trust(const char *identity, bool is_insecure, struct buf *error);
/* All of them may be used with --insecure. */
bool rpc_check_local(const char *option, const char *const *urls, size_t n, struct buf *error);

/* ------------------------------------------------------------------------------------------------------ identity */

/*
 * The certificate, key and CA of a program: tls.crt, tls.key and ca.crt of a directory, and deny.txt,
 * which lists certificates that are not accepted any more, if it is there. Files that change are read again
 * before the next handshake; if they are bad then, the old ones stay and a warning says so. Outlives all that use it.
 */
struct rpc_identity;
/* NULL, with a line in `error` that names the file and what is wrong. */
struct rpc_identity *rpc_identity_load(const char *directory, struct buf *error);
void rpc_identity_destroy(struct rpc_identity *identity);
/* Looks at the files (twice a second at most); another number than before says that they were read again. */
unsigned rpc_identity_version(struct rpc_identity *identity);
/*
 * `n` secret bytes for a purpose and a salt, from the private key as it now is: HKDF-SHA256 over its DER form, with `purpose`
 * as info. Who has no tls.key cannot make them; the same key gives the same bytes on every machine. False when the key
 * cannot be read out (it lives in hardware).
 */
bool rpc_identity_derive(struct rpc_identity *identity, const char *purpose, struct str salt, uint8_t *out, size_t n);

/* -------------------------------------------------------------------------------------------------------- server */

struct rpc_server;
struct rpc_peer; /* a session of one client; lives until on_peer_gone */
struct rpc_call; /* one call; lives until it is answered or gone */

struct rpc_server_options {
	struct rpc_identity *identity; /* keeps; NULL: without TLS, local URLs only */
	uint32_t idle_ms;              /* a session or socket that is silent for so long is closed; 0: 30 s */
	uint32_t handshake_ms;         /* 0: 5 s */
	void *data;
	/* The session is over; its held calls are gone already. May be NULL. */
	void (*on_peer_gone)(void *data, struct rpc_peer *peer);
};
/* NULL when no socket could be made. Copies `options`. */
struct rpc_server *rpc_server_create(uv_loop_t *loop, const struct rpc_server_options *options);
/*
 * Adds an address: tcp://ADDR:PORT (ADDR may be a star: all; port 0 picks a free one) or ipc://PATH. `bound` (may be NULL) gets the
 * URL that clients can use. 0, or a negative errno with a line in `error`.
 */
int rpc_server_listen(struct rpc_server *server, const char *url, struct buf *bound, struct buf *error);
/*
 * Keeps `service` (a protobuf-c service stub, embedded in the owner's struct). Only peers with one of `roles` may call it.
 * The handler's `closure_data` is the struct rpc_call: answer with the closure, now or later, or rpc_call_fail. The request
 * lives until the handler returns.
 */
void rpc_server_add(struct rpc_server *server, ProtobufCService *service, unsigned roles);
/* Ends all sessions (calls are gone, peers too), closes the sockets; `on_closed` (may be NULL) comes from the loop. */
void rpc_server_close(struct rpc_server *server, void (*on_closed)(void *data), void *data);

struct rpc_server_stats {
	unsigned n_peers, n_handshakes; /* now: authenticated, and not yet */
	uint64_t calls, garbage, refused_handshakes, reaped;
	uint64_t faulty; /* sessions ended for what their peers did; none of a client of ours */
};
struct rpc_server_stats rpc_server_stats(const struct rpc_server *server);

/* The call behind a handler's closure_data. */
struct rpc_call *rpc_call_of(void *closure_data);
struct rpc_peer *rpc_call_peer(const struct rpc_call *call);
/*
 * To be called by a handler that returns without having answered. `on_gone` (may be NULL) is called once if the call ends
 * otherwise: deadline, cancel, session over. The call is invalid after that, and after its answer.
 */
void rpc_call_hold(struct rpc_call *call, void (*on_gone)(void *data, struct rpc_call *call), void *data);
/* Same as the closure. Ends the call. */
void rpc_call_answer(struct rpc_call *call, const ProtobufCMessage *response);
/* `status` is not RPC_OK. Ends the call. */
void rpc_call_fail(struct rpc_call *call, enum rpc_status status, const char *format, ...)
	__attribute__((format(printf, 3, 4)));

/* "spiffe://weirlock/proxy/default", or "insecure". Borrowed from the peer. */
const char *rpc_peer_identity(const struct rpc_peer *peer);
/* What the owner of the service hangs on a session; NULL at first. */
void *rpc_peer_data(const struct rpc_peer *peer);
void rpc_peer_set_data(struct rpc_peer *peer, void *data);

/* -------------------------------------------------------------------------------------------------------- client */

struct rpc_client;

enum rpc_client_state {
	RPC_CONNECTING, /* nobody there yet; tries again by itself, with jitter */
	RPC_CONNECTED,  /* a transport connection, handshake under way */
	RPC_READY       /* both sides know each other: calls travel */
};

struct rpc_client_options {
	struct rpc_identity *identity; /* keeps; NULL: without TLS, local URLs only */
	unsigned roles;                /* one of these the server must have; 0: RPC_ROLE_CONTROLLER */
	uint32_t handshake_ms;         /* 0: 5 s */
	void *data;
	/*
	 * A state was entered; may be NULL. `reason` is why the one before ended ("" when all is well): "connection lost",
	 * "certificate verify failed: …". May close the client.
	 */
	void (*on_state)(void *data, enum rpc_client_state state, const char *reason);
};

/* Connects to `url` and stays connected until closed. NULL with a line in `error` for a bad url. Copies all. */
struct rpc_client *rpc_client_open(
	uv_loop_t *loop, const char *url, const struct rpc_client_options *options, struct buf *error);
enum rpc_client_state rpc_client_state(const struct rpc_client *client);
/* Why the last session ended or could not begin; "" when none did. Borrowed until the next state. */
const char *rpc_client_reason(const struct rpc_client *client);
/* RPC_UNAUTHENTICATED when certificates were the reason, RPC_UNAVAILABLE otherwise. */
enum rpc_status rpc_client_failure(const struct rpc_client *client);

/* `response` is of the method's output type, borrowed for the call, NULL unless `status` is RPC_OK; `message` too. */
typedef void rpc_answer_fn(void *data, enum rpc_status status, struct str message, const ProtobufCMessage *response);
/*
 * Calls `method` ("Watch") of `service` (weirlock__v1__control__descriptor). `answer` is called exactly once, never from
 * within this function: with the answer, RPC_DEADLINE_EXCEEDED after timeout_ms, RPC_UNAVAILABLE when the connection is lost
 * after sending, or RPC_CANCELLED by close. A call made before RPC_READY waits for it within its timeout.
 * Returns an id for rpc_client_cancel; never 0.
 */
uint64_t rpc_client_call(struct rpc_client *client, const ProtobufCServiceDescriptor *service, const char *method,
	const ProtobufCMessage *request, uint32_t timeout_ms, rpc_answer_fn *answer, void *data);
/* The server is told; `answer` is not called any more. An id that is over is ignored. */
void rpc_client_cancel(struct rpc_client *client, uint64_t id);
/* Drops the connection and makes a new one: for a peer that went silent. Sent calls end as RPC_UNAVAILABLE, from the loop. */
void rpc_client_reconnect(struct rpc_client *client, const char *reason);
/* Waiting calls end as RPC_CANCELLED before this returns. `on_closed` (may be NULL) comes from the loop. */
void rpc_client_close(struct rpc_client *client, void (*on_closed)(void *data), void *data);

/* ------------------------------------------------------------------------------------------- waiting, for the CLI */

/* A client with a loop of its own, for programs that ask one thing after the other. */
struct rpc_wait;

enum rpc_wait_result {
	RPC_WAIT_OK,
	RPC_WAIT_NO_CONNECTION,   /* nobody answered at the URL within the timeout */
	RPC_WAIT_BAD_CERTIFICATE, /* one side does not accept the other */
	RPC_WAIT_DEADLINE,        /* connected, but no answer within the timeout */
	RPC_WAIT_REFUSED          /* the server answered with a status; see `error` */
};

/* As rpc_client_open, without a loop; options->on_state is not used. */
struct rpc_wait *rpc_wait_open(const char *url, const struct rpc_client_options *options, struct buf *error);
/*
 * Calls and waits. RPC_WAIT_OK: `*response` is owned, free it with protobuf_c_message_free_unpacked(…, NULL). Otherwise a
 * line in `error`, and in `status` (may be NULL) what the server said.
 */
enum rpc_wait_result rpc_wait_call(struct rpc_wait *wait, const ProtobufCServiceDescriptor *service, const char *method,
	const ProtobufCMessage *request, uint32_t timeout_ms, ProtobufCMessage **response, enum rpc_status *status,
	struct buf *error);
void rpc_wait_close(struct rpc_wait *wait);

#endif
