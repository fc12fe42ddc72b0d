/* The two lanes as tables of events and builds, and what churn does to the gap. */
#include "check.h"
#include "pace.h"

enum step_kind { ENDPOINTS, STRUCTURAL, ASK, HELD };

struct step {
	enum step_kind kind;
	uint64_t at_ms;
	enum pace_due due; /* of ASK: what is due, and is then built */
	uint64_t wait_ms;
};

static const struct {
	const char *name;
	struct step steps[8];
} cases[] = {
	{"nothing happened", {{ASK, 1000, PACE_NOTHING, 0}}},
	{"the first endpoints go out at once", {{ENDPOINTS, 1000, 0, 0}, {ASK, 1000, PACE_ENDPOINTS, 0}, {ASK, 1000, PACE_NOTHING, 0}}},
	{"the next ones are gathered for 10 ms",
		{{ENDPOINTS, 1000, 0, 0}, {ASK, 1000, PACE_ENDPOINTS, 0}, {ENDPOINTS, 1003, 0, 0}, {ASK, 1003, PACE_WAIT, 7},
			{ENDPOINTS, 1009, 0, 0}, {ASK, 1009, PACE_WAIT, 1}, {ASK, 1010, PACE_ENDPOINTS, 0}, {ASK, 1010, PACE_NOTHING, 0}}},
	{"later ones go out at once again",
		{{ENDPOINTS, 1000, 0, 0}, {ASK, 1000, PACE_ENDPOINTS, 0}, {ENDPOINTS, 1010, 0, 0}, {ASK, 1010, PACE_ENDPOINTS, 0}}},
	{"so does a structural one", {{STRUCTURAL, 1000, 0, 0}, {ASK, 1000, PACE_ALL, 0}, {ASK, 1000, PACE_NOTHING, 0}}},
	{"the next ones wait for 10 ms of quiet",
		{{STRUCTURAL, 1000, 0, 0}, {ASK, 1000, PACE_ALL, 0}, {STRUCTURAL, 1050, 0, 0}, {ASK, 1050, PACE_WAIT, 10},
			{STRUCTURAL, 1058, 0, 0}, {ASK, 1060, PACE_WAIT, 8}, {ASK, 1067, PACE_WAIT, 1}, {ASK, 1068, PACE_ALL, 0}}},
	{"but for 100 ms at most",
		{{STRUCTURAL, 1000, 0, 0}, {ASK, 1000, PACE_ALL, 0}, {STRUCTURAL, 1020, 0, 0}, {STRUCTURAL, 1115, 0, 0},
			{ASK, 1115, PACE_WAIT, 5}, {STRUCTURAL, 1119, 0, 0}, {ASK, 1119, PACE_WAIT, 1}, {ASK, 1120, PACE_ALL, 0}}},
	{"100 ms after a build one goes out at once again",
		{{STRUCTURAL, 1000, 0, 0}, {ASK, 1000, PACE_ALL, 0}, {STRUCTURAL, 1100, 0, 0}, {ASK, 1100, PACE_ALL, 0},
			{STRUCTURAL, 1199, 0, 0}, {ASK, 1199, PACE_WAIT, 10}}},
	{"endpoints do not wait for the rest, which then waits for their gap",
		{{STRUCTURAL, 1000, 0, 0}, {ASK, 1000, PACE_ALL, 0}, {STRUCTURAL, 1010, 0, 0}, {ENDPOINTS, 1015, 0, 0},
			{ASK, 1015, PACE_ENDPOINTS, 0}, {ASK, 1015, PACE_WAIT, 10}, {ASK, 1025, PACE_ALL, 0}, {ASK, 1025, PACE_NOTHING, 0}}},
	{"a whole build begins a gap too",
		{{STRUCTURAL, 1000, 0, 0}, {ASK, 1000, PACE_ALL, 0}, {ENDPOINTS, 1001, 0, 0}, {ASK, 1001, PACE_WAIT, 9},
			{ASK, 1010, PACE_ENDPOINTS, 0}}},
	{"after a build that took 60 ms the next waits for 120 ms",
		{{STRUCTURAL, 1000, 0, 0}, {ASK, 1060, PACE_ALL, 0}, {STRUCTURAL, 1061, 0, 0}, {ASK, 1071, PACE_WAIT, 109},
			{ASK, 1179, PACE_WAIT, 1}, {ASK, 1180, PACE_ALL, 0}}},
	{"but for 500 ms at most, whatever it took",
		{{STRUCTURAL, 1000, 0, 0}, {ASK, 2000, PACE_ALL, 0}, {STRUCTURAL, 2001, 0, 0}, {ASK, 2011, PACE_WAIT, 490},
			{ASK, 2501, PACE_ALL, 0}}},
	{"what the caller waits for is no cost of building",
		{{STRUCTURAL, 1000, 0, 0}, {HELD, 1400, 0, 0}, {ASK, 1410, PACE_ALL, 0}, {STRUCTURAL, 1411, 0, 0}, {ASK, 1421, PACE_WAIT, 9},
			{ASK, 1430, PACE_ALL, 0}}},
	{"late is due", {{STRUCTURAL, 1000, 0, 0}, {ENDPOINTS, 1000, 0, 0}, {ASK, 9000, PACE_ALL, 0}, {ASK, 9000, PACE_NOTHING, 0}}},
};

static void run_step(struct pace *p, const struct step *s)
{
	uint64_t wait_ms = 0;
	enum pace_due due;

	if (s->kind == HELD) {
		pace_built(p, PACE_WAIT, s->at_ms);
		return;
	}
	if (s->kind != ASK) {
		pace_event(p, s->kind == STRUCTURAL, s->at_ms);
		return;
	}
	due = pace_due(p, s->at_ms, &wait_ms);
	CHECK_INT(due, s->due);
	CHECK_INT(wait_ms, s->wait_ms);
	pace_built(p, due, s->at_ms);
}

static void test_lanes(void)
{
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		struct pace p = {0};

		check_case(cases[i].name);
		for (size_t j = 0; j < 8 && cases[i].steps[j].at_ms; j++)
			run_step(&p, &cases[i].steps[j]);
	}
}

/* An event every millisecond for `ms`; how many builds. */
static unsigned churn(struct pace *p, uint64_t from_ms, uint64_t ms, uint64_t *longest_ms)
{
	unsigned before = p->n_built;
	uint64_t last_ms = from_ms, wait_ms;

	*longest_ms = 0;
	for (uint64_t now = from_ms; now < from_ms + ms; now++) {
		pace_event(p, false, now);
		if (pace_due(p, now, &wait_ms) != PACE_ENDPOINTS)
			continue;
		pace_built(p, PACE_ENDPOINTS, now);
		if (now - last_ms > *longest_ms)
			*longest_ms = now - last_ms;
		last_ms = now;
	}
	return p->n_built - before;
}

static void test_pressure(void)
{
	struct pace p = {0};
	uint64_t longest_ms;
	unsigned n;

	check_case("a short burst keeps the short gap");
	CHECK_INT(churn(&p, 1000, 150, &longest_ms), 15);
	CHECK_INT(longest_ms, PACE_GAP_MS);
	check_case("churn without end is gathered for up to 100 ms");
	churn(&p, 1150, 2000, &longest_ms);
	CHECK_INT(longest_ms, PACE_GAP_MAX_MS);
	check_case("to about 20 builds a second");
	n = churn(&p, 3150, 10000, &longest_ms);
	CHECK(n >= 100 && n <= 250);
	CHECK(longest_ms <= PACE_GAP_MAX_MS);
	check_case("after some quiet the gap is short again");
	for (uint64_t now = 20000; now < 24000; now += 400)
		churn(&p, now, 1, &longest_ms);
	CHECK_INT(p.gap_ms, PACE_GAP_MS);
}

int main(void)
{
	test_lanes();
	test_pressure();
	return check_done();
}
