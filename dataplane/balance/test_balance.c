/* I2: strict rotation from a random start; retries go elsewhere (I36); changes of endpoints do not upset it. */
#include "balance.h"

#include "check.h"

enum { MAX = 64 };

struct fleet {
	struct endpoint endpoints[MAX];
	struct backend backend;
};

static uint64_t n_fleets;

static int pick(struct balance *b, const struct backend *backend)
{
	return balance_select(b, backend, &(struct balance_ask){.now_ms = 1000});
}

/* Endpoints with the last address bytes of `ids`, which must ascend. */
static void make_fleet(struct fleet *f, const uint8_t *ids, size_t n)
{
	*f = (struct fleet){.backend = {.name = STR("b"), .index = 3, .n_endpoints = n, .version = ++n_fleets}};
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
			int at = pick(b, &f.backend);

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
		seen |= 1u << pick(b, &f.backend);
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
	CHECK_INT(pick(b, &f.backend), -1);
	balance_destroy(b);
	balance_destroy(NULL);
}

/* Random fleets that change between requests, with up to 16 tries each. */
static void test_tries(uint32_t load_balance)
{
	struct balance *b = balance_create(9);
	uint64_t x = 88172645463325252u;

	check_case("never the same endpoint twice while another is left");
	for (unsigned round = 0; round < 5000; round++) {
		uint8_t ids[MAX];
		size_t n = 0;
		uint16_t tried[16];
		struct fleet f;
		uint64_t seen = 0;

		for (unsigned id = 0; id < MAX; id++) {
			if (step(&x) % 4 == 0)
				ids[n++] = (uint8_t)id;
		}
		make_fleet(&f, ids, n);
		f.backend.load_balance = load_balance;
		for (unsigned i = 0; n && i < 16; i++) {
			const struct balance_ask ask = {.tried = {tried, i}, .now_ms = round, .key = STR("k")};
			int at = balance_select(b, &f.backend, &ask);

			CHECK(at >= 0 && (size_t)at < n);
			CHECK_INT(seen >> at & 1, i >= n);
			seen |= (uint64_t)1 << at;
			tried[i] = (uint16_t)at;
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
		at = pick(b, &f.backend);
	} while (f.endpoints[at].addr.ip[3] != 20);
	make_fleet(&f, after, sizeof(after)); /* 20 is gone, 5 and 15 are new */
	CHECK_INT(f.endpoints[pick(b, &f.backend)].addr.ip[3], 30);
	CHECK_INT(f.endpoints[pick(b, &f.backend)].addr.ip[3], 40);
	CHECK_INT(f.endpoints[pick(b, &f.backend)].addr.ip[3], 5);
	make_fleet(&f, before, 1);
	CHECK_INT(pick(b, &f.backend), 0);
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
	first = pick(b, &one.backend);
	second = pick(b, &two.backend);
	for (int i = 1; i < 7; i++) {
		CHECK_INT(pick(b, &one.backend), (first + i) % 3);
		if (i % 2)
			CHECK_INT(pick(b, &two.backend), (second + i / 2 + 1) % 3);
	}
	balance_destroy(b);
}

static void test_old_list(void)
{
	static const uint8_t before[] = {1, 2, 3}, after[] = {3, 4};
	struct balance *b = balance_create(5);
	struct fleet old, newest;

	check_case("who holds an older list prefers what still exists");
	make_fleet(&old, before, 3);
	make_fleet(&newest, after, 2);
	pick(b, &old.backend);
	pick(b, &newest.backend);
	for (int i = 0; i < 20; i++) {
		uint16_t tried = 2;
		const struct balance_ask ask = {.tried = {&tried, 1}};

		CHECK_INT(pick(b, &old.backend), 2);
		CHECK(balance_select(b, &old.backend, &ask) < 2); /* nothing else is left of it */
	}
	CHECK_INT(old.endpoints[2].addr.ip[3], 3);
	balance_destroy(b);
}

static void test_counts(void)
{
	static const uint8_t before[] = {1, 2}, after[] = {1, 2, 3};
	const struct balance_outcome answered = {.kind = BALANCE_ANSWERED, .us = 5000};
	struct balance *b = balance_create(5);
	struct balance_ticket tickets[14], more[4];
	struct fleet old, newest;

	check_case("what is in progress is known across a change");
	make_fleet(&old, before, 2);
	make_fleet(&newest, after, 3);
	old.backend.load_balance = newest.backend.load_balance = 2; /* least_conn */
	for (unsigned i = 0; i < 14; i++)
		balance_begin(b, &old.backend, i >= 10, 1, &tickets[i]);
	for (unsigned i = 0; i < 4; i++) {
		int at = pick(b, &newest.backend);

		CHECK_INT(at, 2);
		balance_begin(b, &newest.backend, 2, 1, &more[i]);
	}
	for (unsigned i = 0; i < 9; i++)
		balance_end(b, &tickets[i], 2, &answered);
	CHECK_INT(pick(b, &newest.backend), 0);
	balance_end(b, &tickets[0], 2, &answered); /* a second time does nothing */
	CHECK_INT(pick(b, &newest.backend), 0);
	make_fleet(&newest, after + 1, 2);
	newest.backend.load_balance = 2;
	CHECK(pick(b, &newest.backend) >= 0);
	balance_end(b, &tickets[9], 2, &answered); /* it is gone */
	for (unsigned i = 0; i < 4; i++) {
		balance_end(b, &tickets[10 + i], 2, &answered);
		balance_end(b, &more[i], 2, &answered);
	}
	balance_destroy(b);
}

static unsigned n_chosen(struct balance *b, const struct backend *backend, int which, uint64_t now_ms)
{
	unsigned n = 0;

	for (unsigned i = 0; i < 30; i++)
		n += balance_select(b, backend, &(struct balance_ask){.now_ms = now_ms}) == which;
	return n;
}

static void test_trial(void)
{
	static const uint8_t ids[] = {1, 2};
	const struct balance_outcome failed = {.kind = BALANCE_FAILED, .is_unreachable = true, .us = 1};
	struct balance *b = balance_create(5);
	struct balance_ticket tunnel, bad, trial;
	struct fleet f;

	make_fleet(&f, ids, 2);
	f.backend.eject_after_failures = 1;
	f.backend.eject_ms = 1000;
	check_case("ejected");
	balance_begin(b, &f.backend, 0, 1000, &tunnel); /* it will last */
	balance_begin(b, &f.backend, 0, 1000, &bad);
	CHECK(balance_end(b, &bad, 1000, &failed));
	CHECK_INT(n_chosen(b, &f.backend, 0, 1999), 0);
	check_case("on trial: what is in progress from before does not count, one new request does");
	CHECK_INT(n_chosen(b, &f.backend, 0, 2000), 15);
	balance_begin(b, &f.backend, 0, 2000, &trial);
	CHECK_INT(n_chosen(b, &f.backend, 0, 2001), 0);
	CHECK(!balance_has_room(b, &f.backend, 0, 2001));
	check_case("it failed: longer");
	CHECK(balance_end(b, &trial, 2001, &failed));
	CHECK_INT(n_chosen(b, &f.backend, 0, 4000), 0);
	CHECK_INT(n_chosen(b, &f.backend, 0, 4001), 15);
	check_case("it is answered, and goes on for long: well");
	balance_begin(b, &f.backend, 0, 4001, &trial);
	CHECK_INT(n_chosen(b, &f.backend, 0, 4002), 0);
	balance_answered(b, &trial);
	CHECK_INT(n_chosen(b, &f.backend, 0, 4003), 15);
	CHECK(balance_has_room(b, &f.backend, 0, 4003));
	balance_destroy(b);
}

int main(void)
{
	test_fairness();
	test_start();
	test_none();
	for (uint32_t algorithm = 0; algorithm < 4; algorithm++)
		test_tries(algorithm);
	test_change();
	test_two_backends();
	test_old_list();
	test_counts();
	test_trial();
	return check_done();
}
