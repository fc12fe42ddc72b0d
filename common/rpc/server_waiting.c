/*
 * Handshakes that were asked for while there was no room for them: a thousand proxies that lost their controller come at once. Only the
 * first message is kept of each, small, in the order in which they came; nothing is computed for it until its turn. A connection has one
 * place: who asks again has that one, so that nobody can fill the line alone. Who has waited for longer than a handshake may take has
 * given up, and costs nothing.
 */
#include <string.h>

#include "clock.h"
#include "mem.h"
#include "server.h"

enum { WAITING_MAX = 4096, FIRST_MESSAGE_MAX = 2048 };

struct waiting {
	struct waiting *next;
	uint64_t since_ms;
	struct buf bytes;
	struct socket_message message; /* of those bytes */
};

static struct str connection_of(const struct socket_message *m)
{
	return str_of(m->trace, SOCKET_PIPE_SIZE);
}

static void set_message(struct waiting *w, const struct socket_message *m)
{
	buf_clear(&w->bytes);
	buf_add(&w->bytes, m->bytes);
	w->message = *m;
	w->message.bytes = buf_str(&w->bytes);
}

bool waiting_add(struct waiting_line *line, const struct socket_message *m, uint64_t now_ms)
{
	struct waiting *w = map_get(&line->connections, connection_of(m));

	if (m->bytes.len > FIRST_MESSAGE_MAX || (!w && line->n >= WAITING_MAX))
		return false;
	if (w) {
		set_message(w, m);
		return true;
	}
	w = mem_zalloc(sizeof(*w));
	w->since_ms = now_ms;
	set_message(w, m);
	map_put(&line->connections, connection_of(m), w);
	*(line->first ? &line->last->next : &line->first) = w;
	line->last = w;
	line->n++;
	return true;
}

void waiting_drop_first(struct waiting_line *line)
{
	struct waiting *w = line->first;

	line->first = w->next;
	line->n--;
	map_del(&line->connections, connection_of(&w->message));
	buf_deinit(&w->bytes);
	mem_free(w);
}

const struct socket_message *waiting_first(struct waiting_line *line, uint64_t since_ms)
{
	while (line->first && line->first->since_ms < since_ms)
		waiting_drop_first(line);
	return line->first ? &line->first->message : NULL;
}

void waiting_clear(struct waiting_line *line)
{
	while (line->first)
		waiting_drop_first(line);
	map_deinit(&line->connections);
}
