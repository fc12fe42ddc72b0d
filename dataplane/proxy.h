#ifndef PROXY_H
#define PROXY_H
/* Ties the control channel to the workers: what subscribe hands over is compiled and served. Lives on the main loop. */
#include <stdbool.h>
#include <uv.h>

#include "addr.h"
#include "buf.h"
#include "opt.h"

enum { PROXY_BODY_MIB_MAX = 1 << 20, PROXY_ADDRS_MAX = 8 };

struct proxy_options {
	struct opt_list controllers;
	const char *identity;   /* NULL with is_insecure alone */
	bool is_insecure;
	const char *name;
	struct addr http[PROXY_ADDRS_MAX], https[PROXY_ADDRS_MAX];
	size_t n_http, n_https;
	struct addr tcp[PROXY_ADDRS_MAX]; /* where TCP services listen; ports have no meaning */
	size_t n_tcp;
	struct addr admin;
	const char *inspect;    /* URL, or NULL */
	const char *state_dir;  /* where the last good snapshot is kept, or NULL */
	const char *zone;       /* where it stands, or NULL */
	const char *body_dir;   /* for bodies too large for memory; NULL: /tmp */
	unsigned body_mib;      /* most that may lie there */
	unsigned n_workers;
	unsigned shutdown_grace_s; /* how long it goes on serving, not ready, after proxy_stop */
	bool logs_json;
};

struct proxy;

/*
 * Binds, starts the threads and looks for a controller; keeps `loop` and `options`. EXIT_FINE and `*out`, or an exit status
 * with a line in `error`: EXIT_NO_CONNECTION when an address cannot be had, EXIT_BAD_INPUT for a bad identity or state directory, EXIT_USAGE
 * for a bad URL.
 */
int proxy_open(uv_loop_t *loop, const struct proxy_options *options, struct buf *error, struct proxy **out);
/*
 * The first call fails readiness, drains after shutdown_grace_s and then ends; the second ends at once. The loop returns when
 * all is closed.
 */
void proxy_stop(struct proxy *p);
/* After the loop has returned. */
void proxy_destroy(struct proxy *p);

#endif
