/*
 * A Host names the Ingresses of its routes, values name where they came from, and a Backend is of its Service. Of several it is the
 * one that changed; what came along with an Ingress that changed is that one's.
 */
#include "roll_blame.h"

#include "lane.h"
#include "mem.h"
#include "proto_arena.h"
#include "proxies.h"

enum { HOST = WEIRLOCK__V1__KIND__KIND_HOST, BACKEND = WEIRLOCK__V1__KIND__KIND_BACKEND };

static bool is_recent(const struct roll_blame *b, struct str object)
{
	const struct publish_options *options = &b->lane->publish->options;
	struct publish_standing standing = {0};

	if (options->standing)
		options->standing(options->data, object, &standing, NULL);
	return standing.seq > b->seq;
}

/* Of the routes of a Host, in either snapshot; owned, or NULL. */
static char *ingress_of(const struct roll_blame *b, const struct snapshot *s, struct str name, bool only_recent)
{
	const struct resource *r = content_get(s->content, HOST, name);
	struct proto_arena decoded;
	struct buf text = {0};
	const char *why;
	Weirlock__V1__Host *host;
	char *out = NULL;

	if (!r)
		return NULL;
	proto_arena_init(&decoded, proto_arena_cap(r->body.len));
	host = proto_unpack(&weirlock__v1__host__descriptor, r->body, &decoded, &why);
	for (size_t i = 0; host && i < host->n_routes && !out; i++) {
		buf_clear(&text);
		buf_printf(&text, "Ingress %s", host->routes[i]->ingress);
		if (host->routes[i]->ingress[0] && (!only_recent || is_recent(b, buf_str(&text))))
			out = mem_strdup(buf_str(&text));
	}
	buf_deinit(&text);
	proto_arena_deinit(&decoded);
	return out;
}

static char *ingress_of_either(const struct roll_blame *b, struct str host, bool only_recent)
{
	char *out = ingress_of(b, b->new, host, only_recent);

	return out ? out : ingress_of(b, b->old, host, only_recent);
}

static void look_for_ingress(struct roll_blame *b, struct resource *const *items, size_t n)
{
	for (size_t i = 0; i < n && !b->ingress; i++) {
		if (items[i]->kind == HOST)
			b->ingress = ingress_of_either(b, items[i]->name, true);
	}
}

void roll_blame_begin(struct roll_blame *b)
{
	struct content_change change;
	struct arena arena = {0};

	b->ingress = NULL;
	content_diff(b->old->content, b->new->content, &arena, &change);
	look_for_ingress(b, change.put, change.n_put);
	look_for_ingress(b, change.drop, change.n_drop);
	arena_deinit(&arena);
	b->old_origins.items = origins_all(b->old->origins, &b->arena, &b->old_origins.n);
	b->new_origins.items = origins_all(b->new->origins, &b->arena, &b->new_origins.n);
}

void roll_blame_end(struct roll_blame *b)
{
	mem_free(b->ingress);
	arena_deinit(&b->arena);
}

static char *origin_in(const struct roll_blame *b, const struct roll_origins *all, const struct resource *r, bool only_recent)
{
	for (size_t i = 0; i < all->n; i++) {
		const struct provenance *o = &all->items[i];

		if (o->kind == r->kind && str_eq(o->name, r->name) && o->object.len && (!only_recent || is_recent(b, o->object)))
			return mem_strdup(o->object);
	}
	return NULL;
}

static char *origin_of(const struct roll_blame *b, const struct resource *r, bool only_recent)
{
	char *out = origin_in(b, &b->new_origins, r, only_recent);

	return out ? out : origin_in(b, &b->old_origins, r, only_recent);
}

/* When nothing says more: by its name. */
static char *name_of(const struct resource *r)
{
	struct buf text = {0};
	char *out;

	if (r->kind == BACKEND)
		buf_printf(&text, "Service %.*s", STR_ARG(str_first(r->name, str_rfind(r->name, ':'))));
	else
		buf_printf(&text, "resource %.*s", STR_ARG(r->name));
	out = mem_strdup(buf_str(&text));
	buf_deinit(&text);
	return out;
}

char *roll_object_of(void *owner, const struct resource *r)
{
	const struct roll_blame *b = owner;
	char *out = r->kind == HOST ? ingress_of_either(b, r->name, true) : NULL;

	if (!out)
		out = origin_of(b, r, true);
	if (!out && b->ingress)
		out = mem_strdup(str_from(b->ingress));
	if (!out)
		out = origin_of(b, r, false);
	if (!out && r->kind == HOST)
		out = ingress_of_either(b, r->name, false);
	return out ? out : name_of(r);
}
