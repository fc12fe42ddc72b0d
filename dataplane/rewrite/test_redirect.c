/* SEMANTICS 0.4–0.6: C12, C14, C17, D9, E1–E7, E10, E11, and the order in which they decide. */
#include <stdio.h>

#include "check.h"
#include "rewrite_case.h"

static void test_table(void)
{
	static const struct {
		const char *name;
		struct rewrite_case in;
		unsigned status;
		const char *location; /* "" for none */
	} cases[] = {
		{"nothing to do", {.path = "/x"}, 0, ""},
		/* C17 */
		{"C17 app-root", {.app_root = "/app", .path = "/", .host = "A.example:81"}, 302, "http://A.example:81/app"},
		{"C17 over TLS", {.app_root = "/app", .path = "/", .is_tls = true}, 302, "https://a.example/app"},
		{"C17 only the path /", {.app_root = "/app", .path = "/x"}, 0, ""},
		{"C17 without Host", {.app_root = "/app", .path = "/", .host = "-"}, 302, "/app"},
		{"C17 before ssl-redirect", {.app_root = "/app", .path = "/", .has_tls = true, .ssl = true}, 302, "http://a.example/app"},
		/* E11 */
		{"E11 port and no final slash", {.redirect_to = "www.a.example", .path = "/x/", .port = "80"}, 308, "http://www.a.example:80/x"},
		{"E11 TLS", {.redirect_to = "www.a.example", .path = "/", .is_tls = true, .port = "443"}, 308, "https://www.a.example:443"},
		/* C12 */
		{"C12 slash", {.path = "/foo", .route = "/foo/", .query = "a=b"}, 301, "http://a.example/foo/?a=b"},
		{"C12 no port", {.path = "/foo", .route = "/foo/", .host = "a.example:8080"}, 301, "http://a.example/foo/"},
		{"C12 before ssl-redirect", {.path = "/foo", .route = "/foo/", .has_tls = true, .ssl = true}, 301, "http://a.example/foo/"},
		{"C12 relative-redirects", {.path = "/foo", .route = "/foo/", .relative = true}, 301, "/foo/"},
		{"C12 escaped", {.path = "/f o", .route = "/f o/"}, 301, "http://a.example/f%20o/"},
		/* E10 */
		{"E10 as given", {.path = "/x", .redirect = "https://b/y", .code = 307}, 307, "https://b/y"},
		{"E10 a path becomes absolute", {.path = "/x", .redirect = "/y"}, 302, "http://a.example/y"},
		{"E10 unless relative-redirects", {.path = "/x", .redirect = "/y", .relative = true}, 302, "/y"},
		{"E10 variables", {.path = "/x", .query = "q=1", .redirect = "https://b$request_uri", .code = 301}, 301, "https://b/x?q=1"},
		{"E10 braces", {.path = "/x", .redirect = "${scheme}://b.${host}/"}, 302, "http://b.a.example/"},
		{"E10 an unknown variable stays", {.path = "/x", .redirect = "https://b/$unknown$"}, 302, "https://b/$unknown$"},
		{"E10 before a denied location", {.path = "/x", .redirect = "https://b/", .fixed = 503}, 302, "https://b/"},
		{"E10 before ssl-redirect", {.path = "/x", .redirect = "https://b/", .has_tls = true, .ssl = true}, 302, "https://b/"},
		/* D9 */
		{"D9 denied", {.path = "/x", .fixed = 503, .has_tls = true, .ssl = true}, 503, ""},
		/* C14 */
		{"C14 an URL", {.path = "/old/a b", .route = "~/old/(.*)", .rewrite = "https://b/$1"}, 302, "https://b/a%20b"},
		{"C14 an URL takes the query along", {.path = "/old/a", .query = "q", .route = "~/old/(.*)", .rewrite = "https://b/$1?z"}, 302, "https://b/a?z&q"},
		{"C14 an URL ending in ?", {.path = "/old/a", .query = "q", .route = "~/old/(.*)", .rewrite = "https://b/$1?"}, 302, "https://b/a"},
		{"C14 $scheme", {.path = "/old/a", .route = "~/old/(.*)", .rewrite = "$scheme://b/$1"}, 302, "http://b/a"},
		{"C14 before ssl-redirect", {.path = "/old/a", .route = "~/old/(.*)", .rewrite = "http://b/$1", .has_tls = true, .ssl = true}, 302, "http://b/a"},
		{"C14 a control byte is escaped", {.path = "/old/a\r\nb", .raw = "/old/a%0d%0ab", .route = "~/old/([\\s\\S]*)", .rewrite = "http://b/$1"}, 302, "http://b/a%0D%0Ab"},
		/* E1–E7 */
		{"E1 ssl-redirect", {.path = "/x", .has_tls = true, .ssl = true}, 308, "https://a.example/x"},
		{"E1 no certificate registered", {.path = "/x", .ssl = true}, 0, ""},
		{"E1 off", {.path = "/x", .has_tls = true}, 0, ""},
		{"E2 the port goes", {.path = "/x", .has_tls = true, .ssl = true, .host = "a.example:8080"}, 308, "https://a.example/x"},
		{"E2 IPv6 literal", {.path = "/x", .force = true, .host = "[2001:db8::1]:80"}, 308, "https://[2001:db8::1]/x"},
		{"E2 /", {.path = "/", .has_tls = true, .ssl = true}, 308, "https://a.example"},
		{"E2 /a/", {.path = "/a/", .has_tls = true, .ssl = true}, 308, "https://a.example/a"},
		{"E2 one slash of the query", {.path = "/", .query = "x=/", .has_tls = true, .ssl = true}, 308, "https://a.example/?x="},
		{"E2 preserve-trailing-slash", {.path = "/a/", .has_tls = true, .ssl = true, .preserve = true}, 308, "https://a.example/a/"},
		{"E2 use-port-in-redirects", {.path = "/a/", .has_tls = true, .ssl = true, .with_port = true}, 308, "https://a.example:8443/a"},
		{"E2 the raw URI", {.path = "/a b", .raw = "/a%20b", .has_tls = true, .ssl = true}, 308, "https://a.example/a%20b"},
		{"E4 force needs no certificate", {.path = "/x", .force = true}, 308, "https://a.example/x"},
		{"E5 https", {.path = "/x", .force = true, .scheme = "https"}, 0, ""},
		{"E5 other schemes", {.path = "/x", .force = true, .scheme = "HTTP"}, 0, ""},
		{"E6 no-tls-redirect-locations", {.path = "/x", .force = true, .has_tls = true, .ssl = true, .exempt = true}, 0, ""},
		{"no host to name: refused, not passed", {.path = "/x", .force = true, .host = "-"}, 400, ""},
		/* SECURITY: CVE-2023-5044 */
		{"a control byte in Host", {.path = "/x", .force = true, .host = "a\r\nEvil: 1"}, 500, ""},
		{"OPTIONS *", {.path = "*", .route = "/", .force = true}, 308, "https://a.example"},
	};

	for (size_t i = 0; i < CHECK_COUNT(cases); i++) {
		struct rewrite_fixture f;
		struct buf location;
		enum rewrite_rule rule;
		unsigned status;

		check_case(cases[i].name);
		rewrite_fixture_init(&f, &cases[i].in);
		buf_init(&location, 512);
		status = rewrite_answer_host(&f.request, &location, &rule);
		if (!status && f.request.match.route)
			status = rewrite_answer_route(&f.request, &location, &rule);
		CHECK_INT(status, cases[i].status);
		CHECK((rule == REWRITE_NOTHING) == (status == 0));
		CHECK_STR(buf_str(&location), str_from(cases[i].location));
		buf_deinit(&location);
		/* SECURITY, Rift: whatever the room, the answer is whole or a 500 */
		for (size_t cap = 1; cap < 40; cap++) {
			unsigned short_status;

			buf_init(&location, cap);
			short_status = rewrite_answer_host(&f.request, &location, &rule);
			if (!short_status && f.request.match.route)
				short_status = rewrite_answer_route(&f.request, &location, &rule);
			CHECK(short_status == 500 || short_status == status);
			CHECK(location.len == 0 || str_eq(buf_str(&location), str_from(cases[i].location)));
			buf_deinit(&location);
		}
		rewrite_fixture_deinit(&f);
	}
}

int main(void)
{
	test_table();
	return check_done();
}
