/*
 * The PROXY header before anything else (A30 to A37). Bytes are taken as soon as they are known to belong to it: what stays
 * in the socket would wake us for ever, and what follows the header is TLS's.
 */
#include <inttypes.h>
#include <stdlib.h>

#include "conn_private.h"
#include "judge_conn.h"
#include "log.h"
#include "mem.h"
#include "proxyproto.h"

enum { WARN_EVERY_MS = 60000 };

bool conn_needs_proxy_header(const struct exchange_env *env, const struct addr *peer)
{
	return judge_needs_proxy_header(env_settings(env), peer);
}

/* One line a minute: a balancer that is set up wrongly makes one of these for each connection. */
static void warn(struct conn *c, enum proxyproto_result result, const char *reason)
{
	struct exchange_env *env = c->env;
	uint64_t now_ms = env->deadlines.now_ms;
	char peer[ADDR_TEXT_MAX], local[ADDR_TEXT_MAX];

	env->n_proxy_untold++;
	if (env->proxy_warned_ms && now_ms - env->proxy_warned_ms < WARN_EVERY_MS)
		return;
	log_warn("conn", "closed: no valid PROXY header peer=%s address=%s result=%s reason=\"%s\" fix=\"%s\" times=%" PRIu64,
		addr_text(&c->who.peer, peer), addr_text(&c->who.local, local), proxyproto_word(result), reason,
		proxyproto_fix(result), env->n_proxy_untold);
	env->proxy_warned_ms = now_ms;
	env->n_proxy_untold = 0;
}

static enum conn_proxy refuse(struct conn *c, enum proxyproto_result result, const char *reason)
{
	metrics_count_proxy_header(&c->env->metrics, result);
	warn(c, result, reason);
	return CONN_PROXY_BAD;
}

void conn_proxy_header_late(struct conn *c)
{
	refuse(c, PROXYPROTO_LATE, proxyproto_what(PROXYPROTO_LATE));
}

/* The peer closed, in order or not. */
static enum conn_proxy end_early(struct conn *c)
{
	if (c->in.len)
		return refuse(c, PROXYPROTO_CUT_OFF, proxyproto_what(PROXYPROTO_CUT_OFF));
	metrics_count_proxy_header(&c->env->metrics, PROXYPROTO_EMPTY);
	return CONN_PROXY_EMPTY;
}

static void keep(struct conn *c, const struct proxyproto *header)
{
	metrics_count_proxy_header(&c->env->metrics, header->result);
	c->who.has_proxy_header = true;
	c->who.proxy_src = header->src;
	c->who.proxy_dst = header->dst;
	if (header->tlvs.len)
		c->client.proxy_tlvs = str_of(mem_strdup(header->tlvs), header->tlvs.len);
}

/* Takes what was peeked at. False when the socket does not give it, which is a failure of our own. */
static bool take(struct conn *c, size_t len)
{
	return stream_read(&c->stream, c->env->space + PROXYPROTO_MAX, len) == (ssize_t)len;
}

enum conn_proxy conn_read_proxy_header(struct conn *c)
{
	char *space = c->env->space;
	size_t have = c->in.len; /* below PROXYPROTO_MAX: the parser wants no more then */
	struct proxyproto_error error;
	struct proxyproto header;
	ssize_t n = stream_peek(&c->stream, space + have, PROXYPROTO_MAX - have);

	if (n == 0)
		return CONN_PROXY_WAITS;
	if (n < 0)
		return end_early(c);
	if (have)
		memcpy(space, c->in.ptr, have);
	switch (proxyproto_parse(str_of(space, have + (size_t)n), &header, &error)) {
	case PARSE_MORE:
		buf_add(&c->in, str_of(space + have, (size_t)n));
		return take(c, (size_t)n) ? CONN_PROXY_WAITS : end_early(c);
	case PARSE_BAD:
		return refuse(c, error.kind, error.reason);
	case PARSE_DONE:
		buf_deinit(&c->in);
		if (!take(c, header.size - have))
			return end_early(c);
		keep(c, &header);
		return CONN_PROXY_READ;
	}
	abort();
}
