/* A long row of versions, each held for a while: every one says what it said when it was made, whatever came after it. */
#include <stdio.h>

#include "check.h"
#include "mem.h"
#include "shared_map.h"

enum { KEYS = 3000, RANKS = 3, VERSIONS = 400, KEPT = 7 };

/* The truth beside the map: whether (key, rank) is in. */
struct version {
	struct shared_map map;
	bool is_in[KEYS][RANKS];
	size_t n;
};

struct value {
	unsigned refs, rank;
	char key[16];
};

static struct value values[KEYS][RANKS];

static void ref(void *value)
{
	((struct value *)value)->refs++;
}

static void unref(void *value)
{
	struct value *v = value;

	CHECK(v->refs-- > 0);
}

static int compare(struct str key, const void *a, const void *b)
{
	const struct value *x = a, *y = b;

	CHECK_STR(str_from(x->key), key);
	return (int)x->rank - (int)y->rank;
}

static const struct shared_map_values ranked = {ref, unref, compare}, single = {ref, unref, NULL};

static unsigned below(uint32_t *state, unsigned bound)
{
	*state = *state * 1664525u + 1013904223u;
	return (*state >> 8) % bound;
}

static void change(struct version *v, uint32_t *state)
{
	unsigned k = below(state, KEYS), rank = below(state, RANKS);
	struct value *value = &values[k][rank];
	bool *is_in = &v->is_in[k][rank];

	if (below(state, 100) < 60) {
		shared_map_put(&v->map, str_from(value->key), value);
		v->n += !*is_in;
		*is_in = true;
	} else {
		CHECK(shared_map_del(&v->map, str_from(value->key), value) == *is_in);
		v->n -= *is_in;
		*is_in = false;
	}
}

static void expect(const struct version *v)
{
	size_t n = 0, cursor = 0;
	struct value *value;

	CHECK_INT(v->map.n, v->n);
	for (unsigned k = 0; k < KEYS; k++) {
		struct value *want = NULL;

		for (unsigned rank = RANKS; rank--;)
			want = v->is_in[k][rank] ? &values[k][rank] : want;
		CHECK(shared_map_get(&v->map, str_from(values[k][0].key)) == want);
	}
	while ((value = shared_map_next(&v->map, &cursor))) {
		CHECK(v->is_in[(value - values[0]) / RANKS][value->rank]);
		n++;
	}
	CHECK_INT(n, v->n);
}

static void test_versions(void)
{
	static struct version kept[KEPT];
	uint32_t state = 1;

	check_case("versions that share");
	shared_map_init(&kept[0].map, &ranked);
	for (unsigned i = 1; i < VERSIONS; i++) {
		struct version *from = &kept[(i - 1) % KEPT], *to = &kept[i % KEPT];

		shared_map_deinit(&to->map);
		*to = *from;
		shared_map_copy(&to->map, &from->map);
		for (unsigned n = i < 20 ? 1000 : below(&state, 30); n--;)
			change(to, &state);
		if (i % 10 == 0) {
			expect(from);
			expect(to);
		}
	}
	for (unsigned i = 0; i < KEPT; i++) {
		expect(&kept[i]);
		shared_map_deinit(&kept[i].map);
	}
	for (unsigned k = 0; k < KEYS; k++) {
		for (unsigned rank = 0; rank < RANKS; rank++)
			CHECK_INT(values[k][rank].refs, 0);
	}
}

static void test_single(void)
{
	struct shared_map m, copy;
	struct str key = str_from(values[0][0].key);

	check_case("one value a key");
	shared_map_init(&m, &single);
	CHECK(!shared_map_get(&m, key));
	CHECK(!shared_map_del(&m, key, &values[0][0]));
	shared_map_put(&m, key, &values[0][0]);
	shared_map_copy(&copy, &m);
	shared_map_put(&m, key, &values[0][1]);
	shared_map_put(&m, key, &values[0][1]);
	CHECK_INT(m.n, 1);
	CHECK(shared_map_get(&m, key) == &values[0][1]);
	CHECK(shared_map_get(&copy, key) == &values[0][0]);
	CHECK_INT(values[0][0].refs, 1);
	CHECK_INT(values[0][1].refs, 1);
	CHECK(!shared_map_del(&m, key, &values[0][0]));
	CHECK(shared_map_del(&m, key, &values[0][1]));
	CHECK(!shared_map_get(&m, key));
	shared_map_deinit(&m);
	CHECK(shared_map_get(&copy, key) == &values[0][0]);
	shared_map_deinit(&copy);
	CHECK_INT(values[0][0].refs, 0);
}

int main(void)
{
	for (unsigned k = 0; k < KEYS; k++) {
		for (unsigned rank = 0; rank < RANKS; rank++) {
			values[k][rank].rank = rank;
			snprintf(values[k][rank].key, sizeof(values[k][rank].key), "key-%u", k);
		}
	}
	test_versions();
	test_single();
	return check_done();
}
