#ifndef TEST_HISTORY_H
#define TEST_HISTORY_H
/*
 * Random histories of a snapshot. After every step the generation that was compiled from what changed, the one compiled from a walk
 * over all, and one from nothing must be described alike.
 */
#include <stdio.h>

#include "check.h"
#include "test_content.h"

static inline unsigned below(uint32_t *state, unsigned bound)
{
	*state = *state * 1664525u + 1013904223u;
	return (*state >> 8) % bound;
}

static inline const struct generation *compile_change(struct content *from, struct content *c, const struct generation *before)
{
	struct config_errors errors = {0};
	const struct generation *g = config_compile_change(from, c, before, STR(""), &errors);

	for (size_t i = 0; i < errors.n; i++)
		fprintf(stderr, "%.*s: %.*s\n", STR_ARG(errors.items[i].name), STR_ARG(errors.items[i].reason));
	CHECK(g != NULL);
	config_errors_deinit(&errors);
	return g;
}

struct history {
	void (*change)(struct content *c, uint32_t *state);
	struct str (*describe)(const struct generation *g, struct arena *arena);
};

/* Takes the place of `*g`. */
static inline struct str follow(
	const struct history *h, struct content *from, struct content *c, const struct generation **g, struct arena *arena)
{
	const struct generation *before = *g;

	*g = compile_change(from, c, before);
	if (before)
		generation_unref(&before);
	return h->describe(*g, arena);
}

/* Takes `c`, which is the first snapshot. */
static inline void test_history(const struct history *h, struct content *c, uint32_t seed, int n_steps)
{
	const struct generation *changed = NULL, *walked = NULL;
	uint32_t state = seed;

	for (int step = 0; step < n_steps; step++) {
		struct content *to = content_copy(c);
		const struct generation *anew = NULL;
		struct arena arena = {0};
		struct str want;
		unsigned n = 1 + below(&state, 3) * below(&state, 3);

		for (unsigned i = 0; i < n; i++)
			h->change(to, &state);
		want = follow(h, NULL, to, &anew, &arena);
		CHECK_STR(follow(h, c, to, &changed, &arena), want);
		CHECK_STR(follow(h, NULL, to, &walked, &arena), want);
		generation_unref(&anew);
		arena_deinit(&arena);
		content_destroy(c);
		c = to;
	}
	generation_unref(&changed);
	generation_unref(&walked);
	content_destroy(c);
	CHECK_INT(generation_live_count(), 0);
}

#endif
