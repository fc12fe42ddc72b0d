/* Headers as they are read (A34 to A36), each whole with payload behind it, and byte by byte. */
#include "buf.h"
#include "check.h"
#include "mem.h"
#include "proxyproto.h"

#define IN(literal) {literal, sizeof(literal) - 1}
#define SIG "\r\n\r\n\0\r\nQUIT\n"
#define INET "\xc0\x00\x02\x01\xc6\x33\x64\x02\x12\x34\x01\xbb" /* 192.0.2.1:4660 to 198.51.100.2:443 */
#define INET_TEXT "192.0.2.1:4660 > 198.51.100.2:443"
#define CRC_FIRST "\xb0\x16\xa5\x8f" /* over the header of that case; crc32c("123456789") is e3069283 */
#define CRC_LAST "\x18\xf2\x56\xee"
#define V6_1 "\x20\x01\x0d\xb8\0\0\0\0\0\0\0\0\0\0\0\x01"
#define V6_2 "\x20\x01\x0d\xb8\0\0\0\0\0\0\0\0\0\0\0\x02"
#define MAPPED "\0\0\0\0\0\0\0\0\0\0\xff\xff\xc0\x00\x02\x01"

struct parse_case {
	const char *name;
	struct str in;
	const char *want; /* "result source > destination", or the word of a failure */
	size_t bad_after; /* of failures: bytes after which it is known; 0: all of them */
};

static const struct parse_case cases[] = {
	/* A34 */
	{"TCP4", IN("PROXY TCP4 192.0.2.1 198.51.100.2 4660 443\r\n"), "v1 " INET_TEXT, 0},
	{"TCP6", IN("PROXY TCP6 2001:db8::1 2001:DB8::2 1 65535\r\n"), "v1 [2001:db8::1]:1 > [2001:db8::2]:65535", 0},
	{"a v4 literal inside TCP6", IN("PROXY TCP6 192.0.2.1 198.51.100.2 4660 443\r\n"), "v1 " INET_TEXT, 0},
	{"a mapped address inside TCP6 is IPv4", IN("PROXY TCP6 ::ffff:192.0.2.1 ::ffff:198.51.100.2 4660 443\r\n"),
		"v1 " INET_TEXT, 0},
	{"leading zeros", IN("PROXY TCP4 192.0.2.1 198.51.100.2 004660 0000443\r\n"), "v1 " INET_TEXT, 0},
	{"port 0", IN("PROXY TCP4 192.0.2.1 198.51.100.2 0 0\r\n"), "v1 192.0.2.1:0 > 198.51.100.2:0", 0},
	{"looks like an address and is none: no source, the port is used", IN("PROXY TCP4 999.5.5.5 198.51.100.2 1 443\r\n"),
		"v1 - > 198.51.100.2:443", 0},
	{"the same of the destination", IN("PROXY TCP4 192.0.2.1 5 4660 443\r\n"), "v1 192.0.2.1:4660 > -:443", 0},
	{"UNKNOWN", IN("PROXY UNKNOWN\r\n"), "none - > -", 0},
	{"UNKNOWN with anything", IN("PROXY UNKNOWN ffff::1 \r \n \x01 1 2\r\n"), "none - > -", 0},
	{"UNKNOWN takes no blank", IN("PROXY UNKNOWNx\r\n"), "none - > -", 0},
	{"port 99999", IN("PROXY TCP4 192.0.2.1 198.51.100.2 99999 443\r\n"), "malformed_v1", 39},
	{"destination port 65536", IN("PROXY TCP4 192.0.2.1 198.51.100.2 1 65536\r\n"), "malformed_v1", 41},
	{"empty port", IN("PROXY TCP4 192.0.2.1 198.51.100.2  443\r\n"), "malformed_v1", 35},
	{"negative port", IN("PROXY TCP4 192.0.2.1 198.51.100.2 -1 443\r\n"), "malformed_v1", 35},
	{"empty address", IN("PROXY TCP4  198.51.100.2 1 443\r\n"), "malformed_v1", 12},
	{"a byte that no address has", IN("PROXY TCP4 192.0.2.x 198.51.100.2 1 443\r\n"), "malformed_v1", 20},
	{"a name for an address", IN("PROXY TCP4 localhost 198.51.100.2 1 443\r\n"), "malformed_v1", 12},
	{"a zone", IN("PROXY TCP6 fe80::1%eth0 fe80::2 1 443\r\n"), "malformed_v1", 19},
	{"lower case family", IN("PROXY tcp4 192.0.2.1 198.51.100.2 1 443\r\n"), "malformed_v1", 7},
	{"lower case unknown", IN("PROXY unknown\r\n"), "malformed_v1", 7},
	{"TCP5", IN("PROXY TCP5 192.0.2.1 198.51.100.2 1 443\r\n"), "malformed_v1", 10},
	{"UDP4", IN("PROXY UDP4 192.0.2.1 198.51.100.2 1 443\r\n"), "malformed_v1", 8},
	{"LF alone", IN("PROXY TCP4 192.0.2.1 198.51.100.2 1 443\n"), "malformed_v1", 0},
	{"CR alone", IN("PROXY TCP4 192.0.2.1 198.51.100.2 1 443\rGET"), "malformed_v1", 41},
	{"more behind the port", IN("PROXY TCP4 192.0.2.1 198.51.100.2 1 443 x\r\n"), "malformed_v1", 40},
	{"lower case word", IN("proxy TCP4 192.0.2.1 198.51.100.2 1 443\r\n"), "missing", 1},
	{"a request that begins alike", IN("PROXYY / HTTP/1.1\r\n"), "missing", 6},

	/* A33: no header */
	{"a request", IN("GET / HTTP/1.1\r\n"), "missing", 1},
	{"a POST", IN("POST / HTTP/1.1\r\n"), "missing", 2},
	{"a ClientHello", IN("\x16\x03\x01\x02"), "missing", 1},
	{"an empty line, then a request", IN("\r\nGET / HTTP/1.1\r\n"), "missing", 3},

	/* A35 */
	{"v2 INET", IN(SIG "\x21\x11\0\x0c" INET), "v2 " INET_TEXT, 0},
	{"v2 INET6", IN(SIG "\x21\x21\0\x24" V6_1 V6_2 "\0\x01\xff\xff"), "v2 [2001:db8::1]:1 > [2001:db8::2]:65535", 0},
	{"v2 mapped source", IN(SIG "\x21\x21\0\x24" MAPPED V6_2 "\0\x01\xff\xff"), "v2 192.0.2.1:1 > [2001:db8::2]:65535", 0},
	{"v2 LOCAL, length 0 (A36)", IN(SIG "\x20\0\0\0"), "none - > -", 0},
	{"v2 LOCAL with addresses (A36)", IN(SIG "\x20\x11\0\x0c" INET), "none - > -", 0},
	{"v2 LOCAL with any bytes", IN(SIG "\x20\x11\0\x05\xff\xff\xff\xff\xff"), "none - > -", 0},
	{"v2 another command", IN(SIG "\x2f\x11\0\x0c" INET), "none - > -", 0},
	{"v2 UNSPEC", IN(SIG "\x21\0\0\0"), "none - > -", 0},
	{"v2 datagrams", IN(SIG "\x21\x12\0\x0c" INET), "none - > -", 0},
	{"v2 UNIX", IN(SIG "\x21\x31\0\x02/x"), "none - > -", 0},
	{"v2 another family", IN(SIG "\x21\xf1\0\x01x"), "none - > -", 0},
	{"v2 INET with the length of less", IN(SIG "\x21\x11\0\x0b" INET), "malformed_v2", 16},
	{"v2 INET6 with the length of INET", IN(SIG "\x21\x21\0\x0c" INET), "malformed_v2", 16},
	{"version 1 behind the signature", IN(SIG "\x11\x11\0\x0c" INET), "malformed_v2", 13},
	{"version 3", IN(SIG "\x31\x11\0\x0c" INET), "malformed_v2", 13},
	{"v2 longer than the cap", IN(SIG "\x21\x11\x0f\xf1" INET), "too_long", 16},
	{"v2 LOCAL longer than the cap", IN(SIG "\x20\0\xff\xff"), "too_long", 16},
	{"a signature with a fault", IN("\r\n\r\n\0\r\nQUID\n\x21\x11\0\x0c" INET), "missing", 11},

	/* TLVs: they fill the header (SECURITY, stricter than A35) */
	{"v2 with TLVs", IN(SIG "\x21\x11\0\x17" INET "\x01\0\x02h2\x05\0\x03" "abc"), "v2 " INET_TEXT " 1=h2 5=abc", 0},
	{"an empty TLV", IN(SIG "\x21\x11\0\x0f" INET "\x02\0\0"), "v2 " INET_TEXT " 2=", 0},
	{"a type nobody knows", IN(SIG "\x21\x11\0\x10" INET "\xfe\0\x01z"), "v2 " INET_TEXT " 254=z", 0},
	{"one stray byte", IN(SIG "\x21\x11\0\x0d" INET "\x04"), "malformed_tlv", 16},
	{"two stray bytes behind a TLV", IN(SIG "\x21\x11\0\x11" INET "\x04\0\0\x04\0"), "malformed_tlv", 31},
	{"a TLV one byte too long", IN(SIG "\x21\x11\0\x10" INET "\x02\0\x02" "a" "b"), "malformed_tlv", 31},
	{"a TLV of 65535", IN(SIG "\x21\x11\0\x0f" INET "\x02\xff\xff"), "malformed_tlv", 31},
	{"SSL", IN(SIG "\x21\x11\0\x1d" INET "\x20\0\x0e\x01\0\0\0\0\x21\0\x01v\x22\0\x02" "cn"),
		"v2 " INET_TEXT " 32=*", 0},
	{"SSL without its head", IN(SIG "\x21\x11\0\x13" INET "\x20\0\x04\x01\0\0\0"), "malformed_tlv", 0},
	{"an SSL sub-TLV that overruns the SSL TLV", IN(SIG "\x21\x11\0\x19" INET "\x20\0\x08\x01\0\0\0\0\x21\0\x01\x04\0"),
		"malformed_tlv", 39},
	{"stray bytes in SSL", IN(SIG "\x21\x11\0\x15" INET "\x20\0\x06\x01\0\0\0\0x"), "malformed_tlv", 0},
	{"CRC32C first", IN(SIG "\x21\x11\0\x16" INET "\x03\0\x04" CRC_FIRST "\x04\0\0"), "v2 " INET_TEXT " 3=* 4=", 0},
	{"CRC32C last", IN(SIG "\x21\x11\0\x18" INET "\x01\0\x02h2\x03\0\x04" CRC_LAST), "v2 " INET_TEXT " 1=h2 3=*", 0},
	{"CRC32C wrong", IN(SIG "\x21\x11\0\x18" INET "\x01\0\x02h3\x03\0\x04" CRC_LAST), "checksum", 0},
	{"CRC32C of zeros", IN(SIG "\x21\x11\0\x13" INET "\x03\0\x04\0\0\0\0"), "checksum", 0},
	{"CRC32C of three bytes", IN(SIG "\x21\x11\0\x12" INET "\x03\0\x03\0\0\0"), "malformed_tlv", 0},
	{"TLVs of LOCAL are skipped, fit or not", IN(SIG "\x20\x11\0\x0f" INET "\x02\xff\xff"), "none - > -", 0},
};

static void add_addr(struct buf *out, const struct addr *a)
{
	char text[ADDR_TEXT_MAX];

	if (a->family)
		buf_printf(out, "%s", addr_text(a, text));
	else if (a->port)
		buf_printf(out, "-:%u", a->port);
	else
		buf_printf(out, "-");
}

static void describe(const struct proxyproto *header, struct buf *out)
{
	struct str rest = header->tlvs, value;
	uint8_t type;

	buf_printf(out, "%s ", proxyproto_word(header->result));
	add_addr(out, &header->src);
	buf_printf(out, " > ");
	add_addr(out, &header->dst);
	while (proxyproto_next_tlv(&rest, &type, &value)) {
		buf_printf(out, " %u=", type);
		if (type == PROXYPROTO_TLV_SSL || type == PROXYPROTO_TLV_CRC32C)
			buf_printf(out, "*");
		else
			buf_add(out, value);
	}
	CHECK_INT(rest.len, 0);
}

/* In memory of exactly its size, so that a byte read beyond it is seen. */
static enum parse_result parse(struct str in, struct proxyproto *out, struct proxyproto_error *error)
{
	char *copy = mem_alloc(in.len + 1);
	enum parse_result result;

	copy[in.len] = 'x';
	memcpy(copy, in.ptr, in.len);
	copy = mem_realloc(copy, in.len ? in.len : 1);
	result = proxyproto_parse(str_of(copy, in.len), out, error);
	mem_free(copy);
	return result;
}

static void check_one(const struct parse_case *c)
{
	struct proxyproto header = {.size = 77}, part;
	struct proxyproto_error error = {0}, part_error;
	enum parse_result whole = proxyproto_parse(c->in, &header, &error);
	size_t known = whole == PARSE_DONE ? header.size : c->bad_after ? c->bad_after : c->in.len;
	struct buf text = {0};

	check_case(c->name);
	if (whole == PARSE_DONE) {
		describe(&header, &text);
		CHECK_INT(header.size, c->in.len);
	} else if (CHECK_INT(whole, PARSE_BAD)) {
		buf_printf(&text, "%s", proxyproto_word(error.kind));
		CHECK(error.reason != NULL);
		CHECK_INT(header.size, 77);
	}
	CHECK_STR(buf_str(&text), str_from(c->want));
	for (size_t len = 0; len <= c->in.len; len++) {
		enum parse_result want = len < known ? PARSE_MORE : whole;

		CHECK_INT(parse(str_first(c->in, len), &part, &part_error), want);
		if (want == PARSE_BAD)
			CHECK_INT(part_error.kind, error.kind);
	}
	buf_deinit(&text);
}

/* The header ends where it ends, whatever comes behind it. */
static void check_payload(const struct parse_case *c)
{
	struct proxyproto header;
	struct proxyproto_error error;
	struct buf all = {0}, text = {0};

	buf_add(&all, c->in);
	buf_add(&all, STR("PROXY \r\n\r\n\0\r\n"));
	if (proxyproto_parse(buf_str(&all), &header, &error) == PARSE_DONE) {
		CHECK_INT(header.size, c->in.len);
		describe(&header, &text);
		CHECK_STR(buf_str(&text), str_from(c->want));
	} else {
		CHECK_STR(str_from(proxyproto_word(error.kind)), str_from(c->want));
	}
	buf_deinit(&all);
	buf_deinit(&text);
}

/* The cap, at its edge: 4096 bytes are a header, one more is none. */
static void test_cap(void)
{
	struct proxyproto header;
	struct proxyproto_error error = {0};
	struct buf in = {0};

	check_case("version 1 of 4096 bytes");
	buf_add(&in, STR("PROXY UNKNOWN"));
	while (in.len < PROXYPROTO_MAX - 2)
		buf_add_char(&in, 'x');
	CHECK_INT(parse(buf_str(&in), &header, &error), PARSE_MORE);
	buf_add(&in, STR("\r\n"));
	CHECK_INT(parse(buf_str(&in), &header, &error), PARSE_DONE);
	check_case("one more");
	in.ptr[PROXYPROTO_MAX - 2] = 'x';
	in.ptr[PROXYPROTO_MAX - 1] = '\r';
	CHECK_INT(parse(str_first(buf_str(&in), PROXYPROTO_MAX - 1), &header, &error), PARSE_MORE);
	CHECK_INT(parse(buf_str(&in), &header, &error), PARSE_BAD);
	CHECK_INT(error.kind, PROXYPROTO_TOO_LONG);
	buf_add(&in, STR("\n"));
	CHECK_INT(parse(buf_str(&in), &header, &error), PARSE_BAD);
	CHECK_INT(error.kind, PROXYPROTO_TOO_LONG);

	check_case("version 2 of 4096 bytes");
	buf_clear(&in);
	buf_add(&in, STR(SIG "\x21\x11\x0f\xf0" INET "\x04\x0f\xe1"));
	while (in.len < PROXYPROTO_MAX - 1)
		buf_add_char(&in, 0);
	CHECK_INT(parse(buf_str(&in), &header, &error), PARSE_MORE);
	buf_add_char(&in, 0);
	CHECK_INT(parse(buf_str(&in), &header, &error), PARSE_DONE);
	CHECK_INT(header.size, PROXYPROTO_MAX);
	buf_deinit(&in);
}

static void test_tlvs(void)
{
	static const char bytes[] = "\x01\0\x02h2\x02\0\x06" "a.test\x02\0\x01z\x05\0\0"
		"\x20\0\x2e\x07\x01\x02\x03\x04\x21\0\x07TLSv1.3\x22\0\x05leafy\x23\0\x02" "ci\x24\0\x04SHA2\x25\0\x04RSA2\x7f\0\x01?"
		"\xea\0\x03\x02no\xea\0\x05\x01vpce\x30\0\x02ns";
	struct str tlvs = {bytes, sizeof(bytes) - 1};
	struct proxyproto_ssl ssl;

	check_case("look-ups by type: the first one counts");
	CHECK_STR(proxyproto_tlv(tlvs, PROXYPROTO_TLV_ALPN), STR("h2"));
	CHECK_STR(proxyproto_tlv(tlvs, PROXYPROTO_TLV_AUTHORITY), STR("a.test"));
	CHECK_STR(proxyproto_tlv(tlvs, PROXYPROTO_TLV_NETNS), STR("ns"));
	CHECK(proxyproto_tlv(tlvs, PROXYPROTO_TLV_UNIQUE_ID).ptr != NULL);
	CHECK_INT(proxyproto_tlv(tlvs, PROXYPROTO_TLV_UNIQUE_ID).len, 0);
	CHECK(!proxyproto_tlv(tlvs, PROXYPROTO_TLV_NOOP).ptr);
	CHECK(!proxyproto_tlv(STR(""), PROXYPROTO_TLV_ALPN).ptr);

	check_case("AWS: subtype 1 alone");
	CHECK_STR(proxyproto_aws_vpce_id(tlvs), STR("vpce"));
	CHECK(!proxyproto_aws_vpce_id(STR("\xea\0\x03\x02no")).ptr);
	CHECK(!proxyproto_aws_vpce_id(STR("\xea\0\0")).ptr);

	check_case("SSL");
	CHECK(proxyproto_ssl(tlvs, &ssl));
	CHECK_INT(ssl.client, PROXYPROTO_CLIENT_SSL | PROXYPROTO_CLIENT_CERT_CONN | PROXYPROTO_CLIENT_CERT_SESS);
	CHECK_INT(ssl.verify, 0x01020304);
	CHECK_STR(ssl.version, STR("TLSv1.3"));
	CHECK_STR(ssl.cn, STR("leafy"));
	CHECK_STR(ssl.cipher, STR("ci"));
	CHECK_STR(ssl.sig_alg, STR("SHA2"));
	CHECK_STR(ssl.key_alg, STR("RSA2"));
	CHECK(!proxyproto_ssl(STR("\x02\0\0"), &ssl));
}

int main(void)
{
	for (size_t i = 0; i < CHECK_COUNT(cases); i++) {
		check_one(&cases[i]);
		check_payload(&cases[i]);
	}
	test_cap();
	test_tlvs();
	return check_done();
}
