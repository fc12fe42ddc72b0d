#include "addr.h"

#include <stdio.h>

#include "check.h"

static void test_ip(void)
{
	static const struct {
		const char *in, *want; /* NULL: refused */
	} cases[] = {
		{"1.2.3.4", "1.2.3.4"},
		{"::1", "::1"},
		{"::ffff:1.2.3.4", "1.2.3.4"}, /* A3 */
		{"2001:DB8::1", "2001:db8::1"},
		{"999.1.1.1", NULL},
		{"1.2.3", NULL},
		{"", NULL},
		{"[::1]", NULL},
		{"fe80::1%eth0", NULL},
		{"unix:", NULL},
	};

	for (size_t i = 0; i < CHECK_COUNT(cases); i++) {
		struct addr a;
		char text[ADDR_TEXT_MAX];

		check_case(cases[i].in);
		if (CHECK(addr_parse_ip(str_from(cases[i].in), &a) == (cases[i].want != NULL)) && cases[i].want)
			CHECK_STR(str_from(addr_ip_text(&a, text)), str_from(cases[i].want));
	}
}

static void test_host_port(void)
{
	static const struct {
		const char *in, *want;
	} cases[] = {
		{"127.0.0.1:80", "127.0.0.1:80"},
		{"[::1]:443", "[::1]:443"},
		{":80", "0.0.0.0:80"},
		{"*:0", "0.0.0.0:0"},
		{"::1:80", NULL},
		{"127.0.0.1", NULL},
		{"127.0.0.1:65536", NULL},
		{"localhost:80", NULL},
	};

	for (size_t i = 0; i < CHECK_COUNT(cases); i++) {
		struct addr a, again;
		struct sockaddr_storage sa;
		char text[ADDR_TEXT_MAX];

		check_case(cases[i].in);
		if (!CHECK(addr_parse_host_port(str_from(cases[i].in), &a) == (cases[i].want != NULL)) ||
			!cases[i].want)
			continue;
		CHECK_STR(str_from(addr_text(&a, text)), str_from(cases[i].want));
		addr_to_sockaddr(&a, &sa);
		CHECK(addr_from_sockaddr((const struct sockaddr *)&sa, &again) && addr_eq(&a, &again));
	}
}

/* Texts are written by hand: every port and every octet as printf has them. */
static void test_numbers(void)
{
	for (unsigned n = 0; n <= 65535; n++) {
		struct addr a = {.family = 4, .port = (uint16_t)n, .ip = {n >> 8 & 255, n & 255, 0, 255}};
		char text[ADDR_TEXT_MAX], want[ADDR_TEXT_MAX];

		snprintf(want, sizeof(want), "%u.%u.0.255:%u", n >> 8, n & 255, n);
		if (!str_eq(str_from(addr_text(&a, text)), str_from(want)))
			CHECK_STR(str_from(text), str_from(want));
	}
}

static void test_cidr(void)
{
	static const struct {
		const char *net, *ip;
		bool ok, is_in;
	} cases[] = {
		{"10.0.0.0/8", "10.255.1.2", true, true},
		{"10.0.0.0/8", "11.0.0.0", true, false},
		{"10.1.2.3/8", "10.9.9.9", true, true},
		{"0.0.0.0/0", "1.2.3.4", true, true},
		{"0.0.0.0/0", "::1", true, false}, /* A3 */
		{"10.0.0.0/9", "10.128.0.0", true, false},
		{"1.2.3.4", "1.2.3.4", true, true},
		{"1.2.3.4", "1.2.3.5", true, false},
		{"2001:db8::/33", "2001:db8:7fff::", true, true},
		{"2001:db8::/33", "2001:db8:8000::", true, false},
		{"::ffff:10.0.0.0/104", "10.1.1.1", true, true},
		{"::ffff:10.0.0.0/8", "10.1.1.1", false, false},
		{"10.0.0.0/33", "", false, false},
		{"10.0.0.0/", "", false, false},
		{"10.0.0.0/8/8", "", false, false},
		{"host/8", "", false, false},
		{"", "", false, false},
	};

	for (size_t i = 0; i < CHECK_COUNT(cases); i++) {
		struct cidr c;
		struct addr a;
		const char *why = NULL;

		check_case(cases[i].net);
		if (!CHECK(cidr_parse(str_from(cases[i].net), &c, &why) == cases[i].ok) || !cases[i].ok) {
			CHECK(cases[i].ok || why);
			continue;
		}
		CHECK(addr_parse_ip(str_from(cases[i].ip), &a));
		CHECK_INT(cidr_contains(&c, &a), cases[i].is_in);
	}
}

int main(void)
{
	test_ip();
	test_host_port();
	test_numbers();
	test_cidr();
	return check_done();
}
