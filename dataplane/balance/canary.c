/* In upstream's order: sessions, then the header, then the cookie, then the weight (SEMANTICS I22, I23). */
#include "canary.h"

#include "affinity.h"
#include "buf.h"
#include "expression.h"
#include "regex.h"

enum verdict { VERDICT_OPEN, VERDICT_TAKE, VERDICT_LEAVE };
enum { VALUE_MAX = 64 * 1024 };

static bool has_session_at(const struct backend *backend, const struct http_head *head)
{
	struct str value;

	return backend->affinity && http_cookie(head, backend->affinity->cookie_name, &value) && affinity_is_of(backend, value);
}

static enum verdict word(struct str value)
{
	if (str_eq(value, STR("always")))
		return VERDICT_TAKE;
	return str_eq(value, STR("never")) ? VERDICT_LEAVE : VERDICT_OPEN;
}

static enum verdict of_value(const struct canary *c, struct str value)
{
	struct regex_groups groups;

	if (c->by_header_value.len)
		return str_eq(value, c->by_header_value) ? VERDICT_TAKE : VERDICT_OPEN;
	if (!c->pattern)
		return word(value);
	switch (regex_find(c->pattern, value, &groups)) {
	case REGEX_MATCH:
		return VERDICT_TAKE;
	case REGEX_NO_MATCH:
		return VERDICT_OPEN;
	case REGEX_GAVE_UP:
		break;
	}
	return VERDICT_LEAVE;
}

static enum verdict by_header(const struct canary *c, const struct http_head *head)
{
	struct buf value = {.cap = VALUE_MAX};
	enum verdict verdict = VERDICT_OPEN;

	if (c->by_header.len && http_field_values(head, c->by_header, &value))
		verdict = of_value(c, buf_str(&value));
	buf_deinit(&value);
	return verdict;
}

static enum verdict by_cookie(const struct canary *c, const struct http_head *head)
{
	struct str value;

	return c->by_cookie.len && http_cookie(head, c->by_cookie, &value) ? word(value) : VERDICT_OPEN;
}

static enum verdict ask(const struct generation *g, const struct canary *c, const struct http_head *head)
{
	const struct backend *backend = generation_backend_at(g, c->backend_index);
	enum verdict verdict;

	if (!backend || !backend->n_endpoints)
		return VERDICT_LEAVE;
	if (has_session_at(backend, head))
		return VERDICT_TAKE;
	verdict = by_header(c, head);
	return verdict == VERDICT_OPEN ? by_cookie(c, head) : verdict;
}

/* Out of 2^32. */
static uint64_t share(const struct canary *c)
{
	return ((uint64_t)c->weight << 32) / c->weight_total;
}

const struct canary *canary_choose(const struct generation *g, const struct route *route, const struct backend *main_backend,
	const struct http_head *head, uint64_t draw)
{
	const struct canary *drawn = NULL;
	bool has_drawn = false;
	uint64_t sum = 0;

	if (!route->n_canaries || has_session_at(main_backend, head))
		return NULL;
	for (size_t i = 0; i < route->n_canaries; i++) {
		const struct canary *c = &route->canaries[i];
		enum verdict verdict = ask(g, c, head);

		if (verdict == VERDICT_TAKE)
			return c;
		sum += share(c);
		if (!has_drawn && draw >> 32 < sum) {
			has_drawn = true; /* what a canary may not take goes to the route's own backend */
			drawn = verdict == VERDICT_LEAVE ? NULL : c;
		}
	}
	return drawn;
}
