/* I2 to I5 one algorithm at a time: what each is for, stated as properties over many draws. */
#include "choice.h"

#include <stdlib.h>

#include "check.h"
#include "expression.h"
#include "hash_ring.h"
#include "mem.h"

enum { N = 10, MANY = 20000 };

struct world {
	struct endpoint endpoints[64];
	struct balance_endpoint known[64];
	struct balance_state state;
	struct backend backend;
	struct choice c;
	uint64_t x;
};

static void make_world(struct world *w, size_t n)
{
	*w = (struct world){.state = {.n = n, .last = n}, .backend = {.n_endpoints = n}, .x = 88172645463325252u};
	w->state.items = w->known;
	w->backend.endpoints = w->endpoints;
	for (size_t i = 0; i < n; i++)
		w->endpoints[i].addr = w->known[i].addr =
			(struct addr){.family = 4, .port = 80, .ip = {10, 0, 1, (uint8_t)i}};
	w->c = (struct choice){.state = &w->state, .backend = &w->backend, .now_ms = 100000};
}

static int ask(struct world *w, int select(const struct choice *))
{
	w->x ^= w->x << 13;
	w->x ^= w->x >> 7;
	w->x ^= w->x << 17;
	w->c.draw = w->x;
	return select(&w->c);
}

static void count(struct world *w, int select(const struct choice *), unsigned n, unsigned counts[64])
{
	memset(counts, 0, 64 * sizeof(*counts));
	for (unsigned i = 0; i < n; i++) {
		int at = ask(w, select);

		if (CHECK(at >= 0 && (size_t)at < w->state.n))
			counts[at]++;
	}
}

static int (*const algorithms[])(const struct choice *) = {
	round_robin_select, least_conn_select, random_two_select, ewma_select};

static void test_even(void)
{
	unsigned counts[64];

	check_case("equal endpoints get equal shares");
	for (size_t a = 0; a < CHECK_COUNT(algorithms); a++) {
		struct world w;

		make_world(&w, N);
		count(&w, algorithms[a], MANY, counts);
		for (size_t i = 0; i < N; i++)
			CHECK(abs((int)counts[i] - MANY / N) < MANY / N / 10);
	}
}

static void test_slow_start(void)
{
	unsigned counts[64];

	check_case("a new endpoint begins with a tenth, has half its share half-way, and all of it at the end");
	for (unsigned step = 0; step <= 2; step++) {
		struct world w;
		unsigned weight = step == 0 ? 10 : step == 1 ? 55 : 100;

		make_world(&w, N);
		w.backend.slow_start_ms = 30000;
		w.known[3].born_ms = w.c.now_ms - 15000 * step;
		w.state.warm_until_ms = w.known[3].born_ms + 30000;
		CHECK_INT(choice_weight(&w.c, 3), weight);
		CHECK_INT(choice_weight(&w.c, 4), 100);
		count(&w, round_robin_select, MANY, counts);
		CHECK(abs((int)counts[3] - (int)(MANY * weight / (900 + weight))) < 20);
	}
}

static void test_smooth(void)
{
	struct world w;
	int last = -1;

	check_case("the weighted rotation is smooth: two turns in a row only go to one that is the only one");
	make_world(&w, 3);
	w.backend.slow_start_ms = 30000;
	w.known[0].born_ms = w.c.now_ms - 15000;
	w.state.warm_until_ms = w.c.now_ms + 15000;
	for (unsigned i = 0; i < 100; i++) {
		int at = ask(&w, round_robin_select);

		CHECK(at != last);
		last = at;
	}
}

static void test_least(void)
{
	struct world w;
	unsigned counts[64];

	check_case("least_conn finds the least, random_two never takes the most");
	make_world(&w, N);
	for (uint32_t i = 0; i < N; i++)
		w.known[i].in_flight = 10 + (i * 7) % N;
	count(&w, least_conn_select, 50, counts);
	CHECK_INT(counts[0], 50);
	count(&w, random_two_select, MANY, counts);
	CHECK_INT(counts[7], 0); /* 7 * 7 % 10 is 9 */
	CHECK(counts[0] > MANY / N);
}

static void test_ewma(void)
{
	struct world w;
	unsigned counts[64];

	check_case("I3: a slow endpoint is left at once and asked again once it is forgiven");
	make_world(&w, N);
	for (size_t i = 0; i < N; i++)
		ewma_add(&w.state, i, i == 2 ? 200000 : 5000, false, w.c.now_ms);
	count(&w, ewma_select, MANY, counts);
	CHECK_INT(counts[2], 0);
	w.c.now_ms += 60000;
	for (size_t i = 0; i < N; i++) {
		if (i != 2)
			ewma_add(&w.state, i, 5000, false, w.c.now_ms);
	}
	count(&w, ewma_select, MANY, counts);
	CHECK(counts[2] > 0);

	check_case("I3: the average moves by time, not by the number of samples");
	make_world(&w, 1);
	ewma_add(&w.state, 0, 100000, false, 1000);
	for (unsigned i = 0; i < 100; i++)
		ewma_add(&w.state, 0, 0, false, 1000);
	CHECK_INT(w.known[0].ewma_us, 100000);
	ewma_add(&w.state, 0, 0, false, 11000);
	CHECK_INT(w.known[0].ewma_us, 36787); /* 1/e of it */
}

static void test_failing_fast(void)
{
	struct world w;
	unsigned n_failed = 0;

	check_case("failing fast attracts nobody: fewer than one in a hundred over a minute");
	make_world(&w, N);
	for (unsigned i = 0; i < 60000; i++) {
		int at = ask(&w, ewma_select);

		w.c.now_ms++;
		w.known[at].n_failures = at == 4 ? w.known[at].n_failures + 1 : 0;
		ewma_add(&w.state, (size_t)at, at == 4 ? 100 : 5000, at == 4, w.c.now_ms);
		n_failed += at == 4;
	}
	CHECK(n_failed > 0 && n_failed < 600);

	check_case("all failing alike: all are asked");
	make_world(&w, 3);
	for (size_t i = 0; i < 3; i++) {
		w.known[i].n_failures = 1;
		ewma_add(&w.state, i, 100, true, w.c.now_ms);
	}
	for (size_t i = 0; i < 3; i++)
		CHECK_INT(w.known[i].ewma_us, w.known[0].ewma_us);
}

static void test_begin(void)
{
	struct world w;

	check_case("I3: a new endpoint begins at the average, and with nothing where nothing is known");
	make_world(&w, 4);
	ewma_begin(&w.state, 0, 5);
	CHECK_INT(w.known[0].ewma_us, 0);
	ewma_add(&w.state, 1, 4000, false, 5);
	ewma_add(&w.state, 2, 8000, false, 5);
	ewma_begin(&w.state, 3, 9);
	CHECK_INT(w.known[3].ewma_us, 6000);
}

/* --------------------------------------------------------------------------------------------------------- hashing */

static const struct http_expression any;

static void make_hashed(struct world *w, size_t n, uint32_t subset)
{
	char texts[64][ADDR_TEXT_MAX];
	struct str ids[64];
	size_t n_ids = subset ? (n + subset - 1) / subset : n;

	make_world(w, n);
	for (size_t i = 0; i < n_ids; i++)
		ids[i] = str_from(addr_text(&w->endpoints[i].addr, texts[i]));
	w->backend.hash_by = &any;
	w->backend.hash_subset_size = subset;
	w->backend.ring = hash_ring_create(ids, n_ids);
}

static void drop_hashed(struct world *w)
{
	hash_ring_destroy((struct hash_ring *)(uintptr_t)w->backend.ring);
}

static void test_chash(void)
{
	struct world one, two;
	unsigned n_moved = 0;

	check_case("I4: a key has one endpoint in every worker; another endpoint moves its share alone");
	make_hashed(&one, N, 0);
	make_hashed(&two, N + 1, 0);
	for (unsigned i = 0; i < 4000; i++) {
		struct str key = str_of(&i, sizeof(i));
		int before, after;

		one.c.key = two.c.key = key;
		before = ask(&one, chash_select);
		CHECK_INT(ask(&one, chash_select), before);
		after = ask(&two, chash_select);
		CHECK(before == after || after == N);
		n_moved += before != after;
	}
	CHECK(n_moved > 4000 / (N + 1) * 7 / 10 && n_moved < 4000 / (N + 1) * 13 / 10);
	drop_hashed(&one);
	drop_hashed(&two);
}

static void test_chash_tries(void)
{
	uint16_t tried[64];
	struct world w;

	check_case("retries of a key go to other endpoints, in the same order everywhere");
	for (uint32_t subset = 0; subset <= 4; subset += 4) {
		make_hashed(&w, N, subset);
		w.c.key = STR("session");
		for (unsigned n = 0; n < N; n++) {
			int at;

			w.c.tried = (struct balance_tried){tried, n};
			at = ask(&w, chash_select);
			if (CHECK(at >= 0))
				CHECK(choice_allows(&w.c, (size_t)at));
			if (!subset)
				CHECK_INT(ask(&w, chash_select), at);
			tried[n] = (uint16_t)at;
		}
		w.c.tried.n = N;
		CHECK_INT(ask(&w, chash_select), -1);
		w.c.level = CHOICE_ANY;
		CHECK(ask(&w, chash_select) >= 0);
		drop_hashed(&w);
	}
}

static void test_subset(void)
{
	struct world w;

	check_case("I5: a key has a group of three, used evenly; the last group is filled from the start");
	make_hashed(&w, N, 3);
	for (unsigned key = 0; key < 50; key++) {
		unsigned counts[64], n_used = 0, lowest = N;

		w.c.key = str_of(&key, sizeof(key));
		count(&w, chash_select, 3000, counts);
		for (unsigned i = 0; i < N; i++) {
			n_used += counts[i] > 0;
			CHECK(!counts[i] || (counts[i] > 800 && counts[i] < 1200));
			lowest = counts[i] && i < lowest ? i : lowest;
		}
		CHECK_INT(n_used, 3);
		CHECK(lowest % 3 == 0);
	}
	drop_hashed(&w);
}

/* ----------------------------------------------------------------------------------------------------------- health */

static void test_ejection(void)
{
	struct world w;
	unsigned counts[64];

	check_case("so many failures in a row eject; with a success in between they do not");
	make_world(&w, 3);
	w.state.eject_after = 3;
	w.state.eject_ms = 1000;
	CHECK(!health_add(&w.state, 0, true, 50));
	CHECK(!health_add(&w.state, 0, true, 50));
	CHECK(!health_add(&w.state, 0, false, 50));
	CHECK(!health_add(&w.state, 0, true, 50));
	CHECK(!health_add(&w.state, 0, true, 50));
	CHECK(health_add(&w.state, 0, true, w.c.now_ms));
	for (size_t a = 0; a < CHECK_COUNT(algorithms); a++) {
		count(&w, algorithms[a], 300, counts);
		CHECK_INT(counts[0], 0);
		CHECK(counts[1] > 0 && counts[2] > 0);
	}
	check_case("back-off: each further ejection lasts longer, and one failure is enough for it");
	CHECK(health_is_ejected(&w.known[0], w.c.now_ms + 999));
	CHECK(!health_is_ejected(&w.known[0], w.c.now_ms + 1000));
	CHECK(health_add(&w.state, 0, true, w.c.now_ms + 1000));
	CHECK(health_is_ejected(&w.known[0], w.c.now_ms + 2999));
	CHECK(!health_is_ejected(&w.known[0], w.c.now_ms + 3000));
	for (unsigned i = 0; i < 40; i++)
		health_add(&w.state, 0, true, w.known[0].ejected_until_ms);
	CHECK_INT(w.known[0].n_ejections, 10);
	health_add(&w.state, 0, false, w.known[0].ejected_until_ms + 10000);
	CHECK_INT(w.known[0].n_ejections, 0);
	check_case("never all");
	w.known[0].ejected_until_ms = 0;
	for (size_t i = 0; i < 3; i++) {
		for (unsigned k = 0; k < 5; k++)
			health_add(&w.state, i, true, w.c.now_ms);
	}
	CHECK_INT(health_is_ejected(&w.known[0], w.c.now_ms) + health_is_ejected(&w.known[1], w.c.now_ms) +
			health_is_ejected(&w.known[2], w.c.now_ms),
		2);
	check_case("an ejected one is tried before one is tried twice");
	{
		uint16_t tried[] = {0, 1, 2};
		unsigned n = 0;

		for (; n < 2; n++) {
			if (!health_is_ejected(&w.known[n], w.c.now_ms))
				break;
		}
		tried[0] = (uint16_t)(health_is_ejected(&w.known[2], w.c.now_ms) ? n : 2);
		w.c.tried = (struct balance_tried){tried, 1};
		CHECK_INT(ask(&w, round_robin_select), -1);
		w.c.level = CHOICE_UNTRIED;
		CHECK(ask(&w, round_robin_select) >= 0);
	}
}

static void test_full(void)
{
	struct world w;

	check_case("an endpoint at max_connections is not chosen, whatever the level");
	make_world(&w, 2);
	w.backend.max_connections = 5;
	w.known[0].in_flight = 5;
	w.known[1].in_flight = 4;
	for (size_t a = 0; a < CHECK_COUNT(algorithms); a++) {
		for (int level = 0; level < CHOICE_LEVELS; level++) {
			w.c.level = (enum choice_level)level;
			w.known[1].in_flight = 4;
			CHECK_INT(ask(&w, algorithms[a]), 1);
			w.known[1].in_flight = 5;
			CHECK_INT(ask(&w, algorithms[a]), -1);
		}
	}
}

static void test_trial(void)
{
	struct world w;

	check_case("one that was ejected is on trial: one request at a time until one is answered");
	make_world(&w, 2);
	w.state.eject_after = 1;
	w.state.eject_ms = 1000;
	CHECK(health_add(&w.state, 0, true, w.c.now_ms - 1000));
	w.known[0].in_flight = 1; /* from before */
	CHECK(!health_is_out(&w.known[0], w.c.now_ms));
	w.known[0].n_trials = 1;
	for (size_t a = 0; a < CHECK_COUNT(algorithms); a++) {
		for (unsigned i = 0; i < 20; i++)
			CHECK_INT(ask(&w, algorithms[a]), 1);
	}
	w.known[1].is_failing_check = true;
	CHECK_INT(ask(&w, round_robin_select), -1);
	w.c.level = CHOICE_UNTRIED;
	CHECK(ask(&w, round_robin_select) >= 0);
	health_add(&w.state, 0, false, w.c.now_ms);
	CHECK(!w.known[0].is_on_trial);
	w.c.level = CHOICE_FRESH;
	CHECK_INT(ask(&w, round_robin_select), 0);
}

/* Whatever was tried, is ejected, fails its checks, is full or new: what is chosen is allowed, and nothing is only if nothing is. */
static void check_any_state(struct world *w, size_t n, int select(const struct choice *))
{
	uint16_t tried[64];
	unsigned n_tried = 0, n_allowed = 0;
	int at;

	w->backend.max_connections = w->x & 1 ? 3 : 0;
	w->backend.slow_start_ms = 5000;
	w->state.warm_until_ms = w->x & 2 ? w->c.now_ms + 1 : 0;
	for (size_t i = 0; i < n; i++) {
		uint64_t bits = choice_more_random(&w->x);

		w->known[i] = (struct balance_endpoint){.addr = w->endpoints[i].addr, .in_flight = (uint32_t)(bits % 5),
			.ewma_us = (double)(bits >> 8 & 0xffff), .touched_ms = bits >> 24 & 1 ? w->c.now_ms : 0,
			.born_ms = bits >> 25 & 1 ? w->c.now_ms - (bits >> 32) % 6000 : 0,
			.ejected_until_ms = bits >> 26 & 1 ? w->c.now_ms + 1 : 0, .is_failing_check = bits >> 27 & bits >> 28 & 1,
			.is_on_trial = bits >> 29 & 1, .n_trials = bits >> 31 & 1};
		if (bits >> 30 & 1)
			tried[n_tried++] = (uint16_t)i;
	}
	w->c.tried = (struct balance_tried){tried, n_tried};
	for (int level = 0; level < CHOICE_LEVELS; level++) {
		w->c.level = (enum choice_level)level;
		n_allowed = 0;
		for (size_t i = 0; i < n; i++)
			n_allowed += choice_allows(&w->c, i);
		at = ask(w, select);
		CHECK((at >= 0) == (n_allowed > 0));
		CHECK(at < 0 || ((size_t)at < n && choice_allows(&w->c, (size_t)at)));
		CHECK(at < 0 || level == CHOICE_ANY || !choice_was_tried(&w->c.tried, (size_t)at));
	}
}

static void test_any_state(void)
{
	check_case("every algorithm chooses what is allowed, and nothing only where nothing is");
	for (unsigned round = 0; round < 300; round++) {
		for (size_t a = 0; a < CHECK_COUNT(algorithms); a++) {
			struct world w;

			make_world(&w, 1 + round % 12);
			w.x += round * 7919;
			check_any_state(&w, w.state.n, algorithms[a]);
		}
		for (uint32_t subset = 0; subset < 4; subset += 3) {
			struct world w;

			make_hashed(&w, 1 + round % 12, subset);
			w.x += round * 104729;
			w.c.key = str_of(&round, sizeof(round));
			check_any_state(&w, w.state.n, chash_select);
			drop_hashed(&w);
		}
	}
}

static void test_budget(void)
{
	struct balance_state s = {.retry_percent = 20};
	unsigned n = 0;

	check_case("a fifth of requests may be retried, ten at once and one a second beside");
	for (unsigned i = 0; i < 100; i++)
		n += health_spend_retry(&s, 100000);
	CHECK_INT(n, 10);
	for (unsigned i = 0; i < 1000; i++) {
		health_earn_retry(&s);
		n += health_spend_retry(&s, 100000);
	}
	CHECK_INT(n, 210);
	CHECK(!health_spend_retry(&s, 100999));
	CHECK(health_spend_retry(&s, 101000));
	s = (struct balance_state){0};
	for (unsigned i = 0; i < 1000; i++)
		CHECK(health_spend_retry(&s, 5));
}

int main(void)
{
	test_even();
	test_slow_start();
	test_smooth();
	test_least();
	test_ewma();
	test_failing_fast();
	test_begin();
	test_chash();
	test_chash_tries();
	test_subset();
	test_ejection();
	test_full();
	test_trial();
	test_any_state();
	test_budget();
	return check_done();
}
