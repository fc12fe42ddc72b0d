#ifndef CAPS_H
#define CAPS_H
/* How much a proxy takes at once: client connections of all its workers, of one of them, and memory. */
#include <stdint.h>

#include "config.h"

/* 0: any number. What is used, or the bound on it. */
struct caps {
	uint64_t connections;        /* of the proxy */
	uint64_t worker_connections; /* of this worker */
	uint64_t memory_bytes;       /* resident */
};

enum caps_full { CAPS_ROOM, CAPS_PROXY_FULL, CAPS_WORKER_FULL, CAPS_MEMORY_FULL, CAPS_COUNT };

/* Whether one more connection has room. What no end of a connection mends at once comes first: memory. */
enum caps_full caps_judge(const struct caps *max, const struct caps *used);
/* Nine tenths of what the system allows, where nothing was configured. 0: any. */
uint64_t caps_memory(uint64_t configured, uint64_t allowed);
/* What the settings let a proxy have, where the system allows so many bytes. */
struct caps caps_of(const struct settings *s, uint64_t allowed_memory);

#endif
