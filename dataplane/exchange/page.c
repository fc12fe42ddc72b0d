/* Our own answers: redirects and errors with the page that people know from nginx (SEMANTICS D7, E12). */
#include <assert.h>

#include "exchange_private.h"

struct str exchange_page(struct arena *arena, unsigned status)
{
	struct str reason = http_status_reason(status);
	struct buf b = {0};
	struct str page;

	buf_printf(&b,
		"<html>\r\n<head><title>%u %.*s</title></head>\r\n<body>\r\n<center><h1>%u %.*s</h1></center>\r\n"
		"<hr><center>nginx</center>\r\n</body>\r\n</html>\r\n",
		status, STR_ARG(reason), status, STR_ARG(reason));
	page = arena_str(arena, buf_str(&b));
	buf_deinit(&b);
	return page;
}

/* After these the bytes that follow may not be what they seem. */
static bool closes(const struct exchange *ex, unsigned status)
{
	switch (status) {
	case 400:
	case 411:
	case 413:
	case 414:
	case 421: /* the answer is to be found on another connection */
	case 431:
	case 500:
	case 501:
	case 505:
		return true;
	default:
		return !ex->is_fed_last || ex->is_body_bad;
	}
}

static void page_head(struct exchange *ex, struct str page, struct exchange_head *out)
{
	struct buf *lines = &ex->env->lines;

	buf_clear(lines);
	if (page.len)
		buf_add(lines, STR("Content-Type: text/html\r\n"));
	if (ex->answer_location.len)
		http1_write_field(lines, STR("Location"), ex->answer_location);
	if (ex->answer_status == 405)
		buf_add(lines, STR("Allow: GET, HEAD, POST, PUT, PATCH, DELETE, OPTIONS\r\n"));
	if (ex->rule.match.route)
		rewrite_write_response_fields(exchange_settings(ex), ex->rule.is_tls, lines);
	*out = (struct exchange_head){
		.status = ex->answer_status,
		.reason = http_status_reason(ex->answer_status),
		.lines = buf_str(lines),
		.body = HTTP_BODY_LENGTH,
		.content_length = page.len,
		.must_close = closes(ex, ex->answer_status),
	};
}

enum exchange_state exchange_send_page(struct exchange *ex)
{
	struct str page = ex->answer_status == 200 ? (struct str){0} : exchange_page(&ex->arena, ex->answer_status);
	struct exchange_head head;

	assert(ex->state == EX_ANSWER && !ex->upstream && !ex->call && !ex->status);
	page_head(ex, page, &head);
	if (ex->head.method == HTTP_HEAD) {
		head.body = HTTP_BODY_NONE;
		head.says_length = true;
		page.len = 0;
	}
	if (ex->answer_status >= 400 && exchange_is_grpc(ex)) {
		exchange_grpc_head(ex, &head);
		page.len = 0;
	}
	ex->status = ex->answer_status; /* what another client would have got, for logs and counters */
	ex->told_close = head.must_close;
	ex->body_sent = page.len;
	ex->outcome = !head.must_close ? EXCHANGE_KEEP : ex->is_fed_last ? EXCHANGE_CLOSE : EXCHANGE_LINGER;
	ex->has_expired = false;
	switch (ex->client->ops->send(ex->client, &head, page, true)) {
	case EXCHANGE_SENT:
		return EX_OVER;
	case EXCHANGE_WAITING:
		ex->is_waiting_client = true;
		return EX_FLUSH;
	case EXCHANGE_LOST:
		return exchange_over(ex, EXCHANGE_CUT, END_CLIENT_GONE);
	}
	abort();
}

/* A request whose head nobody understood still gets an answer, a line in the log and a place in the counters. */
struct exchange *exchange_create_refusal(struct exchange_env *env, struct exchange_client *client, unsigned status,
	struct str raw, uint64_t began_us)
{
	const struct http_head nothing = {.version = HTTP_1_1};
	struct exchange *ex = exchange_create(env, client, &nothing, raw, began_us);

	ex->bad_line = str_trim(arena_str(&ex->arena, str_first(raw, str_find(raw, '\n'))));
	ex->is_fed_last = true;
	ex->is_body_bad = true;
	ex->state = exchange_answer(ex, status, END_BAD_REQUEST);
	return ex;
}

struct exchange *exchange_create_late(struct exchange_env *env, struct exchange_client *client, enum end_reason end,
	struct str raw, uint64_t began_us)
{
	struct exchange *ex = exchange_create_refusal(env, client, 408, raw, began_us);

	ex->status = 408;
	ex->state = exchange_over(ex, EXCHANGE_CUT, end);
	return ex;
}
