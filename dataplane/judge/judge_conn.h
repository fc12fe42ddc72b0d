#ifndef JUDGE_CONN_H
#define JUDGE_CONN_H
/* What a connection asks of the settings before there is a request to judge. */
#include "config.h"
#include "http1.h"

enum {
	JUDGE_FIELDS_MAX = 256,        /* fields of a request */
	JUDGE_HEAD_MAX = 128 * 1024,   /* bytes of its head, whatever the settings allow */
};

/* How large a request head may be, and which names are dropped (G1, A29). */
void judge_limits(const struct settings *s, struct http1_limits *limits);

/*
 * Whether a connection of this peer must begin with a PROXY header; if not, it must not. Without proxy-protocol-cidr
 * everybody must (A30); with it those inside, and all others speak plainly.
 */
bool judge_needs_proxy_header(const struct settings *s, const struct addr *peer);

#endif
