#ifndef UDP_H
#define UDP_H
/*
 * Sessions of UDP services (SEMANTICS A50): whoever sends a datagram to one of our addresses has a socket of his own to one endpoint
 * of the service, so that no answer goes astray, until as many answers have come as proxy-stream-responses says, or nothing
 * moves for proxy-stream-timeout. A client's datagrams come to one worker, for as long as all workers listen on the port; so a
 * port is closed by all of them or by none.
 */
#include "env.h"
#include "udp_table.h"

struct udp_port;

/* The ports and sessions of one worker. Zeroed, but for `env`, is empty. */
struct udp_set {
	struct exchange_env *env;
	struct udp_port *ports;
	struct udp_table sessions;
	uint64_t n_applied;       /* generations: an older session looks whether its endpoint is still there */
	uint32_t timeout_ms;      /* that the sessions have */
	uint64_t warn_ms;         /* when more may be said of a full table */
	bool (*has_room)(struct udp_set *set); /* for one more session, by what else the worker has; may be NULL: there is */
	void (*on_empty)(struct udp_set *set); /* the last session is over; may be NULL */
};

/*
 * A bound socket for one worker; the first claims the address and fails when anything else is there, the others join it. A
 * descriptor or a negative errno.
 */
int udp_bind(const struct addr *addr, bool is_first);
/* Takes `fd`, also on failure. `id` is for udp_close_port. 0 or a negative errno. */
int udp_open_port(struct udp_set *set, uint64_t id, int fd, uint16_t port);
/* Its sessions end: they have no socket left to answer from. */
void udp_close_port(struct udp_set *set, uint64_t id);
/* A newer generation is in force. */
void udp_apply(struct udp_set *set);
/* Ends all sessions. */
void udp_cut(struct udp_set *set);
/* Ends all sessions and closes all ports. */
void udp_close(struct udp_set *set);

#endif
