/* Every step at which a request can end (SEMANTICS 0.2 to 0.8), and that an earlier one wins. */
#include "judge.h"

#include <stdio.h>

#include "check.h"
#include "judge_conn.h"
#include "test_content.h"

#define KIND(x) WEIRLOCK__V1__KIND__KIND_##x

static char *text(const char *s)
{
	return (char *)(uintptr_t)s; /* generated structs have no const; packing only reads */
}

static void put_backend(struct content *c, const char *name, int protocol, bool has_endpoint)
{
	Weirlock__V1__Backend b = WEIRLOCK__V1__BACKEND__INIT;
	Weirlock__V1__Endpoints e = WEIRLOCK__V1__ENDPOINTS__INIT;
	Weirlock__V1__Endpoint one = WEIRLOCK__V1__ENDPOINT__INIT, *items[] = {&one};
	uint8_t ip[] = {10, 0, 0, 1};
	char slice[64];

	b.protocol = (Weirlock__V1__Protocol)protocol;
	put_message(c, KIND(BACKEND), name, &b);
	one.ip = (ProtobufCBinaryData){sizeof(ip), ip};
	one.port = 80;
	e.backend = text(name);
	e.endpoints = items;
	e.n_endpoints = has_endpoint;
	snprintf(slice, sizeof(slice), "%s/1", name);
	put_message(c, KIND(ENDPOINTS), slice, &e);
}

struct one_route {
	const char *path, *backend;
	Weirlock__V1__Policy policy;
	unsigned fixed;
};

static void put_routes(struct content *c, Weirlock__V1__Host *h, struct one_route *in, size_t n)
{
	Weirlock__V1__Route routes[16], *items[16];

	for (size_t i = 0; i < n; i++) {
		weirlock__v1__route__init(&routes[i]);
		routes[i].path_type = in[i].path[0] == '~' ? WEIRLOCK__V1__PATH_TYPE__PATH_TYPE_REGEX
							   : WEIRLOCK__V1__PATH_TYPE__PATH_TYPE_PREFIX;
		routes[i].path = text(in[i].path + (in[i].path[0] == '~'));
		routes[i].backend = text(in[i].backend);
		routes[i].policy = &in[i].policy;
		routes[i].fixed_status = in[i].fixed;
		items[i] = &routes[i];
	}
	h->routes = items;
	h->n_routes = n;
	put_message(c, KIND(HOST), h->name, h);
}

static void put_main_host(struct content *c)
{
	Weirlock__V1__Host h = WEIRLOCK__V1__HOST__INIT;
	Weirlock__V1__Cidr ten = WEIRLOCK__V1__CIDR__INIT, *list[] = {&ten};
	uint8_t ip[] = {10, 0, 0, 0};
	struct one_route routes[] = {
		{"/list", "ns/a:80", WEIRLOCK__V1__POLICY__INIT, 0}, {"/closed", "ns/a:80", WEIRLOCK__V1__POLICY__INIT, 503},
		{"/moved", "ns/a:80", WEIRLOCK__V1__POLICY__INIT, 0}, {"/slash/", "ns/a:80", WEIRLOCK__V1__POLICY__INIT, 0},
		{"/small", "ns/a:80", WEIRLOCK__V1__POLICY__INIT, 0}, {"/gone", "ns/gone:80", WEIRLOCK__V1__POLICY__INIT, 0},
		{"/fcgi", "ns/fcgi:80", WEIRLOCK__V1__POLICY__INIT, 0}, {"/old", "ns/a:80", WEIRLOCK__V1__POLICY__INIT, 0},
		{"/to", "ns/a:80", WEIRLOCK__V1__POLICY__INIT, 0}, {"/ok", "ns/a:80", WEIRLOCK__V1__POLICY__INIT, 0},
		{"/default", "", WEIRLOCK__V1__POLICY__INIT, 0}, {"~/evil/(a+)+$", "ns/a:80", WEIRLOCK__V1__POLICY__INIT, 0},
	};

	ten.ip = (ProtobufCBinaryData){sizeof(ip), ip};
	ten.prefix = 8;
	routes[0].policy.allowlist = list;
	routes[0].policy.n_allowlist = 1;
	routes[2].policy.redirect_url = text("https://other.example/");
	routes[2].policy.redirect_code = 301;
	routes[4].policy.proxy_body_size_bytes = 10;
	routes[5].policy.force_ssl_redirect = true;
	routes[7].policy.proxy_http_1_0 = routes[7].policy.no_request_buffering = true;
	routes[8].policy.rewrite_target = text("https://new.example/x");
	h.name = text("a.example");
	put_routes(c, &h, routes, CHECK_COUNT(routes));
}

static const struct generation *make_generation(void)
{
	struct content *c = content_create();
	Weirlock__V1__Settings s = WEIRLOCK__V1__SETTINGS__INIT;
	Weirlock__V1__Host root = WEIRLOCK__V1__HOST__INIT, www = WEIRLOCK__V1__HOST__INIT, none = WEIRLOCK__V1__HOST__INIT;
	struct one_route slash = {"/", "ns/a:80", WEIRLOCK__V1__POLICY__INIT, 0};
	struct config_errors errors = {0};
	const struct generation *g;

	s.http_redirect_code = 308;
	put_message(c, KIND(SETTINGS), "", &s);
	put_backend(c, "ns/a:80", 0, true);
	put_backend(c, "ns/gone:80", 0, false);
	put_backend(c, "ns/fcgi:80", WEIRLOCK__V1__PROTOCOL__PROTOCOL_FCGI, true);
	put_main_host(c);
	root.name = text("root.example");
	root.app_root = text("/app");
	put_routes(c, &root, &slash, 1);
	www.name = text("www.a.example");
	www.redirect_to = text("a.example");
	put_routes(c, &www, &slash, 0);
	none.name = text("_");
	slash.backend = "";
	put_routes(c, &none, &slash, 1);
	g = config_compile(c, NULL, &errors);
	CHECK(g != NULL);
	config_errors_deinit(&errors);
	content_destroy(c);
	return g;
}

static void test_steps(void)
{
	static const struct {
		const char *name, *request; /* lines split by '|'; Host follows unless one is given */
		enum judge_step step;
		unsigned status;
		enum end_reason end;
		const char *location;
	} cases[] = {
		{"passes", "GET /ok", JUDGE_PASSED, 0, END_DONE, ""},
		{"0.2 method", "TRACE /ok", JUDGE_METHOD, 405, END_DENIED, ""},
		{"C2 path", "GET /../x", JUDGE_PATH, 400, END_BAD_REQUEST, ""},
		{"0.2 before C2", "TRACE /../x", JUDGE_METHOD, 405, END_DENIED, ""},
		{"B7 health", "GET /healthz|Host: nobody", JUDGE_HEALTH, 200, END_LOCAL, ""},
		{"C17 app-root", "GET /|Host: root.example", JUDGE_APP_ROOT, 302, END_REDIRECT, "http://root.example/app"},
		{"C17 only /", "GET /x|Host: root.example", JUDGE_PASSED, 0, END_DONE, ""},
		{"E11 www", "GET /x/|Host: www.a.example", JUDGE_WWW, 308, END_REDIRECT, "http://a.example:80/x"},
		{"C7 gave up", "GET /evil/aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaab", JUDGE_REGEX, 500, END_MISCONFIGURED, ""},
		{"no route", "GET /nothing", JUDGE_NO_ROUTE, 404, END_NO_ROUTE, ""},
		{"0.5 body", "POST /small|Content-Length: 11", JUDGE_BODY_SIZE, 413, END_TOO_LARGE, ""},
		{"0.5 body fits", "POST /small|Content-Length: 10", JUDGE_PASSED, 0, END_DONE, ""},
		{"C12 slash", "GET /slash?q", JUDGE_SLASH, 301, END_REDIRECT, "http://a.example/slash/?q"},
		{"E10 redirect", "GET /moved", JUDGE_REDIRECT, 301, END_REDIRECT, "https://other.example/"},
		{"D9 set aside", "GET /closed", JUDGE_FIXED, 503, END_MISCONFIGURED, ""},
		{"C14 URL", "GET /to", JUDGE_REWRITE_URL, 302, END_REDIRECT, "https://new.example/x"},
		{"E4 before D1", "GET /gone", JUDGE_TLS, 308, END_REDIRECT, "https://a.example/gone"},
		{"D1 no endpoints", "GET /gone|X-Forwarded-Proto: https", JUDGE_NO_ENDPOINTS, 503, END_NO_ENDPOINTS, ""},
		{"D4 default", "GET /default", JUDGE_DEFAULT, 404, END_NO_ROUTE, ""},
		{"J20 allow list", "GET /list", JUDGE_ADDRESS, 403, END_DENIED, ""},
		{"G13 grpc", "GET /fcgi", JUDGE_PROTOCOL, 502, END_UPSTREAM_PROTOCOL, ""},
		{"G9 length", "POST /old|Transfer-Encoding: chunked", JUDGE_LENGTH, 411, END_BAD_REQUEST, ""},
	};
	const struct generation *g = make_generation();
	/* X-Forwarded-Proto from anybody: a short way to an access scheme */
	static const struct cidrset nobody;
	struct clientaddr_rules rules = {.use_forwarded_headers = true, .believes_anyone = true, .trusted = &nobody,
		.forwarded_for_header = STR("X-Forwarded-For"), .forwarded_host_header = STR("X-Forwarded-Host")};
	struct clientaddr_conn conn = {0};

	CHECK(addr_parse_ip(STR("192.0.2.1"), &conn.peer) && addr_parse_ip(STR("192.0.2.2"), &conn.local));
	conn.local.port = 80;
	for (size_t i = 0; i < CHECK_COUNT(cases); i++) {
		struct http_field fields[16];
		struct http_head head = {.fields = fields};
		struct http1_limits limits = {.head_bytes = 4096, .n_fields = 16};
		struct http1_error error = {0};
		struct arena arena = {0};
		struct judgement j;
		struct buf raw = {0};
		struct str rest = str_from(cases[i].request), line;
		size_t used;
		bool is_first = true;

		check_case(cases[i].name);
		while (str_next(&rest, '|', &line)) {
			buf_add(&raw, line);
			buf_add(&raw, is_first ? STR(" HTTP/1.1\r\n") : STR("\r\n"));
			is_first = false;
		}
		if (str_find_str(buf_str(&raw), STR("Host:")) == raw.len)
			buf_add(&raw, STR("Host: a.example\r\n"));
		buf_add(&raw, STR("\r\n"));
		if (CHECK(http1_parse_request(buf_str(&raw), &limits, &head, &used, &error) == PARSE_DONE)) {
			judge_request(&(struct judge_request){.generation = g, .rules = &rules, .conn = &conn, .head = &head},
				&arena, &j);
			CHECK_STR(judge_word(j.step), judge_word(cases[i].step));
			CHECK_INT(j.status, cases[i].status);
			CHECK_STR(end_word(judge_end(&j)), end_word(cases[i].end));
			CHECK_STR(j.location, str_from(cases[i].location));
			CHECK((j.backend != NULL) == (j.status == 0));
		}
		arena_deinit(&arena);
		buf_deinit(&raw);
	}
	generation_unref(&g);
}

static void test_limits(void)
{
	const struct settings s = {.client_header_buffer_bytes = 1024, .large_client_header_count = 4,
		.large_client_header_bytes = 8192, .ignore_invalid_headers = true};
	struct http1_limits limits;

	check_case("G1 the sizes of heads");
	judge_limits(&s, &limits);
	CHECK_INT(limits.head_bytes, 1024 + 4 * 8192);
	CHECK_INT(limits.line_bytes, 8192);
	CHECK(limits.drops_invalid_names && !limits.keeps_underscores && limits.n_fields == JUDGE_FIELDS_MAX);
	judge_limits(&(struct settings){.large_client_header_count = 1000, .large_client_header_bytes = 1 << 20}, &limits);
	CHECK_INT(limits.head_bytes, JUDGE_HEAD_MAX);
}

static void test_proxy_header(void)
{
	struct cidr ten = {.net = {.family = 4, .ip = {10}}, .prefix = 8};
	struct settings s = {0};
	struct arena arena = {0};
	struct addr inside = {.family = 4, .ip = {10, 1, 1, 1}}, outside = {.family = 4, .ip = {11, 1, 1, 1}};

	cidrset_build(&s.proxy_protocol_cidr, &ten, 1, &arena);
	check_case("A30 who must send a PROXY header");
	CHECK(!judge_needs_proxy_header(&s, &inside));
	s.use_proxy_protocol = true;
	CHECK(judge_needs_proxy_header(&s, &inside) && !judge_needs_proxy_header(&s, &outside));
	s.proxy_protocol_cidr = (struct cidrset){0};
	CHECK(judge_needs_proxy_header(&s, &outside));
	arena_deinit(&arena);
}

int main(void)
{
	test_steps();
	test_limits();
	test_proxy_header();
	CHECK_INT(generation_live_count(), 0);
	return check_done();
}
