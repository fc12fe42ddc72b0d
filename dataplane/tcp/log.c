/*
 * A line a session. The text begins as ingress-nginx's log-format-stream does by default, so that what reads those reads
 * these; behind it are the service, the endpoint, how long it took to connect, the reason of the end, and the key of the limit that fired.
 */
#include <inttypes.h>

#include "tcp_private.h"

/* As nginx numbers the ends of streams. */
static unsigned status_of(enum end_reason why)
{
	switch ((unsigned)why) {
	case END_BAD_PROXY_HEADER:
		return 400;
	case END_DENIED:
		return 403;
	case END_INTERNAL:
		return 500;
	case END_UPSTREAM_CONNECT_FAILED:
	case END_UPSTREAM_CONNECT_TIMEOUT:
		return 502;
	case END_NO_ENDPOINTS:
	case END_ENDPOINTS_FULL:
		return 503;
	default:
		return 200;
	}
}

struct line {
	char client[ADDR_TEXT_MAX], endpoint[ADDR_TEXT_MAX], time[CLOCK_TEXT_MAX];
	unsigned status;
	uint64_t sent, received, ms;
	struct str reason, limit;
};

static void add_connect_time(const struct tcp_session *s, struct buf *out)
{
	buf_printf(out, "%" PRIu64 ".%03u", s->connect_ms / 1000, (unsigned)(s->connect_ms % 1000));
}

static void add_text(const struct tcp_session *s, const struct line *l, struct buf *out)
{
	buf_printf(out, "[%s] [%s] TCP %u %" PRIu64 " %" PRIu64 " %" PRIu64 ".%03u [%.*s] %u %s ", l->client, l->time, l->status,
		l->sent, l->received, l->ms / 1000, (unsigned)(l->ms % 1000), STR_ARG(s->name), (unsigned)s->port, l->endpoint);
	if (s->outcome.kind == BALANCE_ANSWERED)
		add_connect_time(s, out);
	else
		buf_add_char(out, '-');
	buf_printf(out, " %.*s %.*s\n", STR_ARG(l->reason), STR_ARG(l->limit.len ? l->limit : STR("-")));
}

static void add_json(const struct tcp_session *s, const struct line *l, struct buf *out)
{
	buf_printf(out, "{\"time_iso8601\":\"%s\",\"protocol\":\"TCP\",\"remote_addr\":\"%s\",\"server_port\":%u,\"status\":%u,\"bytes_sent\":%" PRIu64
		",\"bytes_received\":%" PRIu64 ",\"session_time\":%" PRIu64 ".%03u,\"proxy_upstream_name\":",
		l->time, l->client, (unsigned)s->port, l->status, l->sent, l->received, l->ms / 1000, (unsigned)(l->ms % 1000));
	buf_add_json(out, s->name);
	if (s->endpoint.family) /* what is not known is left out, as in records of requests */
		buf_printf(out, ",\"upstream_addr\":\"%s\"", l->endpoint);
	if (s->outcome.kind == BALANCE_ANSWERED) {
		buf_printf(out, ",\"upstream_connect_time\":");
		add_connect_time(s, out);
	}
	buf_printf(out, ",\"end_reason\":\"%.*s\"", STR_ARG(l->reason));
	if (l->limit.len)
		buf_printf(out, ",\"end_limit\":\"%.*s\"", STR_ARG(l->limit));
	buf_add(out, STR("}\n"));
}

void tcp_log(struct tcp_session *s, enum end_reason why)
{
	struct exchange_env *env = s->env;
	struct buf out = {0};
	struct line l = {
		.status = status_of(why),
		.sent = s->tunnel.ends[TUNNEL_CLIENT].sent,
		.received = s->tunnel.ends[TUNNEL_CLIENT].received,
		.ms = env->deadlines.now_ms - s->began_ms,
		.reason = end_word(why),
		.limit = end_limit(why),
	};

	if (!env->log.sink || !env_settings(env)->enable_access_log)
		return;
	addr_ip_text(&s->client_addr, l.client);
	if (s->endpoint.family)
		addr_text(&s->endpoint, l.endpoint);
	else
		memcpy(l.endpoint, "-", 2);
	if (env->logs_json) {
		clock_rfc3339(clock_wall_ms(), l.time);
		add_json(s, &l, &out);
	} else {
		clock_log_time(clock_wall_ms() / 1000, l.time);
		add_text(s, &l, &out);
	}
	accesslog_write_line(&env->log, buf_str(&out));
	buf_deinit(&out);
}
