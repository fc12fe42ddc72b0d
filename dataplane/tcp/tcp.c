/*
 * PROXY ─▶ CONNECT ─▶ TUNNEL ─▶ CLOSED
 *             └─▶ CONNECT, at another endpoint
 */
#include "tcp.h"

#include <assert.h>
#include <stdlib.h>
#include <unistd.h>

#include "mem.h"
#include "proxy_header.h"
#include "tcp_private.h"

static_assert((int)PROXYPROTO_WRITE_MAX <= (int)UPSTREAM_PROXY_HEADER_MAX, "a connection has room for every header");

static void wait_for(struct tcp_session *s, uint64_t ms)
{
	deadline_set(&s->env->deadlines, &s->deadline, ms);
}

/* ------------------------------------------------------------------------------------------------------------- closing */

static void on_closed(struct stream *stream)
{
	struct tcp_session *s = container_of(stream, struct tcp_session, client);
	struct tcp_set *set = s->set;

	mem_free(s);
	if (--set->n_open == 0 && set->on_empty)
		set->on_empty(set);
}

static void leave_endpoint(struct tcp_session *s, bool is_reset)
{
	balance_end(s->env->balance, &s->ticket, s->env->deadlines.now_ms, &s->outcome);
	if (s->upstream)
		upstream_close(s->upstream, is_reset);
	s->upstream = NULL;
}

static void count(struct tcp_session *s, enum end_reason why)
{
	struct metrics *m = &s->env->metrics;
	const struct tunnel_end *ends = s->tunnel.ends;

	metrics_count_end(m, why);
	metrics_sub(&m->tcp_sessions_open, 1);
	metrics_add(&m->client_bytes_in, ends[TUNNEL_CLIENT].received);
	metrics_add(&m->client_bytes_out, ends[TUNNEL_CLIENT].sent);
	metrics_add(&m->upstream_bytes_in, ends[TUNNEL_UPSTREAM].received);
	metrics_add(&m->upstream_bytes_out, ends[TUNNEL_UPSTREAM].sent);
}

/* `is_reset`: the side that is left learns that the other one broke off. */
static void end(struct tcp_session *s, enum end_reason why, bool is_reset)
{
	if (s->state == TCP_CLOSED)
		return;
	s->state = TCP_CLOSED;
	tcp_log(s, why);
	count(s, why);
	leave_endpoint(s, is_reset);
	if (s->held)
		env_release(&s->held);
	tunnel_deinit(&s->tunnel);
	deadline_stop(&s->env->deadlines, &s->deadline);
	buf_deinit(&s->in);
	mem_free((char *)(uintptr_t)s->name.ptr);
	*(s->prev ? &s->prev->next : &s->set->first) = s->next;
	if (s->next)
		s->next->prev = s->prev;
	stream_close(&s->client, is_reset, on_closed);
}

/* -------------------------------------------------------------------------------------------------------------- tunnel */

static uint64_t bytes_moved(const struct tcp_session *s)
{
	const struct tunnel_end *ends = s->tunnel.ends;

	return ends[0].received + ends[0].sent + ends[1].received + ends[1].sent;
}

static void touch(struct tcp_session *s)
{
	s->active_ms = s->env->deadlines.now_ms;
	wait_for(s, env_settings(s->env)->proxy_stream_timeout_ms);
}

static void on_tunnel(struct tcp_session *s, enum tunnel_side side, unsigned events)
{
	uint64_t before = bytes_moved(s);

	switch (tunnel_on_event(&s->tunnel, side, events)) {
	case TUNNEL_OPEN:
		if (bytes_moved(s) != before)
			touch(s);
		return;
	case TUNNEL_CLIENT_DONE:
		end(s, END_TUNNEL_CLIENT, false);
		return;
	case TUNNEL_CLIENT_FAILED:
		end(s, END_TUNNEL_CLIENT, true);
		return;
	case TUNNEL_UPSTREAM_DONE:
		end(s, END_TUNNEL_BACKEND, false);
		return;
	case TUNNEL_UPSTREAM_FAILED:
		end(s, END_TUNNEL_BACKEND, true);
		return;
	}
	abort();
}

static void begin_tunnel(struct tcp_session *s)
{
	s->connect_ms = s->env->deadlines.now_ms - s->attempt_ms;
	s->outcome = (struct balance_outcome){.kind = BALANCE_ANSWERED, .us = s->connect_ms * 1000};
	s->state = TCP_TUNNEL;
	s->backend = NULL;
	env_release(&s->held);
	tunnel_init(&s->tunnel, &s->client, NULL, &s->upstream->stream, s->env->space, ENV_READ_SIZE);
	touch(s);
}

/* ------------------------------------------------------------------------------------------------------------- connect */

static unsigned max_tries(const struct tcp_session *s)
{
	unsigned tries = env_settings(s->env)->stream_next_upstream_tries;

	tries = tries < TCP_TRIES_MAX ? tries : TCP_TRIES_MAX;
	return s->backend->n_endpoints < tries ? (unsigned)s->backend->n_endpoints : tries;
}

static bool has_time_for_more(const struct tcp_session *s)
{
	uint64_t limit_ms = env_settings(s->env)->stream_next_upstream_timeout_ms;

	return !limit_ms || s->env->deadlines.now_ms - s->first_ms < limit_ms;
}

/* False when it was the last one, and the session is over. */
static bool may_go_on(struct tcp_session *s, enum end_reason why)
{
	struct exchange_env *env = s->env;

	s->outcome = (struct balance_outcome){.kind = BALANCE_FAILED, .is_unreachable = true,
		.us = (env->deadlines.now_ms - s->attempt_ms) * 1000};
	leave_endpoint(s, true);
	if (s->n_tried >= max_tries(s) || !has_time_for_more(s) || !balance_may_retry(env->balance, s->backend, env->deadlines.now_ms)) {
		end(s, why, true);
		return false;
	}
	metrics_add(&env->metrics.upstream_retries, 1);
	return true;
}

/* Where a key decides, it is the client's address: there is no request to take another from. */
static int choose(struct tcp_session *s)
{
	char text[ADDR_TEXT_MAX];
	struct balance_ask ask = {.tried = {s->tried, s->n_tried}, .now_ms = s->env->deadlines.now_ms};

	if (s->backend->hash_by)
		ask.key = str_from(addr_ip_text(&s->client_addr, text));
	return balance_select(s->env->balance, s->backend, &ask);
}

/* False when it failed at once. */
static bool connect_one(struct tcp_session *s)
{
	struct exchange_env *env = s->env;
	char header[PROXYPROTO_WRITE_MAX];
	struct upstream_target target = {0};
	int error, i = choose(s);

	if (i < 0) {
		end(s, i == BALANCE_FULL ? END_ENDPOINTS_FULL : END_NO_ENDPOINTS, true);
		return true;
	}
	s->tried[s->n_tried++] = (uint16_t)i;
	s->attempt_ms = env->deadlines.now_ms;
	s->endpoint = target.addr = s->backend->endpoints[i].addr;
	s->outcome = (struct balance_outcome){.kind = BALANCE_UNKNOWN};
	if (s->proxy_version)
		target.proxy_header = str_of(header, proxyproto_write(s->proxy_version, &s->client_addr, &s->dst, header));
	balance_begin(env->balance, s->backend, (unsigned)i, env->deadlines.now_ms, &s->ticket);
	metrics_add(&env->metrics.upstream_opened, 1);
	s->upstream = upstream_connect(env->pool, &target, &s->user, &error);
	if (s->upstream)
		wait_for(s, env_settings(env)->stream_connect_timeout_ms);
	return s->upstream != NULL;
}

static void connect_next(struct tcp_session *s)
{
	while (!connect_one(s) && may_go_on(s, END_UPSTREAM_CONNECT_FAILED))
		;
}

static void attempt_failed(struct tcp_session *s, enum end_reason why)
{
	if (may_go_on(s, why))
		connect_next(s);
}

/* The client is known. */
static void begin(struct tcp_session *s)
{
	s->state = TCP_CONNECT;
	s->first_ms = s->env->deadlines.now_ms;
	stream_want_read(&s->client, false);
	if (cidrset_find(&env_settings(s->env)->denylist, &s->client_addr))
		end(s, END_DENIED, false);
	else if (!s->backend)
		end(s, END_NO_ENDPOINTS, true);
	else
		connect_next(s);
}

/* -------------------------------------------------------------------------------------------------------- PROXY header */

static struct proxy_header_from from_of(struct tcp_session *s)
{
	return (struct proxy_header_from){s->env, &s->client, &s->in, &s->peer, &s->local};
}

/* A header says who the client is where its sender is believed (A30), as on HTTP ports. */
static void take_header(struct tcp_session *s, const struct proxyproto *header)
{
	if (!header->src.family || !cidrset_find(&env_settings(s->env)->proxy_real_ip_cidr, &s->peer))
		return;
	s->client_addr = header->src;
	if (header->dst.family)
		s->dst = header->dst;
}

static void on_proxy(struct tcp_session *s)
{
	const struct proxy_header_from from = from_of(s);
	struct proxyproto header;

	switch (proxy_header_read(&from, &header, NULL)) {
	case CONN_PROXY_WAITS:
		return;
	case CONN_PROXY_READ:
		take_header(s, &header);
		begin(s);
		return;
	case CONN_PROXY_BAD:
		end(s, END_BAD_PROXY_HEADER, false);
		return;
	case CONN_PROXY_EMPTY:
		end(s, END_CLOSED, false);
		return;
	}
	abort();
}

/* -------------------------------------------------------------------------------------------------------------- events */

static void on_client(struct stream *stream, unsigned events)
{
	struct tcp_session *s = container_of(stream, struct tcp_session, client);

	s->env->deadlines.now_ms = uv_now(s->env->loop);
	switch (s->state) {
	case TCP_PROXY:
		on_proxy(s);
		return;
	case TCP_CONNECT:
		if (events & STREAM_FAILED)
			end(s, END_CLIENT_GONE, true);
		return;
	case TCP_TUNNEL:
		on_tunnel(s, TUNNEL_CLIENT, events);
		return;
	case TCP_CLOSED:
		return;
	}
	abort();
}

static void on_upstream(struct upstream_user *user, unsigned events)
{
	struct tcp_session *s = container_of(user, struct tcp_session, user);

	assert(s->state == TCP_CONNECT || s->state == TCP_TUNNEL);
	if (s->state == TCP_TUNNEL)
		on_tunnel(s, TUNNEL_UPSTREAM, events);
	else if (events & STREAM_FAILED)
		attempt_failed(s, END_UPSTREAM_CONNECT_FAILED);
	else if (events & STREAM_CONNECTED)
		begin_tunnel(s);
}

static void on_expired(struct deadline *d)
{
	struct tcp_session *s = container_of(d, struct tcp_session, deadline);
	const struct proxy_header_from from = from_of(s);

	switch (s->state) {
	case TCP_PROXY:
		proxy_header_late(&from);
		end(s, END_BAD_PROXY_HEADER, true);
		return;
	case TCP_CONNECT:
		attempt_failed(s, END_UPSTREAM_CONNECT_TIMEOUT);
		return;
	case TCP_TUNNEL:
		end(s, END_STREAM_IDLE, false);
		return;
	case TCP_CLOSED:
		return;
	}
	abort();
}

/* ------------------------------------------------------------------------------------------------------------- the set */

static void link_session(struct tcp_set *set, struct tcp_session *s)
{
	s->set = set;
	s->next = set->first;
	if (s->next)
		s->next->prev = s;
	set->first = s;
	set->n_open++;
	metrics_add(&set->env->metrics.tcp_sessions_open, 1);
	metrics_add(&set->env->metrics.tcp_sessions_opened, 1);
}

/* NULL when the loop does not take the descriptor, which is closed then. */
static struct tcp_session *open_session(struct tcp_set *set, int fd, struct str backend, unsigned index, const struct addr *peer,
	const struct addr *local)
{
	struct exchange_env *env = set->env;
	struct tcp_session *s = mem_zalloc(sizeof(*s));

	env->deadlines.now_ms = uv_now(env->loop);
	if (stream_open(&s->client, env->loop, fd, NULL, on_client) < 0) {
		mem_free(s);
		return NULL;
	}
	s->env = env;
	s->user.on_event = on_upstream;
	s->deadline.on_expired = on_expired;
	s->peer = s->client_addr = *peer;
	s->local = s->dst = *local;
	s->port = local->port;
	s->name = env_log_name(backend);
	s->began_ms = env->deadlines.now_ms;
	s->held = env_hold(env);
	s->backend = generation_backend_at(env->current->generation, index);
	link_session(set, s);
	return s;
}

void tcp_pass(struct tcp_set *set, int fd, const struct host *host, const struct addr *peer, const struct addr *local,
	const struct addr *client, const struct addr *dst)
{
	struct tcp_session *s = open_session(set, fd, host->passthrough_name, host->passthrough_index, peer, local);

	if (!s)
		return;
	s->client_addr = *client;
	s->dst = *dst;
	s->proxy_version = (uint8_t)host->passthrough_proxy_protocol;
	begin(s);
}

void tcp_open(struct tcp_set *set, int fd, uint16_t port, const struct addr *peer, const struct addr *local)
{
	struct exchange_env *env = set->env;
	const struct tcp_service *service = env->current ? generation_find_tcp(env->current->generation, port) : NULL;
	struct tcp_session *s;

	if (!service) {
		close(fd); /* accepted in the moment in which it was taken away */
		return;
	}
	s = open_session(set, fd, service->backend_name, service->backend_index, peer, local);
	if (!s)
		return;
	s->port = port;
	s->proxy_version = service->encodes_proxy;
	if (service->decodes_proxy)
		wait_for(s, env_settings(env)->proxy_protocol_header_timeout_ms);
	else
		begin(s);
}

void tcp_apply(struct tcp_set *set)
{
	uint64_t timeout_ms = env_settings(set->env)->proxy_stream_timeout_ms;

	for (struct tcp_session *s = set->first; s; s = s->next) {
		if (s->state == TCP_TUNNEL)
			deadline_set_at(&set->env->deadlines, &s->deadline, s->active_ms + timeout_ms);
	}
}

void tcp_cut(struct tcp_set *set)
{
	set->env->deadlines.now_ms = uv_now(set->env->loop);
	while (set->first)
		end(set->first, set->env->has_waited_to_stop ? END_SHUTDOWN_TIMEOUT : END_DRAINING, true);
}
