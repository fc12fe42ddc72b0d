#ifndef EXCHANGE_PRIVATE_H
#define EXCHANGE_PRIVATE_H
/* One request, for the files of this room alone. */
#include <stdlib.h>

#include "arena.h"
#include "call.h"
#include "end.h"
#include "exchange.h"
#include "expression.h"
#include "http1.h"
#include "judge.h"
#include "rewrite.h"
#include "spill.h"
#include "tunnel.h"

enum exchange_state {
	EX_DECIDE,  /* a head is there; nothing is decided */
	EX_STORE,   /* the request's body is read whole */
	EX_PICK,    /* an endpoint is to be chosen */
	EX_CONNECT, /* a new connection to it is being made */
	EX_AWAIT,   /* the request goes out; no response head so far */
	EX_RELAY,   /* the response's head went to the client; its body follows */
	EX_GIVE,    /* the response is here whole; the client gets what is kept of it */
	EX_ANSWER,  /* we answer ourselves */
	EX_FLUSH,   /* all is handed over; the client has not taken all of it */
	EX_TUNNEL,  /* bytes both ways */
	EX_OVER,    /* nothing is left to do */
};

enum { EXCHANGE_MAX_ATTEMPTS = 16, EXCHANGE_REPLAY_MAX = 64 * 1024 };

/* Why an attempt at an endpoint gave no response. */
enum attempt_failure { ATTEMPT_ERROR, ATTEMPT_TIMEOUT, ATTEMPT_INVALID };

/* A request's body that is kept. */
struct exchange_store {
	struct spill spill;
	uint64_t sent; /* of it, handed to the wire of this attempt */
};

/* A response that is not passed on as it comes. */
struct exchange_hold {
	struct spill spill;    /* came from the endpoint */
	uint64_t given;        /* of it, to the client */
	struct buf rest;       /* behind it, where that took no more: one read at most */
	uint64_t began_ms;
	bool keeps;            /* proxy-buffering; else for limit-rate alone */
	bool is_full;          /* the endpoint is not read now */
	bool is_whole;         /* the endpoint has said all */
	bool is_ended;         /* the client was told the end */
};

struct exchange {
	struct exchange *next, *prev;   /* spare ones, or tunnels */
	struct exchange_env *env;
	struct exchange_client *client;
	struct env_generation *held;
	struct arena arena;
	enum exchange_state state;
	unsigned events;                /* enum exchange_event, not looked at so far */
	unsigned upstream_events;       /* enum stream_event, the same */
	unsigned tunnel_events;         /* enum stream_event of the client's stream */
	bool has_expired;               /* the deadline passed */
	bool is_tight;                  /* it may become a tunnel: its memory is its own and small */
	bool is_tunnel;                 /* linked in env->tunnels */
	bool is_upgrade;                /* Upgrade without a body: passed on (G10) */
	struct deadline deadline;
	uint64_t began_us;              /* the first byte of the request */
	uint64_t active_ms;             /* when something last happened */

	/* the request */
	struct http_head head;          /* copied to the arena */
	size_t head_bytes;
	struct clientaddr who;
	struct rewrite_request rule;
	const struct backend *backend;
	struct str request_id;

	/* its body on the way to the endpoint */
	struct str fresh;               /* fed, borrowed, not looked at so far */
	bool is_fed_last;               /* the client's message has ended */
	bool is_body_bad;
	bool wants_body;                /* as the client was last told */
	bool sent_continue;
	uint64_t body_received;         /* payload bytes */
	struct exchange_store *store;   /* the first part of it, or all; NULL: none is kept. In the arena */
	struct buf body;                /* payload behind that, that waits for a connection */
	struct buf wire;                /* bytes that the endpoint has not taken */
	struct buf replay;              /* payload sent so far, while a retry may need it */
	struct str request_trailers;    /* in the arena */
	bool sent_head, sent_last;      /* handed to the wire: the head, the end */
	bool sent_any;                  /* the endpoint's socket took a byte */
	bool cannot_replay;             /* it was more than EXCHANGE_REPLAY_MAX, or is not kept */
	bool sends_chunks;              /* towards the endpoint */
	bool has_upload_failed;         /* the endpoint takes no more, but may have answered */

	/* attempts */
	struct upstream_user user;
	struct upstream_conn *upstream; /* NULL between attempts, and where a call takes its place */
	struct upstream_call *call;     /* to an endpoint that speaks HTTP/2 */
	bool is_reused;                 /* it came from the pool */
	bool is_reconnect;              /* the next attempt is a fresh connection to the same endpoint */
	unsigned endpoint;              /* index of the one in use */
	uint64_t confirmed;             /* stream_confirmed before the request, where it must not be sent twice */
	bool is_unheard;                /* the endpoint closed before a byte of the request reached it */
	bool used_free_retry;           /* G16: one silent retry of a stale pooled connection */
	bool is_retry_late;             /* another endpoint would have been asked but for proxy-next-upstream-timeout */
	unsigned n_attempts;            /* that counted (I30) */
	uint64_t first_attempt_ms;
	uint16_t *tried;                /* endpoints, in the arena */
	unsigned n_tried;
	struct balance_ticket ticket;   /* the request in progress at one */
	struct balance_outcome balance_outcome; /* of it */
	struct str canary_name;         /* of the canary that took it; "" for none */
	bool sets_session_cookie;       /* I14: sessions begin at what takes it */
	bool is_new_session;            /* the endpoint was not the cookie's: the response sets one */
	bool has_balance_key;
	struct str balance_key;         /* of upstream-hash-by */
	struct accesslog_attempt *attempts; /* the last is written over when there are more than EXCHANGE_MAX_ATTEMPTS */
	uint64_t attempt_began_us;      /* of the last one */
	unsigned n_logged, attempts_room;

	/* the response */
	struct buf partial;             /* of its head */
	struct exchange_hold *hold;     /* NULL: passed on as it comes. In the arena */
	struct splice_pipe *pipe;      /* a long body goes through it unseen; in the arena */
	struct http1_body response_body;
	bool is_response_keep_alive;
	bool got_any;                   /* a byte of this attempt's response */
	unsigned n_interim;             /* 1xx answers so far, of all attempts */
	bool told_close;                /* its head said that the connection closes */
	bool is_waiting_client;         /* the client has not taken all */
	unsigned status;                /* what the client gets; 0: nothing so far */
	unsigned answer_status;         /* for EX_ANSWER */
	struct str answer_location;
	uint64_t body_sent;             /* payload bytes */
	uint32_t reset_code;            /* of the endpoint's RST_STREAM */
	struct str grpc_status;         /* of the response or of our own answer, in the arena; empty when there was none */
	enum exchange_outcome outcome;
	enum end_reason end;

	struct str bad_line;            /* the request line of a head that nobody understood */
	struct tunnel tunnel;
};

/* exchange.c */
const struct policy *exchange_policy(const struct exchange *ex);
const struct settings *exchange_settings(const struct exchange *ex);
/* What variables are about; borrowed from the exchange. */
void exchange_facts(const struct exchange *ex, struct http_facts *out);
/* Will answer this itself; the state to go to. */
enum exchange_state exchange_answer(struct exchange *ex, unsigned status, enum end_reason end);
/* How long to wait now. */
uint64_t exchange_wait_ms(const struct exchange *ex);
/* Nothing more can be done for the client; the state to go to. */
enum exchange_state exchange_over(struct exchange *ex, enum exchange_outcome outcome, enum end_reason end);

/* decide.c: SEMANTICS 0.2 to 0.8. */
enum exchange_state exchange_decide(struct exchange *ex);

/* certificate.c: the client's certificate. Everything lives in the arena. */
struct exchange_peer {
	struct judge_peer judge;
	const SSL *ssl;
	struct arena *arena;
	long error; /* of the last proof: X509_V_… */
};
void exchange_peer_init(struct exchange_peer *p, const SSL *ssl, struct arena *arena);
/* What the endpoint is told (F10), where the host asks. */
const struct rewrite_certificate *exchange_certificate(
	const struct exchange_peer *p, const struct client_auth *auth, enum judge_proof proof);

/* attempt.c: endpoints, connections, retries. */
/* The one that runs, or ran last: its times are since attempt_began_us. */
struct accesslog_attempt *exchange_attempt(struct exchange *ex);
enum exchange_state exchange_pick(struct exchange *ex);
enum exchange_state exchange_connecting(struct exchange *ex);
enum exchange_state exchange_attempt_failed(struct exchange *ex, enum attempt_failure failure, enum end_reason end);
/* Appends the Set-Cookie line of a new session, if there is to be one (I14). */
void exchange_write_session(struct exchange *ex, struct buf *lines);
/* The endpoint answered with this status, or (0) not at all: for the balance. */
void exchange_judge_endpoint(struct exchange *ex, unsigned status);
/* I32: by its method, or because the rule says so. */
bool exchange_may_send_twice(const struct exchange *ex);
/* May this response be thrown away for another endpoint's (I35)? */
bool exchange_may_retry_status(const struct exchange *ex, unsigned status);
enum exchange_state exchange_retry(struct exchange *ex);
/* The endpoint's connection is not needed any more. */
void exchange_leave_upstream(struct exchange *ex, bool is_reusable);

/* store.c: bodies that are read whole first (G6). */
/* After the decision: EX_STORE, or EX_PICK when nothing is to be kept. */
enum exchange_state exchange_begin_store(struct exchange *ex);
enum exchange_state exchange_keep_body(struct exchange *ex);
/* No retry needs it any more. */
void exchange_drop_store(struct exchange *ex);
/* Bytes of it that this attempt has not been given. */
uint64_t exchange_stored_left(const struct exchange *ex);
/* The next piece, in the worker's read buffer; empty at its end. False when it cannot be read. */
bool exchange_read_stored(struct exchange *ex, struct str *out);
/* D6, and bodies whose framing broke half-way: 0, or the status to answer with exchange_refuse_body. */
unsigned exchange_judge_body(const struct exchange *ex);
enum exchange_state exchange_refuse_body(struct exchange *ex, unsigned status);

/* request.c: the request to the endpoint. */
enum exchange_send {
	EXCHANGE_SEND_OK,      /* all that is here is sent or waits for the socket */
	EXCHANGE_SEND_FAILED,  /* the connection failed */
	EXCHANGE_SEND_NO_HEAD, /* the rule gives no valid head: 500 */
	EXCHANGE_SEND_NO_BODY, /* the kept body cannot be read: 500 */
};
/* Sends what can be sent. */
enum exchange_send exchange_send_request(struct exchange *ex);
bool exchange_is_request_sent(const struct exchange *ex);
/* The endpoint has not taken all that was given to it. */
bool exchange_is_sending(const struct exchange *ex);
/* What the request to the endpoint is made of. */
void exchange_request_head(struct exchange *ex, struct rewrite_head *out);
/* Payload is kept for another endpoint while that is allowed and small. */
void exchange_keep_for_replay(struct exchange *ex);
/* Tells the client whether body bytes are wanted now. */
void exchange_update_body_wish(struct exchange *ex);
/* Keeps what the borrowed piece holds. */
void exchange_keep_fresh(struct exchange *ex);

/* call.c: an endpoint that speaks HTTP/2. */
/* Why it failed. */
enum end_reason exchange_call_end(const struct exchange *ex);
/* Sends what can be sent. */
enum exchange_send exchange_send_call(struct exchange *ex);
enum exchange_state exchange_read_call_head(struct exchange *ex);
/* What is here of the body goes to the client, with `head` in front of it when it has not gone yet. */
enum exchange_state exchange_pass_call(struct exchange *ex, const struct exchange_head *head);

/* grpc.c: what a client of gRPC is told. */
bool exchange_is_grpc(const struct exchange *ex);
/* Turns our own page into an answer that a client of gRPC understands: its head, written anew. */
void exchange_grpc_head(struct exchange *ex, struct exchange_head *out);
/* Ends a response that cannot become whole, as well as the client's protocol lets us; the state to go to. */
enum exchange_state exchange_break_off(struct exchange *ex, enum end_reason end);
void exchange_note_grpc_status(struct exchange *ex, struct str value);

/* response.c: the endpoint's response to the client. */
enum exchange_state exchange_await(struct exchange *ex);
enum exchange_state exchange_relay(struct exchange *ex);
enum exchange_state exchange_take_head(struct exchange *ex, struct http_head *head, char *rest, size_t len);
/* Gives it to the client; EX_RELAY, or where a lost client leads. */
enum exchange_state exchange_hand_over(struct exchange *ex, const struct exchange_head *head, struct str payload, bool is_last);
enum exchange_state exchange_response_done(struct exchange *ex, bool is_reusable);
/* The endpoint ended its side before its response did, or where that ends with it. */
enum exchange_state exchange_upstream_ended(struct exchange *ex, bool is_orderly);
/* The most that is read of the endpoint at once. */
size_t exchange_read_size(const struct exchange *ex);

/* hold.c: responses that are kept, or given out at a bounded rate (G7, J33). */
enum { EXCHANGE_PACE_MS = 100 };
/* Makes ex->hold when the rule and the response want it. */
void exchange_begin_hold(struct exchange *ex, const struct http_head *head);
void exchange_drop_hold(struct exchange *ex);
/* A piece came: the client gets what it may have now, the rest is kept. */
enum exchange_state exchange_hold_on(
	struct exchange *ex, const struct exchange_head *head, struct str payload, bool is_last, bool is_reusable);
/* Gives on while the endpoint still sends; `*may_read`: there is room again for what it has sent meanwhile. */
enum exchange_state exchange_hold_step(struct exchange *ex, bool *may_read);
enum exchange_state exchange_give(struct exchange *ex);
/* What is kept waits for time to pass, and for nothing else. */
bool exchange_is_paced(const struct exchange *ex);

/* long.c: bodies so long that they go from socket to socket. */
/* Whether the rest of the body may go so; takes a pipe the first time. */
bool exchange_may_splice(struct exchange *ex);
enum exchange_state exchange_splice(struct exchange *ex);
void exchange_drop_pipe(struct exchange *ex);

/* page.c: our own answers. */
enum exchange_state exchange_send_page(struct exchange *ex);
/* The HTML of a status. Owned by `arena`. */
struct str exchange_page(struct arena *arena, unsigned status);

/* upgrade.c: tunnels. */
enum exchange_state exchange_upgrade(struct exchange *ex, const struct http_head *head, struct str rest);
enum exchange_state exchange_tunnel(struct exchange *ex);
void exchange_leave_tunnel(struct exchange *ex);

/* response.c */
/* What a backend's head becomes for the client; `lines` (emptied first) holds the fields that are ours. */
void exchange_client_head(struct exchange *ex, const struct http_head *head, struct buf *lines, struct exchange_head *out);

/* record.c: metrics and the access log. */
void exchange_record(struct exchange *ex);

#endif
