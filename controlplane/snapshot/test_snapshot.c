/* History: one entry an id in a row, found by prefix, bounded; what changed is counted. */
#include "check.h"
#include "snapshot.h"

#include <stdio.h>

static struct snapshot *make(unsigned n, const char *body)
{
	struct content *c = content_create();
	struct snapshot *s;

	for (unsigned i = 0; i < n; i++) {
		char name[16];
		struct str text = str_of(name, (size_t)snprintf(name, sizeof(name), "h%u", i));

		content_put(c, resource_create(5, text, str_from(i == 0 ? body : "same")));
	}
	s = snapshot_create(c, 1000 + n);
	return s;
}

static void test_history(void)
{
	struct history *h = history_create(2);
	struct snapshot *a = make(3, "a"), *again = make(3, "a"), *b = make(2, "b"), *c = make(3, "a");

	check_case("history");
	CHECK(history_add(h, a));
	CHECK_INT(a->n_put, 3);
	CHECK(!history_add(h, again)); /* the same content has the same id */
	CHECK(history_add(h, b));
	CHECK_INT(b->n_put, 1);
	CHECK_INT(b->n_drop, 1);
	CHECK(history_find(h, str_of(a->id.bytes, 6)) == a);
	CHECK(!history_find(h, str_of(a->id.bytes, 3)));
	CHECK(!history_find(h, STR("nothing like it")));
	CHECK(history_add(h, c));
	CHECK(history_at(h, 0) == c);
	CHECK(history_at(h, 1) == b);
	CHECK(!history_at(h, 2));
	CHECK(history_find(h, str_of(c->id.bytes, 32)) == c);
	history_destroy(h);
	snapshot_unref(&a);
	snapshot_unref(&again);
	snapshot_unref(&b);
	snapshot_unref(&c);
	CHECK(c == NULL);
}

static void test_origins(void)
{
	struct snapshot *s = make(1, "x");

	check_case("origins");
	snapshot_add_origin(s, &(struct provenance){5, STR("b"), STR("f"), STR("o"), STR("k"), STR("v")});
	snapshot_add_origin(s, &(struct provenance){5, STR("a"), STR("g"), STR("o"), STR("k"), STR("v")});
	snapshot_add_origin(s, &(struct provenance){5, STR("a"), STR("f"), STR("o"), STR("k"), STR("w")});
	snapshot_sort_origins(s);
	CHECK_STR(s->origins[0].value, STR("w"));
	CHECK_STR(s->origins[2].name, STR("b"));
	snapshot_unref(&s);
}

int main(void)
{
	test_history();
	test_origins();
	return check_done();
}
