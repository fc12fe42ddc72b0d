/* What is put off runs once, in order, before the loop waits. */
#include "check.h"
#include "later.h"
#include "mem.h"

static struct laters all;
static char order[16];
static size_t n;

struct job {
	struct later later;
	char name;
	struct later *then, *forgets;
};

static void run(struct later *later)
{
	struct job *job = container_of(later, struct job, later);

	order[n++] = job->name;
	if (job->then)
		later_put_off(&all, job->then);
	if (job->forgets)
		later_forget(&all, job->forgets);
}

static const char *ran(void)
{
	n = 0;
	laters_run(&all);
	order[n] = '\0';
	return order;
}

int main(void)
{
	struct job a = {{.run = run}, 'a', NULL, NULL}, b = {{.run = run}, 'b', NULL, NULL}, c = {{.run = run}, 'c', NULL, NULL};

	laters_init(&all);
	check_case("nothing");
	CHECK_STR(str_from(ran()), str_from(""));
	check_case("once each, in the order in which they were put off");
	later_put_off(&all, &a.later);
	later_put_off(&all, &b.later);
	later_put_off(&all, &a.later);
	CHECK_STR(str_from(ran()), str_from("ab"));
	CHECK_STR(str_from(ran()), str_from(""));
	check_case("what is put off meanwhile runs too, itself as well");
	a.then = &c.later;
	later_put_off(&all, &a.later);
	later_put_off(&all, &b.later);
	CHECK_STR(str_from(ran()), str_from("abc"));
	check_case("forgotten: the first, the last, one that does not wait");
	a.then = NULL;
	a.forgets = &c.later;
	later_put_off(&all, &b.later);
	later_put_off(&all, &a.later);
	later_put_off(&all, &c.later);
	later_forget(&all, &b.later);
	later_forget(&all, &b.later);
	CHECK_STR(str_from(ran()), str_from("a"));
	later_put_off(&all, &b.later);
	CHECK_STR(str_from(ran()), str_from("b"));
	return check_done();
}
