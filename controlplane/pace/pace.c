/* Two lanes with a due time each; the earlier one is what the caller waits for. */
#include "pace.h"

static uint64_t earlier(uint64_t a, uint64_t b)
{
	return a < b ? a : b;
}

static uint64_t later(uint64_t a, uint64_t b)
{
	return a > b ? a : b;
}

void pace_event(struct pace *p, bool is_structural, uint64_t now_ms)
{
	if (!is_structural) {
		p->has_endpoints = true;
		return;
	}
	if (!p->has_structural)
		p->first_ms = now_ms;
	p->has_structural = true;
	p->last_ms = now_ms;
}

static uint64_t last_built_ms(const struct pace *p)
{
	return p->built_ms[(p->n_built - 1) % PACE_CALM_PER_S];
}

static uint64_t endpoints_due_ms(const struct pace *p)
{
	return p->n_built ? last_built_ms(p) + p->gap_ms : 0;
}

/* A single change is not held up for others that may never come. */
static bool is_out_of_the_blue(const struct pace *p)
{
	return p->first_ms >= p->structural_ms + PACE_GATHER_MAX_MS;
}

static uint64_t structural_due_ms(const struct pace *p)
{
	uint64_t gathered_ms = is_out_of_the_blue(p) ? p->first_ms : earlier(p->last_ms + PACE_QUIET_MS, p->first_ms + PACE_GATHER_MAX_MS);
	uint64_t rested_ms = later(endpoints_due_ms(p), p->structural_ms + PACE_COSTS * p->cost_ms);

	return earlier(later(gathered_ms, rested_ms), p->first_ms + PACE_STRUCTURAL_MAX_MS);
}

enum pace_due pace_due(const struct pace *p, uint64_t now_ms, uint64_t *wait_ms)
{
	uint64_t due_ms = UINT64_MAX;

	if (p->has_structural)
		due_ms = structural_due_ms(p);
	if (p->has_structural && due_ms <= now_ms)
		return PACE_ALL;
	if (p->has_endpoints && endpoints_due_ms(p) <= now_ms)
		return PACE_ENDPOINTS;
	if (p->has_endpoints)
		due_ms = earlier(due_ms, endpoints_due_ms(p));
	if (due_ms == UINT64_MAX)
		return PACE_NOTHING;
	*wait_ms = due_ms - now_ms;
	return PACE_WAIT;
}

/* Whether the last second had more builds than are calm, this one included. */
static bool is_pressed(const struct pace *p, uint64_t now_ms)
{
	return p->n_built >= PACE_CALM_PER_S && now_ms - p->built_ms[p->n_built % PACE_CALM_PER_S] < 1000;
}

void pace_built(struct pace *p, enum pace_due what, uint64_t now_ms)
{
	uint32_t gap_ms = is_pressed(p, now_ms) ? p->gap_ms * 2 : p->gap_ms / 2;

	if (what == PACE_WAIT)
		p->held_ms = now_ms;
	if (what != PACE_ALL && what != PACE_ENDPOINTS)
		return;
	if (what == PACE_ALL) {
		uint64_t began_ms = p->has_structural ? later(structural_due_ms(p), p->held_ms) : now_ms;

		p->cost_ms = now_ms > began_ms ? now_ms - began_ms : 0;
		p->has_structural = false;
		p->structural_ms = now_ms;
	}
	p->has_endpoints = false; /* a whole build has them too */
	p->gap_ms = gap_ms < PACE_GAP_MS ? PACE_GAP_MS : gap_ms > PACE_GAP_MAX_MS ? PACE_GAP_MAX_MS : gap_ms;
	p->built_ms[p->n_built++ % PACE_CALM_PER_S] = now_ms;
}
