/*
 * Two pools, and a proxy of one that asks for what is the other's with every call there is: by the id of its snapshot, by the
 * hashes of its buckets, by the ids of its blobs. It gets what is its own, or nothing (CHANNEL 3.4).
 */
#include "channel.h"

#include <stdio.h>
#include <string.h>

#include "content_wire.h"
#include "proto_data.h"

enum { INLINE = 64 * 1024, BIG = 3000, SMALL = 100, N_HOSTS = 200 };

static const struct publish_pool two_pools[] = {{.name = "default"}, {.name = "edge"}};

static ProtobufCBinaryData id_of(const struct content_id *id)
{
	return proto_data(str_of(id->bytes, sizeof(id->bytes)));
}

static void hello(struct rpc_client *client, const struct content_id *have, enum rpc_status want, char message[256])
{
	Weirlock__V1__HelloRequest request = WEIRLOCK__V1__HELLO_REQUEST__INIT;
	char name[] = "hostile";
	struct asked asked;

	request.schema_min = request.schema_max = CONTENT_SCHEMA;
	request.features = CONTENT_FEATURE_REPAIR;
	request.name = name;
	if (have)
		request.have_id = id_of(have);
	CHECK_INT(ask(client, &weirlock__v1__control__descriptor, "Hello", &request.base, &asked), want);
	if (message)
		snprintf(message, 256, "%s", asked.message);
	asked_deinit(&asked);
}

/* What the answer brings must make the set with this id, of what is there or of nothing. */
static void check_leads_to(const Weirlock__V1__Delta *delta, struct content *from, const struct content_id *want)
{
	const char *why = NULL;
	struct content *got = content_apply_delta(from, delta, &why);
	struct content_id id;

	if (!CHECK(got != NULL)) {
		fprintf(stderr, "%s\n", why);
		return;
	}
	id = content_id(got);
	CHECK(content_id_eq(&id, want));
	content_destroy(got);
}

/* One Watch; owned. NULL when it fails. */
static Weirlock__V1__WatchResponse *watch(struct rpc_client *client, const struct content_id *applied, struct str hashes)
{
	Weirlock__V1__WatchRequest request = WEIRLOCK__V1__WATCH_REQUEST__INIT;
	struct asked asked;

	if (applied)
		request.applied_id = id_of(applied);
	request.max_inline_bytes = INLINE;
	request.bucket_hashes = proto_data(hashes);
	if (CHECK_INT(ask(client, &weirlock__v1__control__descriptor, "Watch", &request.base, &asked), RPC_OK))
		return (Weirlock__V1__WatchResponse *)asked.answer;
	asked_deinit(&asked);
	return NULL;
}

static void free_response(Weirlock__V1__WatchResponse *r)
{
	if (r)
		weirlock__v1__watch_response__free_unpacked(r, NULL);
}

static enum rpc_status fetch(struct rpc_client *client, struct str blob_id)
{
	Weirlock__V1__FetchRequest request = WEIRLOCK__V1__FETCH_REQUEST__INIT;
	enum rpc_status status;
	struct asked asked;

	request.blob_id = proto_data(blob_id);
	status = ask(client, &weirlock__v1__control__descriptor, "Fetch", &request.base, &asked);
	asked_deinit(&asked);
	return status;
}

/* The other pool's snapshot is small: what is sent is inline. */
static void test_watch(struct controller *c, struct rpc_client *edge)
{
	const struct content_id theirs = publish_current(c->publish, 0)->id, ours = publish_current(c->publish, 1)->id;
	Weirlock__V1__WatchResponse *r;
	struct buf hashes = {0};

	check_case("it says that it serves the other pool's snapshot: there is no way from there, and it is asked for its buckets");
	hello(edge, &theirs, RPC_OK, NULL);
	r = watch(edge, &theirs, STR(""));
	if (r)
		CHECK_INT(r->what_case, WEIRLOCK__V1__WATCH_RESPONSE__WHAT_WANTS_BUCKETS);
	free_response(r);
	check_case("it has the hashes of the other pool's buckets: it is brought to its own");
	content_short_hashes(publish_current(c->publish, 0)->content, &hashes);
	r = watch(edge, &theirs, buf_str(&hashes));
	if (r && CHECK_INT(r->what_case, WEIRLOCK__V1__WATCH_RESPONSE__WHAT_DELTA))
		check_leads_to(r->delta, publish_current(c->publish, 0)->content, &ours);
	free_response(r);
	check_case("it serves nothing: the whole is its own");
	r = watch(edge, NULL, STR(""));
	if (r && CHECK_INT(r->what_case, WEIRLOCK__V1__WATCH_RESPONSE__WHAT_DELTA))
		check_leads_to(r->delta, NULL, &ours);
	free_response(r);
	check_case("it serves its own: whatever changes in the other pool is no news for it");
	publish_pool_hosts(c, 0, N_HOSTS, SMALL, 'n');
	r = watch(edge, &ours, STR(""));
	if (r && CHECK_INT(r->what_case, WEIRLOCK__V1__WATCH_RESPONSE__WHAT_SAME))
		CHECK(str_eq(str_of(r->same->id.data, r->same->id.len), str_of(ours.bytes, sizeof(ours.bytes))));
	free_response(r);
	buf_deinit(&hashes);
}

/* A blob of the other pool, by its id. */
static void test_fetch(struct controller *c, struct rpc_client *inner, struct rpc_client *edge)
{
	Weirlock__V1__WatchResponse *r;

	check_case("the id of a blob of the other pool opens nothing, and the owner gets it");
	publish_pool_hosts(c, 0, N_HOSTS, BIG, 'b');
	hello(inner, NULL, RPC_OK, NULL);
	r = watch(inner, NULL, STR(""));
	if (r && CHECK_INT(r->what_case, WEIRLOCK__V1__WATCH_RESPONSE__WHAT_BLOB)) {
		struct str id = str_of(r->blob->blob_id.data, r->blob->blob_id.len);

		CHECK_INT(fetch(inner, id), RPC_OK);
		CHECK_INT(fetch(edge, id), RPC_NOT_FOUND);
		CHECK_INT(fetch(edge, str_first(id, 8)), RPC_NOT_FOUND);
		CHECK_INT(fetch(edge, STR("")), RPC_NOT_FOUND);
	}
	free_response(r);
}

/* Status, history, snapshots, pins and problems are no proxy's to see, of its own pool neither. */
static void test_looking(struct rpc_client *edge)
{
	static const struct {
		const ProtobufCServiceDescriptor *service;
		const char *method;
	} calls[] = {
		{&weirlock__v1__inspect__descriptor, "Status"},
		{&weirlock__v1__inspect__descriptor, "Problems"},
		{&weirlock__v1__inspect__descriptor, "Live"},
	};
	Weirlock__V1__GetSnapshotRequest get = WEIRLOCK__V1__GET_SNAPSHOT_REQUEST__INIT;
	Weirlock__V1__SnapshotsRequest list = WEIRLOCK__V1__SNAPSHOTS_REQUEST__INIT;
	Weirlock__V1__FetchRequest fetch_request = WEIRLOCK__V1__FETCH_REQUEST__INIT;
	char pool[] = "default";
	struct asked asked;

	check_case("what operators see is refused to a proxy");
	for (size_t i = 0; i < sizeof(calls) / sizeof(calls[0]); i++) {
		CHECK_INT(ask(edge, calls[i].service, calls[i].method, NULL, &asked), RPC_PERMISSION_DENIED);
		asked_deinit(&asked);
	}
	get.pool = list.pool = pool;
	CHECK_INT(ask(edge, &weirlock__v1__inspect__descriptor, "GetSnapshot", &get.base, &asked), RPC_PERMISSION_DENIED);
	asked_deinit(&asked);
	CHECK_INT(ask(edge, &weirlock__v1__inspect__descriptor, "Snapshots", &list.base, &asked), RPC_PERMISSION_DENIED);
	asked_deinit(&asked);
	CHECK_INT(ask(edge, &weirlock__v1__inspect__descriptor, "Fetch", &fetch_request.base, &asked), RPC_PERMISSION_DENIED);
	asked_deinit(&asked);
}

static void test_hostile(const struct identities *ids)
{
	struct controller c = {.pools = two_pools, .n_pools = 2};
	struct rpc_client *inner, *edge;

	start_controller(&c, ids->controller, "tcp://127.0.0.1:0");
	publish_pool_hosts(&c, 0, N_HOSTS, SMALL, 'a');
	publish_pool_hosts(&c, 1, 3, SMALL, 'z');
	inner = open_client(buf_cstr(&c.url), ids->proxy, 0, NULL);
	edge = open_client(buf_cstr(&c.url), ids->edge, 0, NULL);
	test_watch(&c, edge);
	test_fetch(&c, inner, edge);
	test_looking(edge);
	close_client(inner);
	close_client(edge);
	stop_controller(&c);
	buf_deinit(&c.url);
}

static void test_unknown(const struct identities *ids)
{
	Weirlock__V1__WatchRequest nothing = WEIRLOCK__V1__WATCH_REQUEST__INIT;
	struct controller c = {0};
	struct rpc_client *edge;
	struct asked asked;
	char message[256] = "";

	check_case("a proxy of a pool that is not served is told so, and gets nothing");
	start_controller(&c, ids->controller, "tcp://127.0.0.1:0");
	publish_hosts(&c, 3, SMALL, 'a');
	edge = open_client(buf_cstr(&c.url), ids->edge, 0, NULL);
	hello(edge, NULL, RPC_PERMISSION_DENIED, message);
	CHECK(str_find_str(str_from(message), STR("serves no pool 'edge'")) < strlen(message));
	CHECK_INT(ask(edge, &weirlock__v1__control__descriptor, "Watch", &nothing.base, &asked), RPC_FAILED_PRECONDITION);
	asked_deinit(&asked);
	CHECK_INT(fetch(edge, STR("")), RPC_FAILED_PRECONDITION);
	CHECK(controller_says(&c, "weirlock_controller_strangers_total 1"));
	close_client(edge);
	stop_controller(&c);
	buf_deinit(&c.url);
}

/* Real proxies: each follows its own. */
static void test_both(const struct identities *ids)
{
	struct controller c = {.pools = two_pools, .n_pools = 2};
	struct proxy one, two;
	struct pair pair = {&c, &one};

	check_case("a proxy of each pool, and changes in one");
	start_controller(&c, ids->controller, "tcp://127.0.0.1:0");
	publish_pool_hosts(&c, 0, 3, SMALL, 'a');
	publish_pool_hosts(&c, 1, 5, SMALL, 'a');
	start_proxy(&one, "p1", ids->proxy, buf_cstr(&c.url), NULL);
	start_proxy(&two, "p2", ids->edge, buf_cstr(&c.url), NULL);
	CHECK(wait_for(serves_current, &pair, 5000));
	for (char version = 'b'; version < 'f'; version++) {
		publish_pool_hosts(&c, 0, 3, SMALL, version);
		CHECK(wait_for(serves_current, &pair, 5000));
	}
	CHECK(content_count(subscribe_content(one.subscribe)) == 3);
	CHECK(two.n_applied <= 1);
	stop_proxy(&one);
	stop_proxy(&two);
	stop_controller(&c);
	buf_deinit(&c.url);
}

int main(int argc, char **argv)
{
	struct identities ids;

	if (argc < 2) {
		fprintf(stderr, "usage: test_channel_pools PATH-OF-deploy/identity\n");
		return 2;
	}
	channel_begin(&ids, argv[1]);
	test_hostile(&ids);
	test_unknown(&ids);
	test_both(&ids);
	return channel_end(&ids);
}
