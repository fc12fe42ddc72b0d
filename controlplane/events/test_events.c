/* Which Events reach the API server (N7), against a double of it. */
#include "events.h"

#include <jansson.h>
#include <stdlib.h>
#include <unistd.h>

#include "check.h"
#include "double.h"
#include "tally.h"

static uv_loop_t loop;
static struct double_server server;
static struct kubeapi *api;
static struct events *events;
static bool is_leader, is_closed, is_api_closed;
static struct buf written;    /* "POST reason count " for each */
static unsigned n_calls;
static unsigned next_status;  /* the next call gets it; 0: it works */
static const char *message = "no";
static bool is_sick;          /* and all after it */
static struct buf told;       /* the last problems */
static char config_path[64], token_path[80];

static void on_request(void *owner, struct double_conn *c)
{
	json_t *json = json_loadb(c->body.ptr, c->body.len, 0, NULL);
	const char *reason = json_string_value(json_object_get(json, "reason"));
	struct buf refusal = {0};

	(void)owner;
	n_calls++;
	CHECK(str_starts_with(buf_str(&c->path), STR("/api/v1/namespaces/shop/events")));
	if (next_status) {
		buf_printf(&refusal, "{\"kind\":\"Status\",\"code\":%u,\"message\":\"%s\"}", next_status, message);
		double_answer(c, next_status, "", buf_cstr(&refusal));
		buf_deinit(&refusal);
		next_status = is_sick ? next_status : 0;
	} else {
		buf_printf(&written, "%s %s %d ", buf_cstr(&c->method), reason ? reason : "-",
			(int)json_integer_value(json_object_get(json, "count")));
		double_answer(c, 201, "", "{}");
	}
	json_decref(json);
}

static bool leads(void *owner)
{
	(void)owner;
	return is_leader;
}

static void on_problems(void *owner, struct str origin, const struct problems *problems)
{
	(void)owner;
	CHECK_STR(origin, STR("Kubernetes API events"));
	buf_clear(&told);
	for (size_t i = 0; i < problems->n; i++)
		problem_text(&problems->items[i], &told);
}

static void on_closed(void *owner)
{
	*(bool *)owner = true;
}

static void begin(const char *name)
{
	struct buf error = {0};

	check_case(name);
	is_leader = true;
	is_closed = is_api_closed = is_sick = false;
	n_calls = next_status = 0;
	message = "no";
	buf_clear(&written);
	buf_clear(&told);
	uv_loop_init(&loop);
	double_open(&server, &loop, 0, on_request, NULL);
	double_kubeconfig(&server, config_path, token_path);
	if (!kubeapi_open(&loop, &(struct kubeapi_options){config_path, NULL}, &error, &api)) {
		fprintf(stderr, "%s\n", buf_cstr(&error));
		exit(1);
	}
	events = events_open(&loop, api, &(struct events_options){STR("me"), true}, &(struct events_hooks){NULL, leads, on_problems});
}

#define UNTIL(claim)     \
	while (!(claim)) \
	uv_run(&loop, UV_RUN_ONCE)

static void on_tick(uv_timer_t *timer)
{
	*(bool *)timer->data = true;
}

/* Long enough for what must not come, when the loop has nothing else to do. */
static void idle(void)
{
	static uv_timer_t timer;
	bool is_over = false;

	uv_timer_init(&loop, &timer);
	timer.data = &is_over;
	uv_timer_start(&timer, on_tick, 150, 0);
	UNTIL(is_over);
	uv_close((uv_handle_t *)&timer, NULL);
	uv_run(&loop, UV_RUN_NOWAIT);
}

static void finish(void)
{
	events_close(events, on_closed, &is_closed);
	UNTIL(is_closed);
	kubeapi_close(api, on_closed, &is_api_closed);
	UNTIL(is_api_closed);
	double_close(&server);
	uv_run(&loop, UV_RUN_DEFAULT);
	CHECK_INT(uv_loop_close(&loop), 0);
	double_free(&server);
}

static void tell(const char *reason, const char *text, bool is_standing)
{
	events_tell(events, &(struct event){.kind = KIND_INGRESS, .namespace_ = STR("shop"), .name = STR("web"), .uid = STR("u"), .reason = reason,
				    .text = str_from(text), .is_standing = is_standing});
}

static void test_once(void)
{
	begin("each once");
	tell("Sync", "a", false);
	tell("Sync", "a", false);
	UNTIL(n_calls == 1);
	tell("Rejected", "a", false);
	tell("Sync", "a", false);
	UNTIL(n_calls == 2);
	idle();
	CHECK_STR(buf_str(&written), STR("POST Sync 1 POST Rejected 1 "));
	finish();

	begin("not the leader");
	is_leader = false;
	tell("Sync", "a", false);
	idle();
	CHECK_INT(n_calls, 0);
	is_leader = true; /* nothing was kept */
	idle();
	CHECK_INT(n_calls, 0);
	finish();
}

static void test_there_already(void)
{
	begin("another leader has said it: it stands, nothing more");
	next_status = 409;
	tell("Rejected", "a", true);
	UNTIL(n_calls == 1);
	idle();
	CHECK_INT(n_calls, 1);
	finish();

	begin("it is news: it came again");
	next_status = 409;
	tell("Rejected", "a", false);
	UNTIL(written.len);
	CHECK_STR(buf_str(&written), STR("PATCH - 0 "));
	finish();
}

static void test_refused(void)
{
	begin("forbidden: told, and good again");
	next_status = 403;
	tell("Sync", "a", false);
	UNTIL(told.len);
	CHECK_STR(buf_str(&told),
		STR("Kubernetes API: events: Events are to be written, but it is forbidden (403): no; it needs a ClusterRole with apiGroups [\"\"], "
		    "resources [\"events\"], verbs [\"create\", \"patch\"], bound to the controller's ServiceAccount; they are left out: weirctl "
		    "problems lists what stands; it is tried again"));
	tell("Sync", "b", false);
	UNTIL(written.len);
	UNTIL(!told.len);
	finish();

	begin("its namespace goes: nothing is wrong");
	next_status = 403;
	message = "unable to create new content in namespace shop because it is being terminated";
	tell("Sync", "a", false);
	UNTIL(n_calls == 1);
	idle();
	CHECK_STR(buf_str(&told), STR(""));
	CHECK_INT(n_calls, 1);
	finish();

	begin("a server that has no time: tried again");
	next_status = 503;
	tell("Sync", "a", false);
	UNTIL(written.len);
	CHECK_INT(n_calls, 2);
	CHECK_STR(buf_str(&told), STR(""));
	finish();

	begin("for long: told, and given up");
	next_status = 503;
	is_sick = true;
	tell("Sync", "a", false);
	UNTIL(told.len);
	idle();
	CHECK_INT(n_calls, 3);
	finish();
}

/* More than may be: a burst, and the rest slowly; what waits is dropped with leadership. */
static void test_flood(void)
{
	struct buf metrics = {0};
	char text[16];

	begin("a flood");
	for (int i = 0; i < 3000; i++) {
		snprintf(text, sizeof(text), "%d", i);
		tell("Rejected", text, false);
	}
	UNTIL(n_calls >= TALLY_BURST);
	idle();
	CHECK(n_calls < TALLY_BURST + 20);
	events_metrics(events, &metrics);
	CHECK(str_find_str(buf_str(&metrics), STR("weirlock_controller_events_dropped_total 2000\n")) < metrics.len);
	is_leader = false;
	events_drop(events);
	n_calls = 0;
	idle();
	CHECK_INT(n_calls, 0);
	buf_deinit(&metrics);
	finish();
}

int main(void)
{
	FILE *f;

	snprintf(config_path, sizeof(config_path), "/tmp/weirlock-test-events-%d", (int)getpid());
	snprintf(token_path, sizeof(token_path), "%s.token", config_path);
	f = fopen(token_path, "w");
	if (!f)
		return 1;
	fputs("t", f);
	fclose(f);
	test_once();
	test_there_already();
	test_refused();
	test_flood();
	unlink(config_path);
	unlink(token_path);
	buf_deinit(&written);
	buf_deinit(&told);
	return check_done();
}
