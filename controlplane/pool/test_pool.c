/* What --pool takes, and who belongs to what. */
#include "check.h"
#include "pool.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static struct object *namespace_with(const char *labels)
{
	struct problems problems = {0};
	struct buf text = {0};
	struct object *o;
	json_t *json;
	bool is_other;

	buf_printf(&text, "{\"apiVersion\":\"v1\",\"kind\":\"Namespace\",\"metadata\":{\"name\":\"n\",\"labels\":{%s}}}", labels);
	json = json_loads(buf_cstr(&text), 0, NULL);
	o = object_from_json(json, STR(""), &problems, &is_other);
	if (!o)
		abort();
	json_decref(json);
	problems_deinit(&problems);
	buf_deinit(&text);
	return o;
}

static void test_selectors(void)
{
	static const struct {
		const char *selector, *labels;
		bool fits;
	} cases[] = {
		{"a=b", "\"a\":\"b\"", true},
		{"a=b", "\"a\":\"c\"", false},
		{"a=b", "", false},
		{"a==b", "\"a\":\"b\"", true},
		{"a=", "\"a\":\"\"", true},
		{"a=", "\"a\":\"b\"", false},
		{"a!=b", "\"a\":\"b\"", false},
		{"a!=b", "\"a\":\"c\"", true},
		{"a!=b", "", true},
		{"a", "\"a\":\"\"", true},
		{"a", "\"b\":\"\"", false},
		{"!a", "\"b\":\"\"", true},
		{"!a", "\"a\":\"b\"", false},
		{"a in (b,c)", "\"a\":\"c\"", true},
		{"a in (b,c)", "\"a\":\"d\"", false},
		{"a in (b,c)", "", false},
		{"a in(b)", "\"a\":\"b\"", true},
		{"a notin (b, c)", "\"a\":\"c\"", false},
		{"a notin (b,c)", "\"a\":\"d\"", true},
		{"a notin (b,c)", "", true},
		{"a in (b,c),d=e", "\"a\":\"b\",\"d\":\"e\"", true},
		{"a in (b,c),d=e", "\"a\":\"b\"", false},
		{" a = b , !c ", "\"a\":\"b\"", true},
		{"example.com/team=web", "\"example.com/team\":\"web\"", true},
	};

	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		struct object *o = namespace_with(cases[i].labels);
		struct arena arena = {0};
		struct selector s;
		const char *why = NULL;

		check_case(cases[i].selector);
		if (CHECK(selector_parse(str_from(cases[i].selector), &arena, &s, &why)))
			CHECK_INT(selector_fits(&s, o), cases[i].fits);
		object_unref(&o);
		arena_deinit(&arena);
	}
}

static void test_words(void)
{
	static const struct {
		const char *word;
		const char *says; /* NULL: it is good */
	} cases[] = {
		{"edge=class:public", NULL},
		{"edge-2=class:a,b.c", NULL},
		{"edge=all", NULL},
		{"edge=namespaces:a in (b,c),!d", NULL},
		{"default=none", NULL},
		{"default=class:a", NULL},
		{"edge", "write NAME="},
		{"=all", "write NAME="},
		{"Edge=all", "small letters"},
		{"a/b=all", "small letters"},
		{"edge=", "what it serves"},
		{"edge=none", "what it serves"},
		{"edge=class:", "the name of an IngressClass"},
		{"edge=class:A", "names of IngressClasses"},
		{"edge=class:a,,b", "names of IngressClasses"},
		{"edge=namespaces:", "a label at least"},
		{"edge=namespaces:a,,b", "the name of a label"},
		{"edge=namespaces:a in b", "the name of a label"},
		{"edge=namespaces:a in ()", "values within the brackets"},
		{"edge=namespaces:a of (b)", "in or notin"},
		{"edge=namespaces:a in (b", "brackets"},
		{"edge=namespaces:a=b c", "a label's value"},
		{"edge=namespaces:!", "after the !"},
		{"edge=namespaces:=b", "the name of a label"},
	};

	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		struct pools p = {0};
		struct buf error = {0};
		bool is_good;

		check_case(cases[i].word);
		is_good = pools_add(&p, str_from(cases[i].word), &error);
		CHECK_INT(is_good, cases[i].says == NULL);
		if (cases[i].says && !CHECK(str_find_str(buf_str(&error), str_from(cases[i].says)) < error.len))
			fprintf(stderr, "said: %s\n", buf_cstr(&error));
		buf_deinit(&error);
		pools_deinit(&p);
	}
}

static void test_default(void)
{
	struct pools p = {0};
	struct buf error = {0};

	check_case("nothing said: one, and it has everything");
	CHECK(pools_finish(&p, &error));
	CHECK_INT(p.n, 1);
	CHECK_INT(pools_of_ingress(&p, STR(""), NULL), 1);
	CHECK_INT(pools_of_service(&p, NULL), 1);
	CHECK(!pools_want_namespaces(&p));
	pools_deinit(&p);
	check_case("it comes first, and may be said to be less");
	CHECK(pools_add(&p, STR("edge=class:public"), &error));
	CHECK(pools_add(&p, STR("default=class:inner"), &error));
	CHECK(pools_finish(&p, &error));
	CHECK_INT(p.n, 2);
	CHECK(!strcmp(p.items[0].name, "default") && !strcmp(p.items[1].name, "edge"));
	CHECK_INT(pools_of_ingress(&p, STR("inner"), NULL), 1);
	CHECK_INT(pools_of_ingress(&p, STR("public"), NULL), 2);
	CHECK_INT(pools_of_ingress(&p, STR("other"), NULL), 0);
	CHECK_INT(pools_of_ingress(&p, STR(""), NULL), 0);
	check_case("twice is a mistake");
	CHECK(!pools_add(&p, STR("edge=all"), &error));
	pools_deinit(&p);
	check_case("none at all is a mistake");
	CHECK(pools_add(&p, STR("default=none"), &error));
	CHECK(!pools_add(&p, STR("default=all"), &error));
	CHECK(!pools_finish(&p, &error));
	pools_deinit(&p);
	check_case("more than there is room for");
	for (unsigned i = 0; i < POOLS_MAX; i++) {
		char word[32];

		snprintf(word, sizeof(word), "p%u=all", i);
		CHECK_INT(pools_add(&p, str_from(word), &error), i < POOLS_MAX - 1);
	}
	CHECK(pools_finish(&p, &error));
	CHECK_INT(p.n, POOLS_MAX);
	pools_deinit(&p);
	buf_deinit(&error);
}

static void test_namespaces(void)
{
	struct pools p = {0};
	struct buf error = {0};
	struct object *web = namespace_with("\"team\":\"web\""), *other = namespace_with("");

	check_case("a namespace of which nothing is known belongs to nobody, whatever the selector");
	CHECK(pools_add(&p, STR("web=namespaces:team=web"), &error));
	CHECK(pools_add(&p, STR("rest=namespaces:team!=web"), &error));
	CHECK(pools_add(&p, STR("default=none"), &error));
	CHECK(pools_finish(&p, &error));
	CHECK(pools_want_namespaces(&p));
	CHECK_INT(pools_of_ingress(&p, STR("nginx"), web), 1);
	CHECK_INT(pools_of_ingress(&p, STR("nginx"), other), 2);
	CHECK_INT(pools_of_service(&p, web), 1);
	CHECK_INT(pools_of_ingress(&p, STR("nginx"), NULL), 0);
	pools_deinit(&p);
	buf_deinit(&error);
	object_unref(&web);
	object_unref(&other);
}

int main(void)
{
	test_selectors();
	test_words();
	test_default();
	test_namespaces();
	return check_done();
}
