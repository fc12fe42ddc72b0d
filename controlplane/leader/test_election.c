/*
 * Who leads (N6), in rows of ends of calls; then many candidates around one Lease, with answers that come late or never and
 * clocks that run fast and slow: at no moment do two lead, and there is never nobody for long.
 */
#include "election.h"

#include <stdio.h>
#include <stdlib.h>

#include "check.h"

enum { TTL = 32000 }; /* retried every 8 s, after a failure every 2 s, given up after 24 s */

#define LEASE(who, version) {{who, sizeof(who) - 1}, {version, sizeof(version) - 1}, TTL}
#define NOTHING {{"", 0}, {"", 0}, 0}
#define FINE(step, who, version, began) {ELECTION_##step, ELECTION_FINE, began, LEASE(who, version)}
#define END(step, outcome, began) {ELECTION_##step, ELECTION_##outcome, began, NOTHING}

/* Chance is 0: the shortest wait, half of the full one. The last end's answer is looked at, at `now`. */
static const struct {
	const char *name;
	struct {
		struct election_end end;
		uint64_t now;
	} ends[6];
	size_t n;
	enum election_step step;
	uint64_t wait;
	bool leads;
} rows[] = {
	{"no Lease: made", {{END(READ, MISSING, 0), 10}}, 1, ELECTION_CREATE, 0, false},
	{"made: we lead", {{END(READ, MISSING, 0), 10}, {FINE(CREATE, "me", "1", 10), 20}}, 2, ELECTION_RENEW, 8000, true},
	{"another one was faster", {{END(READ, MISSING, 0), 10}, {END(CREATE, CONFLICT, 10), 20}}, 2, ELECTION_READ, 0, false},
	{"there is no such namespace", {{END(READ, MISSING, 0), 10}, {END(CREATE, MISSING, 10), 20}}, 2, ELECTION_READ, 4000, false},
	{"held by another", {{FINE(READ, "you", "5", 0), 10}}, 1, ELECTION_READ, 4000, false},
	{"released: taken at once", {{FINE(READ, "you", "5", 0), 10}, {FINE(READ, "", "6", 4000), 4010}}, 2, ELECTION_TAKE, 0, false},
	{"looked at again when its time is over", {{FINE(READ, "you", "5", 0), 10}, {FINE(READ, "you", "5", 30000), 30010}}, 2,
		ELECTION_READ, 2000, false},
	{"not a moment before it is over", {{FINE(READ, "you", "5", 0), 10}, {FINE(READ, "you", "5", 32000), 32009}}, 2, ELECTION_READ, 1,
		false},
	{"over: taken", {{FINE(READ, "you", "5", 0), 10}, {FINE(READ, "you", "5", 32000), 32010}}, 2, ELECTION_TAKE, 0, false},
	{"renewed meanwhile: its time begins again", {{FINE(READ, "you", "5", 0), 10}, {FINE(READ, "you", "6", 32000), 32010}}, 2,
		ELECTION_READ, 4000, false},
	{"taken: we lead", {{FINE(READ, "", "5", 0), 10}, {FINE(TAKE, "me", "6", 10), 20}}, 2, ELECTION_RENEW, 8000, true},
	{"somebody else has taken it", {{FINE(READ, "", "5", 0), 10}, {END(TAKE, CONFLICT, 10), 20}}, 2, ELECTION_READ, 0, false},
	{"not known whether it was taken", {{FINE(READ, "", "5", 0), 10}, {END(TAKE, FAILED, 10), 20}}, 2, ELECTION_READ, 4000, false},
	{"… it was: kept, not taken again", {{FINE(READ, "", "5", 0), 10}, {END(TAKE, FAILED, 10), 20}, {FINE(READ, "me", "6", 30), 40}},
		3, ELECTION_RENEW, 0, false},
	{"renewed", {{FINE(CREATE, "me", "1", 0), 10}, {FINE(RENEW, "me", "2", 8000), 8010}}, 2, ELECTION_RENEW, 8000, true},
	{"not renewed: tried again soon", {{FINE(CREATE, "me", "1", 0), 10}, {END(RENEW, FAILED, 8000), 8010}}, 2, ELECTION_RENEW, 1000,
		true},
	{"not renewed for long", {{FINE(CREATE, "me", "1", 0), 10}, {END(RENEW, FAILED, 8000), 23999}}, 2, ELECTION_RENEW, 1000, true},
	{"time counts from the beginning of the write, and is over a quarter early",
		{{FINE(CREATE, "me", "1", 0), 9000}, {END(RENEW, FAILED, 8000), 24000}}, 2, ELECTION_RENEW, 1000, false},
	{"renewed with an answer that comes too late: we do not lead",
		{{FINE(CREATE, "me", "1", 0), 10}, {FINE(RENEW, "me", "2", 8000), 32000}}, 2, ELECTION_RENEW, 8000, false},
	{"something else in it was changed: still ours", {{FINE(CREATE, "me", "1", 0), 10}, {END(RENEW, CONFLICT, 8000), 8010},
								 {FINE(READ, "me", "3", 8010), 8020}},
		3, ELECTION_RENEW, 0, true},
	{"… again and again: not a spin", {{FINE(CREATE, "me", "1", 0), 10}, {END(RENEW, CONFLICT, 8000), 8010},
						  {FINE(READ, "me", "3", 8010), 8020}, {END(RENEW, CONFLICT, 8020), 8030}},
		4, ELECTION_READ, 1000, true},
	{"somebody has taken it: we step down at once", {{FINE(CREATE, "me", "1", 0), 10}, {END(RENEW, CONFLICT, 8000), 8010},
								{FINE(READ, "you", "3", 8010), 8020}},
		3, ELECTION_READ, 4000, false},
	{"deleted under us: we step down, and make it", {{FINE(CREATE, "me", "1", 0), 10}, {END(RENEW, MISSING, 8000), 8010}}, 2,
		ELECTION_CREATE, 0, false},
	{"deleted, and its holder does not know yet", {{FINE(READ, "you", "5", 0), 10}, {END(READ, MISSING, 4000), 4010}}, 2,
		ELECTION_READ, 4000, false},
	{"… until his time is over", {{FINE(READ, "you", "5", 0), 10}, {END(READ, MISSING, 32010), 32020}}, 2, ELECTION_CREATE, 0, false},
	{"the API server is away while we wait", {{FINE(READ, "you", "5", 0), 10}, {END(READ, FAILED, 4000), 4010}}, 2, ELECTION_READ,
		4000, false},
	{"away at the start", {{END(READ, FAILED, 0), 10}}, 1, ELECTION_READ, 4000, false},
};

static void test_rows(void)
{
	for (size_t i = 0; i < CHECK_COUNT(rows); i++) {
		struct election e = {0};
		struct election_next next = {0};
		uint64_t now = 0;

		check_case(rows[i].name);
		election_init(&e, STR("me"), TTL);
		for (size_t j = 0; j < rows[i].n; j++) {
			now = rows[i].ends[j].now;
			next = election_advance(&e, &rows[i].ends[j].end, now, 0);
		}
		CHECK_INT(next.step, rows[i].step);
		CHECK_INT(next.wait_ms, rows[i].wait);
		CHECK_INT(election_leads(&e, now), rows[i].leads);
		election_deinit(&e);
	}
}

/* ------------------------------------------------------------------------------------------------ many candidates */

enum { N = 3, SHORT_TTL = 8000, RUN_MS = 300 * 1000, RUNS = 40 };

/* The one Lease. */
static struct {
	char holder[8], version[16];
	unsigned n;
} stored;

/* A call on its way. It may arrive long after whoever sent it has given it up. */
struct flight {
	enum election_step step;
	uint64_t arrive_ms; /* real; 0: it is lost, or was there */
	char based_on[16];
	bool has_answer;    /* that is waited for */
};
enum { N_FLIGHTS = 16 };

struct candidate {
	struct election e;
	char name[8];
	double rate;           /* of its clock */
	uint64_t offset;
	enum election_step step;
	uint64_t ask_ms;       /* real time of the next call; 0: one is on its way, and its answer comes: */
	uint64_t answer_ms;
	struct flight flights[N_FLIGHTS];
	size_t n_flights;
	struct election_end end;
	char holder[8], version[16]; /* of the answer */
	char last_version[16];
	uint64_t stopped_until_ms;
};

static uint64_t seed;
static uint32_t dice(uint32_t sides)
{
	seed = seed * 6364136223846793005u + 1442695040888963407u;
	return (uint32_t)(seed >> 33) % sides;
}

static uint64_t own_ms(const struct candidate *c, uint64_t real)
{
	return c->offset + (uint64_t)((double)real * c->rate);
}

static void set_holder(const char *who)
{
	snprintf(stored.holder, sizeof(stored.holder), "%s", who);
	snprintf(stored.version, sizeof(stored.version), "%u", ++stored.n);
}

/* What the API server does with a call. */
static enum election_outcome serve(const struct candidate *c, const struct flight *f)
{
	if (f->step == ELECTION_CREATE ? stored.n > 0 : f->step != ELECTION_READ && strcmp(f->based_on, stored.version) != 0)
		return ELECTION_CONFLICT;
	if (f->step != ELECTION_CREATE && stored.n == 0)
		return ELECTION_MISSING;
	if (f->step != ELECTION_READ)
		set_holder(c->name);
	return ELECTION_FINE;
}

static void arrive(struct candidate *c, struct flight *f)
{
	enum election_outcome outcome = serve(c, f);

	f->arrive_ms = 0;
	if (!f->has_answer)
		return;
	c->end.outcome = outcome;
	memcpy(c->holder, stored.holder, sizeof(c->holder));
	memcpy(c->version, stored.version, sizeof(c->version));
	if (outcome == ELECTION_FINE)
		c->end.lease = (struct lease){str_from(c->holder), str_from(c->version), SHORT_TTL};
}

static void go_on(struct candidate *c, uint64_t real)
{
	struct election_next next = election_advance(&c->e, &c->end, own_ms(c, real), dice(1u << 30));

	if (c->end.outcome == ELECTION_FINE)
		memcpy(c->last_version, c->version, sizeof(c->version));
	c->step = next.step;
	c->ask_ms = real + (uint64_t)((double)next.wait_ms / c->rate) + 1;
	c->answer_ms = 0;
}

/* Now and then a call is lost on its way there, its answer on the way back, or either takes long. */
static void ask(struct candidate *c, uint64_t real)
{
	uint64_t there = 1 + dice(dice(10) ? 20 : SHORT_TTL / 4), back = 1 + dice(dice(10) ? 20 : SHORT_TTL);
	struct flight *f = &c->flights[c->n_flights++ % N_FLIGHTS];

	*f = (struct flight){.step = c->step, .arrive_ms = dice(12) ? real + there : 0};
	memcpy(f->based_on, c->last_version, sizeof(f->based_on));
	f->has_answer = f->arrive_ms && there + back < (uint64_t)SHORT_TTL / 4 && dice(12);
	c->end = (struct election_end){.was = c->step, .began_ms = own_ms(c, real), .outcome = ELECTION_FAILED};
	c->answer_ms = f->has_answer ? real + there + back : real + SHORT_TTL / 4;
	c->ask_ms = 0;
}

static void turn(struct candidate *c, uint64_t real)
{
	for (size_t i = 0; i < N_FLIGHTS; i++) {
		if (c->flights[i].arrive_ms == real)
			arrive(c, &c->flights[i]);
	}
	if (real < c->stopped_until_ms)
		return;
	if (c->answer_ms && c->answer_ms <= real)
		go_on(c, real);
	else if (c->ask_ms && c->ask_ms <= real)
		ask(c, real);
	if (!dice(40000))
		c->stopped_until_ms = real + dice(3 * SHORT_TTL);
}

static void run(uint64_t of, uint64_t *led_ms)
{
	struct candidate all[N] = {0};
	unsigned n_two = 0;

	seed = of;
	memset(&stored, 0, sizeof(stored));
	for (size_t i = 0; i < N; i++) {
		snprintf(all[i].name, sizeof(all[i].name), "c%zu", i);
		all[i].rate = 0.95 + (double)dice(100) / 1000;
		all[i].offset = dice(1u << 30);
		all[i].ask_ms = 1 + dice(50);
		election_init(&all[i].e, str_from(all[i].name), SHORT_TTL);
	}
	for (uint64_t real = 1; real < RUN_MS; real++) {
		unsigned n_leading = 0;

		for (size_t i = 0; i < N; i++) {
			turn(&all[i], real);
			n_leading += election_leads(&all[i].e, own_ms(&all[i], real));
		}
		n_two += n_leading > 1;
		*led_ms += n_leading;
	}
	CHECK_INT(n_two, 0);
	for (size_t i = 0; i < N; i++)
		election_deinit(&all[i].e);
}

static void test_never_two(void)
{
	uint64_t led_ms = 0;

	check_case("never two, and seldom nobody");
	for (uint64_t of = 1; of <= RUNS; of++)
		run(of * 2654435761u, &led_ms);
	CHECK(led_ms > (uint64_t)RUNS * RUN_MS / 2);
	printf("led %.0f %% of the time\n", (double)led_ms * 100 / ((double)RUNS * RUN_MS));
}

int main(void)
{
	test_rows();
	test_never_two();
	return check_done();
}
