#include "check.h"
#include "problem.h"

static void add(struct problems *list, const char *object, const char *field, const char *value)
{
	problems_add(list, &(struct problem){.object = str_from(object), .field = str_from(field), .value = str_from(value)});
}

static void test_text(void)
{
	static const struct {
		const char *name;
		struct problem problem;
		const char *want;
	} cases[] = {
		{"all members",
			{.object = {"Ingress default/web", 19}, .field = {"a/b", 3}, .value = {"60s", 3}, .rule = {"a number", 8},
				.fix = {"write 60", 8}, .effect = {"the default 60 is used", 22}},
			"Ingress default/web: a/b: '60s' is not a number; write 60; the default 60 is used"},
		{"no value", {.object = {"file a", 6}, .field = {"kind", 4}, .rule = {"needed", 6}}, "file a: kind: needed"},
		{"a value that would break the line", {.object = {"o", 1}, .value = {"a\n'b", 4}}, "o: 'a\\x0a'b'"},
		{"an object that would break the line", {.object = {"o\np", 3}}, "o\\x0ap"},
	};

	for (size_t i = 0; i < CHECK_COUNT(cases); i++) {
		struct problems list = {0};
		struct buf text = {0};

		check_case(cases[i].name);
		problems_add(&list, &cases[i].problem);
		problem_text(&list.items[0], &text);
		CHECK_STR(buf_str(&text), str_from(cases[i].want));
		buf_deinit(&text);
		problems_deinit(&list);
	}
}

static void test_long_value(void)
{
	struct problems list = {0};
	char value[300];

	check_case("a long value is cut, not in the middle of a character");
	for (size_t i = 0; i < sizeof(value); i += 3)
		memcpy(value + i, "€", 3);
	problems_add(&list, &(struct problem){.value = str_of(value, sizeof(value))});
	CHECK(list.items[0].value.len <= 120);
	CHECK(str_ends_with(list.items[0].value, STR("€…")));
	problems_deinit(&list);
}

static void test_sort(void)
{
	struct problems list = {0}, more = {0};

	check_case("sorted, without duplicates, not escaped twice");
	add(&list, "b", "x", "1");
	add(&list, "a", "y", "1");
	add(&more, "b", "x", "1");
	add(&more, "a", "x", "\n");
	problems_add_all(&list, &more);
	problems_sort(&list);
	CHECK_INT(list.n, 3);
	CHECK_STR(list.items[0].value, STR("\\x0a"));
	CHECK_STR(list.items[1].field, STR("y"));
	CHECK_STR(list.items[2].object, STR("b"));
	problems_clear(&list);
	CHECK_INT(list.n, 0);
	problems_deinit(&list);
	problems_deinit(&more);
}

int main(void)
{
	test_text();
	test_long_value();
	test_sort();
	return check_done();
}
