/* Formats, whole lines, escapes. */
#include "accesslog.h"
#include "check.h"

#define TEXT(literal) {literal, sizeof(literal) - 1}
#define FIELD(name, value, id) {TEXT(name), TEXT(value), id}

static struct http_field fields[] = {
	FIELD("Host", "a.example:80", FIELD_HOST), FIELD("User-Agent", "cu\"rl\\\x01\xc3\xa4", FIELD_USER_AGENT),
	FIELD("Authorization", "Basic dXNlcjpzZWNyZXQ=", FIELD_AUTHORIZATION), FIELD("Cookie", "s=secret", FIELD_COOKIE),
	FIELD("X-One", "1", FIELD_OTHER), FIELD("x-one", "2", FIELD_OTHER),
};
static struct http_field sent[] = {FIELD("Content-Type", "text/html", FIELD_CONTENT_TYPE), FIELD("Set-Cookie", "s=secret", FIELD_SET_COOKIE)};
static struct http_head request = {.version = HTTP_1_1, .method = HTTP_GET, .method_text = TEXT("GET"), .target = TEXT("/p?a=1&b=2"),
	.path = TEXT("/p"), .query = TEXT("a=1&b=2"), .has_query = true, .host = TEXT("a.example:80"), .fields = fields,
	.n_fields = CHECK_COUNT(fields),
	.present = (uint64_t)1 << FIELD_HOST | (uint64_t)1 << FIELD_USER_AGENT | (uint64_t)1 << FIELD_AUTHORIZATION |
		(uint64_t)1 << FIELD_COOKIE};
static struct http_head response = {.fields = sent, .n_fields = CHECK_COUNT(sent)};
static const struct addr client = {4, 5000, {10, 0, 0, 1}};
static const struct accesslog_attempt attempts[] = {
	{{4, 80, {10, 1, 0, 1}}, 0, 0, ACCESSLOG_NO_TIME, ACCESSLOG_NO_TIME, 3000},
	{{4, 80, {10, 1, 0, 2}}, 200, 612, 1000, 4000, 5400},
};
static const struct accesslog_record full = {.unix_ms = 1795514400123, .request_us = 12345, .request = &request,
	.response = &response, .client = &client, .scheme = TEXT("http"), .status = 200, .request_bytes = 90,
	.sent_bytes = 800, .body_sent_bytes = 612, .request_id = TEXT("abc"), .upstream_name = TEXT("ns-svc-80"),
	.attempts = attempts, .n_attempts = 2, .reason = END_DONE};
static const struct accesslog_record empty = {.reason = END_CLIENT_GONE};
static const struct accesslog_record limited = {
	.reason = END_TUNNEL_IDLE, .limit = TEXT("proxy-read-timeout"), .client = &client, .request = &request};

/* What a PROXY header said; bytes that could end a line are escaped. */
static const char tlv_bytes[] = "\x01\0\x02h2\x02\0\x06" "a.test\x05\0\x04u\"\n\xff"
	"\x20\0\x26\x07\0\0\0\x12\x21\0\x07TLSv1.3\x22\0\x05leafy\x23\0\x02" "ci\x24\0\x02sa\x25\0\x02ka\xea\0\x05\x01vpce\x30\0\x02ns";
static const struct addr proxy_source = {6, 0, {0x20, 1, 0xd, 0xb8, [15] = 1}}, proxy_target = {4, 443, {192, 0, 2, 9}},
	proxy_port_only = {.port = 443};
static const struct accesslog_record proxied = {.proxy_client = &proxy_source, .proxy_server = &proxy_target,
	.proxy_tlvs = TEXT(tlv_bytes), .reason = END_DONE};
static const struct accesslog_record half_proxied = {.proxy_client = &proxy_source, .proxy_server = &proxy_port_only,
	.reason = END_DONE};
#define TLV "$proxy_protocol_tlv_"

static const struct {
	const char *format;
	enum accesslog_escape escape;
	const struct accesslog_record *record;
	const char *want;
	const char *problem; /* part of it; NULL: none */
} cases[] = {
	{accesslog_upstreaminfo, ACCESSLOG_ESCAPE_TEXT, &full,
		"10.0.0.1 - user [24/Nov/2026:10:00:00 +0000] \"GET /p?a=1&b=2 HTTP/1.1\" 200 612 \"-\" "
		"\"cu\\x22rl\\x5C\\x01\\xC3\\xA4\" 90 0.012 [ns-svc-80] [-] 10.1.0.1:80, 10.1.0.2:80 0, 612 0.003, 0.005 -, 200 abc", NULL},
	{accesslog_upstreaminfo, ACCESSLOG_ESCAPE_TEXT, &empty,
		"- - - [01/Jan/1970:00:00:00 +0000] \"-\" 499 0 \"-\" \"-\" 0 0.000 [-] [-] - - - - -", NULL},
	{"{\"ua\":\"$http_user_agent\",\"ref\":\"$http_referer\"}", ACCESSLOG_ESCAPE_JSON, &full,
		"{\"ua\":\"cu\\\"rl\\\\\\u0001\xc3\xa4\",\"ref\":\"\"}", NULL},
	{"$http_user_agent|$http_referer|", ACCESSLOG_ESCAPE_NONE, &full, "cu\"rl\\\\x01\xc3\xa4||", NULL},
	{"${status}x$arg_b $http_x_one $sent_http_content_type", ACCESSLOG_ESCAPE_TEXT, &full, "200x2 1, 2 text/html", NULL},
	{"$host $uri $args $is_args$time_iso8601 $msec", ACCESSLOG_ESCAPE_TEXT, &full,
		"a.example:80 /p a=1&b=2 ?2026-11-24T10:00:00.123Z 1795514400.123", NULL},
	{"$http_authorization $http_cookie $sent_http_set_cookie", ACCESSLOG_ESCAPE_TEXT, &full, "- - -", NULL},
	{"$upstream_connect_time $upstream_header_time", ACCESSLOG_ESCAPE_TEXT, &full, "-, 0.001 -, 0.004", NULL},
	{"$proxy_protocol_addr $proxy_protocol_port $proxy_protocol_server_addr $proxy_protocol_server_port",
		ACCESSLOG_ESCAPE_TEXT, &proxied, "2001:db8::1 - 192.0.2.9 443", NULL},
	{"$proxy_protocol_server_addr $proxy_protocol_server_port " TLV "alpn", ACCESSLOG_ESCAPE_TEXT, &half_proxied, "- 443 -", NULL},
	{"$proxy_protocol_addr $proxy_protocol_server_addr " TLV "ssl_verify " TLV "ssl_cn " TLV "aws_vpce_id",
		ACCESSLOG_ESCAPE_TEXT, &full, "- - - - -", NULL},
	{TLV "alpn " TLV "authority " TLV "unique_id " TLV "netns " TLV "aws_vpce_id", ACCESSLOG_ESCAPE_TEXT, &proxied,
		"h2 a.test u\\x22\\x0A\\xFF ns vpce", NULL},
	{TLV "ssl_version " TLV "ssl_cn " TLV "ssl_cipher " TLV "ssl_sig_alg " TLV "ssl_key_alg " TLV "ssl_verify",
		ACCESSLOG_ESCAPE_TEXT, &proxied, "TLSv1.3 leafy ci sa ka 18", NULL},
	{"$end_reason $end_limit", ACCESSLOG_ESCAPE_TEXT, &empty, "client_gone -", NULL},
	{"$grpc_status", ACCESSLOG_ESCAPE_TEXT, &empty, "-", NULL},
	{"$end_reason $end_limit", ACCESSLOG_ESCAPE_TEXT, &limited, "tunnel_idle_timeout proxy-read-timeout", NULL},
	{"a$nonsense-b", ACCESSLOG_ESCAPE_TEXT, &full, "a--b", "$nonsense;"},
	{"$ 5$", ACCESSLOG_ESCAPE_TEXT, &full, "$ 5$", "without a variable's name"},
	{"${status", ACCESSLOG_ESCAPE_TEXT, &full, "${status", "without a variable's name"},
	{"", ACCESSLOG_ESCAPE_TEXT, &full, "", NULL},
};

static void test_lines(void)
{
	for (size_t i = 0; i < CHECK_COUNT(cases); i++) {
		struct buf problems = {0}, out = {0};
		struct accesslog_format *f =
			accesslog_format_create(str_from(cases[i].format), cases[i].escape, &problems);

		check_case(cases[i].format);
		CHECK(accesslog_format_line(f, cases[i].record, &out));
		CHECK_STR(str_first(buf_str(&out), out.len - 1), str_from(cases[i].want));
		CHECK(out.len && out.ptr[out.len - 1] == '\n');
		if (cases[i].problem)
			CHECK(str_find_str(buf_str(&problems), str_from(cases[i].problem)) < problems.len);
		else
			CHECK_INT(problems.len, 0);
		accesslog_format_destroy(f);
		buf_deinit(&problems);
		buf_deinit(&out);
	}
}

static void test_json(void)
{
	struct accesslog_format *f = accesslog_format_create_json();
	struct buf out = {0};

	check_case("built-in JSON");
	CHECK(accesslog_format_line(f, &full, &out));
	CHECK_STR(buf_str(&out), STR("{\"time_iso8601\":\"2026-11-24T10:00:00.123Z\",\"remote_addr\":\"10.0.0.1\",\"remote_user\":\"user\","
		"\"request_id\":\"abc\",\"scheme\":\"http\",\"host\":\"a.example:80\",\"request_method\":\"GET\",\"request_uri\":\"/p?a=1&b=2\","
		"\"server_protocol\":\"HTTP/1.1\",\"status\":200,\"end_reason\":\"done\",\"request_time\":0.012,\"request_length\":90,"
		"\"bytes_sent\":800,\"body_bytes_sent\":612,\"http_user_agent\":\"cu\\\"rl\\\\\\u0001\xc3\xa4\",\"proxy_upstream_name\":\"ns-svc-80\","
		"\"upstream_addr\":\"10.1.0.1:80, 10.1.0.2:80\",\"upstream_status\":\"-, 200\",\"upstream_response_length\":\"0, 612\","
		"\"upstream_connect_time\":\"-, 0.001\",\"upstream_header_time\":\"-, 0.004\",\"upstream_response_time\":\"0.003, 0.005\","
		"\"connection\":0,\"connection_requests\":0}\n"));

	check_case("the limit that fired is a member where there is one");
	buf_clear(&out);
	CHECK(accesslog_format_line(f, &limited, &out));
	CHECK(str_find_str(buf_str(&out), STR("\"end_reason\":\"tunnel_idle_timeout\",\"end_limit\":\"proxy-read-timeout\",")) < out.len);
	accesslog_format_destroy(f);
	buf_deinit(&out);
}

static void test_long_values(void)
{
	static char text[9000];
	struct accesslog_format *f = accesslog_format_create(STR("$request_id|$status"), ACCESSLOG_ESCAPE_TEXT, NULL);
	struct accesslog_record r = full;
	struct buf out = {0};

	check_case("values are cut when the line is too long");
	memset(text, 'x', sizeof(text));
	r.request_id = str_of(text, sizeof(text));
	CHECK(accesslog_format_line(f, &r, &out));
	CHECK_INT(out.len, 256 + 3 + 4 + 1);
	CHECK(str_ends_with(buf_str(&out), STR("x\xe2\x80\xa6|200\n")));
	buf_clear(&out);
	r.request_id = str_of(text, 4000);
	CHECK(accesslog_format_line(f, &r, &out));
	CHECK_INT(out.len, 4005);
	buf_deinit(&out);

	check_case("no room: nothing is added");
	buf_init(&out, 100);
	CHECK(!accesslog_format_line(f, &r, &out));
	CHECK_INT(out.len, 0);
	accesslog_format_destroy(f);
	buf_deinit(&out);
}

int main(void)
{
	test_lines();
	test_json();
	test_long_values();
	return check_done();
}
