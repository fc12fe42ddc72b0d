/* Any past comes back as it was, whatever was taken out between; bounded; there and back as bytes. */
#include "archive.h"

#include <stdio.h>
#include <string.h>

#include "check.h"
#include "mem.h"
#include "pin.h"
#include "weirlock/v1/snapshot.pb-c.h"

enum { HOST = WEIRLOCK__V1__KIND__KIND_HOST, BACKEND = WEIRLOCK__V1__KIND__KIND_BACKEND,
	ENDPOINTS = WEIRLOCK__V1__KIND__KIND_ENDPOINTS };

static void put(struct content *c, uint32_t kind, const char *name, const char *body)
{
	content_put(c, resource_create(kind, str_from(name), str_from(body)));
}

static unsigned next(unsigned *state)
{
	*state = *state * 1664525u + 1013904223u;
	return *state >> 16;
}

/* A change at random: a few of 12 names come, go or change; mostly endpoints. */
static struct content *change(const struct content *before, unsigned *state)
{
	struct content *c = before ? content_copy(before) : content_create();
	unsigned n = 1 + next(state) % 3;

	for (unsigned i = 0; i < n; i++) {
		uint32_t kind = next(state) % 4 ? ENDPOINTS : HOST;
		char name[16], body[16];

		snprintf(name, sizeof(name), "n%u", next(state) % 12);
		snprintf(body, sizeof(body), "b%u", next(state) % 50);
		if (next(state) % 3)
			put(c, kind, name, body);
		else
			content_drop(c, kind, str_from(name));
	}
	return c;
}

/* Every entry's set has the entry's id, size and count. */
static void check_all(const struct archive *a)
{
	const struct archive_entry *e;

	for (size_t i = 0; (e = archive_at(a, i)); i++) {
		struct content *c = archive_content(a, i);
		struct content_id id = content_id(c);
		uint64_t size = 0;
		size_t n, index;
		struct resource *const *all = content_sorted(c, &n);

		for (size_t k = 0; k < n; k++)
			size += all[k]->name.len + all[k]->body.len;
		CHECK(content_id_eq(&id, &e->id));
		CHECK_INT(e->size_bytes, size);
		CHECK_INT(e->n_resources, n);
		CHECK(archive_find(a, str_of(e->id.bytes, 12), &index) && content_id_eq(&archive_at(a, index)->id, &id));
		content_destroy(c);
	}
}

static void add(struct archive *a, struct content *c, uint64_t now)
{
	struct snapshot *s = snapshot_create(c, now);

	archive_add(a, s);
	snapshot_unref(&s);
}

static void test_histories(void)
{
	for (unsigned seed = 1; seed <= 12; seed++) {
		struct archive *a = archive_create(seed % 2 ? 20 : 64, seed % 3 ? 0 : 6000), *b, *copy;
		struct content *c = NULL;
		struct buf packed = {0}, again = {0};
		unsigned state = seed;
		const char *why;
		char name[32];

		snprintf(name, sizeof(name), "history %u", seed);
		check_case(name);
		for (unsigned i = 0; i < 120; i++) {
			struct content *after = change(c, &state);

			content_destroy(c);
			c = content_copy(after);
			add(a, after, 1000 + i);
		}
		content_destroy(c);
		check_all(a);
		CHECK(!archive_at(a, seed % 2 ? 20 : 64));
		CHECK(seed % 3 || archive_bytes(a) <= 6000);
		CHECK(archive_pack(a, &packed));
		b = archive_create(seed % 2 ? 20 : 64, 0);
		CHECK(archive_unpack(b, buf_str(&packed), &why));
		check_all(b);
		copy = archive_clone(b);
		CHECK(archive_pack(copy, &again) && str_eq(buf_str(&packed), buf_str(&again)));
		CHECK_INT(archive_bytes(copy), archive_bytes(a));
		archive_destroy(copy);
		archive_destroy(b);
		b = archive_create(5, 0); /* less room than there was */
		CHECK(archive_unpack(b, buf_str(&packed), &why));
		check_all(b);
		CHECK(archive_at(b, 4) && !archive_at(b, 5));
		archive_destroy(b);
		archive_destroy(a);
		buf_deinit(&packed);
		buf_deinit(&again);
	}
}

static void test_endpoints_go_first(void)
{
	struct archive *a = archive_create(ARCHIVE_ENDPOINTS_KEPT + 4, 0);
	struct content *c = content_create();
	struct content_id first;
	size_t index;
	char body[16];

	check_case("a day of endpoints does not push out what was structured");
	put(c, HOST, "a", "1");
	first = content_id(c);
	add(a, content_copy(c), 1);
	put(c, HOST, "a", "2");
	add(a, content_copy(c), 2);
	for (unsigned i = 0; i < 200; i++) {
		snprintf(body, sizeof(body), "%u", i);
		put(c, ENDPOINTS, "e", body);
		add(a, content_copy(c), 3 + i);
	}
	CHECK(archive_find(a, str_of(first.bytes, 32), &index));
	CHECK_INT(index, ARCHIVE_ENDPOINTS_KEPT + 3);
	CHECK(archive_changed(a, HOST, STR("a"), &index));
	CHECK_INT(archive_at(a, index)->built_ms, 2);
	CHECK(!archive_changed(a, HOST, STR("nobody"), &index));
	check_all(a);
	content_destroy(c);
	archive_destroy(a);
}

static void test_damage(void)
{
	struct archive *a = archive_create(8, 0), *b = archive_create(8, 0);
	struct content *c = content_create();
	struct buf packed = {0};
	const char *why;

	check_case("what was changed on disk is refused whole, and nothing is left behind");
	put(c, HOST, "a", "first-body");
	add(a, content_copy(c), 1);
	put(c, HOST, "a", "second-body");
	add(a, c, 2);
	CHECK(archive_pack(a, &packed));
	for (size_t i = 0; i < packed.len; i++) {
		packed.ptr[i] ^= 1;
		if (archive_unpack(b, buf_str(&packed), &why)) { /* a time or a size: no identity */
			archive_destroy(b);
			b = archive_create(8, 0);
		} else {
			CHECK(why != NULL);
			CHECK(!archive_at(b, 0));
		}
		packed.ptr[i] ^= 1;
		if (i < packed.len / 2 && archive_unpack(b, str_of(packed.ptr, i), &why)) {
			archive_destroy(b);
			b = archive_create(8, 0);
		}
	}
	packed.ptr[str_find_str(buf_str(&packed), STR("first-body"))] ^= 1;
	CHECK(!archive_unpack(b, buf_str(&packed), &why));
	CHECK_STR(str_from(why), STR("an id does not fit what is there"));
	archive_destroy(a);
	archive_destroy(b);
	buf_deinit(&packed);
}

static bool has(const struct content *c, uint32_t kind, const char *name, const char *body)
{
	struct resource *r = content_get(c, kind, str_from(name));

	return r && str_eq(r->body, str_from(body));
}

static void test_pin(void)
{
	struct pin pin = {.content = content_create()};
	struct content *live = content_create(), *others = content_create(), *served;

	check_case("a pinned snapshot with live endpoints");
	put(pin.content, HOST, "a", "old");
	put(pin.content, BACKEND, "ns-web-80", "old");
	put(pin.content, ENDPOINTS, "ns-web-80/s1", "old");
	put(pin.content, ENDPOINTS, "ns-web-80/s2", "old");
	put(pin.content, BACKEND, "ns-gone-80", "old");
	put(pin.content, ENDPOINTS, "ns-gone-80/s1", "old");
	put(pin.content, BACKEND, "ns-empty-80", "old");
	put(pin.content, ENDPOINTS, "ns-empty-80/s1", "old");
	put(live, HOST, "a", "new");
	put(live, HOST, "b", "new");
	put(live, BACKEND, "ns-web-80", "new");
	put(live, ENDPOINTS, "ns-web-80/s1", "new");
	put(live, ENDPOINTS, "ns-web-80/s3", "new");
	put(live, BACKEND, "ns-empty-80", "new");
	put(live, BACKEND, "ns-other-80", "new");
	put(live, ENDPOINTS, "ns-other-80/s1", "new");
	served = pin_content(&pin, live, NULL);
	CHECK_INT(content_count(served), 7);
	CHECK(has(served, HOST, "a", "old"));
	CHECK(has(served, BACKEND, "ns-web-80", "old"));
	CHECK(has(served, ENDPOINTS, "ns-web-80/s1", "new"));
	CHECK(has(served, ENDPOINTS, "ns-web-80/s3", "new"));
	CHECK(has(served, BACKEND, "ns-gone-80", "old"));
	CHECK(has(served, ENDPOINTS, "ns-gone-80/s1", "old")); /* nobody knows better */
	CHECK(has(served, BACKEND, "ns-empty-80", "old"));     /* and no endpoint: there is none */
	content_destroy(served);
	put(others, BACKEND, "ns-gone-80", "old");
	put(others, ENDPOINTS, "ns-gone-80/s7", "new");
	served = pin_content(&pin, live, others);
	CHECK_INT(content_count(served), 7);
	CHECK(has(served, ENDPOINTS, "ns-gone-80/s7", "new"));
	content_destroy(served);
	content_destroy(others);
	content_destroy(live);
	pin_deinit(&pin);
}

int main(void)
{
	test_histories();
	test_endpoints_go_first();
	test_damage();
	test_pin();
	return check_done();
}
