/* After 101: two streams, one rule of idleness, and generations that come and go meanwhile (SEMANTICS G10 to G12). */
#include <assert.h>

#include "exchange_private.h"
#include "route.h"

static void link_tunnel(struct exchange *ex)
{
	ex->prev = NULL;
	ex->next = ex->env->tunnels;
	if (ex->next)
		ex->next->prev = ex;
	ex->env->tunnels = ex;
	metrics_add(&ex->env->metrics.tunnels_opened, 1);
	metrics_add(&ex->env->metrics.tunnels_open, 1);
}

void exchange_leave_tunnel(struct exchange *ex)
{
	if (!ex->is_tunnel)
		return;
	*(ex->prev ? &ex->prev->next : &ex->env->tunnels) = ex->next;
	if (ex->next)
		ex->next->prev = ex->prev;
	ex->is_tunnel = false;
	ex->body_sent += ex->tunnel.ends[TUNNEL_CLIENT].sent;
	ex->body_received += ex->tunnel.ends[TUNNEL_CLIENT].received;
	exchange_attempt(ex)->bytes_received += ex->tunnel.ends[TUNNEL_UPSTREAM].received;
	tunnel_deinit(&ex->tunnel);
	metrics_sub(&ex->env->metrics.tunnels_open, 1);
}

static enum exchange_state after(struct exchange *ex, enum tunnel_result result)
{
	switch (result) {
	case TUNNEL_OPEN:
		return EX_TUNNEL;
	case TUNNEL_CLIENT_DONE:
	case TUNNEL_CLIENT_FAILED:
		return exchange_over(ex, EXCHANGE_CLOSE, END_TUNNEL_CLIENT);
	case TUNNEL_UPSTREAM_DONE:
	case TUNNEL_UPSTREAM_FAILED:
		return exchange_over(ex, EXCHANGE_CLOSE, END_TUNNEL_BACKEND);
	}
	abort();
}

enum exchange_state exchange_upgrade(struct exchange *ex, const struct http_head *head, struct str rest)
{
	struct exchange_head out;
	struct stream *client;
	struct str early = {0};
	enum tunnel_result result;

	assert(ex->state == EX_AWAIT && ex->upstream);
	exchange_client_head(ex, head, &ex->env->lines, &out);
	ex->status = 101;
	if (ex->client->ops->send(ex->client, &out, (struct str){0}, true) != EXCHANGE_SENT)
		return exchange_over(ex, EXCHANGE_CUT, END_CLIENT_GONE);
	client = ex->client->ops->stream(ex->client, &early);
	tunnel_init(&ex->tunnel, client, client ? NULL : ex->client->ops->port(ex->client), &ex->upstream->stream,
		ex->env->space, ENV_READ_SIZE);
	ex->is_tunnel = true;
	link_tunnel(ex);
	result = tunnel_push(&ex->tunnel, TUNNEL_UPSTREAM, rest); /* `rest` lies in the space that reads overwrite */
	if (result == TUNNEL_OPEN)
		result = tunnel_push(&ex->tunnel, TUNNEL_CLIENT, early);
	return after(ex, result);
}

enum exchange_state exchange_tunnel(struct exchange *ex)
{
	unsigned client_events = ex->tunnel_events, upstream_events = ex->upstream_events;
	enum tunnel_result result = TUNNEL_OPEN;

	assert(ex->state == EX_TUNNEL && ex->is_tunnel);
	ex->tunnel_events = ex->upstream_events = 0;
	if (ex->events & EXCHANGE_ROUTE_REMOVED)
		return exchange_over(ex, EXCHANGE_CLOSE, END_ROUTE_REMOVED);
	if (ex->has_expired)
		return exchange_over(ex, EXCHANGE_CLOSE,
			tunnel_is_blocked(&ex->tunnel) ? END_TUNNEL_SEND_TIMEOUT : END_TUNNEL_IDLE);
	if (client_events)
		result = tunnel_on_event(&ex->tunnel, TUNNEL_CLIENT, client_events);
	if (result == TUNNEL_OPEN && upstream_events)
		result = tunnel_on_event(&ex->tunnel, TUNNEL_UPSTREAM, upstream_events);
	return after(ex, result);
}

/* The same rule in a newer generation, or NULL. */
static bool find_again(const struct exchange *ex, struct route_match *now)
{
	const struct route_match *was = &ex->rule.match;

	*now = route_match(ex->env->current->generation, ex->rule.server_name, ex->rule.path);
	return now->route && str_eq(now->host->name, was->host->name) && now->route->path_type == was->route->path_type &&
		str_eq(now->route->path, was->route->path) &&
		(now->route->backend_index == BACKEND_NONE) == (was->route->backend_index == BACKEND_NONE);
}

/*
 * The tunnel moves to the newer generation, so that old ones go however long it lives; its timeouts are the new ones,
 * counted from when a byte last moved.
 */
static void move_tunnel(struct exchange *ex, const struct route_match *now)
{
	env_release(&ex->held);
	ex->held = env_hold(ex->env);
	ex->rule.generation = ex->held->generation;
	ex->rule.match = *now;
	ex->backend = generation_backend(ex->held->generation, now->route);
	deadline_set_at(&ex->env->deadlines, &ex->deadline, ex->active_ms + exchange_wait_ms(ex));
}

void exchange_apply_generation(struct exchange_env *env)
{
	struct exchange *ex = env->tunnels;

	while (ex) {
		struct exchange *next = ex->next;
		struct route_match now;

		if (find_again(ex, &now))
			move_tunnel(ex, &now);
		else
			exchange_on_client(ex, EXCHANGE_ROUTE_REMOVED);
		ex = next;
	}
}

void exchange_end_tunnels(struct exchange_env *env)
{
	while (env->tunnels)
		exchange_on_client(env->tunnels, EXCHANGE_DRAINED);
}
