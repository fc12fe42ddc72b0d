/* CHANNEL 4.6: amplification ×44, strings cut at NUL. */
#include "proto_arena.h"

#include <stdlib.h>

#include "check.h"
#include "weirlock/v1/snapshot.pb-c.h"

#define HOST &weirlock__v1__host__descriptor

static void test_table(void)
{
	static const struct {
		const char *name;
		struct str body;
		const char *why; /* NULL: fine */
	} cases[] = {
		{"empty", {"", 0}, NULL},
		{"a name", {"\x0a\x03" "a.b", 5}, NULL},
		{"an unknown field is kept", {"\xfa\x06\x02" "xy", 5}, NULL},
		{"NUL in a string", {"\x0a\x03" "a\0b", 5}, "a string holds a NUL byte"},
		{"NUL in a route's path", {"\x3a\x05\x12\x03/\0a", 7}, "a string holds a NUL byte"},
		{"NUL in an unknown field is nobody's", {"\xfa\x06\x02x\0", 5}, NULL},
		{"length beyond the end", {"\x0a\x04" "a.b", 5}, "malformed"},
		{"tag zero", {"\x02\x00", 2}, "malformed"},
		{"endless varint", {"\x20\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\x01", 12}, "malformed"},
		{"group", {"\x0b", 1}, "malformed"},
		{"short fixed64", {"\x09\x01\x02", 3}, "malformed"},
		{"a bad submessage", {"\x3a\x02\x12\x03", 4}, "malformed"},
	};

	for (size_t i = 0; i < CHECK_COUNT(cases); i++) {
		struct proto_arena a;
		const char *why = NULL;
		void *message;

		check_case(cases[i].name);
		proto_arena_init(&a, proto_arena_cap(cases[i].body.len));
		message = proto_unpack(HOST, cases[i].body, &a, &why);
		CHECK((message != NULL) == (cases[i].why == NULL));
		CHECK_STR(str_from(why), str_from(cases[i].why));
		proto_arena_deinit(&a);
	}
}

static void test_amplification(void)
{
	enum { LEN = 1024 * 1024 };
	char *body = malloc(LEN);
	struct proto_arena a;
	const char *why = NULL;

	check_case("1 MiB of empty routes stops at the cap");
	for (size_t i = 0; i < LEN; i += 2) {
		body[i] = 0x3a;
		body[i + 1] = 0;
	}
	proto_arena_init(&a, proto_arena_cap(LEN));
	CHECK(!proto_unpack(HOST, str_of(body, LEN), &a, &why));
	CHECK_STR(str_from(why), STR("decodes to more than the limit"));
	CHECK(a.used_bytes <= a.cap_bytes);
	proto_arena_deinit(&a);
	free(body);
}

/* The smallest honest items: 11 bytes each on the wire. */
static void test_many_endpoints(void)
{
	enum { N = 20000 };
	char *body = malloc((size_t)N * 13);
	size_t len = 0;
	struct proto_arena a;
	const char *why = NULL;
	Weirlock__V1__Endpoints *back;

	check_case("20,000 endpoints fit their cap");
	for (unsigned i = 0; i < N; i++) {
		memcpy(body + len, "\x12\x09\x0a\x04\x0a\x00\x00\x00\x10\x90\x3f", 11);
		body[len + 6] = (char)(i >> 8);
		body[len + 7] = (char)i;
		len += 11;
	}
	proto_arena_init(&a, proto_arena_cap(len));
	back = proto_unpack(&weirlock__v1__endpoints__descriptor, str_of(body, len), &a, &why);
	CHECK(back && back->n_endpoints == N && back->endpoints[N - 1]->port == 8080);
	proto_arena_deinit(&a);
	free(body);
}

static void test_round_trip(void)
{
	Weirlock__V1__Host host = WEIRLOCK__V1__HOST__INIT, *back;
	char name[] = "a.example.com";
	uint8_t packed[64];
	struct proto_arena a;
	const char *why = NULL;
	size_t len;

	check_case("what was packed comes back");
	host.name = name;
	host.has_tls = true;
	len = weirlock__v1__host__pack(&host, packed);
	proto_arena_init(&a, proto_arena_cap(len));
	back = proto_unpack(HOST, str_of(packed, len), &a, &why);
	CHECK(back != NULL);
	if (back) {
		CHECK_STR(str_from(back->name), STR("a.example.com"));
		CHECK(back->has_tls);
	}
	proto_arena_deinit(&a);
}

int main(void)
{
	test_table();
	test_amplification();
	test_many_endpoints();
	test_round_trip();
	return check_done();
}
