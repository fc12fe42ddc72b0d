#ifndef TCP_PORTS_H
#define TCP_PORTS_H
/*
 * The ports of TCP and UDP services, on the main thread: claimed and given up as generations come. Workers get orders by mail.
 * A port that cannot be had harms nothing else: it is told of and tried again each second.
 */
#include <stddef.h>
#include <stdint.h>
#include <uv.h>

#include "addr.h"
#include "buf.h"
#include "config.h"

struct workers;
struct tcp_ports;

/* Open a listener, or close the one of this id. */
struct port_order {
	uint64_t id;   /* of the claim; never used again */
	uint16_t port;
	bool is_udp;
	int fd;        /* bound, for the worker to take; -1: close */
};
/* In the order in which they were given; they are to be carried out so. Zeroed is none. */
struct port_orders {
	struct port_order *items;
	size_t n, cap;
};
/* Closing what is not open so far takes the order back and closes the descriptor. */
void port_orders_add(struct port_orders *orders, const struct port_order *order);
/* Closes the descriptors. */
void port_orders_deinit(struct port_orders *orders);

/* On `addrs`, whatever their ports; copies them. Keeps `ws`. Owned. */
struct tcp_ports *tcp_ports_create(uv_loop_t *loop, const struct addr *addrs, size_t n_addrs, struct workers *ws, unsigned n_workers);
/* Its handle is closed by the loop's next turn. */
void tcp_ports_destroy(struct tcp_ports *p);
/* Orders what `g` needs: a port for each service whose backend has endpoints (A50). The caller wakes the workers. */
void tcp_ports_apply(struct tcp_ports *p, const struct generation *g);
/* All workers have carried out all orders: what was given up may be claimed again. */
void tcp_ports_confirm(struct tcp_ports *p);
/* Claims nothing from now on. */
void tcp_ports_stop(struct tcp_ports *p);
void tcp_ports_metrics(const struct tcp_ports *p, struct buf *out);

/* group.c: an order for one worker, by mail. */
void group_order(struct workers *ws, unsigned worker, const struct port_order *order);
void group_wake(struct workers *ws);

#endif
