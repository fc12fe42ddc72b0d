#include <stdio.h>

#include "blob.h"
#include "check.h"
#include "content.h"
#include "mem.h"

/* A generator of our own, so that a failure can be repeated. */
static uint32_t random_below(uint32_t *state, uint32_t bound)
{
	*state = *state * 1664525u + 1013904223u;
	return (*state >> 8) % bound;
}

static struct resource *make(uint32_t kind, const char *name, const char *body)
{
	return resource_create(kind, str_from(name), str_from(body));
}

static void check_same(struct content *a, struct content *b)
{
	struct content_id x = content_id(a), y = content_id(b);

	CHECK(content_id_eq(&x, &y));
	CHECK_INT(content_count(a), content_count(b));
}

static void test_set(void)
{
	struct content *c = content_create();
	struct content_id empty = content_id(c), one;
	struct resource *const *all;
	char text[16];
	size_t n;

	check_case("put, get, drop");
	content_put(c, make(5, "b", "1"));
	content_put(c, make(3, "z", "2"));
	content_put(c, make(5, "a", "3"));
	one = content_id(c);
	CHECK(!content_id_eq(&empty, &one));
	CHECK_INT(strlen(content_id_text(&one, text)), 12);
	all = content_sorted(c, &n);
	CHECK_INT(n, 3);
	CHECK_STR(all[0]->name, STR("z"));
	CHECK_STR(all[1]->name, STR("a"));
	CHECK_STR(content_get(c, 5, STR("b"))->body, STR("1"));
	CHECK(!content_get(c, 4, STR("b")));
	content_put(c, make(5, "b", "changed"));
	CHECK_INT(content_count(c), 3);
	CHECK(content_drop(c, 5, STR("b")) && content_drop(c, 3, STR("z")) && content_drop(c, 5, STR("a")));
	CHECK(!content_drop(c, 5, STR("a")));
	one = content_id(c);
	CHECK(content_id_eq(&empty, &one));
	content_destroy(c);
}

static void test_names_and_bodies_do_not_mix(void)
{
	struct content *a = content_create(), *b = content_create();
	struct content_id x, y;

	check_case("a name's end moves into the body");
	content_put(a, make(5, "ab", "c"));
	content_put(b, make(5, "a", "bc"));
	x = content_id(a);
	y = content_id(b);
	CHECK(!content_id_eq(&x, &y));
	content_destroy(a);
	content_destroy(b);
}

/* The id of a set does not depend on how it came about; diff and apply end at the target. */
static void test_any_order(void)
{
	uint32_t state = 1;

	check_case("random puts and drops, in any order");
	for (int round = 0; round < 40; round++) {
		struct content *grown = content_create(), *fresh = content_create(), *before;
		struct content_change change;
		struct arena arena = {0};
		size_t n;

		before = content_create();
		for (int step = 0; step < 300; step++) {
			char name[16], body[16];
			uint32_t kind = 1 + random_below(&state, 6);

			snprintf(name, sizeof(name), "n%u", random_below(&state, 60));
			snprintf(body, sizeof(body), "b%u", random_below(&state, 4));
			if (random_below(&state, 3))
				content_put(grown, make(kind, name, body));
			else
				content_drop(grown, kind, str_from(name));
			if (random_below(&state, 5) == 0)
				content_id(grown);
			if (step == 150) {
				content_destroy(before);
				before = content_copy(grown);
			}
		}
		struct resource *const *all = content_sorted(grown, &n);
		for (size_t i = n; i-- > 0;)
			content_put(fresh, resource_create(all[i]->kind, all[i]->name, all[i]->body));
		check_same(grown, fresh);
		content_diff(before, grown, &arena, &change);
		for (size_t i = 0; i < change.n_drop; i++)
			CHECK(content_drop(before, change.drop[i]->kind, str_of(change.drop[i]->name.ptr, change.drop[i]->name.len)));
		for (size_t i = 0; i < change.n_put; i++)
			content_put(before, resource_ref(change.put[i]));
		check_same(before, grown);
		content_diff(before, grown, &arena, &change);
		CHECK_INT(change.n_put + change.n_drop, 0);
		arena_deinit(&arena);
		content_destroy(grown);
		content_destroy(fresh);
		content_destroy(before);
	}
}

static void test_blobs(void)
{
	struct blobs *b = blobs_create(2, 100);
	char first[32], second[32];
	struct str out;

	check_case("blobs");
	memcpy(first, blobs_put(b, STR("one")).ptr, 32);
	memcpy(second, blobs_put(b, STR("two")).ptr, 32);
	CHECK(blobs_get(b, str_of(first, 32), &out));
	CHECK_STR(out, STR("one"));
	blobs_put(b, STR("three"));
	CHECK(!blobs_get(b, str_of(second, 32), &out));
	CHECK(blobs_get(b, str_of(first, 32), &out));
	CHECK(!blobs_get(b, STR("short"), &out));
	blobs_destroy(b);
}

/* Sets that come from one another share their buckets, and nothing done to one is seen in another. */
static void test_copies(void)
{
	enum { SETS = 4, NAMES = 40, STEPS = 3000 };
	struct content *sets[SETS];
	unsigned model[SETS][NAMES] = {{0}}; /* the body of each name, 0 is none */
	uint32_t state = 3;

	check_case("copies");
	for (size_t i = 0; i < SETS; i++)
		sets[i] = content_create();
	for (int step = 0; step < STEPS; step++) {
		unsigned at = random_below(&state, SETS), from = random_below(&state, SETS), name = random_below(&state, NAMES);
		char text[16], body[16];

		snprintf(text, sizeof(text), "n%u", name);
		if (random_below(&state, 8) == 0 && at != from) {
			content_destroy(sets[at]);
			sets[at] = content_copy(sets[from]);
			memcpy(model[at], model[from], sizeof(model[at]));
		} else if (random_below(&state, 3) == 0) {
			CHECK(content_drop(sets[at], 5, str_from(text)) == (model[at][name] > 0));
			model[at][name] = 0;
		} else {
			model[at][name] = 1 + random_below(&state, 3);
			snprintf(body, sizeof(body), "%u", model[at][name]);
			content_put(sets[at], make(5, text, body));
		}
		if (random_below(&state, 4) == 0)
			content_id(sets[from]); /* now and then, as somebody would */
	}
	for (size_t i = 0; i < SETS; i++) {
		struct content *anew = content_create();

		for (unsigned name = 0; name < NAMES; name++) {
			char text[16], body[16];

			snprintf(text, sizeof(text), "n%u", name);
			snprintf(body, sizeof(body), "%u", model[i][name]);
			if (model[i][name])
				content_put(anew, make(5, text, body));
		}
		check_same(sets[i], anew);
		content_destroy(anew);
		content_destroy(sets[i]);
	}
}

int main(void)
{
	test_set();
	test_copies();
	test_names_and_bodies_do_not_mix();
	test_any_order();
	test_blobs();
	return check_done();
}
