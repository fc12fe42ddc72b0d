#include <stdio.h>

#include "check.h"
#include "content_wire.h"
#include "mem.h"
#include "proto_arena.h"

static struct content *sample(const char *host_body)
{
	struct content *c = content_create();
	uint8_t packed[64];
	size_t n;
	Weirlock__V1__Certificate certificate = WEIRLOCK__V1__CERTIFICATE__INIT;
	uint8_t key[] = "KEYBYTES";

	certificate.key_pem = (ProtobufCBinaryData){8, key};
	certificate.chain_pem = (ProtobufCBinaryData){8, key};
	certificate.chain_pem.len = 3;
	n = weirlock__v1__certificate__pack(&certificate, packed);
	content_put(c, resource_create(WEIRLOCK__V1__KIND__KIND_CERTIFICATE, STR("ns/tls"), str_of(packed, n)));
	content_put(c, resource_create(WEIRLOCK__V1__KIND__KIND_SECRET, STR("ns/auth"), STR("SECRETBYTES")));
	content_put(c, resource_create(WEIRLOCK__V1__KIND__KIND_HOST, STR("a.example.com"), str_from(host_body)));
	return c;
}

static void test_round_trip(void)
{
	struct content *c = sample("host"), *back;
	struct content_id x = content_id(c), y;
	const char *why = NULL;
	struct buf out = {0};

	check_case("whole");
	CHECK(content_pack(c, NULL, &out));
	back = content_unpack(buf_str(&out), &why);
	CHECK(back != NULL);
	y = content_id(back);
	CHECK(content_id_eq(&x, &y));
	content_destroy(back);
	/* Each byte changed and each prefix: an error or the same content, never another one, never a crash. */
	for (size_t i = 0; i < out.len; i++) {
		back = content_unpack(str_first(buf_str(&out), i), &why);
		CHECK(back == NULL && why != NULL);
		out.ptr[i] ^= 1;
		back = content_unpack(buf_str(&out), &why);
		if (back) {
			y = content_id(back);
			CHECK(content_id_eq(&x, &y));
		}
		content_destroy(back);
		out.ptr[i] ^= 1;
	}
	content_destroy(c);
	buf_deinit(&out);
}

static void test_redacted(void)
{
	struct content_pack_options options = {.is_redacted = true, .built_ms = 7};
	struct content *c = sample("host");
	struct buf out = {0};
	const char *why = NULL;

	check_case("redacted");
	CHECK(content_pack(c, &options, &out));
	CHECK(str_find_str(buf_str(&out), STR("KEYBYTES")) == out.len);
	CHECK(str_find_str(buf_str(&out), STR("SECRETBYTES")) == out.len);
	CHECK(str_find_str(buf_str(&out), STR("KEY")) < out.len); /* the chain is still there */
	CHECK(!content_unpack(buf_str(&out), &why));
	CHECK_STR(str_from(why), STR("redacted: keys were taken out"));
	content_destroy(c);
	buf_deinit(&out);
}

static struct str pack_delta(Weirlock__V1__Delta *delta, struct buf *out)
{
	size_t n = weirlock__v1__delta__get_packed_size(delta);

	buf_clear(out);
	weirlock__v1__delta__pack(delta, (uint8_t *)buf_reserve(out, n));
	out->len = n;
	return buf_str(out);
}

static void test_delta(void)
{
	struct content *a = sample("one"), *b = sample("two"), *got;
	struct arena arena = {0};
	struct buf packed = {0};
	const char *why = NULL;
	struct content_id want = content_id(b), id;
	Weirlock__V1__Delta *delta;

	check_case("delta");
	content_drop(b, WEIRLOCK__V1__KIND__KIND_SECRET, STR("ns/auth"));
	want = content_id(b);
	delta = content_delta(a, b, &arena);
	CHECK_INT(delta->n_put, 1);
	CHECK_INT(delta->n_drop, 1);
	got = content_apply_packed(a, pack_delta(delta, &packed), &why);
	CHECK(got != NULL);
	id = content_id(got);
	CHECK(content_id_eq(&id, &want));
	content_destroy(got);

	check_case("delta from another snapshot");
	CHECK(!content_apply_packed(b, buf_str(&packed), &why));
	CHECK_STR(str_from(why), STR("starts from another snapshot"));
	CHECK(!content_apply_packed(NULL, buf_str(&packed), &why));

	check_case("delta that ends elsewhere");
	delta->to_id.data[0] ^= 1;
	CHECK(!content_apply_packed(a, pack_delta(delta, &packed), &why));
	CHECK_STR(str_from(why), STR("came out with another id"));

	check_case("delta from nothing");
	got = content_apply_packed(a, pack_delta(content_delta(NULL, b, &arena), &packed), &why);
	CHECK(got != NULL);
	id = content_id(got);
	CHECK(content_id_eq(&id, &want));
	content_destroy(got);
	arena_deinit(&arena);
	buf_deinit(&packed);
	content_destroy(a);
	content_destroy(b);
}

static void test_bounds(void)
{
	Weirlock__V1__Snapshot snapshot = WEIRLOCK__V1__SNAPSHOT__INIT;
	Weirlock__V1__Resource resource = WEIRLOCK__V1__RESOURCE__INIT, *resources[2] = {&resource, &resource};
	uint8_t id[32] = {0}, *body = mem_zalloc(CONTENT_BODY_MAX + 1);
	char name[CONTENT_NAME_MAX + 2] = {0};
	const struct {
		const char *name;
		uint32_t schema;
		size_t id_len, name_len, body_len, n;
		int kind;
		const char *why;
	} cases[] = {
		{"schema", 2, 32, 1, 0, 1, 5, "another schema"},
		{"id size", 1, 31, 1, 0, 1, 5, "the id has the wrong size"},
		{"long name", 1, 32, CONTENT_NAME_MAX + 1, 0, 1, 5, "a resource's name is too long"},
		{"large body", 1, 32, 1, CONTENT_BODY_MAX + 1, 1, 5, "a resource's body is too large"},
		{"largest body, wrong id", 1, 32, CONTENT_NAME_MAX, CONTENT_BODY_MAX, 1, 5,
			"the id does not fit the resources"},
		{"twice", 1, 32, 1, 0, 2, 5, "a resource is there twice"},
		{"no kind", 1, 32, 1, 0, 1, 0, "a resource without a kind"},
	};

	for (size_t i = 0; i < CHECK_COUNT(cases); i++) {
		struct buf out = {0};
		const char *why = NULL;
		size_t n;

		check_case(cases[i].name);
		memset(name, 'n', sizeof(name));
		name[cases[i].name_len] = '\0';
		resource.name = name;
		resource.kind = (Weirlock__V1__Kind)cases[i].kind;
		resource.body = (ProtobufCBinaryData){cases[i].body_len, body};
		snapshot.schema = cases[i].schema;
		snapshot.id = (ProtobufCBinaryData){cases[i].id_len, id};
		snapshot.n_resources = cases[i].n;
		snapshot.resources = resources;
		n = weirlock__v1__snapshot__get_packed_size(&snapshot);
		weirlock__v1__snapshot__pack(&snapshot, (uint8_t *)buf_reserve(&out, n));
		out.len = n;
		CHECK(!content_unpack(buf_str(&out), &why));
		CHECK_STR(str_from(why), str_from(cases[i].why));
		buf_deinit(&out);
	}
	mem_free(body);
}

/* From any set to any other by the buckets that differ, and no further than it says. */
static void test_repair(void)
{
	uint32_t state = 5;

	check_case("repair");
	for (int round = 0; round < 40; round++) {
		struct content *from = content_create(), *to = content_create(), *got;
		struct arena arena = {0};
		struct buf hashes = {0};
		Weirlock__V1__Delta *delta;
		struct content_id want, id;
		const char *why = NULL;

		for (unsigned i = 0; i < 500; i++) {
			char name[16];

			snprintf(name, sizeof(name), "h%u", i);
			state = state * 1664525u + 1013904223u;
			if (state >> 28 != 0)
				content_put(from, resource_create(5, str_from(name), STR("same")));
			if (state >> 28 != 1)
				content_put(to, resource_create(5, str_from(name), (state >> 16 & 255) < (unsigned)round ? STR("other") : STR("same")));
		}
		want = content_id(to);
		content_short_hashes(from, &hashes);
		CHECK_INT(hashes.len, 256 * 16);
		delta = content_repair(to, buf_str(&hashes), &arena);
		CHECK_INT(content_form_of(delta), CONTENT_REPAIR);
		got = content_apply_delta(from, delta, &why);
		if (CHECK(got != NULL)) {
			id = content_id(got);
			CHECK(content_id_eq(&id, &want));
		}
		content_destroy(got);
		content_put(from, resource_create(5, STR("one more"), STR("x")));
		got = content_apply_delta(from, delta, &why); /* unless its bucket is among those that are replaced */
		CHECK(got || str_eq(str_from(why), STR("came out with another id")));
		content_destroy(got);
		delta->replaces.len = 31;
		CHECK(!content_apply_delta(from, delta, &why));
		CHECK_STR(str_from(why), STR("replaces another number of buckets"));
		content_destroy(from);
		content_destroy(to);
		buf_deinit(&hashes);
		arena_deinit(&arena);
	}
}

/* Sets that are alike need nothing; hashes of the wrong size are those of nothing that we know. */
static void test_repair_bounds(void)
{
	struct content *c = sample("host"), *got;
	struct arena arena = {0};
	struct buf hashes = {0};
	const char *why = NULL;
	Weirlock__V1__Delta *delta;

	check_case("repair of nothing, and of everything");
	content_short_hashes(c, &hashes);
	delta = content_repair(c, buf_str(&hashes), &arena);
	CHECK_INT(delta->n_put, 0);
	delta = content_repair(c, STR("short"), &arena);
	CHECK_INT(delta->n_put, 3);
	got = content_apply_delta(NULL, delta, &why);
	CHECK(got != NULL);
	content_destroy(got);
	content_destroy(c);
	buf_deinit(&hashes);
	arena_deinit(&arena);
}

int main(void)
{
	test_round_trip();
	test_redacted();
	test_delta();
	test_bounds();
	test_repair();
	test_repair_bounds();
	return check_done();
}
