/*
 * The states of a request and what may follow:
 *
 *	DECIDE ─▶ STORE ─▶ PICK ─▶ CONNECT ─▶ AWAIT ─▶ RELAY ─▶ GIVE ─▶ FLUSH ─▶ OVER
 *	   │                │ ◀───────┴─────────┤        └────────────────────────▶ OVER
 *	   │                └────────(pooled)──▶│
 *	   └──────▶ ANSWER ◀────────────────────┴─▶ TUNNEL ─▶ OVER
 *	              └─▶ FLUSH ─▶ OVER
 *
 * Callbacks only keep what happened and advance; every decision is in a state's function.
 */
#include "exchange.h"

#include <assert.h>
#include <stdlib.h>

#include "exchange_private.h"
#include "mem.h"

enum { TIGHT_REST = 128 }; /* the request id, and the rounding of all pieces; what does not fit gets a block of its own */

const struct policy *exchange_policy(const struct exchange *ex)
{
	return &ex->rule.match.route->policy;
}

const struct settings *exchange_settings(const struct exchange *ex)
{
	return generation_settings(ex->held->generation);
}

void exchange_facts(const struct exchange *ex, struct http_facts *out)
{
	*out = (struct http_facts){
		.head = &ex->head,
		.client = &ex->who.client,
		.scheme = ex->client->conn->is_tls ? STR("https") : STR("http"),
		.server_name = ex->rule.server_name,
		.best_host = ex->who.host,
		.path = ex->rule.path,
		.request_id = ex->request_id,
	};
}

enum exchange_state exchange_answer(struct exchange *ex, unsigned status, enum end_reason end)
{
	ex->answer_status = status;
	ex->end = end;
	return EX_ANSWER;
}

enum exchange_state exchange_over(struct exchange *ex, enum exchange_outcome outcome, enum end_reason end)
{
	ex->outcome = outcome;
	ex->end = end;
	return EX_OVER;
}

/* ---------------------------------------------------------------------------------------------------------- creation */

static void on_expired(struct deadline *d);
static void on_upstream_event(struct upstream_user *user, unsigned events);

/*
 * What asks for an upgrade may live for days and then needs little more than its head, for the log: its arena grows by small
 * blocks, and is not one that waits for reuse. Never moving what is in it is worth more than the last byte.
 */
static struct exchange *create_tight(const struct http_head *head, struct str raw)
{
	struct exchange *ex = mem_zalloc(sizeof(*ex));

	ex->is_tight = true;
	ex->arena.block_size = raw.len + (head->n_fields + 1) * sizeof(head->fields[0]) + head->host.len + head->path.len +
		sizeof(ex->attempts[0]) + TIGHT_REST;
	return ex;
}

static struct exchange *take_spare(struct exchange_env *env)
{
	struct exchange *ex = env->spare;
	struct arena arena;

	if (!ex) {
		ex = mem_zalloc(sizeof(*ex));
		return ex;
	}
	env->spare = ex->next;
	env->n_spare--;
	arena = ex->arena;
	memset(ex, 0, sizeof(*ex));
	ex->arena = arena;
	return ex;
}

/* The same bytes elsewhere. */
static struct str moved(struct str s, struct str from, const char *to)
{
	if (s.ptr >= from.ptr && s.ptr <= from.ptr + from.len)
		s.ptr = to + (s.ptr - from.ptr);
	return s;
}

static void copy_head(struct exchange *ex, const struct http_head *head, struct str raw)
{
	const char *to = arena_str(&ex->arena, raw).ptr;
	struct http_field *fields = arena_alloc(&ex->arena, (head->n_fields + 1) * sizeof(*fields));

	ex->head = *head;
	ex->head.method_text = moved(head->method_text, raw, to);
	ex->head.target = moved(head->target, raw, to);
	ex->head.path = moved(head->path, raw, to);
	ex->head.query = moved(head->query, raw, to);
	ex->head.host = moved(head->host, raw, to);
	for (size_t i = 0; i < head->n_fields; i++) {
		fields[i].name = moved(head->fields[i].name, raw, to);
		fields[i].value = moved(head->fields[i].value, raw, to);
		fields[i].id = head->fields[i].id;
	}
	ex->head.fields = fields;
}

struct exchange *exchange_create(struct exchange_env *env, struct exchange_client *client, const struct http_head *head,
	struct str raw, uint64_t began_us)
{
	struct exchange *ex = head->is_upgrade ? create_tight(head, raw) : take_spare(env);

	ex->env = env;
	ex->client = client;
	ex->held = env_hold(env);
	ex->deadline.on_expired = on_expired;
	ex->user.on_event = on_upstream_event;
	ex->began_us = began_us;
	metrics_add(&env->metrics.requests_started, 1);
	ex->head_bytes = raw.len;
	ex->state = EX_DECIDE;
	copy_head(ex, head, raw);
	return ex;
}

static void give_back(struct exchange *ex)
{
	struct exchange_env *env = ex->env;

	exchange_drop_store(ex);
	exchange_drop_hold(ex);
	exchange_drop_pipe(ex);
	buf_deinit(&ex->body);
	buf_deinit(&ex->wire);
	buf_deinit(&ex->replay);
	buf_deinit(&ex->partial);
	deadline_stop(&env->deadlines, &ex->deadline);
	env_release(&ex->held);
	if (ex->is_tight || env->n_spare == ENV_SPARE_EXCHANGES) {
		arena_deinit(&ex->arena);
		mem_free(ex);
		return;
	}
	arena_reset(&ex->arena);
	ex->next = env->spare;
	env->spare = ex;
	env->n_spare++;
}

/* Everything was said: tells the log, then the client, who may go on with its next request. */
static void finish(struct exchange *ex)
{
	struct exchange_client *client = ex->client;
	enum exchange_outcome outcome = ex->outcome;

	client->trailers = (struct str){0};
	exchange_leave_tunnel(ex);
	if (ex->upstream || ex->call)
		exchange_leave_upstream(ex, false);
	exchange_record(ex);
	give_back(ex);
	client->ops->finished(client, outcome);
}

/* --------------------------------------------------------------------------------------------------------- the states */

/* What the client has not taken yet is on its way. */
static enum exchange_state flush(struct exchange *ex)
{
	assert(ex->state == EX_FLUSH || ex->state == EX_RELAY || ex->state == EX_ANSWER);
	if (ex->has_expired)
		return exchange_over(ex, EXCHANGE_CUT, END_CLIENT_SEND_TIMEOUT);
	return ex->is_waiting_client ? EX_FLUSH : EX_OVER;
}

/* The client closed: nobody is left to answer (D5, G17). */
static enum exchange_state client_gone(struct exchange *ex)
{
	ex->status = ex->status ? ex->status : 499;
	return exchange_over(ex, EXCHANGE_CUT, END_CLIENT_GONE);
}

/* Status 499, as from nginx when it stops: nothing of an answer was sent. */
static enum exchange_state drained(struct exchange *ex)
{
	ex->status = ex->status ? ex->status : 499;
	return exchange_over(ex, ex->state == EX_TUNNEL ? EXCHANGE_CLOSE : EXCHANGE_CUT,
		ex->env->has_waited_to_stop ? END_SHUTDOWN_TIMEOUT : END_DRAINING);
}

static enum exchange_state step(struct exchange *ex)
{
	if ((ex->events & EXCHANGE_CLIENT_GONE) && ex->state != EX_OVER)
		return client_gone(ex);
	if ((ex->events & EXCHANGE_DRAINED) && ex->state != EX_OVER)
		return drained(ex);
	switch (ex->state) {
	case EX_DECIDE:
		return exchange_decide(ex);
	case EX_STORE:
		return exchange_keep_body(ex);
	case EX_PICK:
		return exchange_pick(ex);
	case EX_CONNECT:
		return exchange_connecting(ex);
	case EX_AWAIT:
		return exchange_await(ex);
	case EX_RELAY:
		return exchange_relay(ex);
	case EX_GIVE:
		return exchange_give(ex);
	case EX_ANSWER:
		return exchange_send_page(ex);
	case EX_FLUSH:
		return flush(ex);
	case EX_TUNNEL:
		return exchange_tunnel(ex);
	case EX_OVER:
		return EX_OVER;
	}
	abort();
}

/* The one wait that counts now, in milliseconds (G3, G4). */
uint64_t exchange_wait_ms(const struct exchange *ex)
{
	const struct policy *policy = ex->rule.match.route ? exchange_policy(ex) : NULL;

	if (exchange_is_paced(ex))
		return EXCHANGE_PACE_MS;
	switch (ex->state) {
	case EX_STORE:
		return exchange_settings(ex)->client_body_timeout_ms;
	case EX_CONNECT:
		return policy->proxy_connect_timeout_ms;
	case EX_AWAIT:
		if (exchange_is_sending(ex))
			return policy->proxy_send_timeout_ms;
		if (!exchange_is_request_sent(ex) && !ex->call) /* a call may be a stream that is quiet on both sides */
			return exchange_settings(ex)->client_body_timeout_ms;
		return policy->proxy_read_timeout_ms;
	case EX_RELAY:
		return ex->is_waiting_client || (ex->call && exchange_is_sending(ex)) ? policy->proxy_send_timeout_ms : policy->proxy_read_timeout_ms;
	case EX_TUNNEL:
		return tunnel_is_blocked(&ex->tunnel) ? policy->proxy_send_timeout_ms : policy->proxy_read_timeout_ms;
	case EX_DECIDE:
	case EX_PICK:
	case EX_GIVE:
	case EX_ANSWER:
	case EX_FLUSH:
	case EX_OVER:
		return policy ? policy->proxy_send_timeout_ms : 60000;
	}
	abort();
}

/* Goes through states until one waits, then arms the deadline: whatever happened was progress. */
static void advance(struct exchange *ex)
{
	enum exchange_state before;

	do {
		before = ex->state;
		ex->state = step(ex);
	} while (ex->state != before || ex->state == EX_PICK); /* picking never waits: a connect that failed at once is retried */
	if (ex->state == EX_OVER) {
		finish(ex);
		return;
	}
	exchange_keep_fresh(ex);
	exchange_update_body_wish(ex);
	ex->events = 0;
	ex->upstream_events = 0;
	ex->tunnel_events = 0;
	ex->has_expired = false;
	ex->active_ms = ex->env->deadlines.now_ms;
	deadline_set(&ex->env->deadlines, &ex->deadline, exchange_wait_ms(ex));
}

/* --------------------------------------------------------------------------------------------------- what others say */

void exchange_feed_trailers(struct exchange *ex, struct str lines)
{
	ex->request_trailers = arena_str(&ex->arena, lines);
}

void exchange_feed(struct exchange *ex, struct str payload, bool is_last)
{
	assert(!ex->is_fed_last && !ex->fresh.len);
	ex->fresh = payload;
	ex->is_fed_last = is_last;
	ex->body_received += payload.len;
}

void exchange_on_client(struct exchange *ex, unsigned events)
{
	ex->events |= events;
	if (events & EXCHANGE_CLIENT_WRITABLE)
		ex->is_waiting_client = false;
	if (events & EXCHANGE_BODY_BAD)
		ex->is_body_bad = true;
	advance(ex);
}

void exchange_on_tunnel(struct exchange *ex, unsigned stream_events)
{
	assert(ex->state == EX_TUNNEL);
	ex->tunnel_events |= stream_events;
	advance(ex);
}

static void on_upstream_event(struct upstream_user *user, unsigned events)
{
	struct exchange *ex = container_of(user, struct exchange, user);

	ex->upstream_events |= events;
	advance(ex);
}

static void on_expired(struct deadline *d)
{
	struct exchange *ex = container_of(d, struct exchange, deadline);

	ex->has_expired = true;
	advance(ex);
}
