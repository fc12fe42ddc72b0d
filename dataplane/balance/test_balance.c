/* I2: strict rotation from a random start; retries go elsewhere (I36); changes of endpoints do not upset it. */
#include "balance.h"

#include "check.h"

enum { MAX = 64 };

struct fleet {
	struct endpoint endpoints[MAX];
	struct backend backend;
};

/* Endpoints with the last address bytes of `ids`, which must ascend. */
static void make_fleet(struct fleet *f, const uint8_t *ids, size_t n)
{
	*f = (struct fleet){.backend = {.name = STR("b"), .index = 3, .n_endpoints = n}};
	for (size_t i = 0; i < n; i++)
		f->endpoints[i].addr = (struct addr){.family = 4, .port = 80, .ip = {10, 0, 0, ids[i]}};
	f->backend.endpoints = f->endpoints;
}

static uint64_t step(uint64_t *x)
{
	*x ^= *x << 13;
	*x ^= *x >> 7;
	*x ^= *x << 17;
	return *x;
}

static void test_fairness(void)
{
	static uint8_t ids[MAX];

	check_case("every window of n choices has each endpoint once");
	for (uint8_t i = 0; i < MAX; i++)
		ids[i] = i;
	for (size_t n = 1; n <= MAX; n++) {
		struct balance *b = balance_create(n * 77);
		struct fleet f;
		unsigned counts[MAX] = {0};

		make_fleet(&f, ids, n);
		for (size_t i = 0; i < n * 5; i++) {
			int at = balance_select(b, &f.backend, NULL, 0);

			if (CHECK(at >= 0 && (size_t)at < n))
				counts[at]++;
			if (i % n == n - 1)
				for (size_t k = 0; k < n; k++)
					CHECK_INT(counts[k], i / n + 1);
		}
		balance_destroy(b);
	}
}

static void test_start(void)
{
	static const uint8_t ids[] = {1, 2, 3, 4, 5, 6, 7, 8};
	unsigned seen = 0;

	check_case("workers begin elsewhere");
	for (uint64_t seed = 0; seed < 64; seed++) {
		struct balance *b = balance_create(seed);
		struct fleet f;

		make_fleet(&f, ids, sizeof(ids));
		seen |= 1u << balance_select(b, &f.backend, NULL, 0);
		balance_destroy(b);
	}
	CHECK_INT(seen, 0xff);
}

static void test_none(void)
{
	struct balance *b = balance_create(1);
	struct fleet f;

	check_case("no endpoints");
	make_fleet(&f, NULL, 0);
	CHECK_INT(balance_select(b, &f.backend, NULL, 0), -1);
	balance_destroy(b);
	balance_destroy(NULL);
}

/* Random fleets that change between requests, with up to 16 tries each. */
static void test_tries(void)
{
	struct balance *b = balance_create(9);
	uint64_t x = 88172645463325252u;

	check_case("never the same endpoint twice while another is left");
	for (unsigned round = 0; round < 5000; round++) {
		uint8_t ids[MAX];
		size_t n = 0;
		struct balance_tried tried = {0};
		struct fleet f;
		uint64_t seen = 0;

		for (unsigned id = 0; id < MAX; id++) {
			if (step(&x) % 4 == 0)
				ids[n++] = (uint8_t)id;
		}
		make_fleet(&f, ids, n);
		for (unsigned i = 0; n && i < 16; i++) {
			int at = balance_select(b, &f.backend, &tried, round);

			CHECK(at >= 0 && (size_t)at < n);
			CHECK_INT(seen >> at & 1, i >= n);
			seen |= (uint64_t)1 << at;
			tried.items[tried.n++] = (uint16_t)at;
		}
	}
	balance_destroy(b);
}

static void test_change(void)
{
	static const uint8_t before[] = {10, 20, 30, 40}, after[] = {5, 10, 15, 30, 40};
	struct balance *b = balance_create(1);
	struct fleet f;
	int at;

	check_case("the rotation goes on after the address it used last");
	make_fleet(&f, before, sizeof(before));
	do {
		at = balance_select(b, &f.backend, NULL, 0);
	} while (f.endpoints[at].addr.ip[3] != 20);
	make_fleet(&f, after, sizeof(after)); /* 20 is gone, 5 and 15 are new */
	CHECK_INT(f.endpoints[balance_select(b, &f.backend, NULL, 0)].addr.ip[3], 30);
	CHECK_INT(f.endpoints[balance_select(b, &f.backend, NULL, 0)].addr.ip[3], 40);
	CHECK_INT(f.endpoints[balance_select(b, &f.backend, NULL, 0)].addr.ip[3], 5);
	make_fleet(&f, before, 1);
	CHECK_INT(balance_select(b, &f.backend, NULL, 0), 0);
	balance_destroy(b);
}

static void test_two_backends(void)
{
	static const uint8_t ids[] = {1, 2, 3};
	struct balance *b = balance_create(4);
	struct fleet one, two;
	int first, second;

	check_case("backends rotate apart");
	make_fleet(&one, ids, 3);
	make_fleet(&two, ids, 3);
	two.backend.index = 4000;
	first = balance_select(b, &one.backend, NULL, 0);
	second = balance_select(b, &two.backend, NULL, 0);
	for (int i = 1; i < 7; i++) {
		CHECK_INT(balance_select(b, &one.backend, NULL, 0), (first + i) % 3);
		if (i % 2)
			CHECK_INT(balance_select(b, &two.backend, NULL, 0), (second + i / 2 + 1) % 3);
	}
	balance_destroy(b);
}

int main(void)
{
	test_fairness();
	test_start();
	test_none();
	test_tries();
	test_change();
	test_two_backends();
	return check_done();
}
