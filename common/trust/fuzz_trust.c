/* Any two texts: a reason, or a store with at least one certificate. */
#include <stdlib.h>

#include "trust.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct str all = str_of(data, size);
	size_t middle = str_find(all, 0);
	const char *why = NULL;
	struct trust *t = trust_create(str_first(all, middle), str_from_index(all, middle < size ? middle + 1 : size), &why);

	if (t ? why || !trust_n(t) || trust_fingerprint(t, 0).len != 32 : !why)
		abort();
	trust_unref(&t);
	return 0;
}
