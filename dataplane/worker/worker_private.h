#ifndef WORKER_PRIVATE_H
#define WORKER_PRIVATE_H
#include <stdatomic.h>

#include "balance.h"
#include "caps.h"
#include "conn.h"
#include "env.h"
#include "listener.h"
#include "tcp.h"
#include "tcp_ports.h"
#include "udp.h"
#include "worker.h"

/* What a check on the main loop says of an endpoint. */
struct check_note {
	unsigned backend;
	struct addr addr;
	bool is_failing;
};

/* What a worker last told of its endpoints; the main thread reads it. */
struct balance_board {
	uv_mutex_t lock;
	struct balance_rows rows;
};

/* What the main thread tells a worker. */
struct worker_mail {
	uv_mutex_t lock;
	const struct generation *generation; /* the newest not yet taken; older ones were overwritten */
	uint64_t number;                     /* of the newest generation */
	bool leaves, drains, stops;
	struct port_orders ports;            /* of TCP services, since it last looked */
	struct check_note *checks;           /* the same */
	size_t n_checks, checks_cap;
};

/* One port of a TCP service. Frees itself when its handles are closed. */
struct worker_port {
	struct listener listener;
	struct worker *worker;
	struct worker_port *next;
	uint64_t id;
	uint16_t port;
};

struct worker_listener {
	struct listener listener;
	struct worker *worker;
	int fd;          /* bound, until it is opened */
	bool is_tls;
	bool is_open;
};

struct worker {
	struct workers *group;
	unsigned index;
	uv_thread_t thread;
	uv_loop_t loop;
	uv_async_t wake;
	uv_timer_t tick;
	uv_prepare_t before_wait;
	struct worker_mail mail;
	struct exchange_env env;
	struct conn_set conns;
	struct worker_listener listeners[WORKER_LISTENERS_MAX];
	size_t n_listeners;
	struct worker_port *ports;
	struct tcp_set tcp;
	struct udp_set udp;
	struct balance_board board;
	struct deadline shutdown;            /* worker-shutdown-timeout */
	unsigned ticks;
	uint64_t memory_bytes;               /* resident, when it was last looked at */
	bool is_listening, is_stopping;
	_Atomic uint64_t served;             /* number of the generation it serves */
	atomic_bool is_drained;
};

/* worker.c */
/* The descriptors of `w->listeners` are taken. 0 or a negative errno. */
int worker_start(struct worker *w, const struct workers_options *options, uint16_t https_port);
void worker_wake(struct worker *w);

/* caps.c */
/* Whether a connection may be opened for `fd`, perhaps in the place of another; else it is closed and counted. */
bool worker_admits(struct worker *w, int fd);
/* Whether a session may begin that nobody else makes room for. */
bool worker_has_room(struct worker *w);
/* Looks at the process's memory, and does what follows from it. */
void worker_check_memory(struct worker *w);

/* group.c: called by workers. */
void group_tell(struct workers *ws);
/* What all workers have: metrics_client_connections. */
uint64_t group_connections(const struct workers *ws);
/* What the system lets the process have, when it started; 0: any. */
uint64_t group_allowed_memory(const struct workers *ws);
/* True when it is time: once for all workers in `every_ms`, of each of GROUP_TURNS. */
enum { GROUP_TURNS = CAPS_COUNT + 1 };
bool group_takes_turn(struct workers *ws, unsigned which, uint64_t now_ms, uint64_t every_ms);

#endif
