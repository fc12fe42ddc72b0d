/* A line a session: log-format-stream. */
#include "tcp_private.h"

void tcp_log(struct tcp_session *s, enum end_reason why)
{
	const struct tunnel_end *ends = s->tunnel.ends;
	struct addr local = s->local;
	const struct accesslog_attempt attempt = {
		.addr = s->endpoint,
		.bytes_received = ends[TUNNEL_UPSTREAM].received,
		.connect_us = s->outcome.kind == BALANCE_ANSWERED ? s->connect_ms * 1000 : ACCESSLOG_NO_TIME,
		.header_us = ACCESSLOG_NO_TIME,
		.response_us = ACCESSLOG_NO_TIME,
	};
	struct accesslog_record r = {
		.protocol = STR("TCP"),
		.client = &s->client_addr,
		.peer = &s->peer,
		.local = &local,
		.upstream_name = s->name,
		.sent_bytes = ends[TUNNEL_CLIENT].sent,
		.request_bytes = ends[TUNNEL_CLIENT].received,
		.request_us = (s->env->deadlines.now_ms - s->began_ms) * 1000,
		.attempts = &attempt,
		.n_attempts = s->endpoint.family != 0,
		.reason = why,
	};

	local.port = s->port;
	env_log_session(s->env, &r);
}
