/* Who is sent away is a problem for a while, and said now and then. */
#include "check.h"
#include "strangers.h"

#include <stdio.h>

static size_t count(const struct strangers *s, uint64_t now_ms)
{
	struct problems list = {0};
	size_t n;

	strangers_problems(s, STR("default, edge"), now_ms, &list);
	n = list.n;
	problems_deinit(&list);
	return n;
}

static void test_one(void)
{
	struct strangers s = {0};
	struct problems list = {0};

	check_case("the first time is said, the next one is not, and after a minute once more");
	CHECK(strangers_note(&s, STR("p1"), STR("moon"), 1000));
	CHECK(!strangers_note(&s, STR("p1"), STR("moon"), 2000));
	CHECK(strangers_note(&s, STR("p1"), STR("mars"), 2000));
	CHECK(strangers_note(&s, STR("p1"), STR("moon"), 1000 + STRANGER_SAY_EVERY_MS));
	CHECK_INT(s.n, 2);
	CHECK_INT(s.total, 4);
	check_case("the problem names all that is needed to mend it");
	strangers_problems(&s, STR("default, edge"), 1000 + STRANGER_SAY_EVERY_MS, &list);
	if (CHECK_INT(list.n, 2)) {
		CHECK_STR(list.items[0].object, STR("Proxy p1"));
		CHECK_STR(list.items[0].value, STR("moon"));
		CHECK_STR(list.items[0].rule, STR("a pool that this controller serves: default, edge"));
		CHECK_INT(list.items[0].severity, SEVERITY_FAULT);
	}
	problems_deinit(&list);
	check_case("it goes when it has been quiet");
	CHECK_INT(count(&s, 2000 + STRANGER_STANDS_MS), 2);
	CHECK_INT(count(&s, 2001 + STRANGER_STANDS_MS), 1);
}

static void test_bounds(void)
{
	struct strangers s = {0};
	struct problems list = {0};
	char name[300];

	check_case("many of them take no more room, and the newest are kept");
	for (unsigned i = 0; i < 1000; i++) {
		snprintf(name, sizeof(name), "p%u", i);
		strangers_note(&s, str_from(name), STR("moon"), 1000 + i);
	}
	CHECK_INT(s.n, STRANGERS_MAX);
	CHECK(!strangers_note(&s, STR("p999"), STR("moon"), 3000));
	CHECK(strangers_note(&s, STR("p1"), STR("moon"), 3001));
	check_case("a long name is cut, one that is not printable escaped");
	memset(name, 'x', sizeof(name));
	name[0] = '\n';
	s = (struct strangers){0};
	CHECK(strangers_note(&s, str_of(name, sizeof(name)), STR("moon"), 1));
	CHECK(!strangers_note(&s, str_of(name, sizeof(name)), STR("moon"), 1));
	strangers_problems(&s, STR("default"), 1, &list);
	if (CHECK_INT(list.n, 1))
		CHECK(list.items[0].object.len < 80 && !str_eq(str_first(list.items[0].object, 7), STR("Proxy \n")));
	problems_deinit(&list);
}

int main(void)
{
	test_one();
	test_bounds();
	return check_done();
}
