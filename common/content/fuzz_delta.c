/*
 * Real deltas, damaged: the input says what the sets are and which bytes of the packed delta are changed. Whatever comes of it
 * is an error, or a set with the id that the delta claims and that its resources really have; if that is the id the delta had
 * when it was whole, it is that very set. The set it starts from is never touched.
 */
#include <stdlib.h>

#include "content_wire.h"
#include "proto_arena.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

struct input {
	const uint8_t *data;
	size_t size;
};

static uint8_t take(struct input *in)
{
	if (!in->size)
		return 0;
	in->size--;
	return *in->data++;
}

static struct content *make_set(struct input *in)
{
	struct content *c = content_create();
	unsigned n = take(in) % 24;

	for (unsigned i = 0; i < n; i++) {
		uint8_t name = (uint8_t)(64 + take(in) % 32), body[2] = {take(in), take(in)};

		content_put(c, resource_create(1 + name % 6, str_of(&name, 1), str_of(body, sizeof(body))));
	}
	return c;
}

static void pack(struct content *from, struct content *to, bool is_repair, struct buf *out)
{
	struct arena arena = {0};
	struct buf hashes = {0};
	Weirlock__V1__Delta *delta;
	size_t n;

	content_short_hashes(from, &hashes);
	delta = is_repair ? content_repair(to, buf_str(&hashes), &arena) : content_delta(from, to, &arena);
	n = weirlock__v1__delta__get_packed_size(delta);
	weirlock__v1__delta__pack(delta, (uint8_t *)buf_reserve(out, n + 1));
	out->len = n;
	buf_deinit(&hashes);
	arena_deinit(&arena);
}

static void damage(struct input *in, struct buf *packed)
{
	while (in->size >= 3 && packed->len) {
		size_t at = ((size_t)take(in) << 8 | take(in)) % packed->len;
		uint8_t how = take(in);

		if (how == 0)
			packed->len = at;
		else
			packed->ptr[at] = (char)(uint8_t)((uint8_t)packed->ptr[at] ^ how);
	}
}

/* From its resources alone. */
static struct content_id id_anew(struct content *c)
{
	struct content *anew = content_create();
	size_t n;
	struct resource *const *all = content_sorted(c, &n);
	struct content_id id;

	for (size_t i = 0; i < n; i++)
		content_put(anew, resource_create(all[i]->kind, all[i]->name, all[i]->body));
	if (content_count(anew) != content_count(c))
		abort();
	id = content_id(anew);
	content_destroy(anew);
	return id;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct input in = {data, size};
	bool is_repair = take(&in) & 1;
	struct content *from = make_set(&in), *to = make_set(&in), *got;
	struct content_id before = content_id(from), want = content_id(to), id;
	struct buf packed = {0};
	const char *why = NULL;

	pack(from, to, is_repair, &packed);
	got = content_apply_packed(from, buf_str(&packed), &why);
	id = got ? content_id(got) : before;
	if (!got || !content_id_eq(&id, &want))
		abort(); /* undamaged, it leads there */
	content_destroy(got);
	damage(&in, &packed);
	why = NULL;
	got = content_apply_packed(from, buf_str(&packed), &why);
	if (!got && !why)
		abort();
	if (got) {
		struct content_id anew = id_anew(got);

		id = content_id(got);
		if (!content_id_eq(&id, &anew))
			abort();
	}
	content_destroy(got);
	id = id_anew(from);
	if (!content_id_eq(&id, &before))
		abort();
	content_destroy(from);
	content_destroy(to);
	buf_deinit(&packed);
	return 0;
}
