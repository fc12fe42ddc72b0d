/*
 * What lies on a disk: whatever it is, a reason or what was sealed. The seal stops nearly everything, so a second pass seals
 * the input itself and changes one place of it.
 */
#include <stdlib.h>

#include "sealed.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static const uint8_t secret[SEALED_SECRET_SIZE] = {4, 5, 6};

static bool take(struct str file, struct buf *plain)
{
	struct sealed_head head;
	const char *why = NULL;
	bool is_good = sealed_head(file, &head, &why) && sealed_open(file, secret, plain, &why);

	if (!is_good && (!why || plain->len))
		abort();
	return is_good;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct sealed_head head = {.schema = 1};
	struct str bytes = str_of(data, size);
	struct buf file = {0}, plain;

	buf_init(&plain, 1024 * 1024);
	(void)take(bytes, &plain);
	if (!sealed_add(&head, secret, bytes, &file) || !take(buf_str(&file), &plain) || !str_eq(buf_str(&plain), bytes))
		abort();
	buf_clear(&plain);
	if (size > 2) {
		size_t at = (size_t)(data[0] << 8 | data[1]) % file.len;

		file.ptr[at] = (char)(file.ptr[at] ^ (data[2] | 1));
		if (take(buf_str(&file), &plain))
			abort();
	}
	buf_deinit(&file);
	buf_deinit(&plain);
	return 0;
}
