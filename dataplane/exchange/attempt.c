/* Endpoints one after another until one answers: SEMANTICS G16, I30 to I36. */
#include <assert.h>

#include "affinity.h"
#include "clock.h"
#include "exchange_private.h"
#include "log.h"
#include "proxyproto.h"
#include "weirlock/v1/snapshot.pb-c.h"

/* ------------------------------------------------------------------------------------------------------------ logging */

/* Most requests need one. */
static void make_room(struct exchange *ex)
{
	unsigned room = ex->attempts_room ? EXCHANGE_MAX_ATTEMPTS : 1;
	struct accesslog_attempt *more;

	if (ex->n_logged < ex->attempts_room || ex->attempts_room == EXCHANGE_MAX_ATTEMPTS)
		return;
	more = arena_alloc(&ex->arena, room * sizeof(*more));
	if (ex->n_logged)
		memcpy(more, ex->attempts, ex->n_logged * sizeof(*more));
	ex->attempts = more;
	ex->attempts_room = room;
}

static void new_attempt(struct exchange *ex, const struct addr *addr)
{
	make_room(ex);
	if (ex->n_logged < EXCHANGE_MAX_ATTEMPTS)
		ex->n_logged++;
	ex->attempt_began_us = env_now_us(ex->env);
	ex->attempts[ex->n_logged - 1] = (struct accesslog_attempt){
		.addr = *addr,
		.connect_us = ACCESSLOG_NO_TIME,
		.header_us = ACCESSLOG_NO_TIME,
		.response_us = ACCESSLOG_NO_TIME,
	};
}

struct accesslog_attempt *exchange_attempt(struct exchange *ex)
{
	return &ex->attempts[ex->n_logged - 1];
}

/* For an operator; there is one for many failures. */
static void log_ejection(const struct addr *addr, const struct backend *backend)
{
	char text[ADDR_TEXT_MAX];

	log_warn("exchange", "endpoint ejected by a worker addr=%s backend=%.*s failures=%u", addr_text(addr, text),
		STR_ARG(backend->name), backend->eject_after_failures);
}

/* How much the endpoint has confirmed tells later whether it got anything of a request that must not be sent twice. */
static void note_connected(struct exchange *ex)
{
	if (ex->upstream && !exchange_may_send_twice(ex))
		ex->confirmed = stream_confirmed(&ex->upstream->stream);
	exchange_attempt(ex)->connect_us = env_now_us(ex->env) - ex->attempt_began_us;
}

/* ------------------------------------------------------------------------------------------------------------ choosing */

enum { KEY_MAX = 64 * 1024 };

/* I4: evaluated once; retries hash to the same place. */
static struct str balance_key(struct exchange *ex)
{
	struct http_facts facts;
	struct buf key;

	if (!ex->backend->hash_by || ex->has_balance_key)
		return ex->balance_key;
	exchange_facts(ex, &facts);
	buf_init(&key, KEY_MAX);
	http_expression_write(ex->backend->hash_by, &facts, &key); /* what does not fit is left out, alike every time */
	ex->balance_key = arena_str(&ex->arena, buf_str(&key));
	ex->has_balance_key = true;
	buf_deinit(&key);
	return ex->balance_key;
}

/* Room grows by doubling: one, two, four, … */
static void note_tried(struct exchange *ex, unsigned endpoint)
{
	unsigned n = ex->n_tried;

	if (!(n & (n - 1))) {
		uint16_t *more = arena_alloc(&ex->arena, (n ? 2 * n : 1) * sizeof(*more));

		if (n)
			memcpy(more, ex->tried, n * sizeof(*more));
		ex->tried = more;
	}
	ex->tried[ex->n_tried++] = (uint16_t)endpoint;
}

/*
 * I11 to I13: the endpoint of the session, once; -1 where there is none. A retry goes elsewhere, as it does without a session,
 * and so does a request while the endpoint is full or ejected; the session stays where it is unless it may change on failure.
 */
static int session_endpoint(struct exchange *ex, uint64_t now_ms)
{
	const struct affinity *affinity = ex->backend->affinity;
	struct str value;
	int i;

	if (ex->n_tried) {
		ex->is_new_session = ex->is_new_session || affinity->change_on_failure;
		return -1;
	}
	i = http_cookie(&ex->head, affinity->cookie_name, &value) ? affinity_find(ex->backend, value) : -1;
	if (i >= 0 && !balance_has_room(ex->env->balance, ex->backend, (unsigned)i, now_ms))
		return -1;
	ex->is_new_session = i < 0;
	return i;
}

void exchange_write_session(struct exchange *ex, struct buf *lines)
{
	struct buf value = {0};
	struct affinity_cookie cookie = {
		.route_path = ex->rule.match.route->path_type == ROUTE_REGEX ? STR("/") : ex->rule.match.route->path,
		.user_agent = http_head_value(&ex->head, FIELD_USER_AGENT),
		.is_tls = ex->client->conn->is_tls,
		.unix_s = clock_wall_ms() / 1000,
	};

	if (!ex->backend || !ex->backend->affinity || !ex->is_new_session || !ex->sets_session_cookie)
		return;
	affinity_write_value(ex->backend, ex->endpoint, balance_random(ex->env->balance), &value);
	cookie.value = buf_str(&value);
	affinity_write_cookie(ex->backend, &cookie, lines);
	buf_deinit(&value);
}

/* Takes the next endpoint; BALANCE_NONE or BALANCE_FULL when there is none. */
static int choose_endpoint(struct exchange *ex)
{
	struct balance_ask ask = {.tried = {ex->tried, ex->n_tried}, .now_ms = uv_now(ex->env->loop)};
	int i;

	if (ex->is_reconnect)
		return (int)ex->endpoint;
	ask.key = balance_key(ex);
	i = ex->backend->affinity ? session_endpoint(ex, ask.now_ms) : -1;
	if (i < 0)
		i = balance_select(ex->env->balance, ex->backend, &ask);
	if (i < 0)
		return i;
	ex->endpoint = (unsigned)i;
	note_tried(ex, ex->endpoint);
	if (!ex->n_attempts++)
		ex->first_attempt_ms = uv_now(ex->env->loop);
	return i;
}

static bool speaks_tls(const struct exchange *ex)
{
	return judge_speaks_tls(ex->backend, ex->client->conn->is_tls);
}

/* NULL: plain. Whoever may not be asked in TLS was answered before (judge). */
static struct tls_client *tls_client(const struct exchange *ex)
{
	struct tls_client *c = speaks_tls(ex) ? generation_tls_client(ex->held->generation, exchange_policy(ex)) : NULL;

	assert(c || !speaks_tls(ex));
	return c;
}

/*
 * A pooled connection may have been closed a moment ago. Requests that must not be sent twice look first; the others are
 * simply sent again.
 */
static bool is_alive(struct upstream_conn *conn)
{
	char byte;

	return stream_read(&conn->stream, &byte, 1) == 0;
}

static struct upstream_conn *take_pooled(struct exchange *ex, const struct upstream_target *target)
{
	bool may_lose = exchange_may_send_twice(ex);
	struct upstream_conn *conn;

	if (ex->is_reconnect || (!may_lose && upstream_is_closing(ex->env->pool, target)))
		return NULL;
	while ((conn = upstream_take(ex->env->pool, target, &ex->user))) {
		if (may_lose || is_alive(conn))
			return conn;
		upstream_close(conn, false);
	}
	return NULL;
}

static_assert((int)PROXYPROTO_WRITE_MAX <= (int)UPSTREAM_PROXY_HEADER_MAX, "the pool has room for every header");

/*
 * What the endpoint is told of the client: the address that all else sees, and what it connected to. A PROXY header that
 * did not count when the client was looked for does not count here.
 */
static struct str proxy_header(const struct exchange *ex, char out[PROXYPROTO_WRITE_MAX])
{
	const struct clientaddr_conn *conn = ex->client->conn;
	bool is_believed = conn->has_proxy_header && ex->held->rules.use_proxy_protocol &&
		ex->who.reason != CLIENTADDR_PEER_UNTRUSTED;
	uint32_t version = exchange_policy(ex)->send_proxy_protocol;

	if (!version)
		return STR("");
	return str_of(out, proxyproto_write(version, &ex->who.client,
		is_believed && conn->proxy_dst.family ? &conn->proxy_dst : &conn->local, out));
}

static enum exchange_state begin_call(struct exchange *ex, const struct upstream_target *target)
{
	int error;

	ex->call = upstream_call_open(ex->env->pool, target, &ex->user, &error);
	if (!ex->call)
		return exchange_attempt_failed(ex, ATTEMPT_ERROR, END_UPSTREAM_CONNECT_FAILED);
	ex->is_reused = !upstream_call_is_first(ex->call);
	metrics_add(ex->is_reused ? &ex->env->metrics.upstream_reused : &ex->env->metrics.upstream_opened, 1);
	if (!upstream_call_is_connected(ex->call))
		return EX_CONNECT;
	note_connected(ex);
	return EX_AWAIT;
}

enum exchange_state exchange_pick(struct exchange *ex)
{
	char header[PROXYPROTO_WRITE_MAX];
	struct upstream_target target = {
		.tls = tls_client(ex), .proxy_header = proxy_header(ex, header), .is_http2 = judge_speaks_http2(ex->backend)};
	int error;

	assert(ex->state == EX_PICK && !ex->upstream && !ex->call);
	switch (choose_endpoint(ex)) {
	case BALANCE_NONE:
		return exchange_answer(ex, 503, END_NO_ENDPOINTS);
	case BALANCE_FULL:
		return exchange_answer(ex, 503, END_ENDPOINTS_FULL);
	default:
		break;
	}
	target.addr = ex->backend->endpoints[ex->endpoint].addr;
	new_attempt(ex, &target.addr);
	ex->balance_outcome = (struct balance_outcome){.kind = BALANCE_UNKNOWN};
	balance_begin(ex->env->balance, ex->backend, ex->endpoint, uv_now(ex->env->loop), &ex->ticket);
	ex->upstream_events = 0;
	ex->has_expired = false;
	if (target.is_http2) {
		ex->is_reconnect = false;
		return begin_call(ex, &target);
	}
	ex->upstream = take_pooled(ex, &target);
	ex->is_reused = ex->upstream != NULL;
	ex->is_reconnect = false;
	if (ex->upstream) {
		metrics_add(&ex->env->metrics.upstream_reused, 1);
		note_connected(ex);
		return EX_AWAIT;
	}
	metrics_add(&ex->env->metrics.upstream_opened, 1);
	ex->upstream = upstream_connect(ex->env->pool, &target, &ex->user, &error);
	return ex->upstream ? EX_CONNECT : exchange_attempt_failed(ex, ATTEMPT_ERROR, END_UPSTREAM_CONNECT_FAILED);
}

enum exchange_state exchange_connecting(struct exchange *ex)
{
	assert(ex->state == EX_CONNECT && (ex->upstream || ex->call));
	if (ex->upstream_events & STREAM_FAILED)
		return exchange_attempt_failed(ex, ATTEMPT_ERROR, ex->call ? exchange_call_end(ex) :
			ex->upstream->stream.error == UV_EPROTO ? END_UPSTREAM_TLS_FAILED : END_UPSTREAM_CONNECT_FAILED);
	if (ex->upstream_events & STREAM_CONNECTED) {
		note_connected(ex);
		ex->upstream_events &= ~(unsigned)STREAM_CONNECTED;
		ex->has_expired = false;
		return EX_AWAIT;
	}
	if (ex->has_expired)
		return exchange_attempt_failed(ex, ATTEMPT_TIMEOUT, END_UPSTREAM_CONNECT_TIMEOUT);
	return EX_CONNECT;
}

static void end_ticket(struct exchange *ex)
{
	const struct backend *backend = ex->backend;

	if (!balance_end(ex->env->balance, &ex->ticket, uv_now(ex->env->loop), &ex->balance_outcome))
		return;
	metrics_add(&ex->env->metrics.endpoints_ejected, 1);
	log_ejection(&ex->ticket.addr, backend);
}

/* G12: an endpoint that went while it was asked gets no idle connection back; its own closes could cross a later request. */
static bool is_still_there(const struct exchange *ex)
{
	const struct generation *newest = ex->env->current->generation;
	const struct backend *backend;

	if (ex->held == ex->env->current)
		return true;
	backend = generation_backend_at(newest, ex->ticket.backend);
	for (size_t i = 0; backend && i < backend->n_endpoints; i++) {
		if (addr_eq(&backend->endpoints[i].addr, &ex->ticket.addr))
			return true;
	}
	return false;
}

void exchange_leave_upstream(struct exchange *ex, bool is_reusable)
{
	exchange_attempt(ex)->response_us = env_now_us(ex->env) - ex->attempt_began_us;
	if (ex->call)
		upstream_call_close(ex->call, is_still_there(ex));
	else if (is_reusable && is_still_there(ex))
		upstream_give_back(ex->upstream);
	else
		upstream_close(ex->upstream, false);
	ex->upstream = NULL;
	ex->call = NULL;
	end_ticket(ex);
}

/* What it says of the endpoint's health: a response that is its own fault, or that of what it leans on, counts against it. */
void exchange_judge_endpoint(struct exchange *ex, unsigned status)
{
	ex->balance_outcome.us = env_now_us(ex->env) - ex->attempt_began_us;
	ex->balance_outcome.is_unreachable = !status || (status >= 502 && status <= 504);
	ex->balance_outcome.kind =
		!status || (status >= 500 && status != 501 && status != 505) ? BALANCE_FAILED : BALANCE_ANSWERED;
	if (ex->balance_outcome.kind == BALANCE_ANSWERED)
		balance_answered(ex->env->balance, &ex->ticket);
}

/* ------------------------------------------------------------------------------------------------------------- retries */

bool exchange_may_send_twice(const struct exchange *ex)
{
	return http_method_is_idempotent(ex->head.method) ||
		(exchange_policy(ex)->next_upstream & WEIRLOCK__V1__NEXT_UPSTREAM__NEXT_UPSTREAM_NON_IDEMPOTENT);
}

/* Nothing of the request is lost, and sending it again does no harm, or would be the first that the endpoint sees (I32, I33). */
static bool can_send_again(const struct exchange *ex)
{
	const struct policy *policy = exchange_policy(ex);

	if (ex->cannot_replay)
		return false;
	if (!ex->sent_any || ex->is_unheard)
		return true;
	if (policy->no_request_buffering)
		return false;
	return exchange_may_send_twice(ex);
}

/* The rule and the request allow another try, if there is time. */
static bool wants_retry(const struct exchange *ex, uint32_t why)
{
	const struct policy *policy = exchange_policy(ex);
	size_t tries = policy->next_upstream_tries ? policy->next_upstream_tries : ex->backend->n_endpoints;

	return (policy->next_upstream & why) && ex->n_attempts < tries && !ex->is_body_bad && can_send_again(ex);
}

static bool is_retry_late(const struct exchange *ex)
{
	uint64_t most_ms = exchange_policy(ex)->next_upstream_timeout_ms;

	return most_ms && uv_now(ex->env->loop) - ex->first_attempt_ms >= most_ms;
}

static bool may_retry(const struct exchange *ex, uint32_t why)
{
	if (!wants_retry(ex, why) || is_retry_late(ex))
		return false;
	if (balance_may_retry(ex->env->balance, ex->backend, uv_now(ex->env->loop)))
		return true;
	metrics_add(&ex->env->metrics.upstream_retries_denied, 1);
	return false;
}

/* The request as if it had never been sent: what went out comes first again. */
static void rewind_request(struct exchange *ex)
{
	if (ex->replay.len) {
		buf_add(&ex->replay, buf_str(&ex->body));
		buf_deinit(&ex->body);
		ex->body = ex->replay;
		ex->replay = (struct buf){0};
	}
	if (ex->store)
		ex->store->sent = 0;
	buf_deinit(&ex->wire);
	buf_deinit(&ex->partial);
	ex->sent_head = ex->sent_last = ex->sent_any = ex->got_any = ex->has_upload_failed = ex->is_unheard = false;
}

enum exchange_state exchange_retry(struct exchange *ex)
{
	metrics_add(&ex->env->metrics.upstream_retries, 1);
	if (ex->upstream || ex->call)
		exchange_leave_upstream(ex, false);
	rewind_request(ex);
	return EX_PICK;
}

enum exchange_state exchange_attempt_failed(struct exchange *ex, enum attempt_failure failure, enum end_reason end)
{
	static const uint32_t why[] = {
		[ATTEMPT_ERROR] = WEIRLOCK__V1__NEXT_UPSTREAM__NEXT_UPSTREAM_ERROR,
		[ATTEMPT_TIMEOUT] = WEIRLOCK__V1__NEXT_UPSTREAM__NEXT_UPSTREAM_TIMEOUT,
		[ATTEMPT_INVALID] = WEIRLOCK__V1__NEXT_UPSTREAM__NEXT_UPSTREAM_INVALID_HEADER,
	};
	unsigned status = failure == ATTEMPT_TIMEOUT ? 504 : 502;

	if (ex->call)
		ex->sent_any = upstream_call_was_sent(ex->call);
	if (failure == ATTEMPT_ERROR && (ex->is_reused || end == END_UPSTREAM_REFUSED) && !ex->got_any && !ex->used_free_retry && can_send_again(ex)) {
		ex->used_free_retry = true; /* G16: it had gone stale; costs no try, asks the same endpoint */
		ex->is_reconnect = true;
		return exchange_retry(ex);
	}
	exchange_judge_endpoint(ex, 0);
	exchange_attempt(ex)->status = status;
	if (ex->upstream || ex->call)
		exchange_leave_upstream(ex, false);
	else /* the connect failed before it began */
		end_ticket(ex);
	if (may_retry(ex, why[failure]))
		return exchange_retry(ex);
	ex->is_retry_late = wants_retry(ex, why[failure]) && is_retry_late(ex);
	return exchange_answer(ex, status, end);
}

bool exchange_may_retry_status(const struct exchange *ex, unsigned status)
{
	static const struct {
		unsigned status;
		uint32_t why;
	} rows[] = {
		{500, WEIRLOCK__V1__NEXT_UPSTREAM__NEXT_UPSTREAM_HTTP_500},
		{502, WEIRLOCK__V1__NEXT_UPSTREAM__NEXT_UPSTREAM_HTTP_502},
		{503, WEIRLOCK__V1__NEXT_UPSTREAM__NEXT_UPSTREAM_HTTP_503},
		{504, WEIRLOCK__V1__NEXT_UPSTREAM__NEXT_UPSTREAM_HTTP_504},
		{403, WEIRLOCK__V1__NEXT_UPSTREAM__NEXT_UPSTREAM_HTTP_403},
		{404, WEIRLOCK__V1__NEXT_UPSTREAM__NEXT_UPSTREAM_HTTP_404},
		{429, WEIRLOCK__V1__NEXT_UPSTREAM__NEXT_UPSTREAM_HTTP_429},
	};

	for (size_t i = 0; status >= 400 && i < sizeof(rows) / sizeof(rows[0]); i++) {
		if (rows[i].status == status)
			return may_retry(ex, rows[i].why);
	}
	return false;
}
