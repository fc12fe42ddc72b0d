#include "candidates.h"

#include <stdlib.h>
#include <string.h>

#include "mem.h"

/* FNV-1a, mixed at the end: names that differ in their last letter are as far apart as any. */
static uint64_t score_of(const char *name, const char *url)
{
	uint64_t h = 0xcbf29ce484222325u;

	for (const char *c = name; *c; c++)
		h = (h ^ (uint8_t)*c) * 0x100000001b3u;
	h *= 0x100000001b3u;
	for (const char *c = url; *c; c++)
		h = (h ^ (uint8_t)*c) * 0x100000001b3u;
	h = (h ^ h >> 30) * 0xbf58476d1ce4e5b9u;
	h = (h ^ h >> 27) * 0x94d049bb133111ebu;
	return h ^ h >> 31;
}

static int compare(const void *a, const void *b)
{
	const struct candidate *x = a, *y = b;

	if (x->score != y->score)
		return x->score > y->score ? -1 : 1;
	return strcmp(x->url, y->url);
}

/* Its place in the order; c->n: it is none. */
static size_t find(const struct candidates *c, const char *url)
{
	size_t i = 0;

	while (i < c->n && strcmp(c->items[i].url, url) != 0)
		i++;
	return i;
}

void candidates_deinit(struct candidates *c)
{
	for (size_t i = 0; i < c->n; i++)
		mem_free(c->items[i].url);
	*c = (struct candidates){0};
}

static bool is_among(const char *url, const char *const *urls, size_t n)
{
	for (size_t i = 0; i < n; i++) {
		if (urls[i] && !strcmp(urls[i], url))
			return true;
	}
	return false;
}

static void drop_others(struct candidates *c, size_t place, const char *const *urls, size_t n)
{
	size_t kept = 0;

	for (size_t i = 0; i < c->n; i++) {
		if (c->items[i].place == place && !is_among(c->items[i].url, urls, n))
			mem_free(c->items[i].url);
		else
			c->items[kept++] = c->items[i];
	}
	c->n = kept;
}

void candidates_set(struct candidates *c, const char *name, size_t place, const char *const *urls, size_t n)
{
	drop_others(c, place, urls, n);
	for (size_t i = 0; i < n && c->n < CANDIDATES_MAX; i++) {
		if (find(c, urls[i]) == c->n)
			c->items[c->n++] = (struct candidate){mem_strdup(str_from(urls[i])), place, score_of(name, urls[i]), 0};
	}
	if (c->n)
		qsort(c->items, c->n, sizeof(c->items[0]), compare);
}

bool candidates_has(const struct candidates *c, const char *url)
{
	return find(c, url) < c->n;
}

bool candidates_is_better(const struct candidates *c, const char *a, const char *b)
{
	return find(c, a) < find(c, b);
}

void candidates_failed(struct candidates *c, const char *url, uint64_t now_ms)
{
	size_t i = find(c, url);

	if (i < c->n)
		c->items[i].failed_ms = now_ms;
}

void candidates_well(struct candidates *c, const char *url)
{
	candidates_failed(c, url, 0);
}

const struct candidate *candidates_next(const struct candidates *c, const char *const *held, size_t n_held, uint64_t now_ms)
{
	const struct candidate *oldest = NULL;

	for (size_t i = 0; i < c->n; i++) {
		const struct candidate *one = &c->items[i];

		if (is_among(one->url, held, n_held))
			continue;
		if (!one->failed_ms || now_ms - one->failed_ms > CANDIDATE_AGAIN_MS)
			return one;
		if (!oldest || one->failed_ms < oldest->failed_ms)
			oldest = one;
	}
	return oldest;
}
