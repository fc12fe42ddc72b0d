#include "annotation.h"
#include "check.h"

#define PREFIX "nginx.ingress.kubernetes.io"

static const struct str blocklist[] = {{"forbidden", 9}};
static const struct annotation_options options = {
	{PREFIX, sizeof(PREFIX) - 1}, RISK_HIGH, blocklist, 1};

static void test_table(void)
{
	static const char *const some[] = {"auth-url", "configuration-snippet", "canary-weight", "secure-backends",
		"limit-rps", "whitelist-source-range", "session-cookie-hash"};
	struct buf text = {0};

	check_case("table");
	CHECK(annotation_count() >= 152);
	for (size_t i = 0; i < annotation_count(); i++) {
		CHECK(annotation_find(str_from(annotation_rows[i].name), annotation_rows[i].is_own) == &annotation_rows[i]);
		CHECK(strlen(annotation_rows[i].doc) > 5);
	}
	for (size_t i = 0; i < CHECK_COUNT(some); i++)
		CHECK(annotation_find(str_from(some[i]), false) != NULL);
	CHECK(!annotation_find(STR("SSL-Redirect"), false));
	annotation_document(&text);
	CHECK(str_find_str(buf_str(&text), STR("| `use-regex` | path | common |")) < text.len);
	buf_deinit(&text);
}

/* One annotation and what becomes of it (M20, M21, M14, COMPAT annotations.tsv). */
static void test_outcomes(void)
{
	enum outcome { GOOD, UNSET, FALSE, DENY, STRICT, REJECT };
	static const struct {
		const char *name, *value;
		enum outcome want;
		unsigned n_problems;
	} cases[] = {
		{"proxy-read-timeout", "3600", GOOD, 0},
		{"proxy-read-timeout", "60s", UNSET, 1},
		{"proxy-read-timeout", "-1", UNSET, 1},
		{"proxy-read-timeout", "", UNSET, 0},
		{"proxy-body-size", "8m", GOOD, 0},
		{"proxy-body-size", "15r", UNSET, 1},
		{"proxy-body-size", "10b", GOOD, 0},
		{"proxy-buffer-size", "1g", UNSET, 1},
		{"ssl-redirect", "false", GOOD, 0},
		{"ssl-redirect", "off", UNSET, 1},
		{"service-upstream", "yes", FALSE, 1},
		{"service-upstream", "", FALSE, 1},
		{"allowlist-source-range", "10.0.0.0/8", GOOD, 0},
		{"allowlist-source-range", "10.0.0.0/8,x", DENY, 1},
		{"allowlist-source-range", "", DENY, 1},
		{"whitelist-source-range", "", UNSET, 0},
		{"denylist-source-range", "", DENY, 1},
		{"denylist-source-range", " , ", DENY, 1},
		{"load-balance", "random", REJECT, 1},
		{"connection-proxy-header", "Close", REJECT, 1},
		{"backend-protocol", "https", GOOD, 0},
		{"backend-protocol", "grpc", GOOD, 0},
		{"backend-protocol", "FCGI", GOOD, 1}, /* taken, and said to be not served yet */
		{"backend-protocol", "SPDY", UNSET, 1},
		{"permanent-redirect", "https://x.example/\r\nSet-Cookie:a", REJECT, 1},
		{"permanent-redirect-code", "x", REJECT, 1},
		{"server-alias", "a.example,*.b.example", GOOD, 0},
		{"server-alias", "a;b", REJECT, 1},
		{"upstream-vhost", "a b", REJECT, 1},
		{"configuration-snippet", "return 200;", REJECT, 1},
		{"server-snippet", "", REJECT, 1},
		{"auth-type", "basic", DENY, 1},
		{"auth-url", "http://auth/", DENY, 1},
		{"auth-url", "", UNSET, 0},
		{"auth-tls-secret", "default/ca", GOOD, 0},
		{"auth-tls-secret", "default/{ca}", REJECT, 1},
		{"auth-tls-verify-client", "optional_no_ca", GOOD, 0},
		{"auth-tls-verify-client", "yes", STRICT, 1},
		{"auth-tls-pass-certificate-to-upstream", "yes", REJECT, 1},
		{"proxy-ssl-verify", "off", GOOD, 0},
		{"proxy-ssl-verify", "true", STRICT, 1},
		{"enable-cors", "true", UNSET, 1},
		{"secure-backends", "true", UNSET, 1},
		{"proxy-read-timeuot", "60", UNSET, 1},
		{"app-root", "/forbidden", REJECT, 1},
		{"rewrite-target", "/$1", GOOD, 0},
		{"rewrite-target", "/a;b", UNSET, 1},
	};

	for (size_t i = 0; i < CHECK_COUNT(cases); i++) {
		struct buf name = {0};
		struct object ingress = {.key = STR("Ingress default/web"), .n_annotations = 1};
		struct pair p;
		struct annotation_values v;
		struct problems problems = {0};

		buf_printf(&name, PREFIX "/%s", cases[i].name);
		p = (struct pair){buf_str(&name), str_from(cases[i].value)};
		ingress.annotations = &p;
		check_case(cases[i].name);
		annotation_parse(&ingress, &options, &v, &problems);
		CHECK_INT(v.n, cases[i].want == GOOD || cases[i].want == FALSE || cases[i].want == STRICT);
		CHECK(v.n == 0 || cases[i].want != STRICT || v.items[0].value.number == 0); /* the first word */
		CHECK(v.n == 0 || cases[i].want != FALSE || !v.items[0].value.flag);
		CHECK((v.rejected_by.len > 0) == (cases[i].want == REJECT));
		CHECK((v.denied_by.len > 0) == (cases[i].want == DENY));
		CHECK_INT(problems.n, cases[i].n_problems);
		if (problems.n > 0) {
			CHECK_STR(problems.items[0].object, STR("Ingress default/web"));
			CHECK_STR(problems.items[0].field, buf_str(&name));
			CHECK(problems.items[0].rule.len > 0 && problems.items[0].fix.len > 0 && problems.items[0].effect.len > 0);
		}
		annotation_values_deinit(&v);
		problems_deinit(&problems);
		buf_deinit(&name);
	}
}

static void test_scope(void)
{
	struct pair pairs[] = {{STR("cert-manager.io/issuer"), STR("x")}, {STR(PREFIX), STR("x")},
		{STR(PREFIX "/proxy-send-timeout"), STR("7")}, {STR(PREFIX "/use-regex"), STR("true")},
		{STR(PREFIX "x/use-regex"), STR("true")}};
	struct object ingress = {.key = STR("Ingress default/web"), .annotations = pairs, .n_annotations = CHECK_COUNT(pairs)};
	struct annotation_options critical = options;
	struct annotation_values v;
	struct problems problems = {0};

	check_case("other prefixes are none of ours");
	annotation_parse(&ingress, &options, &v, &problems);
	CHECK_INT(v.n, 2);
	CHECK_INT(problems.n, 0);
	CHECK_INT(annotation_get(&v, ANNOTATION_PROXY_SEND_TIMEOUT)->value.number, 7000);
	CHECK(annotation_get(&v, ANNOTATION_USE_REGEX)->value.flag);
	CHECK(!annotation_get(&v, ANNOTATION_CANARY));
	annotation_values_deinit(&v);

	check_case("M14: with risk level Critical the Ingress is served without the snippet");
	critical.max_risk = RISK_CRITICAL;
	pairs[3] = (struct pair){STR(PREFIX "/configuration-snippet"), STR("deny all;")};
	annotation_parse(&ingress, &critical, &v, &problems);
	CHECK_INT(v.rejected_by.len, 0);
	CHECK_INT(problems.n, 1);
	annotation_values_deinit(&v);
	problems_deinit(&problems);
}

/* Names that ingress-nginx never had: under a prefix of their own, which no option changes. */
static void test_own(void)
{
	static const struct {
		const char *prefix, *name, *fix;
	} cases[] = {
		{PREFIX, "weirlock.io/send-proxy-protocl", "did you mean send-proxy-protocol?"},
		{PREFIX, "weirlock.io/send-proxy-protocol", NULL},
		{"example.com", "weirlock.io/send-proxy-protocol", NULL},
		{"weirlock.io", "weirlock.io/send-proxy-protocol", NULL},
		{PREFIX, "weirlock.io/use-regex", "did you mean " PREFIX "/use-regex?"},
		{PREFIX, PREFIX "/send-proxy-protocol", "did you mean weirlock.io/send-proxy-protocol?"},
		{PREFIX, "weirlock.io/no-such-thing-at-all", "take it out"},
		{"example.com", "weirlock.io/send-proxy-protocl", "did you mean send-proxy-protocol?"},
		{"weirlock.io", "weirlock.io/use-regx", "did you mean use-regex?"},
		{PREFIX, "weirlock.iox/use-regex", NULL},
		{PREFIX, "weirlock.io", NULL},
	};

	for (size_t i = 0; i < CHECK_COUNT(cases); i++) {
		struct pair p = {str_from(cases[i].name), STR("v1")};
		struct object ingress = {.key = STR("Ingress default/web"), .annotations = &p, .n_annotations = 1};
		struct annotation_options with = {str_from(cases[i].prefix), RISK_HIGH, NULL, 0};
		struct annotation_values v;
		struct problems problems = {0};

		check_case(cases[i].name);
		annotation_parse(&ingress, &with, &v, &problems);
		CHECK_INT(problems.n, cases[i].fix ? 1 : 0);
		CHECK(!annotation_get(&v, ANNOTATION_SEND_PROXY_PROTOCOL) ==
			!str_eq(p.name, STR("weirlock.io/send-proxy-protocol")));
		if (problems.n > 0) {
			CHECK_STR(problems.items[0].rule, STR("no such annotation"));
			CHECK_STR(problems.items[0].fix, str_from(cases[i].fix));
		}
		annotation_values_deinit(&v);
		problems_deinit(&problems);
	}
}

int main(void)
{
	test_table();
	test_outcomes();
	test_scope();
	test_own();
	return check_done();
}
