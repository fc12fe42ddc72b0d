/* max-client-connections, max-worker-connections, max-memory. */
#include "caps.h"

#include "check.h"

static void test_judge(void)
{
	static const struct {
		const char *name;
		struct caps max, used;
		enum caps_full want;
	} cases[] = {
		{"no caps", {0, 0, 0}, {1u << 30, 1u << 30, UINT64_MAX}, CAPS_ROOM},
		{"room for the last one", {10, 0, 0}, {9, 9, 0}, CAPS_ROOM},
		{"the proxy is full", {10, 0, 0}, {10, 3, 0}, CAPS_PROXY_FULL},
		{"the cap was lowered", {10, 0, 0}, {500, 3, 0}, CAPS_PROXY_FULL},
		{"the worker has room", {0, 10, 0}, {100, 9, 0}, CAPS_ROOM},
		{"the worker is full", {0, 10, 0}, {100, 10, 0}, CAPS_WORKER_FULL},
		{"both: the proxy's is told", {10, 10, 0}, {10, 10, 0}, CAPS_PROXY_FULL},
		{"memory at its cap", {0, 0, 4096}, {1, 1, 4096}, CAPS_ROOM},
		{"memory above it", {0, 0, 4096}, {1, 1, 4097}, CAPS_MEMORY_FULL},
		{"memory comes first", {1, 1, 4096}, {1, 1, 4097}, CAPS_MEMORY_FULL},
	};

	for (size_t i = 0; i < CHECK_COUNT(cases); i++) {
		check_case(cases[i].name);
		CHECK_INT(caps_judge(&cases[i].max, &cases[i].used), cases[i].want);
	}
}

int main(void)
{
	test_judge();
	check_case("memory");
	CHECK_INT(caps_memory(0, 0), 0);
	CHECK_INT(caps_memory(0, 1000), 900);
	CHECK_INT(caps_memory(77, 1000), 77);
	CHECK_INT(caps_memory(77, 0), 77);
	return check_done();
}
