/*
 * Bytes as a Snapshot, its resources compiled: never a crash, never more memory than the caps allow, and what compiles once
 * compiles again on top of itself to the same answers.
 */
#include <stdlib.h>

#include "config.h"
#include "proto_arena.h"
#include "weirlock/v1/snapshot.pb-c.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static struct str bytes(ProtobufCBinaryData b)
{
	return str_of(b.data, b.len);
}

static struct content *read_content(const uint8_t *data, size_t size, struct proto_arena *arena)
{
	const char *why;
	const Weirlock__V1__Snapshot *s =
		proto_unpack(&weirlock__v1__snapshot__descriptor, str_of(data, size), arena, &why);
	struct content *c;

	if (!s)
		return NULL;
	c = content_create();
	for (size_t i = 0; i < s->n_resources; i++) {
		const Weirlock__V1__Resource *r = s->resources[i];

		content_put(c, resource_create((uint32_t)r->kind, str_from(r->name), bytes(r->body)));
	}
	return c;
}

static void read_generation(const struct generation *g)
{
	size_t cursor = 0;
	const struct backend *b;
	const struct host *h;
	const struct tcp_service *t;
	const struct udp_service *u;

	while ((b = generation_next_backend(g, &cursor))) {
		if (b->index >= generation_backend_bound(g))
			abort();
	}
	cursor = 0;
	while ((h = generation_next_host(g, &cursor))) {
		for (size_t i = 0; i < h->n_routes; i++) {
			b = generation_backend(g, &h->routes[i]);
			if (b && h->routes[i].backend_index != BACKEND_NONE && b->index != h->routes[i].backend_index)
				abort();
		}
		generation_find_host(g, h->name);
		generation_has_tls(g, h->name);
	}
	generation_find_host(g, STR("a.b.c"));
	cursor = 0;
	while ((u = generation_next_udp(g, &cursor))) {
		if (generation_find_udp(g, u->port) != u)
			abort();
	}
	cursor = 0;
	while ((t = generation_next_tcp(g, &cursor))) {
		if (generation_find_tcp(g, t->port) != t)
			abort();
	}
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct proto_arena arena;
	struct config_errors errors = {0};
	struct content *c;

	proto_arena_init(&arena, proto_arena_cap(size));
	c = read_content(data, size, &arena);
	if (c) {
		const struct generation *g = config_compile(c, NULL, &errors), *again;

		if (!g && !errors.n)
			abort();
		if (g) {
			read_generation(g);
			again = config_compile(c, g, &errors);
			if (!again)
				abort();
			generation_unref(&g);
			read_generation(again);
			generation_unref(&again);
		}
		content_destroy(c);
	}
	if (generation_live_count())
		abort();
	config_errors_deinit(&errors);
	proto_arena_deinit(&arena);
	return 0;
}
