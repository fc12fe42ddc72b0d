#ifndef STAPLES_H
#define STAPLES_H
/*
 * OCSP answers for the certificates that are served, where enable-ocsp is on: asked for ahead of time, judged, and kept until they
 * expire, for the proxies to staple. They are no part of a snapshot: every controller has others, and ids must be equal. A responder
 * that is down or slow holds up nothing.
 */
#include <uv.h>

#include "arena.h"
#include "content.h"
#include "problem.h"
#include "weirlock/v1/control.pb-c.h"

struct staples;

/* Pools are numbered from 0. Keeps `loop`. Owned. */
struct staples *staples_create(uv_loop_t *loop, size_t n_pools);
/* What is served in a pool from now on; borrowed for the call. */
void staples_apply(struct staples *s, size_t pool, struct content *content);
/* What a proxy of the pool does not have yet. The message lives in `arena` and is good until the loop turns. */
void staples_answer(struct staples *s, size_t pool, const Weirlock__V1__StaplesRequest *request, struct arena *arena,
	Weirlock__V1__StaplesResponse *out);
/* Appends what is wrong: certificates that are revoked, or that cannot be asked for. */
void staples_problems(const struct staples *s, struct problems *out);
/* Appends metrics in Prometheus text. */
void staples_metrics(const struct staples *s, struct buf *out);
/* Its memory goes when the loop has closed its handle and the questions on their way are over. */
void staples_close(struct staples *s);

#endif
