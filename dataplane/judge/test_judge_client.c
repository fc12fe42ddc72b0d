/* What a client certificate decides, and where (SEMANTICS E9, F9, 0.4, 0.11): tables over a client that proves what it is told. */
#include "check.h"
#include "http1.h"
#include "judge.h"
#include "test_content.h"
#include "test_pem.h"

#define KIND(x) WEIRLOCK__V1__KIND__KIND_##x

static struct test_authority authority;

struct ask {
	const char *host;
	Weirlock__V1__VerifyClient verify;
	const char *secret, *error_page, *match_cn, *app_root;
};

static char *text(const char *s)
{
	return (char *)(uintptr_t)s; /* generated structs have no const; packing only reads */
}

static void put_asking_host(struct content *c, const struct ask *ask)
{
	Weirlock__V1__Host h = WEIRLOCK__V1__HOST__INIT;
	Weirlock__V1__ClientAuth auth = WEIRLOCK__V1__CLIENT_AUTH__INIT;
	Weirlock__V1__Route route = WEIRLOCK__V1__ROUTE__INIT, *routes[] = {&route};

	auth.secret = text(ask->secret ? ask->secret : "ns/ca");
	auth.verify = ask->verify;
	auth.error_page = text(ask->error_page ? ask->error_page : "");
	auth.match_cn = text(ask->match_cn ? ask->match_cn : "");
	route.path = text("/");
	route.backend = text("ns/a:80");
	h.name = text(ask->host);
	h.app_root = text(ask->app_root ? ask->app_root : "");
	h.client_auth = &auth;
	h.routes = routes;
	h.n_routes = 1;
	put_message(c, KIND(HOST), ask->host, &h);
}

static void put_backend(struct content *c)
{
	Weirlock__V1__Backend b = WEIRLOCK__V1__BACKEND__INIT;
	Weirlock__V1__Endpoints e = WEIRLOCK__V1__ENDPOINTS__INIT;
	Weirlock__V1__Endpoint one = WEIRLOCK__V1__ENDPOINT__INIT, *items[] = {&one};
	uint8_t ip[] = {10, 0, 0, 1};

	put_message(c, KIND(BACKEND), "ns/a:80", &b);
	one.ip = (ProtobufCBinaryData){sizeof(ip), ip};
	one.port = 80;
	e.backend = text("ns/a:80");
	e.endpoints = items;
	e.n_endpoints = 1;
	put_message(c, KIND(ENDPOINTS), "ns/a:80/1", &e);
}

static const struct generation *make_generation(void)
{
	static const struct ask asks[] = {
		{"on.test", WEIRLOCK__V1__VERIFY_CLIENT__VERIFY_CLIENT_ON, NULL, NULL, NULL, NULL},
		{"off.test", WEIRLOCK__V1__VERIFY_CLIENT__VERIFY_CLIENT_OFF, NULL, NULL, NULL, NULL},
		{"optional.test", WEIRLOCK__V1__VERIFY_CLIENT__VERIFY_CLIENT_OPTIONAL, NULL, NULL, NULL, NULL},
		{"any.test", WEIRLOCK__V1__VERIFY_CLIENT__VERIFY_CLIENT_OPTIONAL_NO_CA, NULL, NULL, NULL, NULL},
		{"page.test", WEIRLOCK__V1__VERIFY_CLIENT__VERIFY_CLIENT_ON, NULL, "https://why.test/", NULL, NULL},
		{"cn.test", WEIRLOCK__V1__VERIFY_CLIENT__VERIFY_CLIENT_OPTIONAL, NULL, NULL, "CN=(alice|bob),", "/app"},
		{"slow.test", WEIRLOCK__V1__VERIFY_CLIENT__VERIFY_CLIENT_ON, NULL, NULL, "CN=(a+)+$", NULL},
		{"closed.test", WEIRLOCK__V1__VERIFY_CLIENT__VERIFY_CLIENT_OPTIONAL, "-", "https://why.test/", NULL, "/app"},
		{"_", WEIRLOCK__V1__VERIFY_CLIENT__VERIFY_CLIENT_ON, NULL, NULL, NULL, NULL},
	};
	struct content *c = content_create();
	struct config_errors errors = {0};
	Weirlock__V1__ClientCa ca = WEIRLOCK__V1__CLIENT_CA__INIT;
	const struct generation *g;

	put_settings(c);
	put_backend(c);
	put_host(c, text("open.test"), (char *[]){text("/")}, 1, NULL, 0, text("ns/a:80"));
	ca.ca_pem = (ProtobufCBinaryData){authority.pem_len, (uint8_t *)authority.pem};
	put_message(c, KIND(CLIENT_CA), "ns/ca", &ca);
	for (size_t i = 0; i < CHECK_COUNT(asks); i++)
		put_asking_host(c, &asks[i]);
	g = config_compile(c, NULL, &errors);
	if (!CHECK(g != NULL))
		check_case(errors.items[0].reason.ptr);
	config_errors_deinit(&errors);
	content_destroy(c);
	return g;
}

struct client {
	const char *server_name, *subject;
	enum judge_proof proof;
	unsigned n_asked;
};

static enum judge_proof prove(void *owner, struct tls_auth *auth)
{
	struct client *c = owner;

	CHECK(auth != NULL);
	c->n_asked++;
	return c->proof;
}

static struct str subject(void *owner)
{
	return str_from(((struct client *)owner)->subject);
}

static struct str server_name(void *owner)
{
	return str_from(((struct client *)owner)->server_name);
}

static void judge_one(const struct generation *g, const char *host, struct client *client, struct arena *arena, struct judgement *j)
{
	static const struct cidrset nobody;
	const struct clientaddr_rules rules = {.trusted = &nobody};
	struct clientaddr_conn conn = {.is_tls = client != NULL};
	struct judge_peer peer = {.server_name = server_name, .prove = prove, .subject = subject, .owner = client};
	struct http_field fields[4];
	struct http_head head = {.fields = fields};
	struct http1_limits limits = {.head_bytes = 4096, .n_fields = 4};
	struct http1_error error = {0};
	struct buf raw = {0};
	size_t used;

	addr_parse_ip(STR("192.0.2.1"), &conn.peer);
	addr_parse_ip(STR("192.0.2.2"), &conn.local);
	buf_printf(&raw, "GET / HTTP/1.1\r\nHost: %s\r\n\r\n", host);
	CHECK(http1_parse_request(buf_str(&raw), &limits, &head, &used, &error) == PARSE_DONE);
	judge_request(&(struct judge_request){.generation = g, .rules = &rules, .conn = &conn, .head = &head,
			      .peer = client ? &peer : NULL}, arena, j);
	j->rule.head = NULL;
	buf_deinit(&raw);
}

#define GOOD JUDGE_PROOF_GOOD
#define NONE JUDGE_PROOF_NONE
#define BAD JUDGE_PROOF_BAD
#define EXCUSED JUDGE_PROOF_EXCUSED
#define UNKNOWN JUDGE_PROOF_UNKNOWN

static void test_steps(const struct generation *g)
{
	static const struct {
		const char *name, *host, *server_name; /* NULL: plain HTTP */
		enum judge_proof proof;
		const char *subject;
		enum judge_step step;
		unsigned status;
		enum end_reason end;
		const char *location;
	} cases[] = {
		{"F9 on: good", "on.test", "on.test", GOOD, "", JUDGE_PASSED, 0, END_DONE, ""},
		{"F9 on: none", "on.test", "on.test", NONE, "", JUDGE_NO_CERTIFICATE, 400, END_NO_CERTIFICATE, ""},
		{"F9 on: bad", "on.test", "on.test", BAD, "", JUDGE_BAD_CERTIFICATE, 400, END_BAD_CERTIFICATE, ""},
		{"F9 on: of nobody known", "on.test", "on.test", EXCUSED, "", JUDGE_BAD_CERTIFICATE, 400, END_BAD_CERTIFICATE, ""},
		{"F9 off: not asked", "off.test", "off.test", BAD, "", JUDGE_PASSED, 0, END_DONE, ""},
		{"F9 optional: none", "optional.test", "optional.test", NONE, "", JUDGE_PASSED, 0, END_DONE, ""},
		{"F9 optional: bad", "optional.test", "optional.test", BAD, "", JUDGE_BAD_CERTIFICATE, 400, END_BAD_CERTIFICATE, ""},
		{"F9 optional: of nobody known", "optional.test", "optional.test", EXCUSED, "", JUDGE_BAD_CERTIFICATE, 400,
			END_BAD_CERTIFICATE, ""},
		{"F9 optional_no_ca: of nobody known", "any.test", "any.test", EXCUSED, "", JUDGE_PASSED, 0, END_DONE, ""},
		{"F9 optional_no_ca: bad otherwise (expired, revoked)", "any.test", "any.test", BAD, "", JUDGE_BAD_CERTIFICATE, 400,
			END_BAD_CERTIFICATE, ""},
		{"F9 error page", "page.test", "page.test", NONE, "", JUDGE_NO_CERTIFICATE, 302, END_NO_CERTIFICATE, "https://why.test/"},
		{"F9 error page, bad", "page.test", "page.test", BAD, "", JUDGE_BAD_CERTIFICATE, 302, END_BAD_CERTIFICATE,
			"https://why.test/"},
		{"E9 bypass: SNI of an open host", "on.test", "open.test", GOOD, "", JUDGE_MISDIRECTED, 421, END_MISDIRECTED, ""},
		{"E9 bypass: SNI of another host that asks", "on.test", "optional.test", GOOD, "", JUDGE_MISDIRECTED, 421,
			END_MISDIRECTED, ""},
		{"E9 bypass: the same, to one where none is needed", "optional.test", "on.test", NONE, "", JUDGE_MISDIRECTED, 421,
			END_MISDIRECTED, ""},
		{"E9 bypass: no SNI", "on.test", "", GOOD, "", JUDGE_NO_CERTIFICATE, 400, END_NO_CERTIFICATE, ""},
		{"E9 bypass: no SNI, optional", "optional.test", "", GOOD, "", JUDGE_PASSED, 0, END_DONE, ""},
		{"E9 bypass: upper case, port and dot in Host", "ON.test.:443", "open.test", GOOD, "", JUDGE_MISDIRECTED, 421,
			END_MISDIRECTED, ""},
		{"E9 the same name written otherwise", "ON.test.:443", "on.test", GOOD, "", JUDGE_PASSED, 0, END_DONE, ""},
		{"E9 an open host over the SNI of one that asks", "open.test", "on.test", NONE, "", JUDGE_PASSED, 0, END_DONE, ""},
		{"bypass: a connection from before the host asked", "on.test", "on.test", UNKNOWN, "", JUDGE_MISDIRECTED, 421,
			END_MISDIRECTED, ""},
		{"bypass: the default host asks too", "nobody.test", "nobody.test", NONE, "", JUDGE_NO_CERTIFICATE, 400,
			END_NO_CERTIFICATE, ""},
		{"bypass: an unknown name over the SNI of an open host", "nobody.test", "open.test", GOOD, "", JUDGE_MISDIRECTED, 421,
			END_MISDIRECTED, ""},
		{"F9 match-cn", "cn.test", "cn.test", GOOD, "CN=alice,O=x", JUDGE_APP_ROOT, 302, END_REDIRECT, "https://cn.test/app"},
		{"F9 match-cn: another, before app-root (0.4)", "cn.test", "cn.test", GOOD, "CN=mallory,O=x", JUDGE_MATCH_CN, 403,
			END_DENIED, ""},
		{"F9 match-cn: case counts", "cn.test", "cn.test", GOOD, "CN=Alice,O=x", JUDGE_MATCH_CN, 403, END_DENIED, ""},
		{"F9 match-cn: no certificate where none is needed", "cn.test", "cn.test", NONE, "", JUDGE_MATCH_CN, 403, END_DENIED, ""},
		{"F9 match-cn: plain http too", "cn.test", NULL, NONE, "", JUDGE_MATCH_CN, 403, END_DENIED, ""},
		{"0.11 before 0.4", "cn.test", "cn.test", BAD, "CN=alice,O=x", JUDGE_BAD_CERTIFICATE, 400, END_BAD_CERTIFICATE, ""},
		{"SECURITY 2025-1097: a pattern that explodes refuses", "slow.test", "slow.test", GOOD,
			"CN=aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa!", JUDGE_MATCH_CN, 403, END_DENIED, ""},
		{"F9 the Secret is gone: 403, before app-root", "closed.test", "closed.test", GOOD, "", JUDGE_AUTH_TLS, 403,
			END_MISCONFIGURED, ""},
		{"F9 the Secret is gone: over plain http too", "closed.test", NULL, NONE, "", JUDGE_AUTH_TLS, 403, END_MISCONFIGURED, ""},
		{"F9 plain http is not checked", "on.test", NULL, NONE, "", JUDGE_PASSED, 0, END_DONE, ""},
	};

	for (size_t i = 0; i < CHECK_COUNT(cases); i++) {
		struct client client = {cases[i].server_name, cases[i].subject, cases[i].proof, 0};
		struct arena arena = {0};
		struct judgement j;

		check_case(cases[i].name);
		judge_one(g, cases[i].host, cases[i].server_name ? &client : NULL, &arena, &j);
		CHECK_STR(judge_word(j.step), judge_word(cases[i].step));
		CHECK_INT(j.status, cases[i].status);
		CHECK_STR(end_word(judge_end(&j)), end_word(cases[i].end));
		CHECK_STR(j.location, str_from(cases[i].location));
		arena_deinit(&arena);
	}
}

/* Hosts that do not ask cost nothing. */
static void test_not_asked(const struct generation *g)
{
	struct client client = {"open.test", "", JUDGE_PROOF_BAD, 0};
	struct arena arena = {0};
	struct judgement j;

	check_case("an open host asks nothing");
	judge_one(g, "open.test", &client, &arena, &j);
	CHECK_INT(j.status, 0);
	CHECK_INT(client.n_asked, 0);
	arena_deinit(&arena);
}

int main(void)
{
	const struct generation *g;

	test_authority_make(&authority, "authority", NULL);
	g = make_generation();
	test_steps(g);
	test_not_asked(g);
	generation_unref(&g);
	CHECK_INT(generation_live_count(), 0);
	test_authority_drop(&authority);
	return check_done();
}
