#ifndef CONFIRMED_H
#define CONFIRMED_H
/* Private to stream, and apart: the kernel's struct tcp_info and the older one of libc cannot be in one file. */
#include <stdint.h>

/* Of a TCP socket: how many bytes the peer's kernel has confirmed; UINT64_MAX when the kernel does not say. */
uint64_t confirmed_bytes(int fd);

#endif
