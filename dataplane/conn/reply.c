/* An answer on the wire: head and framing for this client's version, one writev, the rest when there is room. */
#include <assert.h>

#include "conn_private.h"
#include "mem.h"

/* --------------------------------------------------------------------------------------------------------------- heads */

static void choose_framing(struct conn *c, const struct exchange_head *head)
{
	const struct settings *s = env_settings(c->env);
	bool is_unknown = head->body == HTTP_BODY_CLOSE;

	c->is_chunked = is_unknown && !c->is_1_0;
	c->is_close_delimited = is_unknown && c->is_1_0;
	c->closes = head->must_close || !c->asked_to_keep || c->is_close_delimited || c->env->is_leaving || c->env->is_over_memory ||
		!s->keep_alive_ms || c->n_requests >= s->keep_alive_requests;
}

static void write_framing(struct conn *c, const struct exchange_head *head, struct buf *out)
{
	if (head->body == HTTP_BODY_LENGTH || head->says_length) {
		buf_add(out, STR("Content-Length: "));
		buf_add_u64(out, head->content_length);
		buf_add(out, STR("\r\n"));
	} else if (c->is_chunked) {
		buf_add(out, STR("Transfer-Encoding: chunked\r\n"));
	}
	if (head->is_upgrade)
		buf_add(out, STR("Connection: upgrade\r\n"));
	else if (c->closes)
		buf_add(out, STR("Connection: close\r\n"));
	else if (c->is_1_0)
		buf_add(out, STR("Connection: keep-alive\r\n"));
}

static void write_head(struct conn *c, const struct exchange_head *head, struct buf *out)
{
	http1_write_status_line(out, head->status, head->reason);
	buf_add(out, STR("Date: "));
	buf_add(out, env_date(c->env));
	buf_add(out, STR("\r\n"));
	if (env_settings(c->env)->server_tokens)
		buf_add(out, STR("Server: weirlock/" WEIRLOCK_VERSION "\r\n"));
	for (size_t i = 0; i < head->n_fields; i++)
		http1_write_field(out, head->fields[i].name, head->fields[i].value);
	buf_add(out, head->lines);
	write_framing(c, head, out);
	http1_write_end(out);
}

/* ------------------------------------------------------------------------------------------------------------- writing */

enum { MAX_PIECES = 6, JOIN_MAX = 4096 };

static void add_piece(struct iovec *pieces, int *n, struct str s)
{
	if (!s.len)
		return;
	assert(*n < MAX_PIECES);
	pieces[(*n)++] = (struct iovec){.iov_base = (void *)(uintptr_t)s.ptr, .iov_len = s.len};
}

/* What the client does not take now is kept; its room is bounded by one read of the endpoint. */
static enum exchange_sent write_pieces(struct conn *c, const struct iovec *pieces, int n)
{
	ssize_t taken = 0;
	size_t skip;

	if (!n)
		return c->out.len ? EXCHANGE_WAITING : EXCHANGE_SENT;
	if (!c->out.len)
		taken = stream_writev(&c->stream, pieces, n);
	if (taken < 0)
		return EXCHANGE_LOST;
	skip = (size_t)taken;
	for (int i = 0; i < n; i++) {
		struct str s = str_of(pieces[i].iov_base, pieces[i].iov_len);

		if (skip < s.len)
			buf_add(&c->out, str_from_index(s, skip));
		skip -= skip < s.len ? skip : s.len;
	}
	if (!c->out.len)
		return EXCHANGE_SENT;
	stream_want_write(&c->stream);
	return EXCHANGE_WAITING;
}

bool conn_flush(struct conn *c)
{
	struct iovec piece = {.iov_base = c->out.ptr, .iov_len = c->out.len};
	ssize_t n;

	if (!c->out.len)
		return true;
	n = stream_writev(&c->stream, &piece, 1);
	if (n < 0)
		return false;
	buf_consume(&c->out, (size_t)n);
	if (c->out.len)
		stream_want_write(&c->stream);
	else
		buf_deinit(&c->out);
	return true;
}

static enum exchange_sent send_answer(
	struct exchange_client *client, const struct exchange_head *head, struct str body, bool is_last)
{
	struct conn *c = container_of(client, struct conn, client);
	struct iovec pieces[MAX_PIECES];
	char chunk[20];
	int n = 0;
	size_t overhead = 0;

	if (head) {
		choose_framing(c, head);
		buf_clear(&c->env->heads);
		write_head(c, head, &c->env->heads);
		overhead = c->env->heads.len;
		c->has_head = true;
		if (!c->is_chunked && body.len <= JOIN_MAX) { /* copying this much is cheaper than a vector of two */
			buf_add(&c->env->heads, body);
			body.len = 0;
		}
		add_piece(pieces, &n, buf_str(&c->env->heads));
	}
	if (c->is_chunked && body.len) {
		struct str line = str_of(chunk, http1_chunk_head(chunk, body.len));

		add_piece(pieces, &n, line);
		add_piece(pieces, &n, body);
		add_piece(pieces, &n, is_last ? STR("\r\n0\r\n") : STR("\r\n"));
		overhead += line.len + (is_last ? 5 : 2);
	} else {
		add_piece(pieces, &n, body);
		if (c->is_chunked && is_last) {
			add_piece(pieces, &n, STR("0\r\n"));
			overhead += 3;
		}
	}
	if (c->is_chunked && is_last) {
		add_piece(pieces, &n, client->trailers);
		add_piece(pieces, &n, STR("\r\n"));
		overhead += client->trailers.len + 2;
	}
	client->overhead_bytes += overhead;
	return write_pieces(c, pieces, n);
}

static enum exchange_sent send_continue(struct exchange_client *client)
{
	struct conn *c = container_of(client, struct conn, client);
	struct str text = STR("HTTP/1.1 100 Continue\r\n\r\n");
	struct iovec piece = {.iov_base = (void *)(uintptr_t)text.ptr, .iov_len = text.len};

	return write_pieces(c, &piece, 1);
}

void conn_reply_plain_on_tls(struct conn *c)
{
	static const char page[] = "<html>\r\n<head><title>400 The plain HTTP request was sent to HTTPS port</title></head>\r\n"
		"<body>\r\n<center><h1>400 Bad Request</h1></center>\r\n"
		"<center>The plain HTTP request was sent to HTTPS port</center>\r\n<hr><center>nginx</center>\r\n"
		"</body>\r\n</html>\r\n";
	const struct exchange_head head = {
		.status = 400,
		.reason = STR("Bad Request"),
		.lines = STR("Content-Type: text/html\r\n"),
		.body = HTTP_BODY_LENGTH,
		.content_length = sizeof(page) - 1,
		.must_close = true,
	};

	send_answer(&c->client, &head, STR(page), true);
}

const struct exchange_client_ops conn_ops = {
	.send = send_answer,
	.send_continue = send_continue,
	.want_body = conn_want_body,
	.plain = conn_plain,
	.stream = conn_stream,
	.finished = conn_finished,
};
