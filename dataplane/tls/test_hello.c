/* The server name of a ClientHello: of OpenSSL's own, whole, byte by byte and cut over records; and of hostile ones. */
#include "hello.h"

#include <openssl/ssl.h>
#include <stdlib.h>

#include "buf.h"
#include "check.h"

static char bytes[256];

/* What OpenSSL sends first. */
static void make_hello(const char *name, int version, struct buf *out)
{
	SSL_CTX *ctx = SSL_CTX_new(TLS_client_method());
	SSL *ssl;
	BIO *sent = BIO_new(BIO_s_mem());
	char *all;
	long len;

	SSL_CTX_set_max_proto_version(ctx, version);
	ssl = SSL_new(ctx);
	if (name)
		SSL_set_tlsext_host_name(ssl, name);
	SSL_set_bio(ssl, BIO_new(BIO_s_mem()), sent);
	SSL_set_connect_state(ssl);
	SSL_do_handshake(ssl);
	len = BIO_get_mem_data(sent, &all);
	buf_add(out, str_of(all, (size_t)len));
	SSL_free(ssl);
	SSL_CTX_free(ctx);
}

static void check_hello(struct str hello, enum parse_result want, const char *want_name)
{
	struct str name = STR("untouched");

	CHECK_INT(tls_hello_parse(hello, bytes, &name), want);
	CHECK_STR(name, str_from(want_name));
}

/* Cuts the message into records of `n` bytes. */
static void cut_records(struct str record, size_t n, struct buf *out)
{
	struct str rest = str_from_index(record, 5);

	while (rest.len) {
		struct str piece = str_first(rest, n);
		const char head[5] = {22, 3, 1, (char)(piece.len >> 8), (char)(piece.len & 0xff)};

		buf_add(out, str_of(head, sizeof(head)));
		buf_add(out, piece);
		rest = str_from_index(rest, piece.len);
	}
}

static void test_real(const char *name, int version)
{
	struct buf hello = {0}, cut = {0};

	make_hello(name, version, &hello);
	check_case("whole");
	check_hello(buf_str(&hello), PARSE_DONE, name ? name : "");
	check_case("byte by byte: each beginning waits for more");
	for (size_t i = 0; i < hello.len; i++)
		check_hello(str_first(buf_str(&hello), i), PARSE_MORE, "");
	check_case("one byte a record");
	cut_records(buf_str(&hello), 1, &cut);
	check_hello(buf_str(&cut), PARSE_DONE, name ? name : "");
	check_case("with what follows behind it");
	buf_add(&hello, STR("more"));
	check_hello(buf_str(&hello), PARSE_DONE, name ? name : "");
	buf_deinit(&hello);
	buf_deinit(&cut);
}

/* A small ClientHello around the extensions given. */
static void build(struct str extensions, struct buf *out)
{
	static const char fixed[] = "\x03\x03" "0123456789abcdef0123456789abcdef" "\x00" "\x00\x02\x13\x01" "\x01\x00";
	size_t body = sizeof(fixed) - 1 + 2 + extensions.len;

	buf_clear(out);
	buf_printf(out, "\x16\x03\x01%c%c\x01%c%c%c", (int)((body + 4) >> 8), (int)((body + 4) & 0xff), 0, (int)(body >> 8), (int)(body & 0xff));
	buf_add(out, str_of(fixed, sizeof(fixed) - 1));
	buf_add_char(out, (char)(extensions.len >> 8));
	buf_add_char(out, (char)(extensions.len & 0xff));
	buf_add(out, extensions);
}

#define EXT(text) {text, sizeof(text) - 1}

static void test_built(void)
{
	static const struct {
		const char *name;
		struct str extensions;
		enum parse_result want;
		const char *want_name;
	} cases[] = {
		{"a name", EXT("\0\0\0\x08\0\x06\0\0\x03" "a.b"), PARSE_DONE, "a.b"},
		{"another extension before it", EXT("\0\x17\0\0\0\0\0\x08\0\x06\0\0\x03" "a.b"), PARSE_DONE, "a.b"},
		{"none", EXT("\0\x17\0\0"), PARSE_DONE, ""},
		{"upper case stays", EXT("\0\0\0\x08\0\x06\0\0\x03" "A.b"), PARSE_DONE, "A.b"},
		{"an empty name", EXT("\0\0\0\x05\0\x03\0\0\0"), PARSE_BAD, ""},
		{"a NUL in it", EXT("\0\0\0\x08\0\x06\0\0\x03" "a\0b"), PARSE_BAD, ""},
		{"a type that is none", EXT("\0\0\0\x08\0\x06\x01\0\x03" "a.b"), PARSE_BAD, ""},
		{"two names", EXT("\0\0\0\x0e\0\x0c\0\0\x03" "a.b" "\0\0\x03" "c.d"), PARSE_BAD, ""},
		{"the extension twice", EXT("\0\0\0\x08\0\x06\0\0\x03" "a.b" "\0\0\0\x08\0\x06\0\0\x03" "c.d"), PARSE_BAD, ""},
		{"a list that is longer than its extension", EXT("\0\0\0\x08\0\x07\0\0\x03" "a.b"), PARSE_BAD, ""},
		{"a list that is shorter", EXT("\0\0\0\x08\0\x05\0\0\x03" "a.b"), PARSE_BAD, ""},
		{"a name that is longer than its list", EXT("\0\0\0\x08\0\x06\0\0\x04" "a.b"), PARSE_BAD, ""},
		{"an extension that is longer than all of them", EXT("\0\0\0\x09\0\x06\0\0\x03" "a.b"), PARSE_BAD, ""},
		{"half an extension", EXT("\0\x17\0"), PARSE_BAD, ""},
	};
	struct buf hello = {0};

	for (size_t i = 0; i < CHECK_COUNT(cases); i++) {
		check_case(cases[i].name);
		build(cases[i].extensions, &hello);
		check_hello(buf_str(&hello), cases[i].want, cases[i].want_name);
	}
	buf_deinit(&hello);
}

static void test_others(void)
{
	static char huge[TLS_HELLO_MAX + 1];
	static const struct {
		const char *name;
		struct str in;
		enum parse_result want;
	} cases[] = {
		{"nothing", EXT(""), PARSE_MORE},
		{"HTTP", EXT("GET / HTTP/1.1\r\n"), PARSE_BAD},
		{"its first byte is enough", EXT("G"), PARSE_BAD},
		{"an alert", EXT("\x15\x03\x01\0\x02\x02\x28"), PARSE_BAD},
		{"SSL 2", EXT("\x80\x2e\x01\x03\x01"), PARSE_BAD},
		{"an empty record", EXT("\x16\x03\x01\0\0"), PARSE_BAD},
		{"a record that is too long", EXT("\x16\x03\x01\x40\x01"), PARSE_BAD},
		{"another version of records", EXT("\x16\x02\x01\0\x10"), PARSE_BAD},
		{"a ServerHello", EXT("\x16\x03\x03\0\x10\x02"), PARSE_BAD},
		{"a ClientHello that is too long", EXT("\x16\x03\x01\x40\0\x01\x01\0\0"), PARSE_BAD},
		{"one byte too few for a random", EXT("\x16\x03\x01\0\x05\x01\0\0\x01\x03"), PARSE_BAD},
	};

	for (size_t i = 0; i < CHECK_COUNT(cases); i++) {
		check_case(cases[i].name);
		check_hello(cases[i].in, cases[i].want, "");
	}
	check_case("a ClientHello that does not end in what is looked at");
	memcpy(huge, "\x16\x03\x01\x40\0\x01\0\x3f\xfc\x03\x03", 11);
	check_hello(str_of(huge, sizeof(huge)), PARSE_BAD, "");
}

int main(void)
{
	for (int version = TLS1_2_VERSION; version <= TLS1_3_VERSION; version++) {
		test_real("a.example.com", version);
		test_real(NULL, version);
	}
	test_built();
	test_others();
	return check_done();
}
