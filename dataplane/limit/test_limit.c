/* SEMANTICS 0.5, D6 (sizes) and J20, J21 (addresses). */
#include "limit.h"

#include "check.h"

static void test_sizes(void)
{
	static const struct {
		const char *name;
		uint64_t max;
		enum http_body body;
		uint64_t length;
		unsigned status;
	} cases[] = {
		{"0.5 at the limit", 100, HTTP_BODY_LENGTH, 100, 0},
		{"0.5 above it", 100, HTTP_BODY_LENGTH, 101, 413},
		{"M23 zero is no limit", 0, HTTP_BODY_LENGTH, UINT64_MAX, 0},
		{"no body", 1, HTTP_BODY_NONE, 0, 0},
		{"D6 chunked is counted while it comes", 1, HTTP_BODY_CHUNKED, 0, 0},
		{"the largest", UINT64_MAX, HTTP_BODY_LENGTH, UINT64_MAX, 0},
	};

	for (size_t i = 0; i < CHECK_COUNT(cases); i++) {
		struct route route = {.policy = {.proxy_body_size_bytes = cases[i].max}};
		struct http_head head = {.body = cases[i].body, .content_length = cases[i].length};

		check_case(cases[i].name);
		CHECK_INT(limit_body_declared(&route, &head), cases[i].status);
		if (cases[i].body == HTTP_BODY_LENGTH)
			CHECK_INT(limit_body_received(&route, cases[i].length), cases[i].status);
	}
}

static void parse_list(const char *text, struct arena *arena, struct cidrset *out)
{
	struct str rest = str_from(text), piece;
	struct cidr items[4];
	size_t n = 0;

	while (str_next(&rest, ',', &piece))
		n += CHECK(cidr_parse(piece, &items[n], NULL));
	cidrset_build(out, items, n, arena);
}

static void test_addresses(void)
{
	static const struct {
		const char *name;
		const char *global, *deny, *allow; /* allow NULL: no allow list */
		bool compatible;
		const char *client; /* "" for none */
		unsigned status;
	} cases[] = {
		{"no lists", "", "", NULL, false, "1.2.3.4", 0},
		{"J20 denied", "", "1.2.3.0/24", NULL, false, "1.2.3.4", 403},
		{"J20 not denied", "", "1.2.3.0/24", NULL, false, "1.2.4.4", 0},
		{"J20 allowed", "", "", "1.2.3.4", false, "1.2.3.4", 0},
		{"J20 not allowed", "", "", "1.2.3.4", false, "1.2.3.5", 403},
		{"J20 deny goes before allow", "", "1.2.3.4", "1.2.3.0/24", false, "1.2.3.4", 403},
		{"J20 an empty allow list admits nobody", "", "", "", false, "1.2.3.4", 403},
		{"J20 IPv6", "", "", "2001:db8::/32", false, "2001:db8::7", 0},
		{"J20 IPv4 is not in ::/0", "", "", "::/0", false, "1.2.3.4", 403},
		{"A3 mapped address is IPv4", "", "", "1.2.3.4", false, "::ffff:1.2.3.4", 0},
		{"J21 block-cidrs", "1.0.0.0/8", "", NULL, false, "1.2.3.4", 403},
		{"J20 block-cidrs holds beside a route's list", "1.0.0.0/8", "", "1.2.3.4", false, "1.2.3.4", 403},
		{"J20 upstream: a route's list hides it", "1.0.0.0/8", "", "1.2.3.4", true, "1.2.3.4", 0},
		{"J20 upstream: so does a deny list", "1.0.0.0/8", "9.9.9.9", NULL, true, "1.2.3.4", 0},
		{"J21 upstream: without one it holds", "1.0.0.0/8", "", NULL, true, "1.2.3.4", 403},
		{"no address passes no allow list", "", "", "0.0.0.0/0,::/0", false, "", 403},
	};

	for (size_t i = 0; i < CHECK_COUNT(cases); i++) {
		struct settings settings = {.compatibility_ingress_nginx = cases[i].compatible};
		struct route route = {.policy = {.has_allowlist = cases[i].allow != NULL}};
		struct arena arena = {0};
		struct addr client = {0};

		check_case(cases[i].name);
		parse_list(cases[i].global, &arena, &settings.denylist);
		parse_list(cases[i].deny, &arena, &route.policy.denylist);
		if (cases[i].allow)
			parse_list(cases[i].allow, &arena, &route.policy.allowlist);
		CHECK(!*cases[i].client || addr_parse_ip(str_from(cases[i].client), &client));
		CHECK_INT(limit_address(&settings, &route, &client), cases[i].status);
		arena_deinit(&arena);
	}
}

int main(void)
{
	test_sizes();
	test_addresses();
	return check_done();
}
