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
