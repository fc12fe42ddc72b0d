#ifndef ADMISSION_H
#define ADMISSION_H
/*
 * The webhook: the API server asks about one Ingress before it stores it, and hears what the controller would say of it, from
 * the same code. POST to any path. It reads the store and changes nothing, so a dry run is a run like any other.
 */
#include <uv.h>

#include "addr.h"
#include "buf.h"
#include "reconcile.h"

enum {
	ADMISSION_CONNECTIONS = 512,             /* the API server has one for each request under way */
	ADMISSION_BODY_BYTES = 4 * 1024 * 1024,  /* etcd takes 1.5 MiB of an object, and an update has two */
	ADMISSION_BODIES_BYTES = 32 * 1024 * 1024,
	ADMISSION_TIMEOUT_MS = 10 * 1000,        /* the API server waits for 10 s where it is told nothing else */
	ADMISSION_IDLE_MS = 120 * 1000,          /* it closes what is idle after 90 s; whoever closes first may meet a request */
};

struct admission_options {
	struct addr addr;
	const char *certificate, *key; /* PEM files */
	const char *client_ca;         /* PEM file, or NULL: everybody is heard */
	struct store *store;           /* keeps these two */
	const struct reconcile_options *reconcile;
};

struct admission;

/* Listens. False, with a line in `error`: exit status in *status. */
bool admission_open(
	uv_loop_t *loop, const struct admission_options *options, struct buf *error, int *status, struct admission **out);
/* The address that it is really bound to. Borrowed until admission_close. */
const struct addr *admission_bound(const struct admission *admission);
/* Prometheus text. */
void admission_metrics(const struct admission *admission, struct buf *out);
/* Goes on to answer, and tells with each answer that the next is better asked elsewhere. NULL does nothing. */
void admission_leave(struct admission *admission);
/* Ends at once; `admission` is freed when the last handle is gone. NULL does nothing. */
void admission_close(struct admission *admission);

#endif
