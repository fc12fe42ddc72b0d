#ifndef CLIENT_H
#define CLIENT_H
/*
 * What the files of the client share: client.c has the connection and the sessions on it, client_call.c the calls,
 * client_queue.c the frames that wait for nanomsg to take them. wait.c makes a blocking client of it.
 */
#include "frame.h"
#include "rpc.h"
#include "secure.h"

struct pending {
	struct pending *next;
	uint64_t id, deadline_ms;
	const ProtobufCMethodDescriptor *method;
	struct buf request; /* envelope and payload until it is sent */
	bool is_sent, is_failed;
	enum rpc_status status;
	const char *why; /* static */
	rpc_answer_fn *answer;
	void *data;
};

struct frame_out {
	struct frame_out *next;
	struct buf bytes;
};

struct rpc_client {
	struct rpc_client_options options;
	char *url;
	uv_loop_t *loop;
	uv_poll_t receive, send;
	uv_timer_t timer;
	unsigned n_handles;
	int fd, endpoint;
	enum rpc_client_state state;
	struct secure *secure;
	uint64_t session, begun_ms, next_try_ms, established, errors_before, last_id;
	uint32_t pause_ms;
	struct buf reason, plain;
	enum rpc_status failure;
	struct pending *calls; /* oldest first */
	unsigned n_calls;
	struct frame_out *queue; /* what nanomsg did not take yet */
	bool is_sending, is_closing;
	void (*on_closed)(void *data);
	void *closed_data;
};

/* client_queue.c */

/* Takes the bytes of `frame`. */
void queue_send(struct rpc_client *c, struct buf *frame);
void queue_clear(struct rpc_client *c);
/* At once or never, past the queue. */
void queue_send_last(struct rpc_client *c, struct str frame);

/* client_call.c */

/* Sends what was called before there was a session. */
void call_send_waiting(struct rpc_client *c);
/* An envelope of the server that is an answer. */
void call_answered(struct rpc_client *c, const struct envelope *answer);
/* What was sent ends with `status`, from the timer. `why` is static. */
void call_lose_sent(struct rpc_client *c, enum rpc_status status, const char *why);
/* Ends calls that are lost or past their deadline. May close the client. */
void call_finish_failed(struct rpc_client *c);
void call_cancel_all(struct rpc_client *c);

/* client.c */

/* The session is over. What was sent on it is lost with it; the answers come from the timer. */
void client_lose(struct rpc_client *c, const char *reason, enum rpc_status failure);
/* Connections tried in vain since the last one that came about. */
uint64_t client_connect_errors(const struct rpc_client *c);

#endif
