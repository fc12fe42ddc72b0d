/* Any bytes: whole, cut short and with more behind them they mean the same, and no name is longer than a name can be. */
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "hello.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	char bytes[256], other[256];
	struct str name, again;
	enum parse_result result = tls_hello_parse(str_of(data, size), bytes, &name);
	static char longer[TLS_HELLO_MAX + 64];

	if (name.len > 255 || (result != PARSE_DONE && name.len))
		abort();
	if (name.len && memchr(name.ptr, '\0', name.len))
		abort();
	for (size_t cut = size < 40 ? 0 : size - 40; result == PARSE_DONE && cut < size; cut++) {
		enum parse_result of_prefix = tls_hello_parse(str_of(data, cut), other, &again);

		if (of_prefix == PARSE_BAD || (of_prefix == PARSE_DONE && !str_eq(name, again)))
			abort();
	}
	if (size >= sizeof(longer) - 16 || result == PARSE_MORE)
		return 0;
	memcpy(longer, data, size);
	memset(longer + size, 0x16, 16);
	if (tls_hello_parse(str_of(longer, size + 16), other, &again) != result || !str_eq(name, again))
		abort();
	return 0;
}
