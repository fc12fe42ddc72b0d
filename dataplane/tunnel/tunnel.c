/* Each direction reads only while its far side has nothing left to write; that one rule is all the back-pressure there is. */
#include "tunnel.h"

static ssize_t read_end(struct tunnel_end *end, void *into, size_t size)
{
	return end->port ? end->port->ops->read(end->port, into, size) : stream_read(end->stream, into, size);
}

static ssize_t write_end(struct tunnel_end *end, struct str bytes)
{
	struct iovec piece = {.iov_base = (void *)(uintptr_t)bytes.ptr, .iov_len = bytes.len};

	return end->port ? end->port->ops->write(end->port, bytes) : stream_writev(end->stream, &piece, 1);
}

static void want_read(struct tunnel_end *end, bool is_wanted)
{
	if (end->port)
		end->port->ops->want_read(end->port, is_wanted);
	else
		stream_want_read(end->stream, is_wanted);
}

static void want_write(struct tunnel_end *end)
{
	if (end->port)
		end->port->ops->want_write(end->port);
	else
		stream_want_write(end->stream);
}

static bool has_pending(const struct tunnel_end *end)
{
	return end->port ? end->port->ops->has_pending(end->port) : stream_has_pending(end->stream);
}

void tunnel_init(struct tunnel *t, struct stream *client, struct tunnel_port *client_port, struct stream *upstream,
	char *space, size_t space_size)
{
	*t = (struct tunnel){.space = space, .space_size = space_size};
	t->ends[TUNNEL_CLIENT].stream = client;
	t->ends[TUNNEL_CLIENT].port = client_port;
	t->ends[TUNNEL_UPSTREAM].stream = upstream;
	want_read(&t->ends[TUNNEL_CLIENT], true);
	want_read(&t->ends[TUNNEL_UPSTREAM], true);
}

void tunnel_deinit(struct tunnel *t)
{
	buf_deinit(&t->ends[TUNNEL_CLIENT].waiting);
	buf_deinit(&t->ends[TUNNEL_UPSTREAM].waiting);
}

bool tunnel_is_blocked(const struct tunnel *t)
{
	return t->ends[TUNNEL_CLIENT].waiting.len || t->ends[TUNNEL_UPSTREAM].waiting.len;
}

static enum tunnel_side other(enum tunnel_side side)
{
	return side == TUNNEL_CLIENT ? TUNNEL_UPSTREAM : TUNNEL_CLIENT;
}

static enum tunnel_result failed(enum tunnel_side side)
{
	return side == TUNNEL_CLIENT ? TUNNEL_CLIENT_FAILED : TUNNEL_UPSTREAM_FAILED;
}

static enum tunnel_result done(enum tunnel_side side)
{
	return side == TUNNEL_CLIENT ? TUNNEL_CLIENT_DONE : TUNNEL_UPSTREAM_DONE;
}

/* Tries the write, keeps the rest and stops the sender. */
static enum tunnel_result deliver(struct tunnel *t, enum tunnel_side to, struct str bytes)
{
	struct tunnel_end *end = &t->ends[to];
	ssize_t n = 0;

	if (!bytes.len)
		return TUNNEL_OPEN;
	if (!end->waiting.len) {
		n = write_end(end, bytes);
		if (n < 0)
			return failed(to);
		end->sent += (uint64_t)n;
	}
	if ((size_t)n == bytes.len)
		return TUNNEL_OPEN;
	buf_add(&end->waiting, str_from_index(bytes, (size_t)n));
	want_read(&t->ends[other(to)], false);
	want_write(end);
	return TUNNEL_OPEN;
}

enum tunnel_result tunnel_push(struct tunnel *t, enum tunnel_side from, struct str bytes)
{
	return deliver(t, other(from), bytes);
}

/* One read an event, so that no tunnel keeps the loop; what TLS holds decrypted must be taken now. */
static enum tunnel_result pump(struct tunnel *t, enum tunnel_side from)
{
	struct tunnel_end *end = &t->ends[from];
	struct tunnel_end *far = &t->ends[other(from)];
	enum tunnel_result result = TUNNEL_OPEN;

	do {
		ssize_t n = read_end(end, t->space, t->space_size);

		if (n == UV_EOF) {
			end->has_ended = true;
			want_read(end, false);
			return far->waiting.len ? TUNNEL_OPEN : done(from);
		}
		if (n < 0)
			return failed(from);
		if (n == 0)
			return TUNNEL_OPEN;
		end->received += (uint64_t)n;
		result = deliver(t, other(from), str_of(t->space, (size_t)n));
	} while (result == TUNNEL_OPEN && !far->waiting.len && has_pending(end));
	return result;
}

/* `to` has room again: what waits for it goes out, then its sender is read again. */
static enum tunnel_result flush(struct tunnel *t, enum tunnel_side to)
{
	struct tunnel_end *end = &t->ends[to];
	struct tunnel_end *sender = &t->ends[other(to)];
	ssize_t n;

	if (!end->waiting.len)
		return TUNNEL_OPEN;
	n = write_end(end, buf_str(&end->waiting));
	if (n < 0)
		return failed(to);
	end->sent += (uint64_t)n;
	buf_consume(&end->waiting, (size_t)n);
	if (end->waiting.len) {
		want_write(end);
		return TUNNEL_OPEN;
	}
	buf_deinit(&end->waiting);
	if (sender->has_ended)
		return done(other(to));
	want_read(sender, true);
	return has_pending(sender) ? pump(t, other(to)) : TUNNEL_OPEN;
}

enum tunnel_result tunnel_on_event(struct tunnel *t, enum tunnel_side side, unsigned events)
{
	enum tunnel_result result = TUNNEL_OPEN;

	if (events & STREAM_FAILED)
		return failed(side);
	if (events & STREAM_WRITABLE)
		result = flush(t, side);
	if (result == TUNNEL_OPEN && (events & STREAM_READABLE) && !t->ends[other(side)].waiting.len &&
		!t->ends[side].has_ended)
		result = pump(t, side);
	return result;
}
