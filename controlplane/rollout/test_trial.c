/* What becomes of a change that is tried on one proxy: a table of what is seen, and when. */
#include "check.h"
#include "trial.h"

enum { HOLD_MS = 5000 };

static struct trial_proxy make(const char *name)
{
	return (struct trial_proxy){.name = str_from(name), .process = 1, .is_here = true, .requests = 1000, .errors = 10, .reported_ms = 1};
}

struct pool {
	struct trial_proxy all[3];
	struct trial t;
	struct trial_proxy *canary, *other;
};

static void begin_with(struct pool *p, uint64_t errors)
{
	*p = (struct pool){.all = {make("a"), make("b"), make("c")}};
	for (size_t i = 0; i < 3; i++)
		p->all[i].errors = errors;
	CHECK(trial_begin(&p->t, 7, p->all, 3, 1000));
	for (size_t i = 0; i < 3; i++) {
		if (trial_is_canary(&p->t, p->all[i].name))
			p->canary = &p->all[i];
		else
			p->other = &p->all[i];
	}
}

static void begin(struct pool *p)
{
	begin_with(p, 10);
}

static void check(struct pool *p, uint64_t now_ms, enum trial_verdict want, const char *reason)
{
	struct buf why = {0};

	CHECK_INT(trial_look(&p->t, p->all, 3, HOLD_MS, now_ms, &why), want);
	CHECK(str_find_str(buf_str(&why), str_from(reason)) < why.len || (!*reason && !why.len));
	buf_deinit(&why);
}

/* It has taken it at 1,100. */
static void begin_taken(struct pool *p)
{
	begin(p);
	trial_sent(&p->t);
	check(p, 1050, TRIAL_WAIT, "");
	p->canary->has_it = true;
	check(p, 1100, TRIAL_WAIT, "");
}

static void test_good(void)
{
	struct pool p;

	check_case("held, and reported after that");
	begin_taken(&p);
	p.canary->reported_ms = 1100 + HOLD_MS - 1;
	check(&p, 1100 + HOLD_MS - 1, TRIAL_WAIT, "");
	check(&p, 1100 + HOLD_MS, TRIAL_WAIT, "");
	p.canary->reported_ms = 1100 + HOLD_MS;
	check(&p, 1100 + HOLD_MS, TRIAL_PROMOTE, "");
	trial_end(&p.t);

	check_case("and without a report a while later");
	begin_taken(&p);
	check(&p, 1100 + HOLD_MS + TRIAL_REPORT_MS - 1, TRIAL_WAIT, "");
	check(&p, 1100 + HOLD_MS + TRIAL_REPORT_MS, TRIAL_PROMOTE, "");
	trial_end(&p.t);
}

static void test_refusal(void)
{
	struct pool p;

	check_case("refused: at once, with its reason");
	begin(&p);
	trial_sent(&p.t);
	p.canary->has_refused = true;
	p.canary->refusal = STR("not today");
	check(&p, 1050, TRIAL_TAKE_BACK, "refused it: not today");
	trial_end(&p.t);

	check_case("sent, and nothing comes back");
	begin(&p);
	trial_sent(&p.t);
	check(&p, 1000 + TRIAL_TAKE_MS - 1, TRIAL_WAIT, "");
	check(&p, 1000 + TRIAL_TAKE_MS, TRIAL_TAKE_BACK, "does not answer");
	trial_end(&p.t);
}

static void test_crash(void)
{
	struct pool p;

	check_case("restarted with it");
	begin_taken(&p);
	p.canary->process = 2;
	check(&p, 1200, TRIAL_TAKE_BACK, "was restarted");
	trial_end(&p.t);

	check_case("restarted before it said a word of it");
	begin(&p);
	trial_sent(&p.t);
	p.canary->process = 2;
	check(&p, 1200, TRIAL_TAKE_BACK, "was restarted");
	trial_end(&p.t);

	check_case("restarted before it was sent anything: that was something else");
	begin(&p);
	p.canary->process = 2;
	check(&p, 1200, TRIAL_WAIT, "");
	trial_sent(&p.t);
	p.canary->has_it = true;
	check(&p, 1300, TRIAL_WAIT, "");
	trial_end(&p.t);

	check_case("another controller was to send it to it: it may have");
	p = (struct pool){.all = {make("a"), make("b"), make("c")}};
	p.all[0].is_standby = p.all[1].is_standby = p.all[2].is_standby = true;
	CHECK(trial_begin(&p.t, 7, p.all, 3, 1000));
	for (size_t i = 0; i < 3; i++)
		p.all[i].process = 2;
	check(&p, 1200, TRIAL_TAKE_BACK, "was restarted");
	trial_end(&p.t);

	check_case("gone, and not back");
	begin_taken(&p);
	p.canary->is_here = false;
	check(&p, 1200, TRIAL_WAIT, "");
	check(&p, 1200 + TRIAL_BACK_MS, TRIAL_TAKE_BACK, "did not come back");
	trial_end(&p.t);

	check_case("gone for a moment: it was the line");
	begin_taken(&p);
	p.canary->is_here = false;
	check(&p, 1200, TRIAL_WAIT, "");
	p.canary->is_here = true;
	check(&p, 1300, TRIAL_WAIT, "");
	p.canary->is_here = false;
	check(&p, 1200 + TRIAL_BACK_MS, TRIAL_WAIT, "");
	p.canary->is_here = true;
	p.canary->reported_ms = 1100 + HOLD_MS;
	check(&p, 1400 + HOLD_MS, TRIAL_PROMOTE, "");
	trial_end(&p.t);
}

static void test_errors(void)
{
	static const struct {
		const char *name;
		uint64_t requests, errors, others, their_errors, before;
		enum trial_verdict want;
	} cases[] = {
		{"none", 1000, 0, 2000, 0, 10, TRIAL_WAIT},
		{"as before", 1000, 20, 2000, 20, 10, TRIAL_WAIT},
		{"half of them", 100, 50, 2000, 20, 10, TRIAL_TAKE_BACK},
		{"too few to say", 4, 4, 2000, 0, 10, TRIAL_WAIT},
		{"five of five", 5, 5, 0, 0, 10, TRIAL_TAKE_BACK},
		{"the others have them, too: it is not the change", 100, 50, 100, 40, 10, TRIAL_WAIT},
		{"it always had them", 100, 50, 100, 0, 400, TRIAL_WAIT},
		{"nobody asks the others", 100, 30, 0, 0, 10, TRIAL_TAKE_BACK},
	};

	for (size_t i = 0; i < CHECK_COUNT(cases); i++) {
		struct pool p;

		check_case(cases[i].name);
		begin_with(&p, cases[i].before);
		trial_sent(&p.t);
		p.canary->has_it = true;
		check(&p, 1100, TRIAL_WAIT, "");
		p.canary->requests += cases[i].requests;
		p.canary->errors += cases[i].errors;
		p.other->requests += cases[i].others;
		p.other->errors += cases[i].their_errors;
		check(&p, 1200, cases[i].want, cases[i].want == TRIAL_TAKE_BACK ? "answered 5xx to" : "");
		trial_end(&p.t);
	}
}

static void test_early_report(void)
{
	struct pool p;

	check_case("a report that has the errors already comes before its ACK");
	begin(&p);
	trial_sent(&p.t);
	p.canary->requests += 21;
	p.canary->errors += 21;
	check(&p, 1050, TRIAL_WAIT, "");
	p.canary->has_it = true;
	check(&p, 1100, TRIAL_TAKE_BACK, "answered 5xx to 21 of 21");
	trial_end(&p.t);

	check_case("restarted before it was sent anything: it counts from nothing");
	begin_with(&p, 900);
	p.canary->process = 2;
	p.canary->requests = p.canary->errors = 0;
	check(&p, 1050, TRIAL_WAIT, "");
	trial_sent(&p.t);
	p.canary->has_it = true;
	p.canary->requests = p.canary->errors = 6;
	check(&p, 1100, TRIAL_TAKE_BACK, "answered 5xx to 6 of 6");
	trial_end(&p.t);
}

static void test_choice(void)
{
	struct pool p;
	unsigned n[3] = {0};
	const char *former;

	check_case("the same for the same change, whoever asks; another change, another proxy");
	for (uint64_t seed = 0; seed < 300; seed++) {
		struct trial t = {0}, again = {0};
		struct trial_proxy all[] = {make("a"), make("b"), make("c")}, back[] = {make("c"), make("a"), make("b")};

		trial_begin(&t, seed * 0x9e3779b97f4a7c15u, all, 3, 1);
		trial_begin(&again, seed * 0x9e3779b97f4a7c15u, back, 3, 1);
		CHECK_STR(str_from(t.canary), str_from(again.canary));
		n[t.canary[0] - 'a']++;
		trial_end(&t);
		trial_end(&again);
	}
	CHECK(n[0] > 50 && n[1] > 50 && n[2] > 50);

	check_case("one that leaves in order is followed by another");
	begin_taken(&p);
	former = p.t.canary[0] == 'a' ? "a" : p.t.canary[0] == 'b' ? "b" : "c";
	p.canary->is_draining = true;
	check(&p, 1200, TRIAL_WAIT, "");
	CHECK(p.t.canary && !str_eq(str_from(p.t.canary), str_from(former)));

	check_case("and when all are gone, it is what it is");
	for (size_t i = 0; i < 3; i++)
		p.all[i].is_here = false;
	check(&p, 1300, TRIAL_PROMOTE, "");
	CHECK(!trial_begin(&p.t, 1, p.all, 3, 1));
	trial_end(&p.t);

	check_case("one that another controller sends it to, and does not: then one of ours");
	p = (struct pool){.all = {make("a"), make("b"), make("c")}};
	p.all[0].is_standby = p.all[1].is_standby = true;
	for (uint64_t seed = 0; !p.t.canary || p.t.canary[0] == 'c'; seed++)
		CHECK(trial_begin(&p.t, seed, p.all, 3, 1000));
	check(&p, 1000 + TRIAL_TAKE_MS, TRIAL_WAIT, "");
	CHECK(trial_is_canary(&p.t, STR("c")));
	trial_end(&p.t);
}

int main(void)
{
	test_good();
	test_refusal();
	test_crash();
	test_errors();
	test_early_report();
	test_choice();
	return check_done();
}
