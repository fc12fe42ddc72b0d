/* Which Events reach the API server (N7), against a double of it. */
#include "events.h"

#include <jansson.h>
#include <stdlib.h>

#include "check.h"
#include "double.h"
#include "tally.h"

static uv_loop_t loop;
static struct double_server server;
static struct kubeapi *api;
static struct events *events;
static bool is_leader, is_closed;
static struct buf written;    /* "POST reason count " for each */
static unsigned n_calls;
static unsigned next_status;  /* the next call gets it; 0: it works */
static const char *message = "no";
static bool is_sick;          /* and all after it */
static struct buf told;       /* the last problems */
static struct double_client client;

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

static void begin(const char *name)
{
	check_case(name);
	is_leader = true;
	is_closed = is_sick = false;
	n_calls = next_status = 0;
	message = "no";
	buf_clear(&written);
	buf_clear(&told);
	api = double_begin_all(&server, &loop, on_request, &client);
	events = events_open(&loop, api, &(struct events_options){STR("me"), true}, &(struct events_hooks){NULL, leads, on_problems});
}

#define UNTIL(claim)     \
	while (!(claim)) \
	uv_run(&loop, UV_RUN_ONCE)

static void finish(void)
{
	events_close(events, double_set_true, &is_closed);
	UNTIL(is_closed);
	CHECK(double_end_all(&server, api));
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
	double_idle(&loop);
	CHECK_STR(buf_str(&written), STR("POST Sync 1 POST Rejected 1 "));
	finish();

	begin("not the leader");
	is_leader = false;
	tell("Sync", "a", false);
	double_idle(&loop);
	CHECK_INT(n_calls, 0);
	is_leader = true; /* nothing was kept */
	double_idle(&loop);
	CHECK_INT(n_calls, 0);
	finish();
}

static void test_there_already(void)
{
	begin("another leader has said it: it stands, nothing more");
	next_status = 409;
	tell("Rejected", "a", true);
	UNTIL(n_calls == 1);
	double_idle(&loop);
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

	begin("forbidden, and nothing new to be told: seen all the same when it is granted");
	next_status = 403;
	is_sick = true;
	tell("Sync", "a", false);
	tell("Sync", "b", false);
	UNTIL(n_calls == 3 && told.len);
	next_status = 0;
	UNTIL(!told.len);
	CHECK_INT(n_calls, 4);
	CHECK_STR(buf_str(&written), STR("POST Sync 1 "));
	finish();

	begin("forbidden, and there already: seen too");
	next_status = 403;
	tell("Rejected", "a", true);
	UNTIL(told.len);
	next_status = 409;
	UNTIL(!told.len);
	CHECK_INT(n_calls, 2);
	finish();

	begin("its namespace goes: nothing is wrong");
	next_status = 403;
	message = "unable to create new content in namespace shop because it is being terminated";
	tell("Sync", "a", false);
	UNTIL(n_calls == 1);
	double_idle(&loop);
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
	double_idle(&loop);
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
	double_idle(&loop);
	CHECK(n_calls < TALLY_BURST + 20);
	events_metrics(events, &metrics);
	CHECK(str_find_str(buf_str(&metrics), STR("weirlock_controller_events_dropped_total 2000\n")) < metrics.len);
	is_leader = false;
	events_drop(events);
	n_calls = 0;
	double_idle(&loop);
	CHECK_INT(n_calls, 0);
	buf_deinit(&metrics);
	finish();
}

int main(void)
{
	double_client_init(&client, "events");
	test_once();
	test_there_already();
	test_refused();
	test_flood();
	double_client_deinit(&client);
	buf_deinit(&written);
	buf_deinit(&told);
	return check_done();
}
