/* A short list; what comes again is the same entry. */
#include "strangers.h"

#include <string.h>

#include "buf.h"

static void copy(char out[STRANGER_TEXT_MAX], struct str text)
{
	size_t n = text.len < STRANGER_TEXT_MAX - 1 ? text.len : STRANGER_TEXT_MAX - 1;

	if (n)
		memcpy(out, text.ptr, n);
	out[n] = '\0';
}

static bool is_same(const char *kept, struct str text)
{
	return str_eq(str_from(kept), str_first(text, STRANGER_TEXT_MAX - 1));
}

static struct stranger *need(struct strangers *s, struct str name, struct str pool)
{
	struct stranger *oldest = &s->items[0];

	for (size_t i = 0; i < s->n; i++) {
		if (is_same(s->items[i].name, name) && is_same(s->items[i].pool, pool))
			return &s->items[i];
		if (s->items[i].seen_ms < oldest->seen_ms)
			oldest = &s->items[i];
	}
	if (s->n < STRANGERS_MAX)
		oldest = &s->items[s->n++];
	*oldest = (struct stranger){0};
	copy(oldest->name, name);
	copy(oldest->pool, pool);
	return oldest;
}

bool strangers_note(struct strangers *s, struct str name, struct str pool, uint64_t now_ms)
{
	struct stranger *one = need(s, name, pool);
	bool is_said = !one->said_ms || now_ms - one->said_ms >= STRANGER_SAY_EVERY_MS;

	s->total++;
	one->seen_ms = now_ms;
	if (is_said)
		one->said_ms = now_ms;
	return is_said;
}

void strangers_problems(const struct strangers *s, struct str pools, uint64_t now_ms, struct problems *out)
{
	for (size_t i = 0; i < s->n; i++) {
		const struct stranger *one = &s->items[i];
		struct buf object = {0}, rule = {0};

		if (now_ms - one->seen_ms > STRANGER_STANDS_MS)
			continue;
		buf_add(&object, STR("Proxy "));
		buf_add_escaped(&object, str_from(one->name));
		buf_printf(&rule, "a pool that this controller serves: %.*s", STR_ARG(pools));
		problems_add(out, &(struct problem){.severity = SEVERITY_FAULT, .object = buf_str(&object), .field = STR("pool"),
					  .value = str_from(one->pool), .rule = buf_str(&rule),
					  .fix = STR("name the pool with --pool, or give the proxy a certificate of another one"),
					  .effect = STR("it gets nothing")});
		buf_deinit(&object);
		buf_deinit(&rule);
	}
}
