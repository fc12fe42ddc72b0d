#ifndef ADMIN_H
#define ADMIN_H
/*
 * A small HTTP/1.1 server for operators and kubelets: GET and HEAD of /healthz, /readyz and /metrics, from functions it is
 * given. Everything is bounded: ADMIN_CONNECTIONS connections (one more takes the place of an idle one, or is closed), heads
 * of SERVE_HEAD_BYTES, and ADMIN_TIMEOUT_MS for a head to arrive or an answer to be taken. It reads no request body: one with
 * a body is answered and closed.
 */
#include <stdbool.h>
#include <uv.h>

#include "addr.h"
#include "buf.h"

enum { ADMIN_CONNECTIONS = 64, ADMIN_TIMEOUT_MS = 10 * 1000 };

/* Called on the loop's thread; they must not block. Any may be NULL: healthy, ready, no metrics (404). */
struct admin_hooks {
	void *owner; /* handed to each function */
	/*
	 * True: 200 "ok", and a second line with `reason` if something deserves a look. False: 500, or 503 for ready, with
	 * `reason` (one line, no newline) as the body.
	 */
	bool (*is_healthy)(void *owner, struct buf *reason);
	bool (*is_ready)(void *owner, struct buf *reason);
	/* Appends Prometheus text, version 0.0.4. */
	void (*add_metrics)(void *owner, struct buf *out);
};

struct admin;
typedef void admin_closed_fn(struct admin *admin, void *owner);

/*
 * Listens on `addr` (port 0: any free one). 0 and `*out`, or a negative errno of libuv and `*out` is NULL.
 * Keeps `loop`; `hooks` are copied.
 */
int admin_open(uv_loop_t *loop, const struct addr *addr, const struct admin_hooks *hooks, struct admin **out);
/* The address that it is really bound to. Borrowed until admin_close. */
const struct addr *admin_bound(const struct admin *admin);
/*
 * Stops listening and closes all connections. `on_closed` (may be NULL) gets hooks.owner once the last handle is gone;
 * `admin` is freed right after it returns.
 */
void admin_close(struct admin *admin, admin_closed_fn *on_closed);

#endif
