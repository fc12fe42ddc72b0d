#ifndef WORKER_H
#define WORKER_H
/*
 * The threads that serve. Each worker is one thread, one loop and all that it touches: its own sockets on the shared
 * addresses, its connections, pools, buffers and counters. The main thread owns the group and speaks to workers by
 * messages alone; what workers say back arrives on the main loop.
 */
#include <stdbool.h>
#include <stddef.h>
#include <uv.h>

#include "accesslog.h"
#include "addr.h"
#include "buf.h"
#include "config.h"
#include "metrics.h"

struct workers;
struct balance_row; /* balance.h */
struct caps;        /* caps.h */

enum { WORKERS_MAX = 256, WORKER_LISTENERS_MAX = 16 };

struct workers_options {
	unsigned n_workers;              /* 1 … WORKERS_MAX */
	const struct addr *http;         /* where to listen; port 0 takes a free one */
	size_t n_http;
	const struct addr *https;
	size_t n_https;                  /* n_http + n_https: at most WORKER_LISTENERS_MAX */
	const struct addr *tcp;          /* where TCP services listen; ports have no meaning */
	size_t n_tcp;                    /* at most WORKER_LISTENERS_MAX */
	struct accesslog_sink *sink;     /* keeps; NULL: no access log */
	int body_directory_fd;           /* for bodies too large for memory (spill.h); -1: none. Borrowed for good */
	uint64_t body_bytes;             /* of all workers there */
	bool logs_json;                  /* the built-in JSON line instead of the settings' format */
	void *data;                      /* for the callbacks, which come on the main loop */
	void (*on_served)(void *data);   /* every worker serves the newest generation; may be NULL */
	void (*on_drained)(void *data);  /* after workers_drain: no connection is left; may be NULL */
};

/*
 * Claims the addresses and starts the threads; nothing is accepted before the first generation is there. Keeps `loop`.
 * Owned; NULL with a line in `error` when an address cannot be had.
 */
struct workers *workers_create(uv_loop_t *loop, const struct workers_options *options, struct buf *error);
/* The addresses really bound, in the order given. */
const struct addr *workers_http(const struct workers *ws, size_t i);
const struct addr *workers_https(const struct workers *ws, size_t i);

/*
 * Serves `g` from now on (takes the caller's reference): one message and one pointer to swap per worker. Exchanges finish
 * on what they began with; tunnels whose route is gone end.
 */
void workers_apply(struct workers *ws, const struct generation *g);
/* From now on an answer is the last of its connection; what comes is served as before. */
void workers_leave(struct workers *ws);
/*
 * Stops accepting, lets exchanges finish, closes idle connections; what is left after worker-shutdown-timeout is cut.
 * on_drained follows.
 */
void workers_drain(struct workers *ws);
/* Ends the threads, whatever they still do, and frees everything. The main loop must run once more for its handle. */
void workers_destroy(struct workers *ws);

/* One struct metrics per worker; may be read at any time. Borrowed. */
const struct metrics *const *workers_metrics(const struct workers *ws, size_t *n);

/* An active check says something new of an endpoint: a message to every worker. */
void workers_note_check(struct workers *ws, unsigned backend_index, const struct addr *addr, bool is_failing);
/* What each worker knew of its endpoints up to a second ago. Rows are borrowed for the call. */
typedef void workers_row_fn(void *data, const struct balance_row *row);
void workers_each_row(const struct workers *ws, workers_row_fn *on_row, void *data);

/* What the newest generation lets the proxy have. */
const struct caps *workers_caps(const struct workers *ws);
/* What becomes of the ports of TCP services: Prometheus text. */
void workers_add_metrics(const struct workers *ws, struct buf *out);

#endif
