/* What a controller, a file or a disk may hand to a proxy: whatever it is, an error or a set with the id it claims. */
#include <stdlib.h>

#include "content_wire.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	const char *why = NULL;
	struct content *c = content_unpack(str_of(data, size), &why), *changed;

	if (!c && !why)
		abort();
	changed = content_apply_packed(c, str_of(data, size), &why);
	content_destroy(changed);
	content_destroy(c);
	return 0;
}
