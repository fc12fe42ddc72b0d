#ifndef HOLD_H
#define HOLD_H
/*
 * A proxy that serves a newer state than this controller has seen gets nothing that differs, until the controller has caught up.
 * After hold_ms it is told that it has not, keeps what it serves and asks others.
 */
#include "buf.h"
#include "version.h"

struct proxy;
struct publish;
struct problems;

/* What is known of a proxy's version, and since when it is held back for it. */
struct hold {
	struct version known, pushed; /* that it serves; that it was sent last */
	uint64_t since_ms;            /* 0: it is not held back */
	enum version_mark which;      /* is behind; then: */
	uint64_t seen, held;          /* here, and at the proxy */
};

/* Whether what is current is kept from the proxy. */
bool hold_back(struct proxy *proxy);
/* The proxy serves what is current, or is served. */
void hold_end(struct proxy *proxy);
/* Ends its Watch when it has waited for long enough. */
void hold_tick(struct proxy *proxy, uint64_t now_ms);
/* The marks that go with what is current and that the proxy is not known to have; in `arena`, or NULL. */
Weirlock__V1__Version *hold_news(struct proxy *proxy, struct arena *arena);
/* "the proxy serves EndpointSlice up to 105, …", or "". */
void hold_text(const struct proxy *proxy, struct buf *out);
unsigned hold_count(const struct publish *p);
/* Each proxy that is held back is a problem that stands. */
void hold_problems(const struct publish *p, struct problems *out);

#endif
