#include "check.h"
#include "frame.h"
#include "identity.h"

static void test_frames(void)
{
	const struct {
		const char *name;
		struct str in;
		bool want;
		const char *why;
	} cases[] = {
		{"empty", STR(""), false, "shorter than a frame's head"},
		{"short", STR("\x02\x01\0\0\0\0\0\0\0\0\0"), false, "shorter than a frame's head"},
		{"data", STR("\x02\x01\0\0\0\0\0\0\0\0\0\x07xyz"), true, NULL},
		{"version", STR("\x02\x02\0\0\0\0\0\0\0\0\0\0"), false, "another version of the frame"},
		{"type 0", STR("\0\x01\0\0\0\0\0\0\0\0\0\0"), false, "an unknown type or flag"},
		{"type 4", STR("\x04\x01\0\0\0\0\0\0\0\0\0\0"), false, "an unknown type or flag"},
		{"flag", STR("\x02\x01\0\x01\0\0\0\0\0\0\0\0"), false, "an unknown type or flag"},
		{"http", STR("GET / HTTP/1.1\r\n\r\n"), false, "another version of the frame"},
	};

	for (size_t i = 0; i < CHECK_COUNT(cases); i++) {
		struct frame frame = {0};
		const char *why = NULL;

		check_case(cases[i].name);
		CHECK_INT(frame_parse(cases[i].in, &frame, &why), cases[i].want);
		if (cases[i].why)
			CHECK_STR(str_from(why), str_from(cases[i].why));
		else
			CHECK(frame.session == 7 && str_eq(frame.bytes, STR("xyz")));
	}
}

static void test_handshake_size(void)
{
	struct buf b = {0};
	struct frame frame;
	const char *why = NULL;

	check_case("a handshake of the largest size, and one byte more");
	frame_begin(&b, FRAME_HANDSHAKE, 1);
	for (int i = 0; i < HANDSHAKE_MAX; i++)
		buf_add_char(&b, 'h');
	CHECK(frame_parse(buf_str(&b), &frame, &why));
	buf_add_char(&b, 'h');
	CHECK(!frame_parse(buf_str(&b), &frame, &why));
	CHECK_STR(str_from(why), STR("the handshake is too large"));
	buf_deinit(&b);
}

static void test_envelopes(void)
{
	const struct envelope in = {.type = ENVELOPE_REQUEST, .id = 0x0102030405060708, .number = 5000,
		.text = STR("weirlock.v1.Control/Watch"), .metadata = STR("a=b"), .payload = STR("body")};
	struct envelope out;
	struct buf b = {0};
	const char *why = NULL;

	check_case("envelope, whole and every prefix");
	envelope_begin(&b, &in);
	for (size_t i = 0; i < b.len; i++)
		CHECK(!envelope_parse(str_first(buf_str(&b), i), &out, &why));
	buf_add(&b, in.payload);
	CHECK(envelope_parse(buf_str(&b), &out, &why));
	CHECK(out.type == in.type && out.id == in.id);
	CHECK_INT(out.number, 5000);
	CHECK_STR(out.text, in.text);
	CHECK_STR(out.metadata, in.metadata);
	CHECK_STR(out.payload, in.payload);
	b.ptr[0] = 9;
	CHECK(!envelope_parse(buf_str(&b), &out, &why));
	buf_deinit(&b);
}

static void test_roles(void)
{
	const struct {
		const char *uri;
		unsigned role;
	} cases[] = {
		{"spiffe://weirlock/controller", RPC_ROLE_CONTROLLER},
		{"spiffe://weirlock/operator", RPC_ROLE_OPERATOR},
		{"spiffe://weirlock/proxy/default", RPC_ROLE_PROXY},
		{"spiffe://weirlock/proxy/", 0},
		{"spiffe://weirlock/proxy", 0},
		{"spiffe://weirlock/proxy/a/b", 0},
		{"spiffe://weirlock/proxy/A", 0},
		{"spiffe://weirlock/controller/", 0},
		{"spiffe://weirlock.evil/controller", 0},
		{"", 0},
	};

	for (size_t i = 0; i < CHECK_COUNT(cases); i++) {
		check_case(cases[i].uri);
		CHECK_INT(identity_role(str_from(cases[i].uri)), cases[i].role);
	}
	check_case("a NUL in the middle");
	CHECK_INT(identity_role(STR("spiffe://weirlock/controller\0x")), 0);
}

static void test_dns_names(void)
{
	const struct {
		const char *name, *uri;
	} cases[] = {
		{"controller.weirlock.invalid", "spiffe://weirlock/controller"},
		{"operator.weirlock.invalid", "spiffe://weirlock/operator"},
		{"default.proxy.weirlock.invalid", "spiffe://weirlock/proxy/default"},
		{"proxy.weirlock.invalid", ""},
		{".proxy.weirlock.invalid", ""},
		{"a.b.proxy.weirlock.invalid", ""},
		{"A.proxy.weirlock.invalid", ""},
		{"a/b.proxy.weirlock.invalid", ""},
		{"*.weirlock.invalid", ""},
		{"other.weirlock.invalid", ""},
		{".weirlock.invalid", ""},
		{"weirlock.invalid", ""},
		{"controller.weirlock.invalid.example.com", ""},
		{"controller.weirlock.invalid.", ""},
		{"", ""},
	};

	for (size_t i = 0; i < CHECK_COUNT(cases); i++) {
		char uri[IDENTITY_URI_MAX] = "";

		check_case(cases[i].name);
		CHECK(identity_uri_of_dns(str_from(cases[i].name), uri) == (cases[i].uri[0] != 0));
		CHECK_STR(str_from(uri), str_from(cases[i].uri));
	}
	check_case("a NUL in the middle");
	CHECK(!identity_uri_of_dns(STR("controller\0.weirlock.invalid"), (char[IDENTITY_URI_MAX]){""}));
}

static void test_local_urls(void)
{
	const struct {
		const char *url;
		bool want;
	} cases[] = {
		{"ipc:///tmp/x", true}, {"tcp://127.0.0.1:0", true}, {"tcp://127.9.9.9:1", true}, {"tcp://[::1]:1", true},
		{"tcp://localhost:1", true}, {"tcp://*:1", false}, {"tcp://0.0.0.0:1", false}, {"tcp://10.0.0.1:1", false},
		{"tcp://127.0.0.1.evil:1", false}, {"tcp://127.0.0.1", false}, {"ws://127.0.0.1:1", false}, {"", false},
	};

	for (size_t i = 0; i < CHECK_COUNT(cases); i++) {
		const char *why = NULL;

		check_case(cases[i].url);
		CHECK_INT(rpc_url_is_local(cases[i].url, &why), cases[i].want);
		CHECK((why != NULL) == !cases[i].want);
	}
}

int main(void)
{
	test_frames();
	test_handshake_size();
	test_envelopes();
	test_roles();
	test_dns_names();
	test_local_urls();
	return check_done();
}
