/*
 * The forms that a release back sends and expects, kept as files: golden/1/, and those of this one in golden/2/, for the release
 * that comes. Whatever this version makes for such a peer has the same bytes, and what such a peer sends is taken: what this one
 * adds for a newer peer (repairs, standbys, pools) is not in what it makes for an older one. `test_golden --write FOLDER` writes
 * them: only a new folder, when there is another release.
 */
#include <stdio.h>
#include <string.h>

#include "check.h"
#include "content_wire.h"
#include "weirlock/v1/control.pb-c.h"

static bool is_writing;
static const char *folder;

static ProtobufCBinaryData data_of(struct content_id *id)
{
	return (ProtobufCBinaryData){.len = sizeof(id->bytes), .data = id->bytes};
}

static struct content *first(void)
{
	struct content *c = content_create();

	content_put(c, resource_create(WEIRLOCK__V1__KIND__KIND_SETTINGS, STR(""), STR("settings")));
	content_put(c, resource_create(WEIRLOCK__V1__KIND__KIND_HOST, STR("a.example.com"), STR("host a")));
	content_put(c, resource_create(WEIRLOCK__V1__KIND__KIND_HOST, STR("b.example.com"), STR("host b")));
	content_put(c, resource_create(WEIRLOCK__V1__KIND__KIND_CERTIFICATE, STR("ns/tls"), STR("certificate")));
	return c;
}

static struct content *second(void)
{
	struct content *c = first();

	content_drop(c, WEIRLOCK__V1__KIND__KIND_HOST, STR("b.example.com"));
	content_put(c, resource_create(WEIRLOCK__V1__KIND__KIND_HOST, STR("a.example.com"), STR("host a, changed")));
	content_put(c, resource_create(WEIRLOCK__V1__KIND__KIND_ENDPOINTS, STR("ns/s:80/s-1"), STR("endpoints")));
	return c;
}

/* The file's bytes; writes them when asked to. */
static void golden(const char *name, struct str bytes, struct buf *out)
{
	char path[64];
	FILE *file;

	snprintf(path, sizeof(path), "golden/%s/%s.bin", folder, name);
	check_case(path);
	file = fopen(path, is_writing ? "wbe" : "rbe");
	if (!CHECK(file != NULL))
		return;
	if (is_writing)
		CHECK_INT(fwrite(bytes.ptr, 1, bytes.len, file), bytes.len);
	else
		out->len = fread(buf_reserve(out, 65536), 1, 65536, file);
	fclose(file);
	if (is_writing)
		buf_add(out, bytes);
	CHECK_STR(buf_str(out), bytes);
}

static void golden_message(const char *name, const ProtobufCMessage *m)
{
	struct buf packed = {0}, kept = {0};
	ProtobufCMessage *back;
	size_t size = protobuf_c_message_get_packed_size(m);

	protobuf_c_message_pack(m, (uint8_t *)buf_reserve(&packed, size + 1));
	packed.len = size;
	golden(name, buf_str(&packed), &kept);
	back = protobuf_c_message_unpack(m->descriptor, NULL, kept.len, (const uint8_t *)kept.ptr);
	if (CHECK(back != NULL)) {
		CHECK_INT(back->n_unknown_fields, 0);
		protobuf_c_message_free_unpacked(back, NULL);
	}
	buf_deinit(&packed);
	buf_deinit(&kept);
}

/* Applied to `from`, the kept bytes give `to`. */
static void golden_delta(const char *name, struct content *from, struct content *to)
{
	struct arena arena = {0};
	Weirlock__V1__Delta *delta = content_delta(from, to, &arena);
	struct buf packed = {0}, kept = {0};
	size_t size = weirlock__v1__delta__get_packed_size(delta);
	struct content_id want = content_id(to), got;
	struct content *out;
	const char *why = NULL;

	weirlock__v1__delta__pack(delta, (uint8_t *)buf_reserve(&packed, size));
	packed.len = size;
	golden(name, buf_str(&packed), &kept);
	out = content_apply_packed(from, buf_str(&kept), &why);
	if (CHECK(out != NULL)) {
		got = content_id(out);
		CHECK(content_id_eq(&got, &want));
	}
	content_destroy(out);
	buf_deinit(&packed);
	buf_deinit(&kept);
	arena_deinit(&arena);
}

static void golden_snapshot(struct content *c)
{
	struct buf packed = {0}, kept = {0};
	struct content_id want = content_id(c), got;
	struct content *back;
	const char *why = NULL;

	content_pack(c, NULL, &packed);
	golden("snapshot", buf_str(&packed), &kept);
	back = content_unpack(buf_str(&kept), &why);
	if (CHECK(back != NULL)) {
		got = content_id(back);
		CHECK(content_id_eq(&got, &want));
	}
	content_destroy(back);
	buf_deinit(&packed);
	buf_deinit(&kept);
}

static void golden_hello(struct content_id *id)
{
	Weirlock__V1__HelloRequest hello = WEIRLOCK__V1__HELLO_REQUEST__INIT;
	Weirlock__V1__HelloResponse answer = WEIRLOCK__V1__HELLO_RESPONSE__INIT;
	char name[] = "p1", version[] = "0.1.0";

	hello.schema_min = hello.schema_max = answer.schema = CONTENT_SCHEMA;
	hello.name = answer.name = name;
	hello.version = answer.version = version;
	hello.pid = 7;
	hello.have_id = data_of(id);
	answer.watch_ttl_ms = 5000;
	answer.chunk_bytes = 65536;
	golden_message("hello-request", &hello.base);
	golden_message("hello-response", &answer.base);
}

static void golden_watch(struct content_id *id, struct content_id *refused)
{
	Weirlock__V1__WatchRequest watch = WEIRLOCK__V1__WATCH_REQUEST__INIT;
	Weirlock__V1__WatchResponse answer = WEIRLOCK__V1__WATCH_RESPONSE__INIT;
	Weirlock__V1__ResourceError error = WEIRLOCK__V1__RESOURCE_ERROR__INIT, *errors[] = {&error};
	Weirlock__V1__Ref ref = WEIRLOCK__V1__REF__INIT;
	Weirlock__V1__Blob blob = WEIRLOCK__V1__BLOB__INIT;
	Weirlock__V1__Heartbeat same = WEIRLOCK__V1__HEARTBEAT__INIT;
	Weirlock__V1__Redirect redirect = WEIRLOCK__V1__REDIRECT__INIT;
	char host[] = "a.example.com", reason[] = "not today";

	ref.kind = WEIRLOCK__V1__KIND__KIND_HOST;
	ref.name = host;
	error.ref = &ref;
	error.reason = reason;
	watch.applied_id = data_of(id);
	watch.rejected_id = data_of(refused);
	watch.errors = errors;
	watch.n_errors = 1;
	watch.apply_us = 1234;
	watch.max_inline_bytes = 65536;
	golden_message("watch-request", &watch.base);
	blob.blob_id = blob.sha256 = blob.snapshot_id = data_of(id);
	blob.size_bytes = 1000000;
	blob.content = WEIRLOCK__V1__BLOB_CONTENT__BLOB_DELTA;
	answer.what_case = WEIRLOCK__V1__WATCH_RESPONSE__WHAT_BLOB;
	answer.blob = &blob;
	golden_message("watch-response-blob", &answer.base);
	same.id = data_of(id);
	answer.what_case = WEIRLOCK__V1__WATCH_RESPONSE__WHAT_SAME;
	answer.same = &same;
	golden_message("watch-response-same", &answer.base);
	redirect.after_ms = 500;
	answer.what_case = WEIRLOCK__V1__WATCH_RESPONSE__WHAT_REDIRECT;
	answer.redirect = &redirect;
	golden_message("watch-response-redirect", &answer.base);
}

/* ------------------------------------------------------------------------------------------ what came after the first */

static void golden_repair(struct content *from, struct content *to)
{
	struct arena arena = {0};
	struct buf hashes = {0};
	Weirlock__V1__Delta *delta;

	content_short_hashes(from, &hashes);
	delta = content_repair(to, buf_str(&hashes), &arena);
	golden_message("delta-repair", &delta->base);
	buf_deinit(&hashes);
	arena_deinit(&arena);
}

static void golden_hello_2(struct content_id *id)
{
	Weirlock__V1__HelloRequest hello = WEIRLOCK__V1__HELLO_REQUEST__INIT;
	Weirlock__V1__HelloResponse answer = WEIRLOCK__V1__HELLO_RESPONSE__INIT;
	char name[] = "p1", version[] = "0.1.0";

	hello.schema_min = hello.schema_max = answer.schema = CONTENT_SCHEMA;
	hello.features = answer.features = CONTENT_FEATURE_REPAIR;
	hello.name = answer.name = name;
	hello.version = answer.version = version;
	hello.pid = 7;
	hello.have_id = data_of(id);
	hello.is_standby = true;
	answer.watch_ttl_ms = 5000;
	answer.chunk_bytes = 65536;
	answer.instance = 77;
	golden_message("hello-request", &hello.base);
	golden_message("hello-response", &answer.base);
}

static void golden_watch_2(struct content *c, struct content_id *id)
{
	Weirlock__V1__WatchRequest watch = WEIRLOCK__V1__WATCH_REQUEST__INIT;
	Weirlock__V1__WatchResponse answer = WEIRLOCK__V1__WATCH_RESPONSE__INIT;
	Weirlock__V1__Redirect redirect = WEIRLOCK__V1__REDIRECT__INIT;
	Weirlock__V1__Empty ask = WEIRLOCK__V1__EMPTY__INIT;
	char to[] = "controller-2";
	struct buf hashes = {0};

	content_short_hashes(c, &hashes);
	watch.applied_id = data_of(id);
	watch.max_inline_bytes = 65536;
	watch.bucket_hashes = (ProtobufCBinaryData){hashes.len, (uint8_t *)hashes.ptr};
	golden_message("watch-request", &watch.base);
	answer.what_case = WEIRLOCK__V1__WATCH_RESPONSE__WHAT_WANTS_BUCKETS;
	answer.wants_buckets = &ask;
	golden_message("watch-response-wants-buckets", &answer.base);
	redirect.after_ms = 500;
	redirect.to = to;
	answer.what_case = WEIRLOCK__V1__WATCH_RESPONSE__WHAT_REDIRECT;
	answer.redirect = &redirect;
	golden_message("watch-response-redirect", &answer.base);
	buf_deinit(&hashes);
}

static void golden_report_2(struct content_id *id)
{
	Weirlock__V1__ReportRequest report = WEIRLOCK__V1__REPORT_REQUEST__INIT;
	char http[] = "0.0.0.0:80", watches[] = "controller-1", standby[] = "controller-2";

	report.connections = 3;
	report.requests = 4;
	report.rss_bytes = 8 << 20;
	report.generations = 1;
	report.http = http;
	report.is_standby = true;
	report.watches = watches;
	report.standby = standby;
	report.applied_id = data_of(id);
	report.n_failovers = 1;
	golden_message("report", &report.base);
}

int main(int argc, char **argv)
{
	struct content *a = first(), *b = second();
	struct content_id from = content_id(a), to = content_id(b);
	const char *written = argc > 2 && !strcmp(argv[1], "--write") ? argv[2] : "";

	folder = "1";
	is_writing = !strcmp(written, folder);
	golden_snapshot(a);
	golden_delta("delta-whole", NULL, a);
	golden_delta("delta", a, b);
	golden_hello(&from);
	golden_watch(&from, &to);
	folder = "2";
	is_writing = !strcmp(written, folder);
	golden_repair(a, b);
	golden_hello_2(&from);
	golden_watch_2(a, &from);
	golden_report_2(&from);
	content_destroy(a);
	content_destroy(b);
	return check_done();
}
