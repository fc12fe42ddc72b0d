#ifndef CONTROLLER_H
#define CONTROLLER_H
/*
 * Ties the control plane: source → store → reconcile → snapshot → publish, with admin beside it. One thread, one loop.
 */
#include <uv.h>

#include "addr.h"
#include "buf.h"
#include "opt.h"
#include "reconcile.h"

struct controller_options {
	struct opt_list manifests;
	struct opt_list listen;    /* URLs */
	const char *identity;      /* directory, or NULL with is_insecure */
	bool is_insecure;
	const char *state_dir;     /* or NULL */
	const char *name;
	struct addr admin;
	struct reconcile_options reconcile; /* texts are kept, not copied */
};

struct controller;

/*
 * Opens everything and reads the manifests for the first time. Then the caller runs the loop until controller_stop has
 * closed all. On failure: an exit status of opt.h other than EXIT_FINE, with a line in `error`; what was opened is left to
 * the end of the process. Keeps `loop` and `options`.
 */
int controller_open(uv_loop_t *loop, const struct controller_options *options, struct buf *error, struct controller **out);
/* "ready control=tcp://127.0.0.1:7443 admin=127.0.0.1:10254" */
void controller_ready_line(const struct controller *c, struct buf *out);
/* Sends the proxies away and closes everything; the loop ends by itself. Twice is once. */
void controller_stop(struct controller *c);
/* After the loop has ended. */
void controller_destroy(struct controller *c);

#endif
