#ifndef CONTROLLER_H
#define CONTROLLER_H
/*
 * Ties the control plane: source → store → reconcile → snapshot → publish, with admin beside it. One thread, one loop.
 */
#include <uv.h>

#include "addr.h"
#include "buf.h"
#include "opt.h"
#include "pool.h"
#include "reconcile.h"
#include "writes.h"

struct controller;

struct controller_options {
	struct opt_list manifests; /* none: the API server */
	const char *kubeconfig, *context; /* or NULL: that of the pod that we run in */
	struct str namespace_selector;    /* of labels; "" is not to look */
	/*
	 * Called once, when proxies are served: EXIT_FINE, and the ready line may be printed. Any other exit status of opt.h comes
	 * with a line in `error`, and the caller stops the controller. May be within controller_open.
	 */
	void (*on_ready)(void *owner, struct controller *c, int status, const struct buf *error);
	void *owner;
	struct opt_list listen;    /* URLs */
	const char *identity;      /* directory, or NULL with is_insecure */
	bool is_insecure;
	const char *rollout;       /* "all" or "canary" */
	unsigned rollout_hold_s;   /* of a canary; more than 0 */
	unsigned epoch;            /* of the cluster: a larger one after it was restored */
	const char *state_dir;     /* or NULL */
	const char *name;
	struct addr admin;
	struct writes_options writes; /* to the API server */
	bool has_admission;
	struct addr admission;     /* the webhook, and its PEM files */
	const char *admission_certificate, *admission_key, *admission_client_ca; /* the last may be NULL */
	unsigned shutdown_grace_s; /* so long it answers on after controller_leave */
	struct pools pools;        /* kept */
	struct reconcile_options reconcile; /* texts are kept, not copied */
};

/*
 * Opens everything and reads the manifests for the first time, or begins to ask the API server. Then the caller runs the loop until controller_stop has
 * closed all. On failure: an exit status of opt.h other than EXIT_FINE, with a line in `error`; what was opened is left to
 * the end of the process. Keeps `loop` and `options`.
 */
int controller_open(uv_loop_t *loop, const struct controller_options *options, struct buf *error, struct controller **out);
/* "ready control=tcp://127.0.0.1:7443 admin=127.0.0.1:10254" */
void controller_ready_line(const struct controller *c, struct buf *out);
/*
 * Is not ready from now on. With a webhook and a grace period all else goes on, until the API server asks others; then, or when it is asked
 * again, as controller_stop. Whether it has stopped.
 */
bool controller_leave(struct controller *c);
/* Sends the proxies away and closes everything; the loop ends by itself. Twice is once. */
void controller_stop(struct controller *c);
/* After the loop has ended. */
void controller_destroy(struct controller *c);

#endif
