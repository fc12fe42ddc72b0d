/* A short list for each name; nearly all have one owner. */
#include "places.h"

#include <stdio.h>

#include "buf.h"
#include "mem.h"

struct owner {
	struct owner *next; /* comes before this one in a whole build */
	struct str name;
	struct resource *resource;
	unsigned long round;
};

struct place {
	struct owner *owners; /* the first one is served */
};

static void make_key(struct buf *b, const struct resource *r)
{
	buf_printf(b, "%u ", (unsigned)r->kind);
	buf_add(b, r->name);
}

static bool is_same(const struct resource *a, const struct resource *b)
{
	return memcmp(a->hash, b->hash, sizeof(a->hash)) == 0;
}

void places_init(struct places *p)
{
	*p = (struct places){.content = content_create()};
}

static void free_owner(struct owner *o)
{
	resource_unref(&o->resource);
	mem_free(o);
}

void places_deinit(struct places *p)
{
	size_t cursor = 0;
	void *value;

	while (map_next(&p->map, &cursor, NULL, &value)) {
		struct place *place = value;

		while (place->owners) {
			struct owner *o = place->owners;

			place->owners = o->next;
			free_owner(o);
		}
		mem_free(place);
	}
	map_deinit(&p->map);
	content_destroy(p->content);
	*p = (struct places){0};
}

/* Where the owner is, or where it would be. */
static struct owner **find_owner(struct place *place, struct str name)
{
	struct owner **at = &place->owners;

	while (*at && str_cmp((*at)->name, name) > 0)
		at = &(*at)->next;
	return at;
}

static struct place *need_place(struct places *p, struct str key)
{
	struct place *place = map_get(&p->map, key);

	if (!place) {
		place = mem_zalloc(sizeof(*place));
		map_put(&p->map, key, place);
	}
	return place;
}

struct resource *places_put(struct places *p, struct str owner, struct resource *r, unsigned long round)
{
	struct buf key = {0};
	struct place *place;
	struct owner **at, *o;

	make_key(&key, r);
	place = need_place(p, buf_str(&key));
	buf_deinit(&key);
	at = find_owner(place, owner);
	o = *at;
	if (!o || !str_eq(o->name, owner)) {
		o = mem_alloc(sizeof(*o));
		*o = (struct owner){.next = *at, .name = owner, .resource = resource_ref(r)};
		*at = o;
	} else if (!is_same(o->resource, r)) {
		resource_unref(&o->resource);
		o->resource = resource_ref(r);
	}
	o->round = round;
	if (place->owners == o)
		content_put(p->content, resource_ref(o->resource));
	return o->resource;
}

void places_drop(struct places *p, struct str owner, const struct resource *r, unsigned long round)
{
	struct buf key = {0};
	struct place *place;
	struct owner **at, *o;
	bool was_served;

	make_key(&key, r);
	place = map_get(&p->map, buf_str(&key));
	at = place ? find_owner(place, owner) : NULL;
	o = at ? *at : NULL;
	if (o && str_eq(o->name, owner) && o->round != round) {
		was_served = place->owners == o;
		*at = o->next;
		if (!place->owners) {
			content_drop(p->content, r->kind, r->name);
			map_del(&p->map, buf_str(&key));
			mem_free(place);
		} else if (was_served) {
			content_put(p->content, resource_ref(place->owners->resource));
		}
		free_owner(o); /* `r` may have been its last */
	}
	buf_deinit(&key);
}
