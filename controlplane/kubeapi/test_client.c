/* Calls against a double: how each of them ends, and what was seen of it before. */
#include "kubeapi.h"

#include <errno.h>
#include <stdio.h>
#include <unistd.h>

#include "check.h"
#include "double.h"

static uv_loop_t loop;
static struct double_server server;
static struct kubeapi *api;
static char config_path[64], token_path[80];

struct seen {
	struct buf lines;
	struct buf body;
	int error;
	unsigned status, retry_after_s, n_done, n_lines, n_opened;
	unsigned cancel_at; /* the line at which the call is cancelled */
	bool starts_another;
	struct kubeapi_call *call;
};
static struct seen seen, other;

static void write_token(const char *token)
{
	FILE *f = fopen(token_path, "w");

	fputs(token, f);
	fclose(f);
}

/* ---------------------------------------------------------------------------------------------------- the double */

static unsigned n_requests;

static void on_request(void *owner, struct double_conn *c)
{
	struct str path = buf_str(&c->path);

	(void)owner;
	n_requests++;
	if (str_eq(path, STR("/whole"))) {
		double_answer(c, 200, "", "{\"a\":1}");
	} else if (str_eq(path, STR("/forbidden"))) {
		double_answer(c, 403, "", "{\"code\":403}");
	} else if (str_eq(path, STR("/busy"))) {
		double_answer(c, 429, "Retry-After: 7\r\n", "");
	} else if (str_eq(path, STR("/lines"))) {
		double_begin(c);
		double_chunk(c, "one\ntw");
		double_chunk(c, "o\n");
		double_chunk(c, "three\n");
		double_last_chunk(c);
	} else if (str_eq(path, STR("/half"))) {
		double_begin(c);
		double_chunk(c, "one\ntw");
		double_end(c);
	} else if (str_eq(path, STR("/silent"))) {
		double_begin(c);
		double_chunk(c, "one\n");
	} else if (str_eq(path, STR("/nothing"))) {
		double_end(c);
	} else if (str_eq(path, STR("/long"))) {
		double_begin(c);
		double_chunk(c, "12345678901234567890123456789012345678901234567890");
	} else if (str_eq(path, STR("/patch"))) {
		struct buf echo = {0};

		buf_printf(&echo, "%s %s", buf_cstr(&c->method), buf_cstr(&c->body));
		double_answer(c, 200, "", buf_cstr(&echo));
		buf_deinit(&echo);
	} else if (str_eq(path, STR("/rotated")) && str_eq(buf_str(&c->authorization), STR("Bearer new"))) {
		double_answer(c, 200, "", "welcome");
	} else {
		write_token(str_eq(path, STR("/rotated")) ? "new" : "old");
		double_answer(c, 401, "", "who?");
	}
}

/* ------------------------------------------------------------------------------------------------------- the calls */

static void on_done(void *owner, const struct kubeapi_result *r)
{
	struct seen *s = owner;

	s->n_done++;
	s->error = r->error;
	s->status = r->status;
	s->retry_after_s = r->retry_after_s;
	buf_add(&s->body, r->body);
	CHECK((r->error == 0) == (r->why[0] == '\0'));
}

static void on_open(void *owner)
{
	struct seen *s = owner;

	CHECK_INT(s->n_lines, 0);
	s->n_opened++;
}

static void on_line(void *owner, struct str line)
{
	struct seen *s = owner;

	buf_printf(&s->lines, "<%.*s>", STR_ARG(line));
	if (++s->n_lines == 1 && s->starts_another)
		kubeapi_start(api, &(struct kubeapi_request){.path = STR("/whole"), .max_bytes = 100, .on_done = on_done, .owner = &other});
	if (s->n_lines == s->cancel_at)
		kubeapi_cancel(s->call);
}

static void clear(struct seen *s)
{
	buf_deinit(&s->lines);
	buf_deinit(&s->body);
	*s = (struct seen){0};
}

static void on_enough(uv_timer_t *timer)
{
	uv_stop(timer->loop);
}

/* Until the call has ended, or `ms`. */
static void run(uint64_t ms)
{
	uv_timer_t timer;

	uv_timer_init(&loop, &timer);
	uv_timer_start(&timer, on_enough, ms, 0);
	while (uv_is_active((uv_handle_t *)&timer) && seen.n_done == 0)
		uv_run(&loop, UV_RUN_ONCE);
	uv_close((uv_handle_t *)&timer, NULL);
	uv_run(&loop, UV_RUN_NOWAIT);
}

static void call(const char *path, bool is_stream)
{
	struct kubeapi_request request = {.path = str_from(path), .max_bytes = 40, .silence_s = 1, .on_open = on_open,
		.on_done = on_done, .owner = &seen};

	if (is_stream)
		request.on_line = on_line;
	if (strcmp(path, "/patch") == 0) {
		request.method = "PATCH";
		request.content_type = "application/merge-patch+json";
		request.body = STR("{}");
	}
	seen.call = kubeapi_start(api, &request);
	CHECK_INT(seen.n_done, 0);
}

static const struct {
	const char *path;
	bool is_stream;
	int error;
	unsigned status, retry_after_s;
	const char *lines, *body;
} cases[] = {
	{"/whole", false, 0, 200, 0, "", "{\"a\":1}"},
	{"/forbidden", true, 0, 403, 0, "", "{\"code\":403}"},
	{"/busy", true, 0, 429, 7, "", ""},
	{"/lines", true, 0, 200, 0, "<one><two><three>", ""},
	{"/half", true, -ECONNRESET, 200, 0, "<one>", ""},
	{"/silent", true, -ETIMEDOUT, 200, 0, "<one>", ""},
	{"/nothing", true, -ECONNRESET, 0, 0, "", ""},
	{"/long", true, -EMSGSIZE, 200, 0, "", ""},
	{"/long", false, -EMSGSIZE, 200, 0, "", ""},
	{"/patch", false, 0, 200, 0, "", "PATCH {}"},
	{"/rotated", false, 0, 200, 0, "", "welcome"},
	{"/rotated", true, 0, 200, 0, "", ""},
};

static void test_cases(void)
{
	for (size_t i = 0; i < CHECK_COUNT(cases); i++) {
		check_case(cases[i].path);
		call(cases[i].path, cases[i].is_stream);
		run(10000);
		CHECK_INT(seen.n_done, 1);
		CHECK_INT(seen.error, cases[i].error);
		CHECK_INT(seen.status, cases[i].status);
		CHECK_INT(seen.n_opened, cases[i].status == 200);
		CHECK_INT(seen.retry_after_s, cases[i].retry_after_s);
		CHECK_STR(buf_str(&seen.lines), str_from(cases[i].lines));
		CHECK_STR(buf_str(&seen.body), str_from(cases[i].body));
		clear(&seen);
	}
}

/* Refused with what is the newest token: that is the answer, after one more try at most. */
static void test_refused(void)
{
	check_case("401 for good");
	n_requests = 0;
	call("/never", false);
	run(10000);
	CHECK_INT(seen.status, 401);
	CHECK_STR(buf_str(&seen.body), STR("who?"));
	CHECK_INT(n_requests, 2); /* "new" from before, then "old" */
	clear(&seen);
}

static void test_cancel(void)
{
	check_case("cancelled from within");
	seen.cancel_at = 2;
	call("/lines", true);
	run(200);
	CHECK_INT(seen.n_done, 0);
	CHECK_STR(buf_str(&seen.lines), STR("<one><two>"));
	clear(&seen);
	check_case("cancelled before it began");
	call("/whole", false);
	kubeapi_cancel(seen.call);
	run(100);
	CHECK_INT(seen.n_done, 0);
	clear(&seen);
	check_case("another call from within");
	seen.starts_another = true;
	call("/silent", true);
	run(10000);
	CHECK_INT(other.n_done, 1);
	CHECK_STR(buf_str(&other.body), STR("{\"a\":1}"));
	clear(&seen);
	clear(&other);
}

static void test_no_server(void)
{
	check_case("nobody listens");
	double_close(&server);
	run(20);
	call("/whole", false);
	run(10000);
	CHECK_INT(seen.error, -ECONNREFUSED);
	CHECK_INT(seen.status, 0);
	clear(&seen);
}

static void test_escape(void)
{
	struct buf out = {0};

	check_case("escaped");
	kubeapi_add_escaped(&out, STR("a-b.c_d~A9=,! /%\x80"));
	CHECK_STR(buf_str(&out), STR("a-b.c_d~A9%3D%2C%21%20%2F%25%80"));
	buf_deinit(&out);
}

int main(void)
{
	struct buf error = {0};

	snprintf(config_path, sizeof(config_path), "/tmp/weirlock-test-kubeapi-%d", (int)getpid());
	snprintf(token_path, sizeof(token_path), "%s.token", config_path);
	write_token("old\n");
	uv_loop_init(&loop);
	double_open(&server, &loop, 0, on_request, NULL);
	double_kubeconfig(&server, config_path, token_path);
	CHECK(kubeapi_open(&loop, &(struct kubeapi_options){.kubeconfig = config_path}, &error, &api));
	CHECK_STR(buf_str(&error), STR(""));
	CHECK_STR(kubeapi_namespace(api), STR("here"));
	test_cases();
	test_refused();
	test_cancel();
	test_no_server();
	test_escape();
	call("/whole", false); /* nobody waits for it: closing frees it */
	kubeapi_close(api, NULL, NULL);
	uv_run(&loop, UV_RUN_DEFAULT);
	CHECK_INT(uv_loop_close(&loop), 0);
	CHECK_INT(seen.n_done, 0);
	double_free(&server);
	buf_deinit(&error);
	unlink(config_path);
	unlink(token_path);
	return check_done();
}
