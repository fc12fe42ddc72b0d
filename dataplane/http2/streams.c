/*
 * One stream: an exchange on one side, frames on the other. Callbacks of nghttp2 only leave news; they are told to the
 * exchange when nothing of nghttp2 is on the stack, and what the exchange says becomes frames when the connection writes.
 */
#include <assert.h>

#include "http2_private.h"

/* -------------------------------------------------------------------------------------------------------------- memory */

static void count_memory(struct http2 *h, size_t more, size_t less)
{
	h->memory += more;
	h->memory -= less;
}

static void drop_in(struct http2_stream *s)
{
	count_memory(s->session, 0, s->in.len);
	buf_deinit(&s->in);
}

static void drop_out(struct http2_stream *s)
{
	count_memory(s->session, 0, s->out.len);
	buf_deinit(&s->out);
	s->out_at = 0;
}

/* ----------------------------------------------------------------------------------------------------------------- life */

struct http2_stream *http2_stream_begin(struct http2 *h, int32_t id)
{
	struct http2_stream *s = mem_zalloc(sizeof(*s));

	s->session = h;
	s->id = id;
	s->client = (struct exchange_client){
		.ops = &http2_stream_ops,
		.conn = h->link.conn,
		.ssl = h->link.stream->ssl,
		.proxy_tlvs = h->link.proxy_tlvs,
		.connection_id = h->link.connection_id,
		.connection_requests = ++h->n_requests,
		.read_bytes = HTTP2_STREAM_READ,
	};
	s->next = h->first;
	if (s->next)
		s->next->prev = s;
	h->first = s;
	h->n_streams++;
	h->n_working++;
	metrics_add(&h->env->metrics.http2_streams, 1);
	stream_set_record_size(h->link.stream, env_settings(h->env)->ssl_buffer_size_bytes);
	nghttp2_session_set_stream_user_data(h->session, id, s);
	return s;
}

static void free_stream(struct http2_stream *s)
{
	struct http2 *h = s->session;

	assert(!s->exchange && s->is_closed && !s->is_ready);
	drop_in(s);
	drop_out(s);
	buf_deinit(&s->trailers);
	buf_deinit(&s->trailers_in);
	count_memory(h, 0, s->head_cost);
	*(s->prev ? &s->prev->next : &h->first) = s->next;
	if (s->next)
		s->next->prev = s->prev;
	h->n_streams--;
	metrics_sub(&h->env->metrics.http2_streams, 1);
	mem_free(s);
}

void http2_stream_reset(struct http2_stream *s, uint32_t code)
{
	if (s->is_closed)
		return;
	s->is_reset = true;
	nghttp2_submit_rst_stream(s->session->session, NGHTTP2_FLAG_NONE, s->id, code);
	later_put_off(&s->session->env->laters, &s->session->later);
}

/* ----------------------------------------------------------------------------------------------------------------- news */

void http2_stream_tell(struct http2_stream *s, unsigned news)
{
	struct http2 *h = s->session;

	s->news |= news;
	later_put_off(&h->env->laters, &h->later);
	if (s->is_ready)
		return;
	s->is_ready = true;
	s->next_ready = NULL;
	*h->ready_end = s;
	h->ready_end = &s->next_ready;
}

/* The client may send as much again. */
static void acknowledge(struct http2_stream *s, size_t n)
{
	struct http2 *h = s->session;

	if (!n)
		return;
	if (s->is_closed)
		nghttp2_session_consume_connection(h->session, n);
	else
		nghttp2_session_consume(h->session, s->id, n);
	later_put_off(&h->env->laters, &h->later);
}

void http2_stream_take(struct http2_stream *s, size_t n)
{
	buf_consume(&s->in, n);
	count_memory(s->session, 0, n);
	if (!s->in.len)
		buf_deinit(&s->in);
	acknowledge(s, n);
}

static bool has_food(const struct http2_stream *s, unsigned news)
{
	if (s->ignores_body || s->is_end_fed)
		return false;
	if (s->is_websocket) /* a GET without a body; what the client sends is for the tunnel */
		return news & NEWS_BEGIN;
	if (!s->in.len && !s->has_ended)
		return false;
	return s->wants_body || (news & NEWS_BEGIN);
}

/* Tells one stream's news. The exchange may be gone afterwards. */
static void tell_exchange(struct http2_stream *s, unsigned news)
{
	struct buf food = {0};
	unsigned events = 0;

	if (news & NEWS_BEGIN)
		events |= EXCHANGE_BEGIN;
	if (news & NEWS_WRITABLE)
		events |= EXCHANGE_CLIENT_WRITABLE;
	if (news & NEWS_BAD) {
		events |= EXCHANGE_BODY_BAD;
		s->ignores_body = true;
	}
	if (news & NEWS_GONE)
		events |= s->session->is_cut ? EXCHANGE_DRAINED : EXCHANGE_CLIENT_GONE;
	if (!(news & NEWS_GONE) && has_food(s, news)) {
		if (!s->is_websocket) {
			food = s->in;
			s->in = (struct buf){0};
		}
		s->is_end_fed = s->has_ended || s->is_websocket;
		if (s->is_end_fed && s->trailers_in.len)
			exchange_feed_trailers(s->exchange, buf_str(&s->trailers_in));
		exchange_feed(s->exchange, buf_str(&food), s->is_end_fed);
		events |= EXCHANGE_BODY;
	}
	if (events)
		exchange_on_client(s->exchange, events);
	count_memory(s->session, 0, food.len);
	acknowledge(s, food.len);
	buf_deinit(&food);
}

void http2_streams_run(struct http2 *h)
{
	if (h->is_running)
		return;
	h->is_running = true;
	while (h->ready) {
		struct http2_stream *s = h->ready;
		unsigned news = s->news;

		h->ready = s->next_ready;
		if (!h->ready)
			h->ready_end = &h->ready;
		s->is_ready = false;
		s->news = 0;
		if (s->exchange && s->is_tunnel)
			http2_websocket_tell(s, news);
		else if (s->exchange)
			tell_exchange(s, news);
		if (!s->exchange) {
			acknowledge(s, s->in.len);
			drop_in(s);
		}
		if (!s->exchange && s->is_closed && !s->is_ready)
			free_stream(s);
	}
	h->is_running = false;
}

/* --------------------------------------------------------------------------------------------------------------- the head */

static struct str number_text(char room[24], uint64_t n)
{
	return str_of(room, (size_t)snprintf(room, 24, "%llu", (unsigned long long)n));
}

static void submit_trailers(struct http2_stream *s)
{
	struct http2_fields f;

	f.n = 0;
	http2_fields_add_lines(&f, buf_str(&s->trailers));
	nghttp2_submit_trailer(s->session->session, s->id, f.items, f.n);
}

static ssize_t read_out(nghttp2_session *session, int32_t id, uint8_t *to, size_t room, uint32_t *flags,
	nghttp2_data_source *source, void *data)
{
	struct http2_stream *s = source->ptr;
	size_t left = s->out.len - s->out_at;
	size_t n = left < room ? left : room;

	(void)session;
	(void)id;
	(void)to;
	(void)data;
	if (!n && !s->is_last) {
		s->is_deferred = true;
		return NGHTTP2_ERR_DEFERRED;
	}
	*flags |= NGHTTP2_DATA_FLAG_NO_COPY;
	if (n < left || !s->is_last)
		return (ssize_t)n;
	*flags |= NGHTTP2_DATA_FLAG_EOF;
	if (s->trailers.len) {
		*flags |= NGHTTP2_DATA_FLAG_NO_END_STREAM;
		submit_trailers(s);
	}
	return (ssize_t)n;
}

static int submit(struct http2_stream *s, const struct http2_fields *f, bool has_body)
{
	nghttp2_data_provider source = {.source.ptr = s, .read_callback = read_out};

	return nghttp2_submit_response(s->session->session, s->id, f->items, f->n, has_body ? &source : NULL);
}

/* RFC 8441 5: 200 says that the tunnel is there, and nothing else may say so. */
static unsigned status_for(const struct http2_stream *s, const struct exchange_head *head)
{
	if (head->is_upgrade)
		return 200;
	return s->is_websocket && head->status >= 200 && head->status < 300 ? 502 : head->status;
}

static bool send_head(struct http2_stream *s, const struct exchange_head *head, bool has_body)
{
	struct exchange_env *env = s->session->env;
	char status[24], length[24];
	struct http2_fields f;

	f.n = 0;
	http2_fields_add(&f, STR(":status"), number_text(status, status_for(s, head)));
	http2_fields_add(&f, STR("date"), env_date(env));
	if (env_settings(env)->server_tokens)
		http2_fields_add(&f, STR("server"), STR("weirlock/" WEIRLOCK_VERSION));
	for (size_t i = 0; i < head->n_fields; i++) {
		if (!s->is_websocket || !str_eq_nocase(head->fields[i].name, STR("sec-websocket-accept")))
			http2_fields_add(&f, head->fields[i].name, head->fields[i].value);
	}
	http2_fields_add_lines(&f, head->lines);
	if (head->body == HTTP_BODY_LENGTH || head->says_length)
		http2_fields_add(&f, STR("content-length"), number_text(length, head->content_length));
	s->has_head = true;
	return submit(s, &f, has_body) == 0;
}

/* -------------------------------------------------------------------------------------------- what the exchange says */

static struct http2_stream *stream_of(struct exchange_client *c)
{
	return container_of(c, struct http2_stream, client);
}

static void go_on(struct http2_stream *s)
{
	if (s->is_deferred) {
		s->is_deferred = false;
		nghttp2_session_resume_data(s->session->session, s->id);
	}
	later_put_off(&s->session->env->laters, &s->session->later);
}

static void keep_body(struct http2_stream *s, struct str body)
{
	if (s->out_at) {
		buf_consume(&s->out, s->out_at);
		count_memory(s->session, 0, s->out_at);
		s->out_at = 0;
	}
	buf_add(&s->out, body);
	count_memory(s->session, body.len, 0);
}

static enum exchange_sent send_answer(
	struct exchange_client *client, const struct exchange_head *head, struct str body, bool is_last)
{
	struct http2_stream *s = stream_of(client);
	bool is_tunnel = head && head->is_upgrade;

	if (s->is_closed || s->session->is_ended)
		return EXCHANGE_LOST;
	keep_body(s, body);
	s->is_last = is_last && !is_tunnel;
	if (s->is_last)
		buf_add(&s->trailers, client->trailers);
	if (head && !send_head(s, head, body.len || s->trailers.len || !s->is_last))
		return EXCHANGE_LOST;
	go_on(s);
	s->is_tunnel = is_tunnel;
	if (is_tunnel)
		return EXCHANGE_SENT;
	s->is_waiting = true;
	return EXCHANGE_WAITING; /* until it is part of what the connection writes */
}

void http2_stream_put(struct http2_stream *s, struct str bytes)
{
	keep_body(s, bytes);
	go_on(s);
}

static enum exchange_sent send_continue(struct exchange_client *client)
{
	struct http2_stream *s = stream_of(client);
	struct http2_fields f;

	if (s->is_closed || s->has_head)
		return EXCHANGE_LOST;
	f.n = 0;
	http2_fields_add(&f, STR(":status"), STR("100"));
	nghttp2_submit_headers(s->session->session, NGHTTP2_FLAG_NONE, s->id, NULL, f.items, f.n, NULL);
	later_put_off(&s->session->env->laters, &s->session->later);
	return EXCHANGE_SENT;
}

static struct stream *no_stream(struct exchange_client *client, struct str *early)
{
	(void)client;
	(void)early;
	return NULL;
}

static struct tunnel_port *port_of(struct exchange_client *client)
{
	struct http2_stream *s = stream_of(client);

	s->port.ops = &http2_port_ops;
	return &s->port;
}

static void want_body(struct exchange_client *client, bool is_wanted)
{
	struct http2_stream *s = stream_of(client);

	s->wants_body = is_wanted;
	if (has_food(s, 0))
		http2_stream_tell(s, NEWS_BODY);
}

/* What the tunnel gave us goes first, then END_STREAM; where it has more that the client did not take, not all can arrive. */
static void end_tunnel(struct http2_stream *s)
{
	if (s->is_waiting) {
		drop_out(s);
		http2_stream_reset(s, NGHTTP2_CANCEL);
		return;
	}
	s->is_last = true;
	go_on(s);
}

static void finished(struct exchange_client *client, enum exchange_outcome outcome)
{
	struct http2_stream *s = stream_of(client);

	s->exchange = NULL;
	s->session->n_working--;
	switch (outcome) {
	case EXCHANGE_KEEP:
	case EXCHANGE_CLOSE:
	case EXCHANGE_LINGER:
		if (s->is_tunnel) {
			end_tunnel(s);
		} else if (!s->has_ended) { /* RFC 9113 8.1: whole answer, the rest of the request is not wanted */
			http2_stream_reset(s, NGHTTP2_NO_ERROR);
		}
		break;
	case EXCHANGE_CUT:
		drop_out(s);
		http2_stream_reset(s, client->cut_code ? client->cut_code : NGHTTP2_INTERNAL_ERROR);
		break;
	}
	http2_stream_tell(s, 0); /* to be freed, now or when it is closed */
}

void http2_stream_sent(struct http2_stream *s, size_t n)
{
	s->out_at += n;
	if (s->out_at < s->out.len)
		return;
	drop_out(s);
	if (s->is_sent && s->is_tunnel && !s->has_ended)
		http2_stream_reset(s, NGHTTP2_NO_ERROR); /* half a tunnel is none (G11) */
	if (s->is_waiting && s->exchange) {
		s->is_waiting = false;
		http2_stream_tell(s, NEWS_WRITABLE);
	}
}

const struct exchange_client_ops http2_stream_ops = {
	.send = send_answer,
	.send_continue = send_continue,
	.want_body = want_body,
	.stream = no_stream,
	.port = port_of,
	.finished = finished,
};
