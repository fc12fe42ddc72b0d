/* What did harm is left out until it changes, or is let go; what else changes is not. */
#include "check.h"
#include "mem.h"
#include "quarantine.h"
#include "weirlock/v1/snapshot.pb-c.h"

enum { HOST = WEIRLOCK__V1__KIND__KIND_HOST, SLICE = WEIRLOCK__V1__KIND__KIND_ENDPOINTS };

static void put(struct content *c, uint32_t kind, const char *name, const char *body)
{
	content_put(c, resource_create(kind, str_from(name), str_from(body)));
}

static char *object_of(void *owner, const struct resource *r)
{
	(void)owner;
	return mem_strdup(r->name);
}

static bool has(const struct content *c, const char *name, const char *body)
{
	const struct resource *r = content_get(c, HOST, str_from(name));

	return r ? str_eq(r->body, str_from(body)) : !*body;
}

int main(void)
{
	struct quarantine q = {0};
	struct content *base = content_create(), *next, *out;

	put(base, HOST, "a", "1");
	put(base, HOST, "gone", "1");
	put(base, SLICE, "s/1", "1");
	next = content_copy(base);
	put(next, SLICE, "s/1", "2");

	check_case("endpoints are no structure");
	CHECK(!quarantine_is_structural(base, next));
	put(next, HOST, "a", "2");
	put(next, HOST, "new", "1");
	content_drop(next, HOST, STR("gone"));
	CHECK(quarantine_is_structural(base, next));
	CHECK(!quarantine_apply(&q, next));

	check_case("changed, made and dropped: all as it was before, but for endpoints");
	quarantine_add(&q, base, next, "it crashed", 1, object_of, NULL);
	CHECK_INT(q.n, 3);

	check_case("kept on disk and read again, it is the same");
	struct quarantine again = {0};
	struct buf packed = {0};
	CHECK(quarantine_pack(&q, &packed));
	CHECK(!quarantine_unpack(&again, str_first(buf_str(&packed), packed.len - 1)));
	CHECK_INT(again.n, 0);
	CHECK(quarantine_unpack(&again, buf_str(&packed)));
	CHECK_INT(again.n_trials, q.n_trials);
	CHECK(quarantine_find(&again, STR("new")) && quarantine_find(&again, STR("new"))->since_ms == 1);
	quarantine_deinit(&q);
	q = again;
	buf_deinit(&packed);

	out = quarantine_apply(&q, next);
	CHECK(has(out, "a", "1") && has(out, "new", "") && has(out, "gone", "1"));
	CHECK_STR(content_get(out, SLICE, STR("s/1"))->body, STR("2"));
	content_destroy(out);

	check_case("something else changes: that goes on");
	put(next, HOST, "b", "1");
	out = quarantine_apply(&q, next);
	CHECK(has(out, "b", "1") && has(out, "a", "1"));
	content_destroy(out);

	check_case("let go by hand: all that was tried with it");
	CHECK(quarantine_find(&q, STR("new")) && !quarantine_find(&q, STR("b")));
	CHECK_INT(quarantine_release(&q, STR("nobody")), 0);
	CHECK_INT(quarantine_release(&q, STR("new")), 3);
	CHECK(!quarantine_apply(&q, next));

	check_case("one of them changes: they are let go by themselves, another trial's stay");
	quarantine_add(&q, base, next, "it crashed", 1, object_of, NULL);
	CHECK_INT(q.n, 4);
	out = content_copy(next);
	put(out, HOST, "c", "1");
	quarantine_add(&q, next, out, "it crashed again", 2, object_of, NULL);
	put(out, HOST, "a", "3");
	content_destroy(next);
	next = out;
	out = quarantine_apply(&q, next);
	CHECK(has(out, "a", "3") && has(out, "new", "1") && has(out, "gone", "") && has(out, "c", ""));
	CHECK_INT(q.n, 1);
	content_destroy(out);
	CHECK_INT(quarantine_release(&q, STR("")), 1);
	quarantine_deinit(&q);
	content_destroy(base);
	content_destroy(next);
	return check_done();
}
