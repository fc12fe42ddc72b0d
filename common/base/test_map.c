#include "check.h"
#include "map.h"
#include "mem.h"

#include <stdio.h>

/* Puts, replaces, deletes and finds many keys, with an array beside it that knows the truth. */
int main(void)
{
	enum { N = 5000 };
	static char values[N];
	static bool is_in[N];
	struct map m = {0};
	size_t cursor = 0, n = 0;
	void *value;

	check_case("many");
	for (unsigned round = 0; round < 20000; round++) {
		unsigned k = round * 2654435761u % N;
		char key[16];
		struct str s = str_of(key, (size_t)snprintf(key, sizeof(key), "key-%u", k));

		if (round % 3 == 2) {
			CHECK(map_del(&m, s) == (is_in[k] ? (void *)&values[k] : NULL));
			is_in[k] = false;
		} else {
			CHECK(map_put(&m, s, &values[k]) == (is_in[k] ? (void *)&values[k] : NULL));
			is_in[k] = true;
		}
		CHECK(map_get(&m, s) == (is_in[k] ? (void *)&values[k] : NULL));
	}
	for (size_t i = 0; i < N; i++)
		n += is_in[i];
	CHECK_INT(m.n, n);
	while (map_next(&m, &cursor, NULL, &value)) {
		CHECK(is_in[(char *)value - values]);
		n--;
	}
	CHECK_INT(n, 0);
	map_deinit(&m);
	check_case("empty key");
	CHECK(map_put(&m, STR(""), values) == NULL);
	CHECK(map_get(&m, STR("")) == values);
	map_deinit(&m);
	return check_done();
}
