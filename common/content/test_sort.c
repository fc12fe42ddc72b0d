/* Any set of resources is in order afterwards: names that begin alike, that are parts of one another, with any bytes, of any kind. */
#include <stdio.h>

#include "check.h"
#include "mem.h"
#include "sort.h"

static unsigned below(uint32_t *state, unsigned bound)
{
	*state = *state * 1664525u + 1013904223u;
	return (*state >> 8) % bound;
}

static struct resource *make(uint32_t *state)
{
	static const uint32_t kinds[] = {1, 5, 5, 5, 254, 255, 256, 70000, 0xffffffff};
	static const char *const starts[] = {"", "default/", "default/app-", "default/app-1", "d"};
	char name[32];
	unsigned len = (unsigned)snprintf(name, sizeof(name), "%s", starts[below(state, 5)]), more = below(state, 10);

	for (unsigned i = 0; i < more; i++)
		name[len++] = "\0\1a\xff"[below(state, 4)];
	return resource_create(kinds[below(state, CHECK_COUNT(kinds))], str_of(name, len), STR("body"));
}

static bool is_in_order(const struct resource *a, const struct resource *b)
{
	return a->kind != b->kind ? a->kind < b->kind : str_cmp(a->name, b->name) <= 0;
}

int main(void)
{
	enum { N = 200 };
	struct resource *items[N];
	uint32_t state = 1;

	for (unsigned round = 0; round < 300; round++) {
		unsigned n = below(&state, N);
		uint64_t before = 0, after = 0;

		for (unsigned i = 0; i < n; i++) {
			items[i] = make(&state);
			before += (uintptr_t)items[i];
		}
		resources_sort(items, n);
		for (unsigned i = 0; i < n; i++) {
			CHECK(!i || is_in_order(items[i - 1], items[i]));
			after += (uintptr_t)items[i];
		}
		CHECK_INT(after, before); /* the same ones */
		for (unsigned i = 0; i < n; i++)
			resource_unref(&items[i]);
	}
	return check_done();
}
