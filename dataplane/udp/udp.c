/*
 * A datagram of a client goes to its session's endpoint, or begins a session; what comes from there goes back. Nothing is queued
 * here: what a socket does not take at once is lost and counted, as anywhere in UDP. A worker that drains keeps its ports,
 * for the sessions that it has, and begins none.
 */
#include "udp.h"

#include <errno.h>
#include <unistd.h>

#include "log.h"
#include "mem.h"
#include "udp_socket.h"

enum {
	A_TURN = 64,       /* datagrams of one socket in one turn of the loop */
	HELD_MAX = 2048,   /* bytes of a first datagram that is kept, to be sent to another endpoint where one refuses */
	TRIES_MAX = 16,    /* of proxy-stream-next-upstream-tries */
	WARN_EVERY_MS = 60000,
};

struct udp_port {
	uv_poll_t poll;
	struct udp_port *next;
	struct udp_set *set;
	uint64_t id;
	int fd;
	uint16_t port;
};

struct udp_session {
	struct udp_entry entry;   /* who, and to which address of ours */
	uv_poll_t poll;
	struct udp_set *set;
	struct udp_port *port;
	int fd;                   /* to the endpoint; -1: none so far */
	struct deadline deadline;
	struct addr endpoint;     /* the last one tried; family 0 for none */
	struct str name;          /* "namespace-service-port"; owned */
	unsigned backend_index;
	struct balance_ticket ticket;
	struct balance_outcome outcome;
	struct buf held;          /* the first datagram, until there is an answer */
	uint16_t tried[TRIES_MAX];
	uint8_t n_tried;
	uint64_t checked;         /* set->n_applied when its endpoint was last looked for */
	uint64_t n_requests, n_responses;
	uint64_t received, sent;  /* bytes, of the client's side */
	uint64_t began_ms, attempt_ms, active_ms;
};

static struct udp_session *session_of(struct udp_entry *e)
{
	return container_of(e, struct udp_session, entry);
}

static const struct settings *settings_of(const struct udp_set *set)
{
	return env_settings(set->env);
}

static void touch(struct udp_session *s)
{
	s->active_ms = s->set->env->deadlines.now_ms;
	udp_table_touch(&s->set->sessions, &s->entry);
	deadline_set(&s->set->env->deadlines, &s->deadline, s->set->timeout_ms);
}

/* ------------------------------------------------------------------------------------------------------------- the end */

static void write_log(const struct udp_session *s, enum end_reason why)
{
	const struct accesslog_attempt attempt = {.addr = s->endpoint, .bytes_received = s->sent,
		.connect_us = ACCESSLOG_NO_TIME, .header_us = ACCESSLOG_NO_TIME, .response_us = ACCESSLOG_NO_TIME};
	struct accesslog_record r = {
		.protocol = STR("UDP"),
		.client = &s->entry.client,
		.peer = &s->entry.client,
		.local = &s->entry.local,
		.upstream_name = s->name,
		.sent_bytes = s->sent,
		.request_bytes = s->received,
		.request_us = (s->set->env->deadlines.now_ms - s->began_ms) * 1000,
		.attempts = &attempt,
		.n_attempts = s->endpoint.family != 0,
		.reason = why,
	};

	env_log_session(s->set->env, &r);
}

static void count(const struct udp_session *s, enum end_reason why)
{
	struct metrics *m = &s->set->env->metrics;

	metrics_count_end(m, why);
	metrics_sub(&m->udp_sessions_open, 1);
	metrics_add(&m->client_bytes_in, s->received);
	metrics_add(&m->client_bytes_out, s->sent);
	metrics_add(&m->upstream_bytes_in, s->sent);
	metrics_add(&m->upstream_bytes_out, s->received);
}

static void leave_endpoint(struct udp_session *s)
{
	struct exchange_env *env = s->set->env;

	balance_end(env->balance, &s->ticket, env->deadlines.now_ms, &s->outcome);
}

static void on_session_closed(uv_handle_t *handle)
{
	mem_free(container_of((uv_poll_t *)handle, struct udp_session, poll));
}

static void end(struct udp_session *s, enum end_reason why)
{
	struct udp_set *set = s->set;

	write_log(s, why);
	count(s, why);
	leave_endpoint(s);
	udp_table_remove(&set->sessions, &s->entry);
	deadline_stop(&set->env->deadlines, &s->deadline);
	buf_deinit(&s->held);
	mem_free((char *)(uintptr_t)s->name.ptr);
	if (s->fd >= 0) {
		uv_poll_stop(&s->poll);
		close(s->fd);
		uv_close((uv_handle_t *)&s->poll, on_session_closed);
	} else {
		mem_free(s);
	}
	if (!set->sessions.n && set->on_empty)
		set->on_empty(set);
}

static void on_expired(struct deadline *d)
{
	end(container_of(d, struct udp_session, deadline), END_STREAM_IDLE);
}

/* --------------------------------------------------------------------------------------------------------- an endpoint */

static bool may_try(const struct udp_session *s, const struct backend *backend)
{
	const struct settings *settings = settings_of(s->set);
	uint32_t tries = settings->stream_next_upstream_tries < TRIES_MAX ? settings->stream_next_upstream_tries : TRIES_MAX;
	uint64_t now_ms = s->set->env->deadlines.now_ms, limit_ms = settings->stream_next_upstream_timeout_ms;

	if (!s->n_tried)
		return true;
	return s->n_tried < tries && s->n_tried < backend->n_endpoints && (!limit_ms || now_ms - s->began_ms < limit_ms) &&
		balance_may_retry(s->set->env->balance, backend, now_ms);
}

/* Where a key decides, it is the client's address, as of TCP services. */
static int choose(struct udp_session *s, const struct backend *backend)
{
	char text[ADDR_TEXT_MAX];
	struct balance_ask ask = {.tried = {s->tried, s->n_tried}, .now_ms = s->set->env->deadlines.now_ms};

	if (backend->hash_by)
		ask.key = str_from(addr_ip_text(&s->entry.client, text));
	return balance_select(s->set->env->balance, backend, &ask);
}

static void on_endpoint(uv_poll_t *poll, int status, int events);

static int connect_to(struct udp_session *s, const struct addr *to)
{
	int fd, error;

	if (s->fd >= 0)
		return udp_reconnect(s->fd, to);
	fd = udp_connect(to);
	if (fd < 0)
		return fd;
	error = uv_poll_init(s->set->env->loop, &s->poll, fd);
	if (error) {
		close(fd);
		return error;
	}
	s->fd = fd;
	return uv_poll_start(&s->poll, UV_READABLE, on_endpoint);
}

/* False, and the reason, when none is left that may be tried. */
static bool next_endpoint(struct udp_session *s, enum end_reason *why)
{
	struct exchange_env *env = s->set->env;
	const struct backend *backend = generation_backend_at(env->current->generation, s->backend_index);

	*why = s->n_tried ? END_UPSTREAM_CONNECT_FAILED : END_NO_ENDPOINTS;
	while (backend && may_try(s, backend)) {
		int i = choose(s, backend);

		if (i < 0) {
			*why = i == BALANCE_FULL ? END_ENDPOINTS_FULL : *why;
			return false;
		}
		if (s->n_tried)
			metrics_add(&env->metrics.upstream_retries, 1);
		s->tried[s->n_tried++] = (uint16_t)i;
		s->attempt_ms = env->deadlines.now_ms;
		s->endpoint = backend->endpoints[i].addr;
		s->outcome = (struct balance_outcome){.kind = BALANCE_UNKNOWN};
		balance_begin(env->balance, backend, (unsigned)i, env->deadlines.now_ms, &s->ticket);
		if (!connect_to(s, &s->endpoint))
			return true;
		*why = END_UPSTREAM_CONNECT_FAILED;
		s->outcome = (struct balance_outcome){.kind = BALANCE_FAILED, .is_unreachable = true};
		leave_endpoint(s);
	}
	return false;
}

/* Counts what is lost for want of room, and what is too large for the way; an error of the endpoint is returned. */
static int send_on(struct udp_session *s, struct str data)
{
	struct metrics *m = &s->set->env->metrics;

	if (send(s->fd, data.ptr, data.len, MSG_NOSIGNAL) >= 0) {
		metrics_add(&m->udp_to_endpoints, 1);
		return 0;
	}
	if (errno != EAGAIN && errno != EMSGSIZE && errno != ENOBUFS && errno != EINTR)
		return -errno;
	metrics_add(&m->udp_dropped_endpoint, 1);
	return 0;
}

/*
 * The endpoint refuses (its machine says by ICMP that nobody is there). Before its first answer another one is tried, and gets
 * the datagram that was kept. False when the session is over.
 */
static bool refused(struct udp_session *s)
{
	enum end_reason why = END_UPSTREAM_CONNECT_FAILED;

	s->outcome = (struct balance_outcome){.kind = BALANCE_FAILED, .is_unreachable = true,
		.us = (s->set->env->deadlines.now_ms - s->attempt_ms) * 1000};
	leave_endpoint(s);
	while (!s->n_responses && next_endpoint(s, &why)) {
		if (!s->held.len || !send_on(s, buf_str(&s->held)))
			return true;
		s->outcome = (struct balance_outcome){.kind = BALANCE_FAILED, .is_unreachable = true};
		leave_endpoint(s);
	}
	end(s, why);
	return false;
}

/* ------------------------------------------------------------------------------------------------------------- answers */

/* nginx's proxy_responses: as many for each datagram of the client. */
static bool has_all_answers(const struct udp_session *s)
{
	return s->n_responses >= s->n_requests * settings_of(s->set)->udp_responses;
}

static void note_answer(struct udp_session *s)
{
	struct exchange_env *env = s->set->env;

	if (s->n_responses++)
		return;
	s->outcome = (struct balance_outcome){.kind = BALANCE_ANSWERED,
		.us = (env->deadlines.now_ms - s->attempt_ms) * 1000};
	balance_answered(env->balance, &s->ticket);
	buf_deinit(&s->held);
}

/* False when the session is over. */
static bool pass_back(struct udp_session *s, struct str data)
{
	struct metrics *m = &s->set->env->metrics;

	note_answer(s);
	touch(s);
	if (udp_answer(s->port->fd, data, &s->entry.client, &s->entry.local)) {
		metrics_add(&m->udp_dropped_client, 1);
	} else {
		metrics_add(&m->udp_to_clients, 1);
		s->sent += data.len;
	}
	if (!has_all_answers(s))
		return true;
	end(s, END_DONE);
	return false;
}

static void on_endpoint(uv_poll_t *poll, int status, int events)
{
	struct udp_session *s = container_of(poll, struct udp_session, poll);
	struct exchange_env *env = s->set->env;
	bool is_open = true;

	(void)events;
	env->deadlines.now_ms = uv_now(env->loop);
	for (int i = 0; is_open && i < A_TURN; i++) {
		ssize_t n = recv(s->fd, env->space, ENV_READ_SIZE, 0);

		if (n >= 0)
			is_open = pass_back(s, str_of(env->space, (size_t)n));
		else if (errno == EAGAIN)
			break;
		else if (errno != EINTR)
			is_open = refused(s);
	}
	if (is_open && status < 0) /* the loop stops watching a socket that has had an error */
		uv_poll_start(&s->poll, UV_READABLE, on_endpoint);
}

/* ------------------------------------------------------------------------------------------------------ new sessions */

static void warn_full(struct udp_set *set)
{
	uint64_t now_ms = set->env->deadlines.now_ms;

	if (now_ms < set->warn_ms)
		return;
	set->warn_ms = now_ms + WARN_EVERY_MS;
	log_warn("udp", "no room for another session sessions=%zu: its datagram is lost; proxy-stream-udp-sessions is the bound, "
		"weirlock_udp_dropped_total counts more", set->sessions.n);
}

/* Room for one more, perhaps by the end of another. */
static bool make_room(struct udp_set *set)
{
	struct udp_entry *victim = udp_table_victim(&set->sessions);

	if (set->sessions.n < settings_of(set)->udp_sessions_max) {
		if (!set->has_room || set->has_room(set))
			return true;
	} else {
		warn_full(set);
	}
	if (victim)
		end(session_of(victim), END_OVERLOADED);
	return victim != NULL;
}

/* A source that is a UDP service of ours would have two of them answer each other for good. */
static bool is_our_own(const struct udp_set *set, const struct addr *peer, const struct addr *local)
{
	return addr_eq_ip(peer, local) && generation_find_udp(set->env->current->generation, peer->port);
}

static metric *why_not(struct udp_set *set, const struct addr *peer, const struct addr *local)
{
	struct metrics *m = &set->env->metrics;

	if (set->env->is_draining)
		return &m->udp_dropped_draining;
	if (!peer->port || is_our_own(set, peer, local) || cidrset_find(&settings_of(set)->denylist, peer))
		return &m->udp_dropped_denied;
	return make_room(set) ? NULL : &m->udp_dropped_full;
}

/* NULL when there is none to be had; that is counted. */
static struct udp_session *begin(struct udp_port *p, const struct addr *peer, const struct addr *local)
{
	struct udp_set *set = p->set;
	struct exchange_env *env = set->env;
	const struct udp_service *service = generation_find_udp(env->current->generation, p->port);
	metric *dropped = service ? why_not(set, peer, local) : &env->metrics.udp_dropped_endpoint;
	struct udp_session *s;
	enum end_reason why;

	if (dropped) {
		metrics_add(dropped, 1);
		return NULL;
	}
	s = mem_zalloc(sizeof(*s));
	s->set = set;
	s->port = p;
	s->fd = -1;
	s->entry.client = *peer;
	s->entry.local = *local;
	s->deadline.on_expired = on_expired;
	s->backend_index = service->backend_index;
	s->name = env_log_name(service->backend_name);
	s->checked = set->n_applied;
	s->began_ms = env->deadlines.now_ms;
	udp_table_add(&set->sessions, &s->entry);
	metrics_add(&env->metrics.udp_sessions_open, 1);
	metrics_add(&env->metrics.udp_sessions_opened, 1);
	if (next_endpoint(s, &why))
		return s;
	metrics_add(&env->metrics.udp_dropped_endpoint, 1);
	end(s, why);
	return NULL;
}

/* ------------------------------------------------------------------------------------------------- datagrams of clients */

/* Of the newest generation, and not on its way out while another is there. */
static bool has_endpoint(const struct udp_session *s)
{
	const struct generation *g = s->set->env->current->generation;
	const struct udp_service *service = generation_find_udp(g, s->port->port);
	const struct backend *backend = service ? generation_backend_at(g, service->backend_index) : NULL;

	for (size_t i = 0; backend && i < backend->n_endpoints; i++) {
		if (addr_eq(&backend->endpoints[i].addr, &s->endpoint))
			return true;
	}
	return false;
}

/* The session, unless its endpoint has gone: then the client gets another one. */
static struct udp_session *find(struct udp_set *set, const struct addr *peer, const struct addr *local)
{
	struct udp_entry *e = udp_table_find(&set->sessions, peer, local);
	struct udp_session *s = e ? session_of(e) : NULL;

	if (!s || s->checked == set->n_applied)
		return s;
	s->checked = set->n_applied;
	if (has_endpoint(s))
		return s;
	end(s, END_ROUTE_REMOVED);
	return NULL;
}

static void hold_first(struct udp_session *s, struct str data)
{
	if (s->n_requests == 1 && data.len <= HELD_MAX && settings_of(s->set)->stream_next_upstream_tries > 1) {
		buf_init(&s->held, HELD_MAX);
		buf_add(&s->held, data);
	} else {
		buf_deinit(&s->held);
	}
}

static void on_datagram(struct udp_port *p, struct str data, const struct addr *peer, const struct addr *local)
{
	struct udp_set *set = p->set;
	struct udp_session *s = find(set, peer, local);

	metrics_add(&set->env->metrics.udp_from_clients, 1);
	if (s)
		udp_table_settle(&set->sessions, &s->entry);
	else
		s = begin(p, peer, local);
	if (!s)
		return;
	touch(s);
	s->n_requests++;
	s->received += data.len;
	/* an error of sending is that of an earlier datagram: this one was not sent */
	while (send_on(s, data)) {
		if (!refused(s))
			return;
	}
	hold_first(s, data);
	if (has_all_answers(s))
		end(s, END_DONE);
}

static void on_readable(uv_poll_t *poll, int status, int events)
{
	struct udp_port *p = container_of(poll, struct udp_port, poll);
	struct exchange_env *env = p->set->env;
	struct addr peer, local;

	(void)status;
	(void)events;
	env->deadlines.now_ms = uv_now(env->loop);
	for (int i = 0; i < A_TURN; i++) {
		ssize_t n = udp_receive(p->fd, env->space, ENV_READ_SIZE, &peer, &local);

		if (n == -EAGAIN)
			break;
		local.port = p->port;
		if (n >= 0 && env->current)
			on_datagram(p, str_of(env->space, (size_t)n), &peer, &local);
	}
	if (status < 0)
		uv_poll_start(&p->poll, UV_READABLE, on_readable);
}

/* ------------------------------------------------------------------------------------------------------- ports and set */

static void on_port_closed(uv_handle_t *handle)
{
	mem_free(container_of((uv_poll_t *)handle, struct udp_port, poll));
}

int udp_open_port(struct udp_set *set, uint64_t id, int fd, uint16_t port)
{
	struct udp_port *p = mem_zalloc(sizeof(*p));
	int error = uv_poll_init(set->env->loop, &p->poll, fd);

	if (error) {
		close(fd);
		mem_free(p);
		return error;
	}
	p->set = set;
	p->id = id;
	p->fd = fd;
	p->port = port;
	p->next = set->ports;
	set->ports = p;
	return uv_poll_start(&p->poll, UV_READABLE, on_readable);
}

/* Those of one port, or all. */
static void end_sessions(struct udp_set *set, const struct udp_port *port, enum end_reason why)
{
	struct udp_order *orders[] = {&set->sessions.fresh, &set->sessions.settled};

	set->env->deadlines.now_ms = uv_now(set->env->loop);
	for (size_t i = 0; i < 2; i++) {
		for (struct udp_entry *e = orders[i]->oldest, *next; e; e = next) {
			next = e->newer;
			if (!port || session_of(e)->port == port)
				end(session_of(e), why);
		}
	}
}

static void close_port(struct udp_port **at)
{
	struct udp_port *p = *at;

	*at = p->next;
	end_sessions(p->set, p, END_ROUTE_REMOVED);
	uv_poll_stop(&p->poll);
	close(p->fd);
	uv_close((uv_handle_t *)&p->poll, on_port_closed);
}

void udp_close_port(struct udp_set *set, uint64_t id)
{
	struct udp_port **at = &set->ports;

	while (*at && (*at)->id != id)
		at = &(*at)->next;
	if (*at)
		close_port(at);
}

void udp_apply(struct udp_set *set)
{
	uint32_t timeout_ms = settings_of(set)->proxy_stream_timeout_ms;
	struct udp_order *orders[] = {&set->sessions.fresh, &set->sessions.settled};

	set->n_applied++;
	if (timeout_ms == set->timeout_ms)
		return;
	set->timeout_ms = timeout_ms;
	for (size_t i = 0; i < 2; i++) {
		for (struct udp_entry *e = orders[i]->oldest; e; e = e->newer)
			deadline_set_at(&set->env->deadlines, &session_of(e)->deadline, session_of(e)->active_ms + timeout_ms);
	}
}

void udp_cut(struct udp_set *set)
{
	end_sessions(set, NULL, set->env->has_waited_to_stop ? END_SHUTDOWN_TIMEOUT : END_DRAINING);
}

void udp_close(struct udp_set *set)
{
	udp_cut(set);
	while (set->ports)
		close_port(&set->ports);
	udp_table_deinit(&set->sessions);
}
