/* Any bytes as a kubeconfig, and the same bytes as a watch's stream cut in two. */
#include "credentials.h"
#include "lines.h"

static bool on_line(void *owner, struct str line)
{
	size_t *n = owner;

	return ++*n + line.len < 1000;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct str text = str_of(data, size);
	struct credentials c = {0};
	struct buf error = {0};
	struct lines l;
	size_t n = 0;

	if (kubeconfig_read(text, "dir/file", NULL, &c, &error))
		credentials_check(&c, &error);
	credentials_deinit(&c);
	buf_deinit(&error);
	lines_init(&l, 64);
	if (lines_take(&l, str_first(text, size / 2), on_line, &n) == LINES_MORE)
		lines_take(&l, str_from_index(text, size / 2), on_line, &n);
	lines_deinit(&l);
	return 0;
}
