#ifndef UDP_TABLE_H
#define UDP_TABLE_H
/*
 * The sessions of UDP services by who sent their datagrams and to which of our addresses, and which of them may go when there
 * are too many. Pure: entries are the caller's memory, and the table is bounded by whoever fills it. Private to the room.
 */
#include "addr.h"

/* Embedded in a session; in a table from udp_table_add to udp_table_remove. */
struct udp_entry {
	struct addr client, local; /* the key */
	struct udp_entry *chain;   /* of its bucket */
	struct udp_entry *older, *newer;
	bool is_settled;           /* more than one datagram came from the client */
};

/* By when a datagram last moved. */
struct udp_order {
	struct udp_entry *oldest, *newest;
};

/* Zeroed is empty. */
struct udp_table {
	struct udp_entry **buckets;
	size_t n_buckets; /* a power of two, or 0 */
	size_t n;
	struct udp_order fresh, settled;
};

void udp_table_deinit(struct udp_table *t);
/* NULL if there is none. */
struct udp_entry *udp_table_find(const struct udp_table *t, const struct addr *client, const struct addr *local);
/* `entry` has its key, which is not in the table. It is fresh. */
void udp_table_add(struct udp_table *t, struct udp_entry *entry);
void udp_table_remove(struct udp_table *t, struct udp_entry *entry);
/* A datagram moved. */
void udp_table_touch(struct udp_table *t, struct udp_entry *entry);
/* The client has sent one more: a session whose client goes on is no forged address that was used once. */
void udp_table_settle(struct udp_table *t, struct udp_entry *entry);
/*
 * Which one makes room for another: the longest silent of those whose client sent a single datagram, so that a flood of forged
 * addresses pushes out itself. NULL: none may go, and the new one must wait outside.
 */
struct udp_entry *udp_table_victim(const struct udp_table *t);
/* Any, or NULL. */
struct udp_entry *udp_table_any(const struct udp_table *t);

#endif
