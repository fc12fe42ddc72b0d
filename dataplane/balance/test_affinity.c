/* I10 to I15: cookies to endpoints and back, and their attributes. */
#include "affinity.h"

#include <stdio.h>

#include "check.h"
#include "hash_ring.h"

enum { MAX = 16 };

struct fleet {
	struct endpoint endpoints[MAX];
	char texts[MAX][ADDR_TEXT_MAX], ids[MAX][16];
	struct str names[MAX];
	struct affinity affinity;
	struct backend backend;
};

static void make_fleet(struct fleet *f, bool is_persistent, const uint8_t *hosts, size_t n)
{
	*f = (struct fleet){.backend = {.n_endpoints = n},
		.affinity = {.is_persistent = is_persistent, .cookie_name = STR("INGRESSCOOKIE"), .backend_id = STR("b0b0")}};
	for (size_t i = 0; i < n; i++) {
		f->endpoints[i].addr = (struct addr){.family = 4, .port = 8080, .ip = {10, 0, 0, hosts[i]}};
		snprintf(f->ids[i], sizeof(f->ids[i]), "id%u", hosts[i]);
		f->endpoints[i].id = str_from(f->ids[i]);
		f->names[i] = str_from(addr_text(&f->endpoints[i].addr, f->texts[i]));
	}
	f->backend.endpoints = f->endpoints;
	f->backend.affinity = &f->affinity;
	f->backend.ring = hash_ring_create(f->names, n);
}

static void drop_fleet(struct fleet *f)
{
	hash_ring_destroy((struct hash_ring *)(uintptr_t)f->backend.ring);
}

static const uint8_t before[] = {1, 2, 3, 4, 5}, after[] = {1, 2, 4, 5, 6};

static void test_stays(bool is_persistent)
{
	struct fleet f, changed;
	unsigned n_moved = 0;

	check_case(is_persistent ? "persistent: a session stays while its endpoint does" :
				   "balanced: a session stays, or moves to an endpoint that is new");
	make_fleet(&f, is_persistent, before, sizeof(before));
	make_fleet(&changed, is_persistent, after, sizeof(after));
	for (unsigned i = 0; i < 500; i++) {
		struct buf value = {0};
		unsigned at = i % 5;
		int now;

		affinity_write_value(&f.backend, at, i * 7919, &value);
		CHECK_INT(affinity_find(&f.backend, buf_str(&value)), at);
		CHECK(affinity_is_of(&f.backend, buf_str(&value)));
		now = affinity_find(&changed.backend, buf_str(&value));
		if (before[at] == 3) {
			CHECK(is_persistent ? now < 0 : now >= 0);
		} else if (now >= 0 && after[now] == 6) {
			n_moved++;
			CHECK(!is_persistent);
		} else if (CHECK(now >= 0)) {
			CHECK_INT(after[now], before[at]);
		}
		buf_deinit(&value);
	}
	CHECK(n_moved < 500 / 5 * 2);
	drop_fleet(&f);
	drop_fleet(&changed);
}

static void test_hostile(void)
{
	static const char *const values[] = {"", "|", "||", "x", "x|", "|b0b0", "10.0.0.1:8080|b0b0", "id9|b0b0", "id1|b0b0|", "id1",
		"1760000000.123.45.6789|0123456789abcdef0123456789abcdef"};

	check_case("whatever a client sends is an endpoint of the backend or none");
	for (int is_persistent = 0; is_persistent < 2; is_persistent++) {
		struct fleet f;

		make_fleet(&f, is_persistent, before, sizeof(before));
		for (size_t i = 0; i < CHECK_COUNT(values); i++) {
			int at = affinity_find(&f.backend, str_from(values[i]));

			CHECK(at >= -1 && at < 5);
			CHECK(!is_persistent || at == (str_eq(str_from(values[i]), STR("id1")) ? 0 : -1));
			CHECK(is_persistent || at >= 0 || !values[i][0]);
		}
		CHECK(!affinity_is_of(&f.backend, STR("x|other")));
		CHECK(!affinity_is_of(&f.backend, STR("b0b0")));
		f.backend.n_endpoints = 0;
		CHECK_INT(affinity_find(&f.backend, STR("id1|b0b0")), -1);
		drop_fleet(&f);
	}
}

static void test_no_address(void)
{
	struct fleet f;

	check_case("no value holds an address");
	for (int is_persistent = 0; is_persistent < 2; is_persistent++) {
		struct buf value = {0};

		make_fleet(&f, is_persistent, before, sizeof(before));
		affinity_write_value(&f.backend, 2, 5, &value);
		CHECK(str_find_str(buf_str(&value), STR("10.0.0")) == value.len);
		buf_deinit(&value);
		drop_fleet(&f);
	}
}

static void test_attributes(void)
{
	static const struct {
		const char *name;
		struct affinity a;
		const char *agent;
		bool is_tls;
		const char *want;
	} cases[] = {
		{"I15: a session cookie of the path", {0}, "", false, "Path=/app; HttpOnly"},
		{"on TLS", {0}, "", true, "Path=/app; Secure; HttpOnly"},
		{"session-cookie-secure", {.secure = true}, "", false, "Path=/app; Secure; HttpOnly"},
		{"all of them, in order",
			{.expires_s = 3600, .max_age_s = 60, .domain = {"a.test", 6}, .path = {"/x", 2}, .samesite = {"None", 4}},
			"Chrome/60.0", false,
			"Expires=Wed, 21-Oct-15 08:28:00 GMT; Max-Age=60; Domain=a.test; Path=/x; HttpOnly; SameSite=None"},
		{"a browser that mistakes None", {.samesite = {"None", 4}, .conditional_samesite_none = true}, "X Chrome/60.0 Y", false,
			"Path=/app; HttpOnly"},
		{"one that does not", {.samesite = {"None", 4}, .conditional_samesite_none = true}, "X Chrome/80.0 Y", false,
			"Path=/app; HttpOnly; SameSite=None"},
		{"an iPhone that does", {.samesite = {"None", 4}, .conditional_samesite_none = true},
			"Mozilla/5.0 (iPhone; CPU iPhone OS 12_1 like Mac OS X)", false, "Path=/app; HttpOnly"},
		{"Lax is mistaken by none", {.samesite = {"Lax", 3}, .conditional_samesite_none = true}, "Chrome/60", false,
			"Path=/app; HttpOnly; SameSite=Lax"},
	};

	for (size_t i = 0; i < CHECK_COUNT(cases); i++) {
		struct affinity a = cases[i].a;
		struct backend backend = {.affinity = &a};
		struct buf out = {0}, want = {0};
		const struct affinity_cookie cookie = {.value = STR("k|b"), .route_path = STR("/app"),
			.user_agent = str_from(cases[i].agent), .is_tls = cases[i].is_tls, .unix_s = 1445412480};

		check_case(cases[i].name);
		a.cookie_name = STR("route");
		affinity_write_cookie(&backend, &cookie, &out);
		buf_printf(&want, "Set-Cookie: route=k|b; %s\r\n", cases[i].want);
		CHECK_STR(buf_str(&out), buf_str(&want));
		buf_deinit(&out);
		buf_deinit(&want);
	}
}

static void test_path(void)
{
	static const char *const paths[][2] = {{"/app", "/app"}, {"/app/x;Domain=com/y", "/app/"}, {"/;a;b", "/"}};

	check_case("a route's path begins no attribute");
	for (size_t i = 0; i < CHECK_COUNT(paths); i++) {
		struct affinity a = {.cookie_name = STR("route")};
		struct backend backend = {.affinity = &a};
		const struct affinity_cookie cookie = {.value = STR("k|b"), .route_path = str_from(paths[i][0])};
		struct buf out = {0}, want = {0};

		affinity_write_cookie(&backend, &cookie, &out);
		buf_printf(&want, "Set-Cookie: route=k|b; Path=%s; HttpOnly\r\n", paths[i][1]);
		CHECK_STR(buf_str(&out), buf_str(&want));
		buf_deinit(&out);
		buf_deinit(&want);
	}
}

int main(void)
{
	test_stays(true);
	test_stays(false);
	test_hostile();
	test_no_address();
	test_attributes();
	test_path();
	return check_done();
}
