/* Whether a proxy has room for one more. */
#include "caps.h"

enum caps_full caps_judge(const struct caps *max, const struct caps *used)
{
	if (max->memory_bytes && used->memory_bytes > max->memory_bytes)
		return CAPS_MEMORY_FULL;
	if (max->connections && used->connections >= max->connections)
		return CAPS_PROXY_FULL;
	if (max->worker_connections && used->worker_connections >= max->worker_connections)
		return CAPS_WORKER_FULL;
	return CAPS_ROOM;
}

uint64_t caps_memory(uint64_t configured, uint64_t allowed)
{
	return configured ? configured : allowed / 10 * 9;
}

struct caps caps_of(const struct settings *s, uint64_t allowed_memory)
{
	return (struct caps){
		.connections = s->max_client_connections,
		.worker_connections = s->max_worker_connections,
		.memory_bytes = caps_memory(s->max_memory_bytes, allowed_memory),
	};
}
