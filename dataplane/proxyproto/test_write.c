/* Headers as they are written, and that they are read back as they were meant. */
#include "check.h"
#include "proxyproto.h"

#define SIG "\r\n\r\n\0\r\nQUIT\n"
#define BYTES(literal) {literal, sizeof(literal) - 1}

static struct addr addr(const char *text)
{
	struct addr out = {0};

	if (*text)
		addr_parse_host_port(str_from(text), &out);
	return out;
}

static void test_bytes(void)
{
	static const struct {
		const char *name, *src, *dst;
		struct str v1, v2;
	} cases[] = {
		{"IPv4", "192.0.2.1:4660", "198.51.100.2:443", BYTES("PROXY TCP4 192.0.2.1 198.51.100.2 4660 443\r\n"),
			BYTES(SIG "\x21\x11\0\x0c\xc0\0\x02\x01\xc6\x33\x64\x02\x12\x34\x01\xbb")},
		{"the source's port is unknown", "192.0.2.1:0", "198.51.100.2:443",
			BYTES("PROXY TCP4 192.0.2.1 198.51.100.2 0 443\r\n"),
			BYTES(SIG "\x21\x11\0\x0c\xc0\0\x02\x01\xc6\x33\x64\x02\0\0\x01\xbb")},
		{"IPv6", "[2001:db8::1]:1", "[::1]:2", BYTES("PROXY TCP6 2001:db8::1 ::1 1 2\r\n"),
			BYTES(SIG "\x21\x21\0\x24\x20\x01\x0d\xb8\0\0\0\0\0\0\0\0\0\0\0\x01"
				  "\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\x01\0\x01\0\x02")},
		{"IPv4 to IPv6", "192.0.2.1:1", "[::1]:2", BYTES("PROXY TCP6 ::ffff:192.0.2.1 ::1 1 2\r\n"),
			BYTES(SIG "\x21\x21\0\x24\0\0\0\0\0\0\0\0\0\0\xff\xff\xc0\0\x02\x01"
				  "\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\x01\0\x01\0\x02")},
		{"IPv6 to IPv4", "[::1]:1", "192.0.2.1:2", BYTES("PROXY TCP6 ::1 ::ffff:192.0.2.1 1 2\r\n"),
			BYTES(SIG "\x21\x21\0\x24\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\x01"
				  "\0\0\0\0\0\0\0\0\0\0\xff\xff\xc0\0\x02\x01\0\x01\0\x02")},
		{"no source", "", "192.0.2.1:2", BYTES("PROXY UNKNOWN\r\n"), BYTES(SIG "\x20\0\0\0")},
		{"no destination", "192.0.2.1:2", "", BYTES("PROXY UNKNOWN\r\n"), BYTES(SIG "\x20\0\0\0")},
	};

	for (size_t i = 0; i < CHECK_COUNT(cases); i++) {
		struct addr src = addr(cases[i].src), dst = addr(cases[i].dst);
		bool has_both = src.family && dst.family;

		check_case(cases[i].name);
		for (unsigned version = 1; version <= 2; version++) {
			char out[PROXYPROTO_WRITE_MAX];
			size_t n = proxyproto_write(version, &src, &dst, out);
			struct proxyproto back;
			struct proxyproto_error error;

			CHECK_STR(str_of(out, n), version == 1 ? cases[i].v1 : cases[i].v2);
			if (!CHECK_INT(proxyproto_parse(str_of(out, n), &back, &error), PARSE_DONE))
				continue;
			CHECK_INT(back.size, n);
			CHECK(!has_both || (addr_eq(&back.src, &src) && addr_eq(&back.dst, &dst)));
			CHECK_INT(back.result, !has_both ? PROXYPROTO_NONE : version == 1 ? PROXYPROTO_V1 : PROXYPROTO_V2);
		}
	}
}

static void test_longest(void)
{
	struct addr longest = {.family = 6, .port = 65535};
	char out[PROXYPROTO_WRITE_MAX];

	check_case("the longest header fits");
	for (size_t i = 0; i < 16; i++)
		longest.ip[i] = (uint8_t)(0xa0 + i);
	CHECK(proxyproto_write(1, &longest, &longest, out) < PROXYPROTO_WRITE_MAX);
}

int main(void)
{
	test_bytes();
	test_longest();
	return check_done();
}
