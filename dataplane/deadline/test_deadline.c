/* Deadlines against a plain list that remembers every time: random arms, moves, stops and jumps of the clock. */
#include "deadline.h"

#include "check.h"
#include "mem.h"

enum { N = 500 };

struct wait {
	struct deadline deadline;
	uint64_t want_ms; /* 0: must not fire */
	unsigned n_fired;
	uint64_t fired_ms;
};

static struct deadlines all;

static void on_fired(struct deadline *d)
{
	struct wait *w = container_of(d, struct wait, deadline);

	w->n_fired++;
	w->fired_ms = all.now_ms;
}

static uint64_t random_state = 88172645463325252u;

static uint64_t random_below(uint64_t n)
{
	random_state ^= random_state << 13;
	random_state ^= random_state >> 7;
	random_state ^= random_state << 17;
	return random_state % n;
}

static void check_wait(struct wait *w, uint64_t last_ms)
{
	if (!w->n_fired) {
		CHECK(!w->want_ms || w->want_ms + DEADLINE_TICK_MS > all.now_ms);
		return;
	}
	CHECK_INT(w->n_fired, 1);
	CHECK(w->want_ms != 0);
	CHECK(w->fired_ms >= w->want_ms);                      /* never early */
	CHECK(last_ms <= w->want_ms + DEADLINE_TICK_MS);       /* not missed by the run before */
	w->n_fired = 0;
	w->want_ms = 0;
}

static void test_random(void)
{
	static struct wait waits[N];
	uint64_t now = 1000003;

	check_case("random");
	deadlines_init(&all, now);
	for (size_t i = 0; i < N; i++)
		waits[i].deadline.on_expired = on_fired;
	for (unsigned round = 0; round < 3000; round++) {
		for (unsigned k = 0; k < 5; k++) {
			struct wait *w = &waits[random_below(N)];
			uint64_t what = random_below(10);

			if (what == 0) {
				deadline_clear(&w->deadline);
				w->want_ms = 0;
			} else if (what == 1) {
				deadline_stop(&all, &w->deadline);
				w->want_ms = 0;
				CHECK(!w->deadline.next);
			} else {
				uint64_t after = random_below(what == 2 ? 400000 : 3000);

				deadline_set(&all, &w->deadline, after);
				w->want_ms = all.now_ms + after;
			}
		}
		uint64_t last = now;

		now += random_below(50) == 0 ? random_below(300000) : random_below(120);
		deadlines_run(&all, now);
		for (size_t i = 0; i < N; i++)
			check_wait(&waits[i], last);
	}
	deadlines_run(&all, now + 1000000);
	for (size_t i = 0; i < N; i++)
		CHECK(waits[i].deadline.at_ms == 0);
	CHECK(deadlines_is_empty(&all));
}

static struct wait first, second;

static void on_first(struct deadline *d)
{
	on_fired(d);
	deadline_stop(&all, &second.deadline); /* due in the same slot */
	deadline_set(&all, &first.deadline, 10);
}

static void test_callback_changes_others(void)
{
	check_case("a callback stops its neighbour and arms itself again");
	deadlines_init(&all, 5);
	first.deadline.on_expired = on_first;
	second.deadline.on_expired = on_fired;
	deadline_set(&all, &first.deadline, 60);
	deadline_set(&all, &second.deadline, 61);
	deadlines_run(&all, 1000);
	CHECK_INT(second.n_fired, 0);
	CHECK_INT(first.n_fired, 1);
	deadlines_run(&all, 2000);
	CHECK_INT(first.n_fired, 2);
	deadline_stop(&all, &first.deadline);
	CHECK(deadlines_is_empty(&all));
}

int main(void)
{
	test_random();
	test_callback_changes_others();
	return check_done();
}
