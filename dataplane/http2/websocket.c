/*
 * A stream that has become a tunnel (RFC 8441): it behaves like the socket of a client, with DATA for bytes and END_STREAM for
 * FIN. What the tunnel does not read waits here, no more than a window of it; what the client does not take waits here too.
 */
#include "http2_private.h"
#include "tunnel.h"

static struct http2_stream *stream_of(const struct tunnel_port *port)
{
	return container_of((struct tunnel_port *)(uintptr_t)port, struct http2_stream, port);
}

static ssize_t read_port(struct tunnel_port *port, void *into, size_t size)
{
	struct http2_stream *s = stream_of(port);
	size_t n = s->in.len < size ? s->in.len : size;

	if (!n)
		return s->has_ended ? UV_EOF : s->is_closed ? UV_ECONNRESET : 0;
	memcpy(into, s->in.ptr, n);
	http2_stream_take(s, n);
	return (ssize_t)n;
}

static ssize_t write_port(struct tunnel_port *port, struct str bytes)
{
	struct http2_stream *s = stream_of(port);
	size_t kept = s->out.len - s->out_at;
	size_t room = kept < HTTP2_STREAM_READ ? HTTP2_STREAM_READ - kept : 0;
	size_t n = bytes.len < room ? bytes.len : room;

	if (s->is_closed)
		return UV_EPIPE;
	http2_stream_put(s, str_first(bytes, n));
	return (ssize_t)n;
}

static void want_read(struct tunnel_port *port, bool is_wanted)
{
	struct http2_stream *s = stream_of(port);

	s->wants_body = is_wanted;
	if (is_wanted && (s->in.len || s->has_ended))
		http2_stream_tell(s, NEWS_BODY);
}

static void want_write(struct tunnel_port *port)
{
	struct http2_stream *s = stream_of(port);

	s->is_waiting = true;
	if (s->out.len == s->out_at)
		http2_stream_tell(s, NEWS_WRITABLE);
}

static bool has_pending(const struct tunnel_port *port)
{
	return stream_of(port)->in.len > 0;
}

const struct tunnel_port_ops http2_port_ops = {
	.read = read_port,
	.write = write_port,
	.want_read = want_read,
	.want_write = want_write,
	.has_pending = has_pending,
};

void http2_websocket_tell(struct http2_stream *s, unsigned news)
{
	unsigned events = 0;

	if ((news & NEWS_GONE) && s->session->is_cut) {
		exchange_on_client(s->exchange, EXCHANGE_DRAINED);
		return;
	}
	if (news & NEWS_BAD) /* RFC 9113 8.5: nothing but DATA */
		http2_stream_reset(s, NGHTTP2_PROTOCOL_ERROR);
	if (news & (NEWS_GONE | NEWS_BAD))
		events |= STREAM_FAILED;
	if (news & NEWS_WRITABLE)
		events |= STREAM_WRITABLE;
	if (s->wants_body && (s->in.len || s->has_ended))
		events |= STREAM_READABLE;
	if (events)
		exchange_on_tunnel(s->exchange, events);
	/* level-triggered, as a socket is; the end comes after the last bytes */
	if (s->exchange && s->wants_body && (s->in.len || s->has_ended))
		http2_stream_tell(s, NEWS_BODY);
}
