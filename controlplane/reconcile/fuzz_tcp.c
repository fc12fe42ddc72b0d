/* Bytes as the value of a TCP service (A50): what is taken holds together, and what is refused leaves nothing behind. */
#include <stdlib.h>

#include "tcp.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static bool is_within(struct str part, struct str whole)
{
	return part.len > 0 && part.ptr >= whole.ptr && part.ptr + part.len <= whole.ptr + whole.len;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct str text = str_of(data, size);
	struct tcp_entry e = {0};

	if (tcp_parse_port(text) == 0 && tcp_parse_value(text, &e) == NULL) {
		if (!is_within(e.namespace_, text) || !is_within(e.service, text))
			abort();
		if ((e.target.number == 0) != is_within(e.target.name, text))
			abort();
	} else if (e.service.len || e.target.number || e.decodes_proxy || e.encodes_proxy) {
		abort();
	}
	return 0;
}
