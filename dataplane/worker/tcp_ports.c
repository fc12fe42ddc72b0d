/*
 * A claim is one address with one port of one protocol. It is given up in two steps: workers are told to close, and only when all have done
 * so may the same address be claimed again, since the first socket on an address wants it for itself (listener.h).
 */
#include "tcp_ports.h"

#include <unistd.h>

#include "listener.h"
#include "log.h"
#include "mem.h"
#include "udp.h"

enum { RETRY_MS = 1000 };

enum claim_state {
	CLAIM_CLOSED,  /* never had so far, or refused: to be tried */
	CLAIM_OPEN,
	CLAIM_LEAVING, /* workers were told to close it */
};

struct claim {
	struct addr addr;
	uint64_t id;
	enum claim_state state;
	int error;       /* of the last try; 0: none */
	bool is_udp, is_wanted;
};

struct tcp_ports {
	struct workers *ws;
	unsigned n_workers;
	struct addr *addrs;
	size_t n_addrs;
	struct claim *claims;
	size_t n, cap;
	uint64_t last_id;
	uv_timer_t retry;
	bool is_stopped;
};

/* -------------------------------------------------------------------------------------------------------------- orders */

void port_orders_add(struct port_orders *orders, const struct port_order *order)
{
	for (size_t i = 0; order->fd < 0 && i < orders->n; i++) {
		if (orders->items[i].id != order->id)
			continue;
		close(orders->items[i].fd);
		orders->n--;
		memmove(&orders->items[i], &orders->items[i + 1], (orders->n - i) * sizeof(*orders->items));
		return;
	}
	orders->items = mem_grow(orders->items, &orders->cap, orders->n + 1, sizeof(*orders->items));
	orders->items[orders->n++] = *order;
}

void port_orders_deinit(struct port_orders *orders)
{
	for (size_t i = 0; i < orders->n; i++) {
		if (orders->items[i].fd >= 0)
			close(orders->items[i].fd);
	}
	mem_free(orders->items);
	*orders = (struct port_orders){0};
}

/* ------------------------------------------------------------------------------------------------------------ claiming */

/* A socket for each worker, or none at all and an error. */
static int bind_all(const struct tcp_ports *p, const struct claim *c, int *fds)
{
	struct addr bound;

	for (unsigned k = 0; k < p->n_workers; k++) {
		if (c->is_udp)
			fds[k] = udp_bind(&c->addr, k == 0);
		else
			fds[k] = k == 0 ? listener_bind(&c->addr, &bound) : listener_join(&bound);
		if (fds[k] >= 0)
			continue;
		for (unsigned i = 0; i < k; i++)
			close(fds[i]);
		return fds[k];
	}
	return 0;
}

static const char *protocol_of(const struct claim *c)
{
	return c->is_udp ? "UDP" : "TCP";
}

/* Once for each failure that is another one, and when it is over. */
static void tell(const struct claim *c, int error)
{
	char text[ADDR_TEXT_MAX];

	if (error && error != c->error)
		log_error("worker", "cannot listen for a %s service address=%s error=\"%s\": all else is served, and it is tried again "
			"each second", protocol_of(c), addr_text(&c->addr, text), uv_strerror(error));
	else if (!error)
		log_info("worker", "listening for a %s service address=%s", protocol_of(c), addr_text(&c->addr, text));
}

static void try_claim(struct tcp_ports *p, struct claim *c)
{
	int *fds = mem_calloc(p->n_workers, sizeof(*fds));
	int error = bind_all(p, c, fds);

	tell(c, error);
	c->error = error;
	if (!error) {
		c->state = CLAIM_OPEN;
		c->id = ++p->last_id;
		for (unsigned k = 0; k < p->n_workers; k++)
			group_order(p->ws, k, &(struct port_order){c->id, c->addr.port, c->is_udp, fds[k]});
	}
	mem_free(fds);
}

static void give_up(struct tcp_ports *p, struct claim *c)
{
	char text[ADDR_TEXT_MAX];

	log_info("worker", "no longer listening for a %s service address=%s", protocol_of(c), addr_text(&c->addr, text));
	c->state = CLAIM_LEAVING;
	for (unsigned k = 0; k < p->n_workers; k++)
		group_order(p->ws, k, &(struct port_order){c->id, c->addr.port, c->is_udp, -1});
}

static void on_retry(uv_timer_t *timer);

/* What is wanted and can be had is claimed; what is neither wanted nor on its way out is forgotten. */
static void settle(struct tcp_ports *p)
{
	bool has_failed = false;
	size_t kept = 0;

	for (size_t i = 0; i < p->n; i++) {
		struct claim *c = &p->claims[i];

		if (c->state == CLAIM_OPEN && !c->is_wanted)
			give_up(p, c);
		else if (c->state == CLAIM_CLOSED && c->is_wanted && !p->is_stopped)
			try_claim(p, c);
		has_failed = has_failed || (c->state == CLAIM_CLOSED && c->is_wanted);
		if (c->state != CLAIM_CLOSED || c->is_wanted)
			p->claims[kept++] = *c;
	}
	p->n = kept;
	if (has_failed && !p->is_stopped)
		uv_timer_start(&p->retry, on_retry, RETRY_MS, 0);
	else
		uv_timer_stop(&p->retry);
}

static void on_retry(uv_timer_t *timer)
{
	struct tcp_ports *p = container_of(timer, struct tcp_ports, retry);

	settle(p);
	group_wake(p->ws);
}

/* ---------------------------------------------------------------------------------------------------------- generations */

static void want_at(struct tcp_ports *p, struct addr addr, uint16_t port, bool is_udp)
{
	addr.port = port;
	for (size_t i = 0; i < p->n; i++) {
		if (p->claims[i].is_udp == is_udp && addr_eq(&p->claims[i].addr, &addr)) {
			p->claims[i].is_wanted = true;
			return;
		}
	}
	p->claims = mem_grow(p->claims, &p->cap, p->n + 1, sizeof(*p->claims));
	p->claims[p->n++] = (struct claim){.addr = addr, .is_udp = is_udp, .is_wanted = true};
}

/* A service without endpoints is not listened for. */
static void want(struct tcp_ports *p, const struct backend *backend, uint16_t port, bool is_udp)
{
	for (size_t i = 0; backend && backend->n_endpoints && i < p->n_addrs; i++)
		want_at(p, p->addrs[i], port, is_udp);
}

void tcp_ports_apply(struct tcp_ports *p, const struct generation *g)
{
	const struct tcp_service *tcp;
	const struct udp_service *udp;
	size_t cursor = 0;

	for (size_t i = 0; i < p->n; i++)
		p->claims[i].is_wanted = false;
	while ((tcp = generation_next_tcp(g, &cursor)))
		want(p, generation_backend_at(g, tcp->backend_index), tcp->port, false);
	cursor = 0;
	while ((udp = generation_next_udp(g, &cursor)))
		want(p, generation_backend_at(g, udp->backend_index), udp->port, true);
	settle(p);
}

void tcp_ports_confirm(struct tcp_ports *p)
{
	bool has_left = false;

	for (size_t i = 0; i < p->n; i++) {
		if (p->claims[i].state != CLAIM_LEAVING)
			continue;
		p->claims[i].state = CLAIM_CLOSED;
		has_left = true;
	}
	if (!has_left)
		return;
	settle(p);
	group_wake(p->ws);
}

void tcp_ports_stop(struct tcp_ports *p)
{
	p->is_stopped = true;
	uv_timer_stop(&p->retry);
}

static void add_up(const struct tcp_ports *p, bool is_udp, const char *name, const char *protocol, struct buf *out)
{
	char text[ADDR_TEXT_MAX];

	buf_printf(out, "# HELP %s Whether the port of a %s service is listened on\n# TYPE %s gauge\n", name, protocol, name);
	for (size_t i = 0; i < p->n; i++) {
		if (p->claims[i].is_wanted && p->claims[i].is_udp == is_udp)
			buf_printf(out, "%s{address=\"%s\"} %d\n", name, addr_text(&p->claims[i].addr, text),
				p->claims[i].state == CLAIM_OPEN);
	}
}

void tcp_ports_metrics(const struct tcp_ports *p, struct buf *out)
{
	add_up(p, false, "weirlock_tcp_listener_up", "TCP", out);
	add_up(p, true, "weirlock_udp_listener_up", "UDP", out);
}

/* ---------------------------------------------------------------------------------------------------------------- life */

struct tcp_ports *tcp_ports_create(uv_loop_t *loop, const struct addr *addrs, size_t n_addrs, struct workers *ws, unsigned n_workers)
{
	struct tcp_ports *p = mem_zalloc(sizeof(*p));

	p->ws = ws;
	p->n_workers = n_workers;
	p->addrs = mem_calloc(n_addrs ? n_addrs : 1, sizeof(*p->addrs));
	p->n_addrs = n_addrs;
	for (size_t i = 0; i < n_addrs; i++)
		p->addrs[i] = addrs[i];
	uv_timer_init(loop, &p->retry);
	return p;
}

static void on_closed(uv_handle_t *handle)
{
	struct tcp_ports *p = container_of((uv_timer_t *)handle, struct tcp_ports, retry);

	mem_free(p->claims);
	mem_free(p->addrs);
	mem_free(p);
}

void tcp_ports_destroy(struct tcp_ports *p)
{
	tcp_ports_stop(p);
	uv_close((uv_handle_t *)&p->retry, on_closed);
}
