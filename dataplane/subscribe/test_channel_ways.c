/*
 * Which way a proxy comes to the newest snapshot: one delta however long it was away, the buckets that differ when nobody
 * knows what it serves or a delta came out wrong, the whole when that is wrong too, or when one of the two is a release back.
 */
#include <stdio.h>

#include "channel.h"
#include "content_wire.h"
#include "mem.h"

static const ProtobufCServiceDescriptor *const control = &weirlock__v1__control__descriptor;

static void say_hello(struct rpc_client *client, uint64_t features, uint64_t want)
{
	Weirlock__V1__HelloRequest hello = WEIRLOCK__V1__HELLO_REQUEST__INIT;
	char name[] = "p1", version[] = "test";
	struct asked asked;

	hello.schema_min = hello.schema_max = CONTENT_SCHEMA;
	hello.name = name;
	hello.version = version;
	hello.features = features;
	CHECK_INT(ask(client, control, "Hello", &hello.base, &asked), RPC_OK);
	CHECK_INT(((const Weirlock__V1__HelloResponse *)(const void *)asked.answer)->features, want);
	asked_deinit(&asked);
}

static void watch_from(struct rpc_client *client, struct content_id applied, struct content *buckets, struct asked *out)
{
	Weirlock__V1__WatchRequest request = WEIRLOCK__V1__WATCH_REQUEST__INIT;
	struct buf hashes = {0};

	request.applied_id = (ProtobufCBinaryData){sizeof(applied.bytes), applied.bytes};
	if (buckets)
		content_short_hashes(buckets, &hashes);
	request.bucket_hashes = (ProtobufCBinaryData){hashes.len, (uint8_t *)hashes.ptr};
	request.max_inline_bytes = 65536;
	ask_later(client, control, "Watch", &request.base, out);
	buf_deinit(&hashes);
}

static const Weirlock__V1__WatchResponse *answer_to(struct asked *asked, Weirlock__V1__WatchResponse__WhatCase want)
{
	const Weirlock__V1__WatchResponse *got;

	if (!CHECK(wait_for(is_answered, asked, 5000)) || !CHECK_INT(asked->status, RPC_OK))
		return NULL;
	got = (const void *)asked->answer;
	return CHECK_INT(got->what_case, want) ? got : NULL;
}

/* A set of `n` hosts, of which number `at` (if there is one) has another body. */
static struct content *hosts(unsigned n, unsigned at, unsigned version)
{
	struct content *c = content_create();

	for (unsigned i = 0; i < n; i++) {
		char name[32], body[32];

		snprintf(name, sizeof(name), "h%u.example.com", i);
		snprintf(body, sizeof(body), "%u", i == at ? version : 0);
		content_put(c, resource_create(WEIRLOCK__V1__KIND__KIND_HOST, str_from(name), str_from(body)));
	}
	return c;
}

/* Takes `c`. Its id. */
static struct content_id publish(struct controller *to, struct content *c)
{
	struct snapshot *s = snapshot_create(c, 1);
	struct content_id id = s->id;

	CHECK(publish_set_snapshot(to->publish, 0, s));
	snapshot_unref(&s);
	return id;
}

/* What `delta` makes of `from` is what the controller serves. */
static void check_arrives(struct controller *c, struct content *from, const Weirlock__V1__Delta *delta)
{
	const char *why = NULL;
	struct content *got = content_apply_delta(from, delta, &why);
	struct content_id id;

	if (!CHECK(got != NULL))
		return;
	id = content_id(got);
	CHECK(content_id_eq(&id, &publish_current(c->publish, 0)->id));
	content_destroy(got);
}

static void test_away(struct rpc_identity *controller, struct rpc_identity *proxy)
{
	struct controller c = {0};
	struct rpc_client *client;
	const Weirlock__V1__WatchResponse *got;
	struct content *first = hosts(300, 300, 0);
	struct content_id from = content_id(first);
	struct asked asked;

	start_controller(&c, controller, "tcp://127.0.0.1:0");
	client = open_client(buf_cstr(&c.url), proxy, 0, NULL);
	publish(&c, content_copy(first));
	say_hello(client, CONTENT_FEATURE_REPAIR | 64, CONTENT_FEATURE_REPAIR);

	check_case("away for 200 changes of three hosts: one delta of three");
	for (unsigned i = 0; i < 200; i++)
		publish(&c, hosts(300, i % 3, i + 1));
	publish(&c, hosts(299, 7, 1));
	watch_from(client, from, NULL, &asked);
	got = answer_to(&asked, WEIRLOCK__V1__WATCH_RESPONSE__WHAT_DELTA);
	if (got) {
		CHECK_INT(got->delta->n_put, 1); /* those three are what they were */
		CHECK_INT(got->delta->n_drop, 1);
		check_arrives(&c, first, got->delta);
	}
	asked_deinit(&asked);
	CHECK(controller_says(&c, "weirlock_controller_sent_total{form=\"delta\"} 1"));

	check_case("away for more than 256: asked for its buckets, and those that differ are sent");
	for (unsigned i = 0; i < 257; i++)
		publish(&c, hosts(299, 7, i + 2));
	watch_from(client, from, NULL, &asked);
	answer_to(&asked, WEIRLOCK__V1__WATCH_RESPONSE__WHAT_WANTS_BUCKETS);
	asked_deinit(&asked);
	watch_from(client, from, first, &asked);
	got = answer_to(&asked, WEIRLOCK__V1__WATCH_RESPONSE__WHAT_DELTA);
	if (got) {
		CHECK_INT(got->delta->replaces.len, 32);
		CHECK_INT(got->delta->from_id.len, 0);
		CHECK(got->delta->n_put >= 1 && got->delta->n_put < 20); /* two buckets of about one each */
		check_arrives(&c, first, got->delta);
	}
	asked_deinit(&asked);
	CHECK(controller_says(&c, "weirlock_controller_sent_total{form=\"repair\"} 1"));
	CHECK(controller_says(&c, "weirlock_controller_sent_total{form=\"whole\"} 0"));

	check_case("nonsense for hashes: everything");
	from.bytes[0] ^= 1;
	struct content *empty = content_create();
	watch_from(client, from, empty, &asked);
	got = answer_to(&asked, WEIRLOCK__V1__WATCH_RESPONSE__WHAT_DELTA);
	if (got)
		CHECK_INT(got->delta->n_put, 299);
	asked_deinit(&asked);
	content_destroy(empty);
	close_client(client);

	check_case("a proxy of the release before: the whole, never a repair");
	client = open_client(buf_cstr(&c.url), proxy, 0, NULL);
	say_hello(client, 0, 0);
	watch_from(client, from, first, &asked);
	got = answer_to(&asked, WEIRLOCK__V1__WATCH_RESPONSE__WHAT_DELTA);
	if (got) {
		CHECK_INT(got->delta->replaces.len, 0);
		CHECK_INT(got->delta->from_id.len, 0);
		CHECK_INT(got->delta->n_put, 299);
	}
	asked_deinit(&asked);
	CHECK(controller_says(&c, "weirlock_controller_sent_total{form=\"whole\"} 1"));
	close_client(client);
	stop_controller(&c);
	content_destroy(first);
	buf_deinit(&c.url);
}

/* A real proxy at a controller that knows nothing of what it serves: it is repaired, not sent the whole. */
static void test_other_controller(struct rpc_identity *controller, struct rpc_identity *proxy)
{
	struct controller one = {.name = "one"}, two = {.name = "two"};
	struct proxy p;
	struct pair pair = {&one, &p}, later = {&two, &p};
	char *url;

	check_case("a controller that never had what the proxy serves");
	start_controller(&one, controller, "tcp://127.0.0.1:0");
	publish(&one, hosts(300, 1, 1));
	start_proxy(&p, "p1", proxy, buf_cstr(&one.url), NULL);
	CHECK(wait_for(serves_current, &pair, 5000));
	stop_controller(&one);
	url = mem_strdup(buf_str(&one.url));
	start_controller(&two, controller, url);
	publish(&two, hosts(300, 1, 2));
	CHECK(wait_for(serves_current, &later, 10000));
	CHECK(wait_for(is_acked, &later, 5000));
	CHECK(proxy_says(&p, "weirlock_snapshots_received_total{form=\"whole\"} 1"));
	CHECK(proxy_says(&p, "weirlock_snapshots_received_total{form=\"repair\"} 1"));
	CHECK(proxy_says(&p, "weirlock_snapshot_repairs_total 0"));
	stop_proxy(&p);
	stop_controller(&two);
	buf_deinit(&one.url);
	buf_deinit(&two.url);
	mem_free(url);
}

/* --------------------------------------------------------------------------------------------- a controller that lies */

struct liar {
	Weirlock__V1__Control_Service service;
	struct rpc_server *server;
	struct buf url;
	struct content *first, *second;
	bool lies_in_repairs;
	unsigned n_wholes, n_deltas, n_repairs;
	bool is_done;
};

static void liar__hello(Weirlock__V1__Control_Service *service, const Weirlock__V1__HelloRequest *request,
	Weirlock__V1__HelloResponse_Closure closure, void *closure_data)
{
	Weirlock__V1__HelloResponse out = WEIRLOCK__V1__HELLO_RESPONSE__INIT;

	(void)service;
	out.schema = CONTENT_SCHEMA;
	out.watch_ttl_ms = 300;
	out.features = request->features;
	closure(&out, closure_data);
}

static void answer_liar(struct liar *l, const Weirlock__V1__WatchRequest *request, bool has_id, struct arena *arena,
	Weirlock__V1__WatchResponse *out)
{
	out->what_case = WEIRLOCK__V1__WATCH_RESPONSE__WHAT_DELTA;
	if (!has_id) {
		out->delta = content_delta(NULL, l->n_wholes++ ? l->second : l->first, arena);
	} else if (!request->bucket_hashes.len) {
		l->n_deltas++;
		out->delta = content_delta(l->first, l->second, arena);
		out->delta->n_put = 0; /* what is left of it leads elsewhere */
	} else {
		l->n_repairs++;
		out->delta = content_repair(l->second, str_of(request->bucket_hashes.data, request->bucket_hashes.len), arena);
		if (l->lies_in_repairs)
			out->delta->n_put = 0;
	}
}

static void liar__watch(Weirlock__V1__Control_Service *service, const Weirlock__V1__WatchRequest *request,
	Weirlock__V1__WatchResponse_Closure closure, void *closure_data)
{
	struct liar *l = container_of(service, struct liar, service);
	Weirlock__V1__WatchResponse out = WEIRLOCK__V1__WATCH_RESPONSE__INIT;
	struct content_id id, second = content_id(l->second);
	struct arena arena = {0};
	bool has_id = content_id_from(str_of(request->applied_id.data, request->applied_id.len), &id);

	if (has_id && content_id_eq(&id, &second)) {
		l->is_done = true;
		rpc_call_hold(rpc_call_of(closure_data), NULL, NULL);
		return;
	}
	answer_liar(l, request, has_id, &arena, &out);
	closure(&out, closure_data);
	arena_deinit(&arena);
}

static void liar__fetch(Weirlock__V1__Control_Service *service, const Weirlock__V1__FetchRequest *request,
	Weirlock__V1__FetchResponse_Closure closure, void *closure_data)
{
	(void)service;
	(void)request;
	(void)closure;
	rpc_call_fail(rpc_call_of(closure_data), RPC_NOT_FOUND, "no blobs here");
}

static void liar__report(Weirlock__V1__Control_Service *service, const Weirlock__V1__ReportRequest *request,
	Weirlock__V1__Empty_Closure closure, void *closure_data)
{
	Weirlock__V1__Empty out = WEIRLOCK__V1__EMPTY__INIT;

	(void)service;
	(void)request;
	closure(&out, closure_data);
}

static void liar__staples(Weirlock__V1__Control_Service *service, const Weirlock__V1__StaplesRequest *request,
	Weirlock__V1__StaplesResponse_Closure closure, void *closure_data)
{
	Weirlock__V1__StaplesResponse response = WEIRLOCK__V1__STAPLES_RESPONSE__INIT;

	(void)service;
	(void)request;
	closure(&response, closure_data);
}

static void liar__goodbye(Weirlock__V1__Control_Service *service, const Weirlock__V1__Empty *request,
	Weirlock__V1__Empty_Closure closure, void *closure_data)
{
	(void)service;
	closure(request, closure_data);
}

static bool is_done(void *liar)
{
	return ((struct liar *)liar)->is_done;
}

static void test_lies(bool lies_in_repairs, unsigned n_wholes, const char *repairs)
{
	struct liar l = {.service = WEIRLOCK__V1__CONTROL__INIT(liar__), .lies_in_repairs = lies_in_repairs};
	const struct rpc_server_options options = {0};
	struct buf error = {0};
	struct proxy p;
	bool is_closed = false;

	l.first = hosts(20, 1, 1);
	l.second = hosts(20, 1, 2);
	l.server = rpc_server_create(&channel_loop, &options);
	rpc_server_add(l.server, &l.service.base, RPC_ROLE_PROXY);
	CHECK_INT(rpc_server_listen(l.server, "tcp://127.0.0.1:0", &l.url, &error), 0);
	start_proxy(&p, "p1", NULL, buf_cstr(&l.url), NULL);
	CHECK(wait_for(is_done, &l, 5000));
	CHECK_INT(l.n_deltas, 1);
	CHECK_INT(l.n_repairs, 1);
	CHECK_INT(l.n_wholes, n_wholes);
	CHECK_INT(p.n_applied, 2); /* no lie was served */
	CHECK(proxy_says(&p, repairs));
	stop_proxy(&p);
	rpc_server_close(l.server, set_flag, &is_closed);
	CHECK(wait_for(is_set, &is_closed, 2000));
	content_destroy(l.first);
	content_destroy(l.second);
	buf_deinit(&l.url);
	buf_deinit(&error);
}

int main(int argc, char **argv)
{
	struct identities ids;

	if (argc < 2) {
		fprintf(stderr, "usage: test_channel_ways PATH-OF-deploy/identity\n");
		return 2;
	}
	channel_begin(&ids, argv[1]);
	test_away(ids.controller, ids.proxy);
	test_other_controller(ids.controller, ids.proxy);
	check_case("a delta that leads elsewhere is not served; what differs is asked for");
	test_lies(false, 1, "weirlock_snapshot_repairs_total 1");
	check_case("and when that is wrong too, the whole");
	test_lies(true, 2, "weirlock_snapshot_repairs_total 2");
	return channel_end(&ids);
}
