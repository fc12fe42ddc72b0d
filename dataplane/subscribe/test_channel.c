/* What travels: what is pushed arrives and is acknowledged, as little as possible of it, from whichever controller is there. */
#include <stdio.h>

#include "channel.h"
#include "content_wire.h"
#include "mem.h"

static const ProtobufCServiceDescriptor *const control = &weirlock__v1__control__descriptor;
static const ProtobufCServiceDescriptor *const inspect = &weirlock__v1__inspect__descriptor;

static bool has_refused(void *data)
{
	return controller_says(((struct pair *)data)->c, "weirlock_controller_proxies{state=\"refused\",pool=\"default\"} 1");
}

static void check_refusal(struct controller *c, struct rpc_identity *operator_)
{
	struct rpc_client *client = open_client(buf_cstr(&c->url), operator_, 0, NULL);
	const Weirlock__V1__StatusResponse *status;
	struct asked asked;

	CHECK_INT(ask(client, inspect, "Status", NULL, &asked), RPC_OK);
	status = (const void *)asked.answer;
	CHECK_INT(status->n_proxies, 2);
	for (size_t i = 0; i < status->n_proxies; i++) {
		Weirlock__V1__ProxyStatus *shown = status->proxies[i];

		if (str_eq(str_from(shown->name), STR("p2"))) {
			CHECK_INT(shown->state, WEIRLOCK__V1__PROXY_STATE__PROXY_SYNCED);
			continue;
		}
		CHECK_INT(shown->state, WEIRLOCK__V1__PROXY_STATE__PROXY_REFUSED);
		CHECK_INT(shown->n_errors, 1);
		CHECK_STR(str_from(shown->errors[0]->reason), STR("not today"));
		CHECK_STR(str_from(shown->errors[0]->ref->name), STR("bad.example.com"));
	}
	asked_deinit(&asked);
	close_client(client);
}

static void test_push(const char *name, struct rpc_identity *controller, struct rpc_identity *operator_,
	struct rpc_identity *proxy, const char *url)
{
	struct controller c = {0};
	struct proxy p, second;
	struct pair pair = {&c, &p}, other = {&c, &second};

	check_case(name);
	start_controller(&c, controller, url);
	start_proxy(&p, "p1", proxy, buf_cstr(&c.url), NULL);
	start_proxy(&second, "p2", proxy, buf_cstr(&c.url), NULL);
	publish_hosts(&c, 3, 100, 'a');
	CHECK(wait_for(serves_current, &pair, 5000) && wait_for(serves_current, &other, 5000));
	CHECK(wait_for(is_acked, &pair, 2000));
	publish_hosts(&c, 3, 100, 'b');
	CHECK(wait_for(serves_current, &pair, 2000) && wait_for(serves_current, &other, 2000));
	CHECK_INT(p.n_applied, 2);

	check_case("a large one comes in pieces, then a small delta");
	publish_hosts(&c, 60, 20000, 'a');
	CHECK(wait_for(serves_current, &pair, 5000));
	publish_hosts(&c, 60, 20000, 'b');
	CHECK(wait_for(serves_current, &pair, 5000) && wait_for(serves_current, &other, 5000));
	CHECK_INT(p.n_applied, 4);

	check_case("refused, with reasons, and not sent again");
	p.refuses = true;
	publish_hosts(&c, 4, 10, 'c');
	CHECK(wait_for(has_refused, &pair, 5000));
	CHECK_INT(p.n_refused, 1);
	CHECK(wait_for(serves_current, &other, 2000) && wait_for(is_acked, &other, 2000));
	check_refusal(&c, operator_);
	p.refuses = false;
	publish_hosts(&c, 4, 10, 'd');
	CHECK(wait_for(serves_current, &pair, 2000));
	CHECK_INT(p.n_refused, 1);

	check_case("the controller restarts at the same address");
	stop_controller(&c);
	char *again = mem_strdup(buf_str(&c.url));
	start_controller(&c, controller, again);
	publish_hosts(&c, 4, 10, 'd');
	unsigned before = p.n_applied;
	CHECK(wait_for(is_acked, &pair, 2000)); /* found within 2 s */
	CHECK_INT(p.n_applied, before);         /* the same id is not sent again */
	mem_free(again);
	stop_proxy(&p);
	stop_proxy(&second);
	stop_controller(&c);
	buf_deinit(&c.url);
}

/* --------------------------------------------------------------------------------------- what is sent, and how much */

static void say_hello(struct rpc_client *client, const char *name)
{
	Weirlock__V1__HelloRequest hello = WEIRLOCK__V1__HELLO_REQUEST__INIT;
	char *copy = mem_strdup(str_from(name)), version[] = "test";
	struct asked asked;

	hello.schema_min = hello.schema_max = CONTENT_SCHEMA;
	hello.name = copy;
	hello.version = version;
	CHECK_INT(ask(client, control, "Hello", &hello.base, &asked), RPC_OK);
	asked_deinit(&asked);
	mem_free(copy);
}

static void watch_from(struct rpc_client *client, const struct content_id *applied, uint32_t max_inline_bytes,
	struct asked *out)
{
	Weirlock__V1__WatchRequest request = WEIRLOCK__V1__WATCH_REQUEST__INIT;
	struct content_id id = applied ? *applied : (struct content_id){{0}};

	if (applied)
		request.applied_id = (ProtobufCBinaryData){sizeof(id.bytes), id.bytes};
	request.max_inline_bytes = max_inline_bytes;
	ask_later(client, control, "Watch", &request.base, out);
}

static void test_delta(struct rpc_identity *controller, struct rpc_identity *proxy)
{
	struct controller c = {0};
	struct rpc_client *client;
	struct content_id first;
	struct asked asked;
	const Weirlock__V1__WatchResponse *got;
	struct buf blob = {0};
	const char *why = NULL;

	start_controller(&c, controller, "tcp://127.0.0.1:0");
	publish_hosts(&c, 60, 20000, 'a');
	first = publish_current(c.publish, 0)->id;
	client = open_client(buf_cstr(&c.url), proxy, 0, NULL);
	say_hello(client, "p1");

	check_case("from nothing: the whole, as a blob");
	watch_from(client, NULL, 65536, &asked);
	CHECK(wait_for(is_answered, &asked, 2000));
	got = (const void *)asked.answer;
	if (CHECK_INT(got->what_case, WEIRLOCK__V1__WATCH_RESPONSE__WHAT_BLOB)) {
		struct content *content;
		struct content_id id;

		fetch_blob(client, control, got->blob, &blob);
		content = content_apply_packed(NULL, buf_str(&blob), &why);
		if (CHECK(content != NULL)) {
			id = content_id(content);
			CHECK(content_id_eq(&id, &first));
		}
		content_destroy(content);
	}
	asked_deinit(&asked);

	check_case("up to date: the Watch is held, then a heartbeat");
	watch_from(client, &first, 65536, &asked);
	CHECK(wait_for(is_answered, &asked, 2000));
	got = (const void *)asked.answer;
	CHECK_INT(got->what_case, WEIRLOCK__V1__WATCH_RESPONSE__WHAT_SAME);
	asked_deinit(&asked);

	check_case("a small change of a large snapshot: that one resource, at once");
	watch_from(client, &first, 65536, &asked);
	publish_hosts(&c, 60, 20000, 'b');
	CHECK(wait_for(is_answered, &asked, 2000));
	got = (const void *)asked.answer;
	if (CHECK_INT(got->what_case, WEIRLOCK__V1__WATCH_RESPONSE__WHAT_DELTA)) {
		CHECK_INT(got->delta->n_put, 1);
		CHECK_INT(got->delta->n_drop, 0);
		CHECK(got->delta->from_id.len && !memcmp(got->delta->from_id.data, first.bytes, sizeof(first.bytes)));
		CHECK_STR(str_from(got->delta->put[0]->name), STR("h0.example.com"));
	}
	asked_deinit(&asked);

	check_case("an id that nobody knows: the whole");
	first.bytes[0] ^= 1;
	watch_from(client, &first, 65536, &asked);
	CHECK(wait_for(is_answered, &asked, 2000));
	got = (const void *)asked.answer;
	CHECK_INT(got->what_case, WEIRLOCK__V1__WATCH_RESPONSE__WHAT_BLOB);
	if (got->what_case == WEIRLOCK__V1__WATCH_RESPONSE__WHAT_BLOB)
		CHECK(got->blob->size_bytes > 60 * 20000);
	asked_deinit(&asked);

	check_case("a newer Watch takes the place of the one before");
	first = publish_current(c.publish, 0)->id;
	struct asked newer;
	watch_from(client, &first, 65536, &asked);
	watch_from(client, &first, 65536, &newer);
	CHECK(wait_for(is_answered, &asked, 2000) && wait_for(is_answered, &newer, 2000));
	CHECK_INT(asked.status, RPC_CANCELLED);
	CHECK_INT(newer.status, RPC_OK);
	asked_deinit(&asked);
	asked_deinit(&newer);
	close_client(client);
	stop_controller(&c);
	buf_deinit(&c.url);
	buf_deinit(&blob);
}

/* ------------------------------------------------------------------------------- a controller that follows a script */

struct script {
	Weirlock__V1__Control_Service service;
	struct rpc_server *server;
	struct buf url;
	struct content *first, *second;
	unsigned n_lies, n_wholes; /* answers with a wrong to_id; Watches that ask for the whole */
	bool is_done;
};

static void script__hello(Weirlock__V1__Control_Service *service, const Weirlock__V1__HelloRequest *request,
	Weirlock__V1__HelloResponse_Closure closure, void *closure_data)
{
	Weirlock__V1__HelloResponse out = WEIRLOCK__V1__HELLO_RESPONSE__INIT;

	(void)service;
	(void)request;
	out.schema = CONTENT_SCHEMA;
	out.watch_ttl_ms = 300;
	closure(&out, closure_data);
}

/* From nothing: a good delta. From the first: one that claims to lead to where it does not. */
static void script__watch(Weirlock__V1__Control_Service *service, const Weirlock__V1__WatchRequest *request,
	Weirlock__V1__WatchResponse_Closure closure, void *closure_data)
{
	struct script *s = container_of(service, struct script, service);
	Weirlock__V1__WatchResponse out = WEIRLOCK__V1__WATCH_RESPONSE__INIT;
	struct content_id id, first = content_id(s->first), second = content_id(s->second);
	struct arena arena = {0};
	bool has_id = content_id_from(str_of(request->applied_id.data, request->applied_id.len), &id);

	if (has_id && content_id_eq(&id, &second)) {
		s->is_done = true;
		rpc_call_hold(rpc_call_of(closure_data), NULL, NULL);
		return;
	}
	out.what_case = WEIRLOCK__V1__WATCH_RESPONSE__WHAT_DELTA;
	if (has_id) {
		CHECK(content_id_eq(&id, &first));
		s->n_lies++;
		out.delta = content_delta(s->first, s->second, &arena);
		out.delta->n_put = 0; /* what is left of it leads elsewhere */
	} else {
		s->n_wholes++;
		out.delta = content_delta(NULL, s->n_wholes == 1 ? s->first : s->second, &arena);
	}
	closure(&out, closure_data);
	arena_deinit(&arena);
}

static void script__fetch(Weirlock__V1__Control_Service *service, const Weirlock__V1__FetchRequest *request,
	Weirlock__V1__FetchResponse_Closure closure, void *closure_data)
{
	(void)service;
	(void)request;
	(void)closure;
	rpc_call_fail(rpc_call_of(closure_data), RPC_NOT_FOUND, "no blobs here");
}

static void script__report(Weirlock__V1__Control_Service *service, const Weirlock__V1__ReportRequest *request,
	Weirlock__V1__Empty_Closure closure, void *closure_data)
{
	Weirlock__V1__Empty out = WEIRLOCK__V1__EMPTY__INIT;

	(void)service;
	(void)request;
	closure(&out, closure_data);
}

static void script__staples(Weirlock__V1__Control_Service *service, const Weirlock__V1__StaplesRequest *request,
	Weirlock__V1__StaplesResponse_Closure closure, void *closure_data)
{
	Weirlock__V1__StaplesResponse response = WEIRLOCK__V1__STAPLES_RESPONSE__INIT;

	(void)service;
	(void)request;
	closure(&response, closure_data);
}

static void script__goodbye(Weirlock__V1__Control_Service *service, const Weirlock__V1__Empty *request,
	Weirlock__V1__Empty_Closure closure, void *closure_data)
{
	(void)service;
	closure(request, closure_data);
}

static struct content *one_host(const char *body)
{
	struct content *c = content_create();

	content_put(c, resource_create(WEIRLOCK__V1__KIND__KIND_HOST, STR("a.example.com"), str_from(body)));
	return c;
}

static bool is_done(void *script)
{
	return ((struct script *)script)->is_done;
}

static void test_repair(void)
{
	struct script s = {.service = WEIRLOCK__V1__CONTROL__INIT(script__)};
	const struct rpc_server_options options = {0};
	struct buf error = {0};
	struct proxy p;
	bool is_closed = false;

	check_case("a delta that leads elsewhere is not served; the whole is asked for");
	s.first = one_host("one");
	s.second = one_host("two");
	s.server = rpc_server_create(&channel_loop, &options);
	rpc_server_add(s.server, &s.service.base, RPC_ROLE_PROXY);
	CHECK_INT(rpc_server_listen(s.server, "tcp://127.0.0.1:0", &s.url, &error), 0);
	start_proxy(&p, "p1", NULL, buf_cstr(&s.url), NULL);
	CHECK(wait_for(is_done, &s, 5000));
	CHECK_INT(s.n_lies, 1);
	CHECK_INT(s.n_wholes, 2);
	CHECK_INT(p.n_applied, 2);
	CHECK_INT(p.n_refused, 0);
	CHECK(proxy_says(&p, "weirlock_snapshot_repairs_total 1"));
	stop_proxy(&p);
	rpc_server_close(s.server, set_flag, &is_closed);
	CHECK(wait_for(is_set, &is_closed, 2000));
	content_destroy(s.first);
	content_destroy(s.second);
	buf_deinit(&s.url);
	buf_deinit(&error);
}

/* ----------------------------------------------------------------------------------------------- two controllers */

static bool is_alone(void *data)
{
	return controller_says(data, "weirlock_controller_proxies{state=\"synced\",pool=\"default\"} 0");
}

static void test_failover(struct rpc_identity *controller, struct rpc_identity *proxy)
{
	struct controller one = {.name = "c1"}, two = {.name = "c2"};
	struct proxy p;
	struct pair first = {&one, &p}, second = {&two, &p};
	char *url;

	check_case("the first is dead from the start: the next one");
	start_controller(&one, controller, "tcp://127.0.0.1:0");
	start_controller(&two, controller, "tcp://127.0.0.1:0");
	url = mem_strdup(buf_str(&one.url));
	stop_controller(&one);
	publish_hosts(&two, 3, 100, 'a');
	start_proxy(&p, "p1", proxy, url, buf_cstr(&two.url));
	CHECK(wait_for(serves_current, &second, 5000));

	check_case("the second dies: back to the first, and the same id is not sent again");
	start_controller(&one, controller, url);
	publish_hosts(&one, 3, 100, 'a');
	stop_controller(&two);
	CHECK(wait_for(is_acked, &first, 5000));
	CHECK_INT(p.n_applied, 1);
	publish_hosts(&one, 3, 100, 'b');
	CHECK(wait_for(serves_current, &first, 1000));

	stop_proxy(&p);
	CHECK(wait_for(is_alone, &one, 2000));
	stop_controller(&one);

	check_case("one that leaves and is the only one is asked again when it is back");
	start_controller(&one, controller, url);
	publish_hosts(&one, 3, 100, 'c');
	start_proxy(&p, "p1", proxy, url, NULL);
	CHECK(wait_for(is_acked, &first, 2000));
	publish_leave(one.publish);
	stop_controller(&one);
	start_controller(&one, controller, url);
	publish_hosts(&one, 3, 100, 'd');
	CHECK(wait_for(serves_current, &first, 3000));
	stop_proxy(&p);
	stop_controller(&one);
	mem_free(url);
	buf_deinit(&one.url);
	buf_deinit(&two.url);
}

static bool is_silent(void *data)
{
	return controller_says(data, "weirlock_controller_proxies{state=\"silent\",pool=\"default\"} 1");
}

static void test_goodbye(struct rpc_identity *controller, struct rpc_identity *proxy)
{
	struct controller c = {0};
	struct proxy p;
	struct pair pair = {&c, &p};
	struct rpc_client *client;

	check_case("who says goodbye is not shown any more");
	start_controller(&c, controller, "tcp://127.0.0.1:0");
	publish_hosts(&c, 3, 100, 'a');
	start_proxy(&p, "p1", proxy, buf_cstr(&c.url), NULL);
	CHECK(wait_for(is_acked, &pair, 5000));
	stop_proxy(&p);
	CHECK(is_alone(&c) && !is_silent(&c));
	check_case("who does not is shown as silent");
	client = open_client(buf_cstr(&c.url), proxy, 0, NULL);
	say_hello(client, "p2");
	close_client(client);
	CHECK(wait_for(is_silent, &c, 2000));
	stop_controller(&c);
	buf_deinit(&c.url);
}

int main(int argc, char **argv)
{
	struct identities ids;
	char url[128];

	if (argc < 2) {
		fprintf(stderr, "usage: test_channel PATH-OF-deploy/identity\n");
		return 2;
	}
	channel_begin(&ids, argv[1]);
	snprintf(url, sizeof(url), "ipc://%s/socket", ids.directory);
	test_push("in clear over ipc", NULL, NULL, NULL, url);
	test_push("TLS over tcp", ids.controller, ids.operator_, ids.proxy, "tcp://127.0.0.1:0");
	test_delta(ids.controller, ids.proxy);
	test_repair();
	test_failover(ids.controller, ids.proxy);
	test_goodbye(ids.controller, ids.proxy);
	return channel_end(&ids);
}
