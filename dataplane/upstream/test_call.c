/* What becomes of calls by what an endpoint says (SEMANTICS G14, G16; RFC 9113 6.4, 6.8, 8.1): a table of frames and fates. */
#include <string.h>

#include "check.h"
#include "session_case.h"

enum { MAX_CALLS = 4 };

struct caller {
	struct upstream_user user;
	struct upstream_call *call;
	bool was_sent, has_head;
	unsigned status;
	struct buf body, trailers;
	enum upstream_fate fate;
	uint32_t code;
};

/* ----------------------------------------------------------------------------------------------------- the endpoint's side */

static void add_frame(struct buf *out, uint8_t kind, uint8_t flags, uint32_t stream, struct str payload)
{
	const uint8_t head[9] = {0, (uint8_t)(payload.len >> 8), (uint8_t)payload.len, kind, flags, 0, 0, 0, (uint8_t)stream};

	buf_add(out, str_of(head, sizeof(head)));
	buf_add(out, payload);
}

/* "name=value|name=value" as literals. */
static void add_block(struct buf *out, struct str text)
{
	struct str field;

	while (str_next(&text, '|', &field)) {
		struct str name = str_first(field, str_find(field, '=')), value = str_from_index(field, name.len + 1);

		buf_add_char(out, 0);
		buf_add_char(out, (char)name.len);
		buf_add(out, name);
		buf_add_char(out, (char)value.len);
		buf_add(out, value);
	}
}

static void add_number(struct buf *out, uint64_t n)
{
	buf_add(out, str_of((const uint8_t[]){0, 0, (uint8_t)(n >> 8), (uint8_t)n}, 4));
}

/*
 * "S" SETTINGS, "S n" with so many streams at once, "H1 fields" HEADERS, "D1 bytes" DATA, "R1 code" RST_STREAM, "G last" GOAWAY; a
 * full stop behind the number ends the stream. Separated by ";".
 */
static void add_word(struct buf *out, struct str word)
{
	char kind = word.ptr[0];
	size_t blank = str_find(word, ' ');
	struct str arg = str_from_index(word, blank + 1), number = str_from_index(str_first(word, blank), 1);
	bool ends = number.len && number.ptr[number.len - 1] == '.';
	struct buf payload = {0};
	uint64_t stream = 0, n = 0;

	str_to_u64(str_first(number, number.len - ends), 255, &stream);
	str_to_u64(arg, 65535, &n);
	switch (kind) {
	case 'S':
		if (arg.len) {
			buf_add(&payload, str_of("\0\3", 2));
			add_number(&payload, n);
		}
		add_frame(out, NGHTTP2_SETTINGS, 0, 0, buf_str(&payload));
		break;
	case 'H':
		add_block(&payload, arg);
		add_frame(out, NGHTTP2_HEADERS, (uint8_t)(NGHTTP2_FLAG_END_HEADERS | ends), (uint32_t)stream, buf_str(&payload));
		break;
	case 'D':
		add_frame(out, NGHTTP2_DATA, ends, (uint32_t)stream, arg);
		break;
	case 'R':
		add_number(&payload, n);
		add_frame(out, NGHTTP2_RST_STREAM, 0, (uint32_t)stream, buf_str(&payload));
		break;
	case 'G':
		add_number(&payload, n);
		add_number(&payload, 0);
		add_frame(out, NGHTTP2_GOAWAY, 0, 0, buf_str(&payload));
		break;
	default:
		abort();
	}
	buf_deinit(&payload);
}

/* ------------------------------------------------------------------------------------------------------------ the calls */

static void finish(struct caller *c)
{
	c->fate = upstream_call_fate(c->call);
	c->code = upstream_call_code(c->call);
	buf_add(&c->trailers, upstream_call_trailers(c->call));
	upstream_call_close(c->call, true);
	c->call = NULL;
}

static void on_event(struct upstream_user *user, unsigned events)
{
	static struct http_field fields[UPSTREAM_HEAD_FIELDS];
	const struct upstream_request r = {
		.method = HTTP_POST, .method_text = STR("POST"), .authority = STR("a.test"), .path = STR("/x"), .is_last = true};
	struct caller *c = container_of(user, struct caller, user);
	struct http_head head = {.fields = fields};

	(void)events;
	if (!c->was_sent && upstream_call_is_connected(c->call)) {
		c->was_sent = true;
		upstream_call_send_head(c->call, &r);
	}
	if (!c->has_head && upstream_call_head(c->call, &head) == PARSE_DONE) {
		c->has_head = true;
		c->status = head.status;
		upstream_call_drop_head(c->call);
	}
	if (c->has_head) {
		buf_add(&c->body, upstream_call_body(c->call));
		upstream_call_take(c->call, upstream_call_body(c->call).len);
	}
	if (upstream_call_is_whole(c->call) || upstream_call_fate(c->call))
		finish(c);
}

static const struct {
	const char *name, *says;
	unsigned n_calls;
	bool closes, is_late; /* is_late: by its first bytes it looks well */
	struct {
		enum upstream_fate fate;
		unsigned status;
		const char *body, *trailers;
		uint32_t code;
	} want[MAX_CALLS];
} cases[] = {
	{"an answer with trailers", "S;H1 :status=200;D1 hello;H1. grpc-status=0", 1, false, false,
		{{UPSTREAM_FATE_NONE, 200, "hello", "grpc-status: 0\r\n", 0}}},
	{"trailers only", "S;H1. :status=200|grpc-status=5", 1, false, false, {{UPSTREAM_FATE_NONE, 200, "", "", 0}}},
	{"two calls, their frames mixed", "S;H3 :status=200;H1 :status=404;D3 b;D1. a;D3 b;H3. x=1", 2, false, false,
		{{UPSTREAM_FATE_NONE, 404, "a", "", 0}, {UPSTREAM_FATE_NONE, 200, "bb", "x: 1\r\n", 0}}},
	{"interim answers are read over", "S;H1 :status=100;H1 :status=103|link=x;H1. :status=200", 1, false, false,
		{{UPSTREAM_FATE_NONE, 200, "", "", 0}}},
	{"as long as was told", "S;H1 :status=200|content-length=2;D1. ab", 1, false, false, {{UPSTREAM_FATE_NONE, 200, "ab", "", 0}}},
	{"longer than was told", "S;H1 :status=200|content-length=1;D1 ab", 1, false, true, {{UPSTREAM_FATE_BAD, 0, "", "", 0}}},
	{"shorter than was told", "S;H1 :status=200|content-length=3;D1. ab", 1, false, true, {{UPSTREAM_FATE_BAD, 0, "", "", 0}}},
	{"an invalid head fails its call alone", "S;H1. X=1;H3. :status=200", 2, false, false,
		{{UPSTREAM_FATE_BAD, 0, "", "", 0}, {UPSTREAM_FATE_NONE, 200, "", "", 0}}},
	{"a second head", "S;H1 :status=200;H1 :status=200", 1, false, false, {{UPSTREAM_FATE_BAD, 200, "", "", 0}}},
	{"reset", "S;R1 8", 1, false, false, {{UPSTREAM_FATE_RESET, 0, "", "", 8}}},
	{"reset half-way: what came is there", "S;H1 :status=200;D1 ab;R1 2", 1, false, false, {{UPSTREAM_FATE_RESET, 200, "ab", "", 2}}},
	{"reset after the whole answer", "S;H1. :status=200;R1 0", 1, false, false, {{UPSTREAM_FATE_NONE, 200, "", "", 0}}},
	{"refused", "S;R1 7", 1, false, false, {{UPSTREAM_FATE_REFUSED, 0, "", "", 7}}},
	{"GOAWAY: those above the last one were not begun", "S;G 1;H1. :status=200", 3, false, false,
		{{UPSTREAM_FATE_NONE, 200, "", "", 0}, {UPSTREAM_FATE_REFUSED, 0, "", "", 7}, {UPSTREAM_FATE_REFUSED, 0, "", "", 7}}},
	{"the connection ends: each has its own answer", "S;H1. :status=200;H3 :status=200;D3 a", 3, true, false,
		{{UPSTREAM_FATE_NONE, 200, "", "", 0}, {UPSTREAM_FATE_LOST, 200, "a", "", 0}, {UPSTREAM_FATE_LOST, 0, "", "", 0}}},
	{"a rule of the connection is broken", "S;D1 early", 2, false, false,
		{{UPSTREAM_FATE_BROKEN, 0, "", "", 0}, {UPSTREAM_FATE_BROKEN, 0, "", "", 0}}},
};

static void check_callers(size_t i, struct caller *callers, bool is_whole)
{
	for (size_t k = 0; k < cases[i].n_calls; k++) {
		struct caller *c = &callers[k];

		CHECK(!c->call);
		if (c->call)
			finish(c);
		CHECK_INT(c->fate, cases[i].want[k].fate);
		CHECK_INT(c->code, cases[i].want[k].code);
		CHECK_STR(buf_str(&c->trailers), str_from(cases[i].want[k].trailers));
		if (is_whole || !cases[i].is_late) {
			CHECK_INT(c->status, cases[i].want[k].status);
			CHECK_STR(buf_str(&c->body), str_from(cases[i].want[k].body));
		}
		buf_deinit(&c->body);
		buf_deinit(&c->trailers);
	}
}

static void open_calls(struct upstream_pool *pool, struct caller *callers, size_t n)
{
	const struct upstream_target target = {.addr = endpoint, .is_http2 = true};
	int error;

	for (size_t i = 0; i < n; i++) {
		callers[i].user.on_event = on_event;
		callers[i].call = upstream_call_open(pool, &target, &callers[i].user, &error);
		if (!callers[i].call)
			abort();
		if (upstream_call_is_connected(callers[i].call))
			on_event(&callers[i].user, 0);
	}
}

/* Whole, or byte by byte. */
static void test_fates(size_t piece)
{
	for (size_t i = 0; i < CHECK_COUNT(cases); i++) {
		struct caller callers[MAX_CALLS] = {0};
		struct str words = str_from(cases[i].says), word;
		struct buf out = {0};
		struct upstream_pool *pool;
		int fd;

		check_case(cases[i].name);
		prepare_case();
		pool = make_pool(100);
		open_calls(pool, callers, cases[i].n_calls);
		fd = accept_case();
		settle_case(fd);
		CHECK_INT(upstream_n_sessions(pool), 1);
		while (str_next(&words, ';', &word))
			add_word(&out, word);
		for (size_t at = 0; at < out.len; at += piece) {
			struct str part = str_first(str_from_index(buf_str(&out), at), piece);

			feed_case(fd, (const uint8_t *)part.ptr, part.len);
		}
		if (cases[i].closes)
			close(fd);
		settle_case(cases[i].closes ? -1 : fd);
		check_callers(i, callers, piece > 1);
		if (!cases[i].closes)
			close(fd);
		settle_case(-1);
		CHECK_INT(upstream_n_calls(pool), 0);
		end_pool(pool);
		buf_deinit(&out);
	}
}

/* How many connections it takes. */
static void test_connections(void)
{
	struct caller callers[MAX_CALLS] = {0};
	struct buf out = {0};
	struct upstream_pool *pool;
	int fd;

	check_case("no more calls on a connection than the endpoint allows; what it has not seen goes elsewhere");
	prepare_case();
	pool = make_pool(100);
	open_calls(pool, callers, 1);
	fd = accept_case();
	settle_case(fd);
	add_word(&out, STR("S 2"));
	feed_case(fd, (const uint8_t *)out.ptr, out.len);
	open_calls(pool, callers + 1, 1);
	CHECK_INT(upstream_n_sessions(pool), 1);
	open_calls(pool, callers + 2, 2);
	CHECK_INT(upstream_n_sessions(pool), 2); /* the second takes two as well, as far as is known */
	for (size_t i = 0; i < MAX_CALLS; i++)
		upstream_call_close(callers[i].call, true);
	CHECK_INT(upstream_n_idle(pool), 1); /* one was not connected: it is of no use */
	close(fd);
	settle_case(-1);
	CHECK_INT(upstream_n_idle(pool), 0);
	end_pool(pool);

	check_case("upstream-keepalive-requests: each connection takes so many");
	prepare_case();
	pool = make_pool(1);
	open_calls(pool, callers, 3);
	CHECK_INT(upstream_n_sessions(pool), 3);
	for (size_t i = 0; i < 3; i++)
		upstream_call_close(callers[i].call, true);
	CHECK_INT(upstream_n_sessions(pool), 0);
	end_pool(pool);
	buf_deinit(&out);
	for (size_t i = 0; i < MAX_CALLS; i++)
		buf_deinit(&callers[i].body);
}

int main(void)
{
	test_fates(65536);
	test_fates(1);
	test_connections();
	return check_done();
}
