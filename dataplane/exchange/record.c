/* One finished request in the counters and in the log. */
#include "exchange_private.h"

static struct str upstream_name(const struct exchange *ex)
{
	const struct route *route = ex->rule.match.route;

	if (!route)
		return (struct str){0};
	if (route->backend_index == BACKEND_NONE)
		return STR("upstream-default-backend");
	return route->log_name;
}

static void observe_attempt(struct exchange *ex)
{
	const struct accesslog_attempt *a;
	struct metrics *m = &ex->env->metrics;

	if (ex->n_logged != 1) /* N2: times of several attempts would be added up */
		return;
	a = exchange_attempt(ex);
	if (a->connect_us != ACCESSLOG_NO_TIME)
		metrics_observe(&m->connect_us, a->connect_us);
	if (a->header_us != ACCESSLOG_NO_TIME)
		metrics_observe(&m->header_us, a->header_us);
	if (a->response_us != ACCESSLOG_NO_TIME)
		metrics_observe(&m->response_us, a->response_us);
}

static bool is_logged(const struct exchange *ex)
{
	if (!ex->env->log.sink || !exchange_settings(ex)->enable_access_log)
		return false;
	return !ex->rule.match.route || !exchange_policy(ex)->disable_access_log;
}

static void add_tls(const struct exchange *ex, struct accesslog_record *r)
{
	const SSL *ssl = ex->client->ssl;

	if (!ssl)
		return;
	r->tls_protocol = str_from(SSL_get_version(ssl));
	r->tls_cipher = str_from(SSL_get_cipher_name(ssl));
	r->tls_server_name = str_from(SSL_get_servername(ssl, TLSEXT_NAMETYPE_host_name));
	r->is_tls_resumed = SSL_session_reused(ssl) == 1;
}

static void add_route(const struct exchange *ex, struct accesslog_record *r)
{
	const struct route *route = ex->rule.match.route;

	if (!route)
		return;
	r->server_name = ex->rule.match.host->name;
	r->upstream_name = upstream_name(ex);
	r->alternative_name = ex->canary_name;
	r->namespace_name = route->namespace_;
	r->ingress_name = route->ingress_name;
	r->service_name = route->service;
	r->service_port = route->service_port;
	r->location_path = route->path;
}

/* Walked once more, by the same code, for logs that show it. A request that was never judged has no client but the peer. */
static void add_client(struct exchange *ex, struct accesslog_record *r)
{
	const struct clientaddr_rules *rules = &ex->held->rules;
	struct clientaddr_trace trace = {0};
	struct clientaddr who;
	struct buf chain = {0};

	if (!ex->who.client.family)
		return;
	r->client_reason = clientaddr_reason_word(ex->who.reason);
	r->access_scheme = ex->who.scheme;
	r->access_host = ex->who.host;
	r->access_port = ex->who.port;
	if (!accesslog_wants_chain(ex->env->format.format, ex->who.reason == CLIENTADDR_OFF))
		return;
	clientaddr_explain(rules, ex->client->conn, &ex->head, &ex->arena, &who, &trace);
	clientaddr_chain_text(&trace, &chain);
	r->client_chain = arena_str(&ex->arena, buf_str(&chain));
	buf_deinit(&chain);
}

/* Without a route nobody set how long a client may take to read our answer. */
static struct str limit_that_fired(const struct exchange *ex)
{
	if (ex->is_retry_late && ex->outcome != EXCHANGE_CUT)
		return STR("proxy-next-upstream-timeout");
	return ex->end == END_CLIENT_SEND_TIMEOUT && !ex->rule.match.route ? (struct str){0} : end_limit(ex->end);
}

static void write_line(struct exchange *ex, uint64_t took_us)
{
	const struct clientaddr_conn *conn = ex->client->conn;
	struct accesslog_record r = {
		.unix_ms = clock_wall_ms(),
		.request_us = took_us,
		.request = ex->head.method_text.len ? &ex->head : NULL,
		.bad_request_line = ex->bad_line,
		.client = ex->who.client.family ? &ex->who.client : &conn->peer,
		.peer = &conn->peer,
		.local = &conn->local,
		.proxy_client = conn->has_proxy_header ? &conn->proxy_src : NULL,
		.proxy_server = conn->has_proxy_header ? &conn->proxy_dst : NULL,
		.proxy_tlvs = ex->client->proxy_tlvs,
		.scheme = conn->is_tls ? STR("https") : STR("http"),
		.status = ex->status,
		.request_bytes = ex->head_bytes + ex->body_received,
		.sent_bytes = ex->client->overhead_bytes + ex->body_sent,
		.body_sent_bytes = ex->body_sent,
		.connection_id = ex->client->connection_id,
		.connection_requests = ex->client->connection_requests,
		.request_id = ex->request_id,
		.attempts = ex->attempts,
		.n_attempts = ex->n_logged,
		.reason = ex->end,
		.limit = limit_that_fired(ex),
		.grpc_status = ex->grpc_status,
	};

	add_client(ex, &r);
	add_tls(ex, &r);
	add_route(ex, &r);
	accesslog_write(&ex->env->log, ex->env->format.format, &r);
}

void exchange_record(struct exchange *ex)
{
	uint64_t took_us = env_now_us(ex->env) - ex->began_us;
	struct metrics *m = &ex->env->metrics;

	metrics_count_request(m, ex->head.method, ex->status, ex->end, took_us);
	metrics_add(&m->client_bytes_in, ex->head_bytes + ex->body_received);
	metrics_add(&m->client_bytes_out, ex->client->overhead_bytes + ex->body_sent);
	if (ex->n_logged)
		observe_attempt(ex);
	if (is_logged(ex))
		write_line(ex, took_us);
}
