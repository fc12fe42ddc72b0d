/* One thread that serves: its loop, its clock, its sockets, and the messages it gets. */
#include <assert.h>
#include <stdlib.h>
#include <string.h>
#include <sys/random.h>
#include <unistd.h>

#include "exchange.h"
#include "log.h"
#include "mem.h"
#include "tls.h"
#include "worker_private.h"

enum { LOG_FLUSH_TICKS = 1000 / DEADLINE_TICK_MS, MEMORY_TICKS = 200 / DEADLINE_TICK_MS };

/* ----------------------------------------------------------------------------------------------------------- the clock */

/* For weirctl and /metrics: made beside the old one, so that nobody waits for it. */
static void write_board(struct worker *w)
{
	struct balance_rows rows = {0}, old;

	if (!w->env.current)
		return;
	balance_write_rows(w->env.balance, w->env.current->generation, uv_now(&w->loop), &rows);
	uv_mutex_lock(&w->board.lock);
	old = w->board.rows;
	w->board.rows = rows;
	uv_mutex_unlock(&w->board.lock);
	balance_rows_deinit(&old);
}

static void note_gauges(struct worker *w)
{
	struct metrics *m = &w->env.metrics;

	metrics_set(&m->upstream_open, upstream_n_open(w->env.pool));
	metrics_set(&m->upstream_idle, upstream_n_idle(w->env.pool));
	metrics_set(&m->upstream_http2, upstream_n_sessions(w->env.pool));
	metrics_set(&m->upstream_streams, upstream_n_calls(w->env.pool));
	metrics_set(&m->log_lines_dropped, w->env.log.n_dropped + w->env.stream_log.n_dropped);
	write_board(w);
}

static bool flush_logs(struct worker *w)
{
	bool is_flushed = accesslog_flush(&w->env.log);

	return accesslog_flush(&w->env.stream_log) && is_flushed;
}

/* Sleeps when nothing waits: an idle worker wakes nobody. */
static void on_tick(uv_timer_t *timer)
{
	struct worker *w = container_of(timer, struct worker, tick);
	bool is_flushed;

	deadlines_run(&w->env.deadlines, uv_now(&w->loop));
	if (w->ticks % MEMORY_TICKS == 0)
		worker_check_memory(w);
	if (++w->ticks % LOG_FLUSH_TICKS)
		return;
	note_gauges(w);
	is_flushed = flush_logs(w);
	if (is_flushed && deadlines_is_empty(&w->env.deadlines) && !w->env.is_over_memory)
		uv_timer_stop(&w->tick);
}

static void on_before_wait(uv_prepare_t *prepare)
{
	struct worker *w = container_of(prepare, struct worker, before_wait);

	laters_run(&w->env.laters);
	if (!deadlines_is_empty(&w->env.deadlines) && !uv_is_active((uv_handle_t *)&w->tick) && !w->is_stopping)
		uv_timer_start(&w->tick, on_tick, DEADLINE_TICK_MS, DEADLINE_TICK_MS);
}

/* ------------------------------------------------------------------------------------------------------------ accepting */

static void on_accept(struct listener *l, int fd, const struct addr *peer, const struct addr *local)
{
	struct worker_listener *wl = container_of(l, struct worker_listener, listener);
	struct worker *w = wl->worker;
	SSL *ssl;

	if (!worker_admits(w, fd))
		return;
	ssl = wl->is_tls ? tls_accept_new(generation_tls(w->env.current->generation)) : NULL;
	conn_open(&w->conns, fd, ssl, peer, local);
}

static void on_passthrough(struct conn_set *set, int fd, const struct host *host, const struct conn_passed *passed)
{
	struct worker *w = container_of(set, struct worker, conns);

	tcp_pass(&w->tcp, fd, host, &passed->peer, &passed->local, &passed->client, &passed->dst);
}

static void start_listening(struct worker *w)
{
	w->is_listening = true;
	for (size_t i = 0; i < w->n_listeners; i++) {
		struct worker_listener *wl = &w->listeners[i];
		int error = listener_open(&wl->listener, &w->loop, wl->fd, on_accept, w);

		wl->fd = -1;
		wl->is_open = error == 0;
		if (error)
			log_error("worker", "cannot listen worker=%u error=%s", w->index, uv_strerror(error));
	}
}

/* ----------------------------------------------------------------------------------------- ports of TCP and UDP services */

static void on_accept_tcp(struct listener *l, int fd, const struct addr *peer, const struct addr *local)
{
	struct worker_port *p = container_of(l, struct worker_port, listener);

	if (worker_admits(p->worker, fd))
		tcp_open(&p->worker->tcp, fd, p->port, peer, local);
}

static void on_port_closed(struct listener *l)
{
	mem_free(container_of(l, struct worker_port, listener));
}

/* Sessions that came through it stay. */
static void close_port(struct worker_port **at)
{
	struct worker_port *p = *at;

	*at = p->next;
	listener_close(&p->listener, on_port_closed);
}

static void open_port(struct worker *w, const struct port_order *order)
{
	struct worker_port *p = mem_zalloc(sizeof(*p));
	int error = listener_open(&p->listener, &w->loop, order->fd, on_accept_tcp, w);

	if (error) {
		log_error("worker", "cannot listen for a TCP service port=%u worker=%u error=\"%s\"", (unsigned)order->port, w->index,
			uv_strerror(error));
		mem_free(p);
		return;
	}
	p->worker = w;
	p->id = order->id;
	p->port = order->port;
	p->next = w->ports;
	w->ports = p;
}

static void drop_port(struct worker *w, uint64_t id)
{
	struct worker_port **at = &w->ports;

	while (*at && (*at)->id != id)
		at = &(*at)->next;
	if (*at)
		close_port(at);
}

static void take_order(struct worker *w, const struct port_order *order)
{
	int error = 0;

	if (order->fd < 0 && order->is_udp)
		udp_close_port(&w->udp, order->id);
	else if (order->fd < 0)
		drop_port(w, order->id);
	else if (w->env.is_draining)
		close(order->fd);
	else if (order->is_udp)
		error = udp_open_port(&w->udp, order->id, order->fd, order->port);
	else
		open_port(w, order);
	if (error)
		log_error("worker", "cannot listen for a UDP service port=%u worker=%u error=\"%s\"", (unsigned)order->port, w->index,
			uv_strerror(error));
}

static void follow_orders(struct worker *w, struct port_orders *orders)
{
	for (size_t i = 0; i < orders->n; i++)
		take_order(w, &orders->items[i]);
	mem_free(orders->items);
}

/* ------------------------------------------------------------------------------------------------------------- messages */

static void apply(struct worker *w, const struct generation *g)
{
	env_set_generation(&w->env, g);
	exchange_apply_generation(&w->env);
	tcp_apply(&w->tcp);
	udp_apply(&w->udp);
	worker_check_memory(w);
	if (w->env.is_over_memory && !w->is_stopping)
		uv_timer_start(&w->tick, on_tick, DEADLINE_TICK_MS, DEADLINE_TICK_MS);
	if (!w->is_listening)
		start_listening(w);
}

static void take_checks(struct worker *w, struct check_note *notes, size_t n)
{
	for (size_t i = 0; i < n && w->env.current; i++) {
		const struct backend *backend = generation_backend_at(w->env.current->generation, notes[i].backend);

		if (backend)
			balance_note_check(w->env.balance, backend, &notes[i].addr, notes[i].is_failing, uv_now(&w->loop));
	}
	if (n)
		write_board(w);
	mem_free(notes);
}

/* Its ports too. */
static void say_served(struct worker *w, uint64_t number)
{
	atomic_store(&w->served, number);
	group_tell(w->group);
}

static void check_drained(struct worker *w)
{
	if (!w->env.is_draining || w->conns.n_open || w->tcp.n_open || w->udp.sessions.n || atomic_load(&w->is_drained))
		return;
	atomic_store(&w->is_drained, true);
	group_tell(w->group);
}

static void on_no_conns(struct conn_set *set)
{
	check_drained(container_of(set, struct worker, conns));
}

static void on_no_sessions(struct tcp_set *set)
{
	check_drained(container_of(set, struct worker, tcp));
}

static void on_no_udp_sessions(struct udp_set *set)
{
	check_drained(container_of(set, struct worker, udp));
}

static bool has_udp_room(struct udp_set *set)
{
	return worker_has_room(container_of(set, struct worker, udp));
}

static void cut_all(struct worker *w)
{
	exchange_end_tunnels(&w->env);
	conn_cut(&w->conns);
	tcp_cut(&w->tcp);
	udp_cut(&w->udp);
}

static void on_shutdown_timeout(struct deadline *d)
{
	struct worker *w = container_of(d, struct worker, shutdown);

	w->env.has_waited_to_stop = true;
	cut_all(w);
}

static void drain(struct worker *w)
{
	const struct settings *s = env_settings(&w->env);

	if (w->env.is_draining)
		return;
	w->env.is_leaving = w->env.is_draining = true;
	for (size_t i = 0; i < w->n_listeners; i++) {
		if (w->listeners[i].is_open)
			listener_stop(&w->listeners[i].listener);
	}
	for (struct worker_port *p = w->ports; p; p = p->next)
		listener_stop(&p->listener);
	upstream_pool_close(w->env.pool);
	conn_drain(&w->conns);
	if (!s || s->worker_shutdown_timeout_ms)
		deadline_set(&w->env.deadlines, &w->shutdown, s ? s->worker_shutdown_timeout_ms : 0);
	check_drained(w);
}

static void stop(struct worker *w)
{
	if (w->is_stopping)
		return;
	w->is_stopping = true;
	w->env.is_leaving = w->env.is_draining = true;
	cut_all(w);
	while (w->ports)
		close_port(&w->ports);
	udp_close(&w->udp);
	upstream_pool_close(w->env.pool);
	deadline_stop(&w->env.deadlines, &w->shutdown);
	for (size_t i = 0; i < w->n_listeners; i++) {
		if (w->listeners[i].is_open)
			listener_close(&w->listeners[i].listener, NULL);
		else if (w->listeners[i].fd >= 0)
			close(w->listeners[i].fd);
	}
	stream_let_loop_go(&w->loop);
	uv_close((uv_handle_t *)&w->tick, NULL);
	uv_close((uv_handle_t *)&w->before_wait, NULL);
	uv_close((uv_handle_t *)&w->wake, NULL);
}

static void on_wake(uv_async_t *wake)
{
	struct worker *w = container_of(wake, struct worker, wake);
	const struct generation *g;
	uint64_t number;
	struct port_orders orders;
	struct check_note *checks;
	size_t n_checks;
	bool leaves, drains, stops;

	uv_mutex_lock(&w->mail.lock);
	g = w->mail.generation;
	number = w->mail.number;
	leaves = w->mail.leaves;
	drains = w->mail.drains;
	stops = w->mail.stops;
	w->mail.generation = NULL;
	orders = w->mail.ports;
	w->mail.ports = (struct port_orders){0};
	checks = w->mail.checks;
	n_checks = w->mail.n_checks;
	w->mail.checks = NULL;
	w->mail.n_checks = w->mail.checks_cap = 0;
	uv_mutex_unlock(&w->mail.lock);

	w->env.deadlines.now_ms = uv_now(&w->loop);
	if (g)
		apply(w, g);
	follow_orders(w, &orders);
	take_checks(w, checks, n_checks);
	if (g)
		say_served(w, number);
	if (leaves)
		w->env.is_leaving = true;
	if (drains)
		drain(w);
	if (stops)
		stop(w);
}

void worker_wake(struct worker *w)
{
	uv_async_send(&w->wake);
}

/* ----------------------------------------------------------------------------------------------------------- the thread */

static void run(void *arg)
{
	struct worker *w = arg;

	uv_run(&w->loop, UV_RUN_DEFAULT); /* until stop() has closed everything */
	accesslog_finish(&w->env.log);
	accesslog_finish(&w->env.stream_log);
	conn_set_deinit(&w->conns);
	env_deinit(&w->env);
	uv_loop_close(&w->loop);
}

static uint64_t random_seed(void)
{
	uint64_t seed = 0;

	if (getrandom(&seed, sizeof(seed), 0) != (ssize_t)sizeof(seed))
		seed = uv_hrtime();
	return seed;
}

int worker_start(struct worker *w, const struct workers_options *options, uint16_t https_port)
{
	int error = uv_loop_init(&w->loop);

	if (!error)
		error = stream_keep_loop(&w->loop);
	if (error)
		return error;
	env_init(&w->env, &w->loop, random_seed(), options->sink);
	w->env.logs_json = options->logs_json;
	w->env.spill_space.directory_fd = options->body_directory_fd;
	w->env.spill_space.max_bytes = options->body_bytes / options->n_workers;
	w->env.https_port = https_port;
	conn_set_init(&w->conns, &w->env);
	w->conns.on_empty = on_no_conns;
	w->conns.on_passthrough = on_passthrough;
	w->tcp.env = &w->env;
	w->tcp.on_empty = on_no_sessions;
	w->udp.env = &w->env;
	w->udp.on_empty = on_no_udp_sessions;
	w->udp.has_room = has_udp_room;
	w->shutdown.on_expired = on_shutdown_timeout;
	uv_mutex_init(&w->mail.lock);
	uv_mutex_init(&w->board.lock);
	uv_async_init(&w->loop, &w->wake, on_wake);
	uv_timer_init(&w->loop, &w->tick);
	uv_prepare_init(&w->loop, &w->before_wait);
	uv_prepare_start(&w->before_wait, on_before_wait);
	for (size_t i = 0; i < w->n_listeners; i++)
		w->listeners[i].worker = w;
	return uv_thread_create(&w->thread, run, w);
}
