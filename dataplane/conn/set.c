/* The connections of a worker, and who of them ends first when there are too many, or the proxy leaves. */
#include "conn_private.h"

enum { HAND_STEPS = 64 /* looked at for one that may go */, DRAIN_FIRST_MS = 1000 };

void conn_link_first(struct conn_set *set, struct conn *c)
{
	c->prev = NULL;
	c->next = set->first;
	*(c->next ? &c->next->prev : &set->last) = c;
	set->first = c;
}

void conn_unlink(struct conn *c)
{
	*(c->prev ? &c->prev->next : &c->set->first) = c->next;
	*(c->next ? &c->next->prev : &c->set->last) = c->prev;
}

void conn_set_init(struct conn_set *set, struct exchange_env *env)
{
	set->env = env;
	set->http2.env = env;
}

void conn_set_deinit(struct conn_set *set)
{
	http2_shared_deinit(&set->http2);
}

static bool has_no_exchange(const struct conn *c)
{
	return c->state == CONN_HTTP2 ? http2_is_waiting(c->http2) : c->state != CONN_BUSY && c->state != CONN_CLOSED;
}

/* Whether it ended: its client may have closed it, or sent a request, this moment. */
static bool end_waiting(struct conn *c, enum end_reason why)
{
	if (c->state == CONN_IDLE)
		conn_read_head(c);
	if (c->state == CONN_CLOSED)
		return true;
	if (!has_no_exchange(c))
		return false;
	if (c->state == CONN_HTTP2)
		http2_evict(c->http2, why);
	else if (c->state == CONN_HEAD)
		conn_give_up_head(c, why);
	else if (c->state != CONN_LINGER)
		metrics_count_end(&c->env->metrics, why);
	if (c->http2) { /* its client does not read */
		metrics_count_end(&c->env->metrics, why);
		http2_cut(c->http2);
	}
	conn_close(c, false);
	return true;
}

/* The longest idle one by a clock hand: one that had a request since the hand last came by is passed over once. */
bool conn_make_room(struct conn_set *set, enum end_reason why)
{
	struct conn *spared = NULL, *c = set->last;

	set->env->deadlines.now_ms = uv_now(set->env->loop);
	for (int i = 0; i < HAND_STEPS && c; i++, c = set->last) {
		uint32_t n_requests = c->http2 ? http2_n_requests(c->http2) : c->n_requests;

		conn_unlink(c);
		conn_link_first(set, c);
		if (!has_no_exchange(c))
			continue;
		if (c->n_requests_seen == n_requests && end_waiting(c, why))
			return true;
		c->n_requests_seen = n_requests;
		if (!spared && c->state != CONN_CLOSED)
			spared = c;
	}
	return spared && end_waiting(spared, why);
}

void conn_end_waiting(struct conn_set *set, enum end_reason why, unsigned max)
{
	unsigned n = set->n_open < max ? set->n_open : max;

	set->env->deadlines.now_ms = uv_now(set->env->loop);
	while (n-- && set->last) {
		struct conn *c = set->last;

		conn_unlink(c);
		conn_link_first(set, c);
		if (c->state == CONN_IDLE || (c->state == CONN_HTTP2 && http2_is_waiting(c->http2)))
			end_waiting(c, why);
	}
}

void conn_drain(struct conn_set *set)
{
	struct conn *c = set->first;

	while (c) {
		struct conn *next = c->next;

		if (c->state == CONN_IDLE)
			conn_read_head(c); /* a request may have come this moment */
		if (c->state == CONN_IDLE && c->n_requests)
			conn_end(c, false, END_DRAINING);
		else if (c->state == CONN_IDLE || c->state == CONN_PROXY)
			conn_wait_for(c, DRAIN_FIRST_MS);
		else if (c->state == CONN_HELLO || c->state == CONN_HANDSHAKE || c->state == CONN_HEAD)
			conn_wait_for(c, conn_head_wait_ms(c));
		else if (c->state == CONN_HTTP2)
			http2_drain(c->http2);
		c = next;
	}
}

void conn_cut(struct conn_set *set)
{
	struct conn *c = set->first;

	while (c) {
		struct conn *next = c->next;

		if (c->state == CONN_BUSY)
			exchange_on_client(c->exchange, EXCHANGE_DRAINED);
		else if (c->state == CONN_HTTP2)
			http2_cut(c->http2);
		else if (c->state == CONN_HEAD)
			conn_give_up_head(c, c->env->has_waited_to_stop ? END_SHUTDOWN_TIMEOUT : END_DRAINING);
		conn_close(c, true);
		c = next;
	}
}
