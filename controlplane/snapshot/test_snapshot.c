/* History: one entry an id in a row, found by prefix, bounded; what changed is counted. */
#include "buf.h"
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

static struct str origins_text(const struct origins *o, struct buf *out)
{
	struct arena arena = {0};
	size_t n;
	const struct provenance *all = origins_all(o, &arena, &n);

	buf_clear(out);
	for (size_t i = 0; i < n; i++)
		buf_printf(out, "%u%.*s.%.*s=%.*s ", all[i].kind, STR_ARG(all[i].name), STR_ARG(all[i].field), STR_ARG(all[i].value));
	arena_deinit(&arena);
	return buf_str(out);
}

static void test_origins(void)
{
	const struct provenance first[] = {{5, STR("b"), STR("f"), STR("o"), STR("k"), STR("v")}, {5, STR("a"), STR("g"), STR("o"), STR("k"), STR("v")},
		{5, STR("a"), STR("f"), STR("o"), STR("k"), STR("w")}};
	const struct provenance other[] = {{4, STR("z"), STR("f"), STR("o"), STR("k"), STR("v")}, {5, STR("b"), STR("f"), STR("o"), STR("k"), STR("v")}};
	struct origins *o = NULL, *before;
	struct buf text = {0};

	check_case("origins: in order, each once");
	CHECK(!origins_put(&o, STR("none"), NULL, 0));
	CHECK(o == NULL);
	CHECK(origins_put(&o, STR("first"), first, 3));
	CHECK(origins_put(&o, STR("other"), other, 2));
	CHECK_STR(origins_text(o, &text), STR("4z.f=v 5a.f=w 5a.g=v 5b.f=v "));

	check_case("origins: what others hold stays");
	before = origins_ref(o);
	CHECK(!origins_put(&o, STR("first"), first, 3));
	CHECK(o == before);
	CHECK(origins_put(&o, STR("first"), first, 2));
	CHECK(o != before);
	CHECK_STR(origins_text(o, &text), STR("4z.f=v 5a.g=v 5b.f=v "));
	CHECK(origins_put(&o, STR("other"), NULL, 0));
	CHECK(!origins_put(&o, STR("other"), NULL, 0));
	CHECK_STR(origins_text(o, &text), STR("5a.g=v 5b.f=v "));
	CHECK_STR(origins_text(before, &text), STR("4z.f=v 5a.f=w 5a.g=v 5b.f=v "));
	CHECK_STR(origins_text(NULL, &text), STR(""));
	origins_unref(&o);
	origins_unref(&before);
	buf_deinit(&text);
}

int main(void)
{
	test_history();
	test_origins();
	return check_done();
}
