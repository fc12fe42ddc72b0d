#ifndef CHANNEL_PLAN_H
#define CHANNEL_PLAN_H
/*
 * What is to become of the Secrets of the channel: the CA's and one for each identity. No I/O; time is an argument.
 *
 * Certificates are renewed when a third of their life is left. A new CA is trusted before it signs: it is in everybody's
 * ca.crt for the overlap, then identities are made with it, and the old one stays trusted until it ends. So at every moment,
 * whoever has the newest form of its Secret and whoever still has the one before know each other.
 */
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "buf.h"
#include "pool.h"

/* The proxies' of each pool, by its index, follow those of which there is one. */
enum plan_secret { PLAN_CA, PLAN_CONTROLLER, PLAN_OPERATOR, PLAN_PROXY, PLAN_SECRETS_MAX = PLAN_PROXY + POOLS_MAX };
size_t plan_n_secrets(const struct pools *pools);
/* Appends "ca", "controller", "operator", "proxy" of the pool default, "proxy-edge" of the pool edge. */
void plan_add_name(const struct pools *pools, size_t which, struct buf *out);

/* Keys of a Secret. */
enum plan_field { PLAN_TLS_CRT, PLAN_TLS_KEY, PLAN_CA_CRT, PLAN_NEXT_CRT, PLAN_NEXT_KEY, PLAN_SESSION_KEY, PLAN_FIELDS };
const char *plan_field_name(enum plan_field field);

/* PLAN_NEXT_CRT and _KEY are of the CA alone, PLAN_SESSION_KEY of the controller alone: what replicas share, never changed. */
struct plan_content {
	bool is_there;
	bool is_ours;  /* a controller made it; others are never written to */
	bool is_dirty; /* to be written */
	struct buf fields[PLAN_FIELDS];
};
void plan_content_deinit(struct plan_content *c); /* wipes it; ready for use again */

struct plan_times {
	int64_t identity_s, ca_s; /* how long they live */
	int64_t overlap_s;        /* how long a CA is trusted before it signs */
};
/* A tenth of the CA's life, a day at most. */
int64_t plan_overlap_s(int64_t ca_s);

/*
 * Changes what is to be changed and marks it. False, with the reason (static) and the Secret: nothing may be written, for there is one
 * that no controller made, or what is in one cannot be used.
 */
bool plan_make(struct plan_content *secrets, const struct pools *pools, const struct plan_times *times, int64_t now_s, size_t *where, const char **why);

#endif
