/* The main thread's end: addresses claimed once, messages to all, answers counted. */
#include <assert.h>
#include <unistd.h>

#include "cgroup.h"
#include "mem.h"
#include "worker_private.h"

struct workers {
	struct workers_options options;
	uv_loop_t *loop;
	uv_async_t told;
	struct worker *items;
	unsigned n_started;
	struct addr bound[WORKER_LISTENERS_MAX]; /* http first */
	const struct metrics **metrics;
	uint64_t number;      /* of the newest generation */
	uint64_t reported;    /* of the newest that on_served was told of */
	bool is_draining, told_drained;
	struct tcp_ports *tcp;
	uint64_t allowed_memory;
	struct caps caps; /* of the newest generation */
	_Atomic uint64_t turns_ms[GROUP_TURNS]; /* when the next may be taken */
};

/* ---------------------------------------------------------------------------------------------------- what workers say */

void group_tell(struct workers *ws)
{
	uv_async_send(&ws->told);
}

uint64_t group_connections(const struct workers *ws)
{
	uint64_t n = 0;

	for (unsigned k = 0; k < ws->options.n_workers; k++)
		n += metrics_client_connections(&ws->items[k].env.metrics);
	return n;
}

uint64_t group_allowed_memory(const struct workers *ws)
{
	return ws->allowed_memory;
}

bool group_takes_turn(struct workers *ws, unsigned which, uint64_t now_ms, uint64_t every_ms)
{
	uint64_t at_ms = atomic_load(&ws->turns_ms[which]);

	return now_ms >= at_ms && atomic_compare_exchange_strong(&ws->turns_ms[which], &at_ms, now_ms + every_ms);
}

static bool all_serve(const struct workers *ws)
{
	for (unsigned i = 0; i < ws->n_started; i++) {
		if (atomic_load(&ws->items[i].served) < ws->number)
			return false;
	}
	return true;
}

static bool all_drained(const struct workers *ws)
{
	for (unsigned i = 0; i < ws->n_started; i++) {
		if (!atomic_load(&ws->items[i].is_drained))
			return false;
	}
	return true;
}

static void on_told(uv_async_t *told)
{
	struct workers *ws = container_of(told, struct workers, told);

	if (ws->reported < ws->number && all_serve(ws)) {
		ws->reported = ws->number;
		tcp_ports_confirm(ws->tcp);
		if (ws->options.on_served)
			ws->options.on_served(ws->options.data);
	}
	if (ws->is_draining && !ws->told_drained && all_drained(ws)) {
		ws->told_drained = true;
		if (ws->options.on_drained)
			ws->options.on_drained(ws->options.data);
	}
}

/* ------------------------------------------------------------------------------------------------------------- starting */

static size_t n_addrs(const struct workers *ws)
{
	return ws->options.n_http + ws->options.n_https;
}

static const struct addr *wanted(const struct workers *ws, size_t i)
{
	return i < ws->options.n_http ? &ws->options.http[i] : &ws->options.https[i - ws->options.n_http];
}

/* The first worker claims the address, the others join. */
static int claim(struct workers *ws, size_t i)
{
	for (unsigned k = 0; k < ws->options.n_workers; k++) {
		struct worker_listener *wl = &ws->items[k].listeners[i];
		int fd = k == 0 ? listener_bind(wanted(ws, i), &ws->bound[i]) : listener_join(&ws->bound[i]);

		if (fd < 0)
			return fd;
		*wl = (struct worker_listener){.fd = fd, .is_tls = i >= ws->options.n_http};
		ws->items[k].n_listeners = i + 1;
	}
	return 0;
}

static void release_claims(struct workers *ws)
{
	for (unsigned k = ws->n_started; k < ws->options.n_workers; k++) {
		for (size_t i = 0; i < ws->items[k].n_listeners; i++)
			close(ws->items[k].listeners[i].fd);
	}
}

static int claim_all(struct workers *ws, struct buf *error)
{
	for (size_t i = 0; i < n_addrs(ws); i++) {
		char text[ADDR_TEXT_MAX];
		int result = claim(ws, i);

		if (!result)
			continue;
		buf_printf(error, "cannot listen on %s: %s", addr_text(wanted(ws, i), text), uv_strerror(result));
		return result;
	}
	return 0;
}

static int start_all(struct workers *ws, struct buf *error)
{
	uint16_t https_port = ws->options.n_https ? ws->bound[ws->options.n_http].port : 0;

	for (unsigned k = 0; k < ws->options.n_workers; k++) {
		struct worker *w = &ws->items[k];
		int result;

		w->group = ws;
		w->index = k;
		result = worker_start(w, &ws->options, https_port);
		if (result) {
			buf_printf(error, "cannot start worker %u: %s", k, uv_strerror(result));
			return result;
		}
		ws->metrics[k] = &w->env.metrics;
		ws->n_started++;
	}
	return 0;
}

struct workers *workers_create(uv_loop_t *loop, const struct workers_options *options, struct buf *error)
{
	struct workers *ws = mem_zalloc(sizeof(*ws));

	assert(options->n_workers >= 1 && options->n_workers <= WORKERS_MAX);
	assert(options->n_http + options->n_https <= WORKER_LISTENERS_MAX && options->n_tcp <= WORKER_LISTENERS_MAX);
	ws->options = *options;
	ws->loop = loop;
	ws->allowed_memory = cgroup_own_memory_limit();
	ws->items = mem_calloc(options->n_workers, sizeof(*ws->items));
	ws->metrics = mem_calloc(options->n_workers, sizeof(*ws->metrics));
	uv_async_init(loop, &ws->told, on_told);
	ws->tcp = tcp_ports_create(loop, options->tcp, options->n_tcp, ws, options->n_workers);
	if (claim_all(ws, error) || start_all(ws, error)) {
		workers_destroy(ws);
		return NULL;
	}
	return ws;
}

const struct addr *workers_http(const struct workers *ws, size_t i)
{
	assert(i < ws->options.n_http);
	return &ws->bound[i];
}

const struct addr *workers_https(const struct workers *ws, size_t i)
{
	assert(i < ws->options.n_https);
	return &ws->bound[ws->options.n_http + i];
}

const struct metrics *const *workers_metrics(const struct workers *ws, size_t *n)
{
	*n = ws->n_started;
	return ws->metrics;
}

/* ------------------------------------------------------------------------------------------------------------- messages */

void workers_apply(struct workers *ws, const struct generation *g)
{
	ws->caps = caps_of(generation_settings(g), ws->allowed_memory);
	ws->number++;
	tcp_ports_apply(ws->tcp, g);
	for (unsigned k = 0; k < ws->n_started; k++) {
		struct worker *w = &ws->items[k];
		const struct generation *older;

		uv_mutex_lock(&w->mail.lock);
		older = w->mail.generation;
		w->mail.generation = generation_ref(g);
		w->mail.number = ws->number;
		uv_mutex_unlock(&w->mail.lock);
		if (older)
			generation_unref(&older);
		worker_wake(w);
	}
	generation_unref(&g);
}

void group_order(struct workers *ws, unsigned worker, const struct port_order *order)
{
	struct worker_mail *mail = &ws->items[worker].mail;

	uv_mutex_lock(&mail->lock);
	port_orders_add(&mail->ports, order);
	uv_mutex_unlock(&mail->lock);
}

void group_wake(struct workers *ws)
{
	for (unsigned k = 0; k < ws->n_started; k++)
		worker_wake(&ws->items[k]);
}

void workers_note_check(struct workers *ws, unsigned backend_index, const struct addr *addr, bool is_failing)
{
	for (unsigned k = 0; k < ws->n_started; k++) {
		struct worker_mail *mail = &ws->items[k].mail;

		uv_mutex_lock(&mail->lock);
		mail->checks = mem_grow(mail->checks, &mail->checks_cap, mail->n_checks + 1, sizeof(*mail->checks));
		mail->checks[mail->n_checks++] = (struct check_note){backend_index, *addr, is_failing};
		uv_mutex_unlock(&mail->lock);
		worker_wake(&ws->items[k]);
	}
}

void workers_each_row(const struct workers *ws, workers_row_fn *on_row, void *data)
{
	for (unsigned k = 0; k < ws->n_started; k++) {
		struct balance_board *board = &ws->items[k].board;

		uv_mutex_lock(&board->lock);
		for (size_t i = 0; i < board->rows.n; i++)
			on_row(data, &board->rows.items[i]);
		uv_mutex_unlock(&board->lock);
	}
}

const struct caps *workers_caps(const struct workers *ws)
{
	return &ws->caps;
}

void workers_add_metrics(const struct workers *ws, struct buf *out)
{
	tcp_ports_metrics(ws->tcp, out);
}

enum order { ORDER_LEAVE, ORDER_DRAIN, ORDER_STOP }; /* each is the ones before it too */

static void tell_all(struct workers *ws, enum order order)
{
	for (unsigned k = 0; k < ws->n_started; k++) {
		struct worker *w = &ws->items[k];

		uv_mutex_lock(&w->mail.lock);
		w->mail.leaves = true;
		w->mail.drains = order >= ORDER_DRAIN;
		w->mail.stops = order == ORDER_STOP;
		uv_mutex_unlock(&w->mail.lock);
		worker_wake(w);
	}
}

void workers_leave(struct workers *ws)
{
	tell_all(ws, ORDER_LEAVE);
}

void workers_drain(struct workers *ws)
{
	ws->is_draining = true;
	tcp_ports_stop(ws->tcp);
	tell_all(ws, ORDER_DRAIN);
}

static void on_handle_closed(uv_handle_t *handle)
{
	struct workers *ws = container_of((uv_async_t *)handle, struct workers, told);

	mem_free(ws->metrics);
	mem_free(ws->items);
	mem_free(ws);
}

void workers_destroy(struct workers *ws)
{
	if (!ws)
		return;
	tcp_ports_destroy(ws->tcp);
	tell_all(ws, ORDER_STOP);
	release_claims(ws);
	for (unsigned k = 0; k < ws->n_started; k++) {
		struct worker *w = &ws->items[k];

		uv_thread_join(&w->thread);
		if (w->mail.generation)
			generation_unref(&w->mail.generation);
		port_orders_deinit(&w->mail.ports);
		mem_free(w->mail.checks);
		balance_rows_deinit(&w->board.rows);
		uv_mutex_destroy(&w->board.lock);
		uv_mutex_destroy(&w->mail.lock);
	}
	ws->n_started = 0;
	uv_close((uv_handle_t *)&ws->told, on_handle_closed);
}
