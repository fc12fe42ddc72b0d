#include "arena.h"
#include "buf.h"
#include "check.h"
#include "mem.h"

static void test_cap(void)
{
	struct buf b;

	check_case("cap");
	buf_init(&b, 4);
	CHECK(buf_add(&b, STR("abc")));
	CHECK(!buf_add(&b, STR("de")));
	CHECK(b.is_over);
	CHECK_STR(buf_str(&b), STR("abc"));
	CHECK_STR(str_from(buf_cstr(&b)), STR("abc"));
	buf_consume(&b, 2);
	CHECK_STR(buf_str(&b), STR("c"));
	buf_deinit(&b);
}

static void test_texts(void)
{
	struct buf b = {0};

	check_case("escaped");
	buf_add_escaped(&b, STR("a\"\\\r\n\x7f\xc3\xa4"));
	CHECK_STR(buf_str(&b), STR("a\\x22\\x5c\\x0d\\x0a\\x7f\xc3\xa4"));
	buf_clear(&b);
	check_case("json");
	buf_add_json(&b, STR("a\"\n\xff\xc3\xa4\x01\xc3"));
	CHECK_STR(buf_str(&b), STR("\"a\\\"\\n\\u00ff\xc3\xa4\\u0001\\u00c3\""));
	buf_clear(&b);
	check_case("numbers");
	buf_add_u64(&b, 0);
	buf_add_u64(&b, UINT64_MAX);
	buf_add_hex(&b, STR("\x01\xab"));
	CHECK_STR(buf_str(&b), STR("01844674407370955161501ab"));
	buf_deinit(&b);
}

static void test_arena(void)
{
	struct arena a = {0};
	char *big;

	check_case("arena");
	for (int i = 0; i < 1000; i++)
		CHECK_STR(arena_str(&a, STR("some text")), STR("some text"));
	big = arena_zalloc(&a, 1000000);
	CHECK_INT(big[999999], 0);
	arena_reset(&a);
	CHECK(arena_alloc(&a, 10) != NULL);
	arena_deinit(&a);
}

/* By vectors, words and bytes: every byte at every place of texts of every length up to two vectors and more. */
static void test_plain(void)
{
	char text[41];

	check_case("plain bytes");
	for (size_t len = 1; len < sizeof(text); len++) {
		memset(text, 'v', sizeof(text));
		for (size_t at = 0; at < len; at++) {
			for (int c = 0; c < 256; c++) {
				bool is_plain = c >= 0x20 && c < 0x7f && c != '"' && c != '\\';

				text[at] = (char)c;
				CHECK_INT(buf_plain_len(str_of(text, len)), is_plain ? len : at);
			}
			text[at] = 'v';
		}
	}
}

int main(void)
{
	test_plain();
	test_cap();
	test_texts();
	test_arena();
	return check_done();
}
