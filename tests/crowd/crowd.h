#ifndef CROWD_H
#define CROWD_H
/* What the files of the crowd share. One thread, one epoll. */
#include <netinet/in.h>
#include <stdio.h>

#include "frame.h"
#include "known.h"
#include "rpc.h"
#include "secure.h"

enum { ADDRESSES_MAX = 4, IN_BYTES = 256 * 1024, WATCH_GRACE_MS = 1000 };

enum phase {
	PHASE_PAUSE,     /* until due_us, then it connects */
	PHASE_CONNECT,
	PHASE_GREETING,  /* of nanomsg */
	PHASE_HANDSHAKE, /* TLS */
	PHASE_OPEN
};

enum asked { ASKED_NOTHING, ASKED_HELLO, ASKED_WATCH, ASKED_FETCH };

struct session {
	struct crowd *crowd;
	unsigned number, at; /* at: which of the addresses */
	int fd;
	enum phase phase;
	struct secure *secure;
	uint64_t session, due_us, report_us;
	uint64_t n_calls, call; /* the call that is waited for */
	enum asked asked;
	uint32_t pause_ms, watch_ttl_ms;
	struct buf in, out; /* half a message; what the kernel did not take */
	struct version *serves; /* NULL: nothing yet */
	struct piece_store *store;
	size_t offset;
	bool is_watching;       /* and has been answered or held: a Watch is out */
};

struct crowd {
	int epoll;
	struct rpc_identity *identity;
	struct sockaddr_storage addresses[ADDRESSES_MAX];
	unsigned n_addresses;
	struct session **sessions;
	size_t n, room;
	struct known known;
	struct buf plain, frame, packed;
	char *in;
	uint32_t report_ms;
	uint64_t random;
	/* counted since the start */
	uint64_t n_lost, n_refused, n_failed, n_reports;
	uint64_t bytes_in, bytes_out;          /* of the connections */
	uint64_t n_news, config_bytes;         /* answers with news, and their bytes before TLS; blobs too */
	size_t n_watching;
	bool is_told_watching;
	struct version *told;                  /* the last one that all serve, as was said */
	uint64_t begun_us;                     /* of the command under way */
};

/* session.c: the connection, nanomsg's framing and TLS. */

struct session *session_create(struct crowd *c, unsigned number, uint64_t due_us);
void session_destroy(struct session *s);
void session_ready(struct session *s, uint32_t events);
/* What is due by the clock. */
void session_tick(struct session *s, uint64_t now_us);
/* The connection ends and another begins at `due_us`. `forgets`: what it serves, too. */
void session_restart(struct session *s, uint64_t due_us, bool forgets);
/* Something is wrong with what the controller sent; it is said on stderr. */
void session_fail(struct session *s, const char *why);
/* Seals the envelope in c->packed. */
void session_send(struct session *s);
void session_serve(struct session *s, struct version *v, uint64_t now_us);

/* call.c: what is said inside. */

void call_hello(struct session *s);
void call_report(struct session *s);
void call_answered(struct session *s, struct str plain);

/* garbage.c */

struct garbage_options {
	struct sockaddr_storage to;
	struct rpc_identity *identity; /* that of a proxy */
	unsigned n_frames, n_connections, seed;
};
/* Sends what no proxy would. The exit status. */
int garbage_run(const struct garbage_options *o);

/* Appends nanomsg's length, its request id, and the frame. */
void wire_add_message(struct buf *out, struct str frame);
/* What nanomsg says first, and must hear. */
extern const struct str wire_greeting, wire_answer;
socklen_t wire_size(const struct sockaddr_storage *a);

#endif
