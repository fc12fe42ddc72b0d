#ifndef UDP_SOCKET_H
#define UDP_SOCKET_H
/* Datagrams of clients, with the address of ours that each was sent to: answers leave from there. Private to the room. */
#include <sys/types.h>

#include "addr.h"

/* Length, or a negative errno; -EAGAIN when none is there. `local` has no port. */
ssize_t udp_receive(int fd, char *space, size_t size, struct addr *peer, struct addr *local);
/* 0 or a negative errno. */
int udp_answer(int fd, struct str data, const struct addr *to, const struct addr *from);
/* A socket that hears `to` alone. A descriptor or a negative errno. */
int udp_connect(const struct addr *to);
/* The same for one that was connected elsewhere. 0 or a negative errno. */
int udp_reconnect(int fd, const struct addr *to);

#endif
