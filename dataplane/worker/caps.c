/*
 * A proxy that is full: whoever has waited longest without a request makes room, and where nobody does the new connection is
 * closed. Above its memory it takes nothing new, so that what runs can end.
 */
#include "caps.h"

#include <malloc.h>
#include <stdlib.h>
#include <unistd.h>

#include "log.h"
#include "process.h"
#include "worker_private.h"

enum { WARN_EVERY_MS = 60 * 1000, TRIM_EVERY_MS = 1000, TURN_TRIM = CAPS_COUNT };
enum { END_AT_ONCE = 4096 }; /* connections looked at in one turn, so that others go on */

static enum end_reason reason(enum caps_full full)
{
	switch (full) {
	case CAPS_PROXY_FULL:
		return END_PROXY_FULL;
	case CAPS_WORKER_FULL:
		return END_WORKER_FULL;
	case CAPS_MEMORY_FULL:
		return END_MEMORY_FULL;
	case CAPS_ROOM:
	case CAPS_COUNT:
		break;
	}
	abort();
}

/* `*used`: where it counts, for all workers' connections are looked at only where there is a bound on them. */
static enum caps_full look(const struct worker *w, struct caps *max, struct caps *used)
{
	*max = caps_of(env_settings(&w->env), group_allowed_memory(w->group));
	*used = (struct caps){
		.connections = max->connections ? group_connections(w->group) : 0,
		.worker_connections = metrics_client_connections(&w->env.metrics),
		.memory_bytes = w->memory_bytes,
	};
	return caps_judge(max, used);
}

static void warn(struct worker *w, enum caps_full full, const struct caps *max, const struct caps *used)
{
	struct str key = end_limit(reason(full)), word = end_word(reason(full));
	uint64_t bound = full == CAPS_PROXY_FULL ? max->connections : full == CAPS_WORKER_FULL ? max->worker_connections : max->memory_bytes;
	uint64_t use = full == CAPS_PROXY_FULL ? used->connections : full == CAPS_WORKER_FULL ? used->worker_connections : used->memory_bytes;

	if (group_takes_turn(w->group, (unsigned)full, uv_now(&w->loop), WARN_EVERY_MS))
		log_warn("worker", "waiting or new connections are closed limit=%.*s bound=%llu used=%llu: "
			"weirlock_ends_total{reason=\"%.*s\"} counts them", STR_ARG(key), (unsigned long long)bound,
			(unsigned long long)use, STR_ARG(word));
}

bool worker_has_room(struct worker *w)
{
	struct caps max, used;
	enum caps_full full = look(w, &max, &used);

	if (full != CAPS_ROOM)
		warn(w, full, &max, &used);
	return full == CAPS_ROOM;
}

bool worker_admits(struct worker *w, int fd)
{
	struct caps max, used;
	enum caps_full full = look(w, &max, &used);

	if (full == CAPS_ROOM)
		return true;
	warn(w, full, &max, &used);
	if (full != CAPS_MEMORY_FULL && conn_make_room(&w->conns, reason(full)))
		return true;
	metrics_add(&w->env.metrics.connections_accepted, 1);
	metrics_count_end(&w->env.metrics, reason(full));
	close(fd);
	return false;
}

void worker_check_memory(struct worker *w)
{
	struct caps max, used;

	if (!env_settings(&w->env))
		return;
	w->memory_bytes = process_rss_bytes();
	w->env.is_over_memory = look(w, &max, &used) == CAPS_MEMORY_FULL;
	if (!w->env.is_over_memory)
		return;
	warn(w, CAPS_MEMORY_FULL, &max, &used);
	conn_end_waiting(&w->conns, END_MEMORY_FULL, END_AT_ONCE);
	/* what was freed lies in holes, and would keep us above for ever */
	if (group_takes_turn(w->group, TURN_TRIM, uv_now(&w->loop), TRIM_EVERY_MS))
		malloc_trim(0);
}
