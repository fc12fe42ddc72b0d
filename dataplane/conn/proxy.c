/*
 * The PROXY header before anything else (A30 to A37). Where TLS follows it, bytes are taken once they are known to belong to it:
 * what stays in the socket would wake us for ever, and what is behind the header is TLS's. Elsewhere one read takes both.
 */
#include "proxy_header.h"

#include <inttypes.h>
#include <stdlib.h>

#include "conn_private.h"
#include "judge_conn.h"
#include "log.h"
#include "mem.h"

enum { WARN_EVERY_MS = 60000, TAKE_MAX = 64 * 1024 };
_Static_assert((int)TAKE_MAX + (int)PROXYPROTO_MAX <= (int)ENV_READ_SIZE, "both fit into what a worker lends");

bool conn_needs_proxy_header(const struct exchange_env *env, const struct addr *peer)
{
	return judge_needs_proxy_header(env_settings(env), peer);
}

/* One line a minute: a balancer that is set up wrongly makes one of these for each connection. */
static void warn(const struct proxy_header_from *from, enum proxyproto_result result, const char *reason)
{
	struct exchange_env *env = from->env;
	uint64_t now_ms = env->deadlines.now_ms;
	char peer[ADDR_TEXT_MAX], local[ADDR_TEXT_MAX];

	env->n_proxy_untold++;
	if (env->proxy_warned_ms && now_ms - env->proxy_warned_ms < WARN_EVERY_MS)
		return;
	log_warn("conn", "closed: no valid PROXY header peer=%s address=%s result=%s reason=\"%s\" fix=\"%s\" times=%" PRIu64,
		addr_text(from->peer, peer), addr_text(from->local, local), proxyproto_word(result), reason,
		proxyproto_fix(result), env->n_proxy_untold);
	env->proxy_warned_ms = now_ms;
	env->n_proxy_untold = 0;
}

static enum conn_proxy refuse(const struct proxy_header_from *from, enum proxyproto_result result, const char *reason)
{
	metrics_count_proxy_header(&from->env->metrics, result);
	warn(from, result, reason);
	return CONN_PROXY_BAD;
}

void proxy_header_late(const struct proxy_header_from *from)
{
	refuse(from, PROXYPROTO_LATE, proxyproto_what(PROXYPROTO_LATE));
}

/* The peer closed, in order or not. */
static enum conn_proxy end_early(const struct proxy_header_from *from)
{
	if (from->in->len)
		return refuse(from, PROXYPROTO_CUT_OFF, proxyproto_what(PROXYPROTO_CUT_OFF));
	metrics_count_proxy_header(&from->env->metrics, PROXYPROTO_EMPTY);
	return CONN_PROXY_EMPTY;
}

/* Takes what was peeked at. False when the socket does not give it, which is a failure of our own. */
static bool take(const struct proxy_header_from *from, size_t len)
{
	return stream_read(from->stream, from->env->space + PROXYPROTO_MAX, len) == (ssize_t)len;
}

enum conn_proxy proxy_header_read(const struct proxy_header_from *from, struct proxyproto *out, struct str *rest)
{
	char *space = from->env->space;
	size_t have = from->in->len; /* below PROXYPROTO_MAX: the parser wants no more then */
	struct proxyproto_error error;
	ssize_t n = rest ? stream_read(from->stream, space + have, TAKE_MAX) :
		stream_peek(from->stream, space + have, PROXYPROTO_MAX - have);

	if (n == 0)
		return CONN_PROXY_WAITS;
	if (n < 0)
		return end_early(from);
	if (have)
		memcpy(space, from->in->ptr, have);
	switch (proxyproto_parse(str_of(space, have + (size_t)n), out, &error)) {
	case PARSE_MORE:
		buf_add(from->in, str_of(space + have, (size_t)n));
		return rest || take(from, (size_t)n) ? CONN_PROXY_WAITS : end_early(from);
	case PARSE_BAD:
		return refuse(from, error.kind, error.reason);
	case PARSE_DONE:
		buf_deinit(from->in);
		if (rest)
			*rest = str_from_index(str_of(space, have + (size_t)n), out->size);
		else if (!take(from, out->size - have))
			return end_early(from);
		metrics_count_proxy_header(&from->env->metrics, out->result);
		return CONN_PROXY_READ;
	}
	abort();
}

static struct proxy_header_from from_of(struct conn *c)
{
	return (struct proxy_header_from){c->env, &c->stream, &c->in, &c->who.peer, &c->who.local};
}

void conn_proxy_header_late(struct conn *c)
{
	const struct proxy_header_from from = from_of(c);

	proxy_header_late(&from);
}

enum conn_proxy conn_read_proxy_header(struct conn *c, struct str *rest)
{
	const struct proxy_header_from from = from_of(c);
	struct proxyproto header;
	enum conn_proxy result = proxy_header_read(&from, &header, c->held_ssl ? NULL : rest);

	if (result != CONN_PROXY_READ)
		return result;
	c->who.has_proxy_header = true;
	c->who.proxy_src = header.src;
	c->who.proxy_dst = header.dst;
	if (header.tlvs.len)
		c->client.proxy_tlvs = str_of(mem_strdup(header.tlvs), header.tlvs.len);
	return result;
}
