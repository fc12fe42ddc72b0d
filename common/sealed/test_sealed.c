/* There and back; every cut and every changed byte is refused; files are replaced whole. */
#include "sealed.h"

#include <errno.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include "check.h"

static const uint8_t secret[SEALED_SECRET_SIZE] = {1, 2, 3}, other_key[SEALED_SECRET_SIZE] = {9, 2, 3};
static uint8_t other_id[SEALED_SECRET_SIZE] = {1, 2, 3};

static void seal(struct str plain, struct buf *out)
{
	struct sealed_head head = {.schema = 7, .time_ms = 1234567890123};

	CHECK(sealed_salt(head.salt));
	CHECK(sealed_add(&head, secret, plain, out));
}

static void test_there_and_back(void)
{
	struct buf file = {0}, plain = {0};
	struct sealed_head head;
	const char *why = NULL;

	check_case("there and back, twice in a row");
	seal(STR("a private key"), &file);
	CHECK_INT(file.len, SEALED_HEAD_SIZE + 13 + SEALED_TAG_SIZE);
	CHECK_INT(str_find_str(buf_str(&file), STR("private")), file.len);
	seal(STR(""), &file);
	CHECK(sealed_head(buf_str(&file), &head, &why));
	CHECK_INT(head.schema, 7);
	CHECK_INT(head.time_ms, 1234567890123);
	CHECK(sealed_open(buf_str(&file), secret, &plain, &why));
	CHECK_STR(buf_str(&plain), STR("a private key"));
	buf_consume(&file, sealed_size(buf_str(&file)));
	CHECK(sealed_open(buf_str(&file), secret, &plain, &why));
	CHECK_STR(buf_str(&plain), STR("a private key"));
	CHECK_INT(sealed_size(buf_str(&file)), file.len);
	buf_deinit(&file);
	buf_deinit(&plain);
}

static void test_refusals(void)
{
	struct buf file = {0}, plain = {0};
	struct sealed_head head;
	const char *why = NULL;

	check_case("another key and another id of it");
	seal(STR("a private key"), &file);
	other_id[40] = 1;
	CHECK(!sealed_open(buf_str(&file), other_id, &plain, &why));
	CHECK(strstr(why, "another key"));
	CHECK(!sealed_open(buf_str(&file), other_key, &plain, &why));
	CHECK(strstr(why, "damaged"));

	check_case("cut off anywhere");
	for (size_t n = 0; n < file.len; n++) {
		struct str cut = str_first(buf_str(&file), n);

		why = NULL;
		CHECK(!sealed_head(cut, &head, &why) || !sealed_open(cut, secret, &plain, &why));
		CHECK(why != NULL);
	}
	check_case("any bit changed");
	for (size_t i = 0; i < file.len * 8; i++) {
		file.ptr[i / 8] = (char)(file.ptr[i / 8] ^ (1 << i % 8));
		why = NULL;
		CHECK(!sealed_head(buf_str(&file), &head, &why) || !sealed_open(buf_str(&file), secret, &plain, &why));
		CHECK(why != NULL);
		file.ptr[i / 8] = (char)(file.ptr[i / 8] ^ (1 << i % 8));
	}
	CHECK_INT(plain.len, 0);
	check_case("a cap that is too small");
	buf_deinit(&plain);
	buf_init(&plain, 5);
	CHECK(!sealed_open(buf_str(&file), secret, &plain, &why));
	CHECK(strstr(why, "too large"));
	buf_deinit(&file);
	buf_deinit(&plain);
}

static void test_files(void)
{
	char directory[] = "/tmp/test_sealed.XXXXXX";
	struct buf path = {0}, in = {0};
	struct stat st;

	check_case("files");
	CHECK(mkdtemp(directory) != NULL);
	buf_printf(&path, "%s/state", directory);
	CHECK_INT(sealed_directory(buf_cstr(&path)), 0);
	CHECK_INT(sealed_directory(buf_cstr(&path)), 0);
	CHECK_INT(sealed_read_file(buf_cstr(&path), "x", &in), -ENOENT);
	CHECK_INT(sealed_write_file(buf_cstr(&path), "x", STR("one")), 0);
	CHECK_INT(sealed_write_file(buf_cstr(&path), "x", STR("two")), 0);
	CHECK_INT(sealed_read_file(buf_cstr(&path), "x", &in), 0);
	CHECK_STR(buf_str(&in), STR("two"));
	buf_printf(&path, "/x");
	CHECK_INT(stat(buf_cstr(&path), &st), 0);
	CHECK_INT(st.st_mode & 0777, 0600);
	CHECK_INT(sealed_directory(buf_cstr(&path)), -ENOTDIR);
	buf_deinit(&in);
	buf_init(&in, 2);
	path.len -= 2;
	CHECK_INT(sealed_read_file(buf_cstr(&path), "x", &in), -EFBIG);
	buf_printf(&path, "/x");
	unlink(buf_cstr(&path));
	path.len -= 2;
	rmdir(buf_cstr(&path));
	CHECK_INT(rmdir(directory), 0); /* no temporary file is left */
	CHECK_INT(sealed_write_file(directory, "x", STR("one")), -ENOENT);
	buf_deinit(&in);
	buf_deinit(&path);
}

int main(void)
{
	test_there_and_back();
	test_refusals();
	test_files();
	return check_done();
}
