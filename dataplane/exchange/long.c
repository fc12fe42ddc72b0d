/*
 * The rest of a long body between two plain connections goes through a pipe of the kernel: 10 MiB cost a third of what copying
 * them does. Where somebody has to see or to keep the bytes (TLS, chunks, HTTP/2, proxy-buffering, limit-rate) they are copied.
 */
#include "exchange_private.h"

enum { LEAST = 256 * 1024, AT_ONCE = 1024 * 1024, A_TURN = 4 * 1024 * 1024 };

static struct stream *plain_client(const struct exchange *ex)
{
	return ex->client->ops->plain ? ex->client->ops->plain(ex->client) : NULL;
}

bool exchange_may_splice(struct exchange *ex)
{
	struct splice_pipe pipe;

	if (ex->pipe)
		return true;
	if (ex->hold || ex->response_body.kind != HTTP_BODY_LENGTH || ex->response_body.left < LEAST ||
		!splice_suits(&ex->upstream->stream) || !plain_client(ex) || !env_take_pipe(ex->env, &pipe))
		return false;
	ex->pipe = arena_alloc(&ex->arena, sizeof(*ex->pipe));
	*ex->pipe = pipe;
	return true;
}

void exchange_drop_pipe(struct exchange *ex)
{
	if (ex->pipe)
		env_give_pipe(ex->env, ex->pipe);
	ex->pipe = NULL;
}

/* The client has not room for all of it: the endpoint is not read meanwhile. */
static void wait_for_client(struct exchange *ex, struct stream *client)
{
	stream_want_write(client);
	stream_want_read(&ex->upstream->stream, false);
	ex->is_waiting_client = true;
}

/* Bytes that came, 0 for nothing now, UV_EOF, or a negative errno. */
static ssize_t fill(struct exchange *ex)
{
	uint64_t left = ex->response_body.left;
	ssize_t n = splice_from(&ex->upstream->stream, ex->pipe, left < AT_ONCE ? (size_t)left : AT_ONCE);

	if (n > 0) {
		http1_body_skip(&ex->response_body, (uint64_t)n);
		exchange_attempt(ex)->bytes_received += (uint64_t)n;
	}
	return n;
}

enum exchange_state exchange_splice(struct exchange *ex)
{
	struct stream *client = plain_client(ex);
	uint64_t moved = 0;

	for (;;) {
		ssize_t n = ex->pipe->len ? splice_to(client, ex->pipe) : 0;

		if (n < 0)
			return exchange_over(ex, EXCHANGE_CUT, END_CLIENT_GONE);
		ex->body_sent += (uint64_t)n;
		moved += (uint64_t)n;
		if (ex->pipe->len) {
			wait_for_client(ex, client);
			return EX_RELAY;
		}
		if (ex->response_body.is_done) {
			exchange_drop_pipe(ex);
			return exchange_response_done(ex, true);
		}
		if (moved >= A_TURN) /* others first; what is there is told again */
			return EX_RELAY;
		n = fill(ex);
		if (n < 0)
			return exchange_upstream_ended(ex, n == UV_EOF);
		if (n == 0)
			return EX_RELAY;
	}
}
