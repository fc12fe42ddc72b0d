/* CHANNEL 4.4: what is on disk says how much of the cluster is in it; files of an older release do not, and an older release reads ours. */
#include "check.h"
#include "content_wire.h"
#include "head.h"

static struct content *one_host(void)
{
	struct content *content = content_create();

	content_put(content, resource_create(1, STR("a.test"), STR("body")));
	return content;
}

static void test_both_ways(void)
{
	struct version v = {0}, back;
	struct content *content = one_host(), *again;
	struct content_id id = content_id(content), got;
	struct buf plain = {0};
	const char *why = NULL;

	v.marks[MARK_EPOCH] = 3;
	for (unsigned i = 1; i < MARK_COUNT; i++)
		v.marks[i] = UINT64_MAX - i;
	head_add(&v, &plain);
	CHECK(plain.len > 0);
	CHECK(content_pack(content, NULL, &plain));
	again = content_unpack(head_read(buf_str(&plain), &back), &why);
	if (CHECK(again != NULL)) {
		got = content_id(again);
		CHECK(content_id_eq(&got, &id));
		content_destroy(again);
	}
	CHECK(!memcmp(&back, &v, sizeof(v)));

	check_case("a release that does not know the head reads all of it as a Snapshot");
	again = content_unpack(buf_str(&plain), &why);
	if (CHECK(again != NULL)) {
		got = content_id(again);
		CHECK(content_id_eq(&got, &id));
		content_destroy(again);
	}
	content_destroy(content);
	buf_deinit(&plain);
}

static void test_without(void)
{
	struct version none = {0}, back = {.marks = {7}};
	struct content *content = one_host();
	struct buf plain = {0};

	check_case("without a head, as an older release wrote it");
	head_add(&none, &plain);
	CHECK_INT(plain.len, 0);
	CHECK(content_pack(content, NULL, &plain));
	CHECK_INT(head_read(buf_str(&plain), &back).len, plain.len);
	CHECK(!memcmp(&back, &none, sizeof(none)));

	check_case("cut off anywhere, nothing is read beyond the end");
	buf_clear(&plain);
	none.marks[MARK_INGRESS] = 1234567;
	head_add(&none, &plain);
	for (size_t n = 0; n < plain.len; n++)
		CHECK_INT(head_read(str_first(buf_str(&plain), n), &back).len, n);
	CHECK_INT(head_read(buf_str(&plain), &back).len, 0);
	CHECK_INT(back.marks[MARK_INGRESS], 1234567);
	content_destroy(content);
	buf_deinit(&plain);
}

int main(void)
{
	test_both_ways();
	test_without();
	return check_done();
}
