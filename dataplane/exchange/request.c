/* The request to the endpoint: its head from rewrite, then its body as it comes (SEMANTICS G6). */
#include <assert.h>

#include "exchange_private.h"

/* ---------------------------------------------------------------------------------------------------------------- head */

/* G6: a body that is all here has a length, however the client framed it. */
static void choose_framing(struct exchange *ex, struct rewrite_head *h)
{
	ex->sends_chunks = false;
	h->body = ex->head.body;
	h->content_length = ex->head.content_length;
	switch (ex->head.body) {
	case HTTP_BODY_NONE:
	case HTTP_BODY_LENGTH:
		return;
	case HTTP_BODY_CHUNKED:
	case HTTP_BODY_CLOSE:
		ex->sends_chunks = !ex->is_fed_last;
		h->body = ex->sends_chunks ? HTTP_BODY_CHUNKED : HTTP_BODY_LENGTH;
		h->content_length = exchange_stored_left(ex) + ex->body.len + ex->fresh.len;
		return;
	}
	abort();
}

void exchange_request_head(struct exchange *ex, struct rewrite_head *out)
{
	*out = (struct rewrite_head){
		.request = &ex->rule,
		.rules = &ex->held->rules,
		.conn = ex->client->conn,
		.request_id = ex->request_id,
		.is_upgrade = ex->is_upgrade,
	};
	choose_framing(ex, out);
}

static bool write_head(struct exchange *ex, struct buf *out)
{
	struct rewrite_head h;

	exchange_request_head(ex, &h);
	return rewrite_write_head(&h, out);
}

/* ------------------------------------------------------------------------------------------------------------- sending */

enum { MAX_PIECES = 8 };

struct pieces {
	struct iovec items[MAX_PIECES];
	int n;
	size_t total;
};

static void add_piece(struct pieces *p, struct str s)
{
	if (!s.len)
		return;
	assert(p->n < MAX_PIECES);
	p->items[p->n++] = (struct iovec){.iov_base = (void *)(uintptr_t)s.ptr, .iov_len = s.len};
	p->total += s.len;
}

/* What the socket did not take waits in `wire`. */
static void keep_rest(struct exchange *ex, const struct pieces *p, size_t taken)
{
	for (int i = 0; i < p->n; i++) {
		struct str s = str_of(p->items[i].iov_base, p->items[i].iov_len);

		buf_add(&ex->wire, str_from_index(s, taken));
		taken -= taken < s.len ? taken : s.len;
	}
	stream_want_write(&ex->upstream->stream);
}

static bool write_pieces(struct exchange *ex, const struct pieces *p)
{
	ssize_t n = stream_writev(&ex->upstream->stream, p->items, p->n);

	if (n < 0)
		return false;
	ex->sent_any = ex->sent_any || n > 0;
	if ((size_t)n < p->total)
		keep_rest(ex, p, (size_t)n);
	return true;
}

static bool write_waiting(struct exchange *ex)
{
	struct iovec piece = {.iov_base = ex->wire.ptr, .iov_len = ex->wire.len};
	ssize_t n = stream_writev(&ex->upstream->stream, &piece, 1);

	if (n < 0)
		return false;
	ex->sent_any = ex->sent_any || n > 0;
	buf_consume(&ex->wire, (size_t)n);
	if (ex->wire.len)
		stream_want_write(&ex->upstream->stream);
	else
		buf_deinit(&ex->wire);
	return true;
}

/* For another endpoint, or for one that turns out not to have got any of it, whatever the method. */
void exchange_keep_for_replay(struct exchange *ex)
{
	size_t size = ex->replay.len + ex->body.len + ex->fresh.len;

	if (ex->cannot_replay || !(ex->body.len + ex->fresh.len))
		return;
	if (size > EXCHANGE_REPLAY_MAX || ex->status) {
		ex->cannot_replay = true;
		buf_deinit(&ex->replay);
		return;
	}
	buf_add(&ex->replay, buf_str(&ex->body));
	buf_add(&ex->replay, ex->fresh);
}

/* What is kept goes first, and what came behind it when all of that is gone. */
static void add_payload(const struct exchange *ex, struct pieces *p, struct str stored, char chunk[20])
{
	bool is_behind = exchange_stored_left(ex) == 0;
	size_t size = stored.len + (is_behind ? ex->body.len + ex->fresh.len : 0);

	if (ex->sends_chunks && size)
		add_piece(p, str_of(chunk, http1_chunk_head(chunk, size)));
	add_piece(p, stored);
	if (is_behind) {
		add_piece(p, buf_str(&ex->body));
		add_piece(p, ex->fresh);
	}
	if (ex->sends_chunks && size)
		add_piece(p, STR("\r\n"));
	if (ex->sends_chunks && is_behind && ex->is_fed_last && !ex->sent_last)
		add_piece(p, HTTP1_LAST_CHUNK);
}

/* Up to a piece of what is kept, and what is here. */
static enum exchange_send send_piece(struct exchange *ex)
{
	struct pieces p = {0};
	struct str stored;
	char chunk[20];

	if (!ex->sent_head) {
		buf_clear(&ex->env->heads);
		if (!write_head(ex, &ex->env->heads))
			return EXCHANGE_SEND_NO_HEAD;
		add_piece(&p, buf_str(&ex->env->heads));
	}
	if (exchange_stored_left(ex))
		exchange_keep_fresh(ex); /* it lies where the piece is read to */
	if (!exchange_read_stored(ex, &stored))
		return EXCHANGE_SEND_NO_BODY;
	add_payload(ex, &p, stored, chunk);
	if (p.n && !write_pieces(ex, &p))
		return EXCHANGE_SEND_FAILED;
	ex->sent_head = true;
	if (exchange_stored_left(ex))
		return EXCHANGE_SEND_OK;
	exchange_keep_for_replay(ex);
	ex->sent_last = ex->is_fed_last;
	buf_deinit(&ex->body);
	ex->fresh = (struct str){0};
	return EXCHANGE_SEND_OK;
}

enum exchange_send exchange_send_request(struct exchange *ex)
{
	enum exchange_send result = EXCHANGE_SEND_OK;

	if (ex->call)
		return exchange_send_call(ex);
	if (ex->wire.len && !write_waiting(ex))
		return EXCHANGE_SEND_FAILED;
	if (ex->wire.len)
		return EXCHANGE_SEND_OK;
	do
		result = send_piece(ex);
	while (result == EXCHANGE_SEND_OK && !ex->wire.len && exchange_stored_left(ex));
	return result;
}

bool exchange_is_sending(const struct exchange *ex)
{
	return ex->call ? upstream_call_unsent(ex->call) > 0 : ex->wire.len > 0;
}

bool exchange_is_request_sent(const struct exchange *ex)
{
	return ex->sent_last && !exchange_is_sending(ex);
}

/* No more can be given to it now. */
static bool is_blocked(const struct exchange *ex)
{
	return ex->call ? upstream_call_unsent(ex->call) > UPSTREAM_CALL_AHEAD : ex->wire.len > 0;
}

void exchange_keep_fresh(struct exchange *ex)
{
	if (ex->fresh.len && ex->state != EX_ANSWER && ex->state != EX_FLUSH)
		buf_add(&ex->body, ex->fresh);
	ex->fresh = (struct str){0};
}

void exchange_update_body_wish(struct exchange *ex)
{
	bool is_taken = ex->state == EX_STORE ||
		((ex->state == EX_AWAIT || ex->state == EX_RELAY) && ex->sent_head && !is_blocked(ex) && !exchange_stored_left(ex));
	bool wants = is_taken && !ex->is_fed_last && !ex->is_body_bad && !ex->has_upload_failed;

	if (wants && ex->head.expects_continue && !ex->sent_continue && !ex->body_received && !ex->status) {
		ex->sent_continue = true;
		ex->client->ops->send_continue(ex->client);
	}
	if (wants == ex->wants_body)
		return;
	ex->wants_body = wants;
	ex->client->ops->want_body(ex->client, wants);
}
