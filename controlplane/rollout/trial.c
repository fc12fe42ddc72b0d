#include "trial.h"

#include "mem.h"

/* The same on every controller, and for another change another proxy. */
static uint64_t draw(uint64_t seed, unsigned n, struct str name)
{
	uint64_t h = seed ^ (n + 1) * 0x9e3779b97f4a7c15u;

	for (size_t i = 0; i < name.len; i++)
		h = (h ^ (uint8_t)name.ptr[i]) * 0x100000001b3u;
	h = (h ^ h >> 30) * 0xbf58476d1ce4e5b9u;
	return h ^ h >> 31;
}

static const struct trial_proxy *find(const struct trial_proxy *all, size_t n, struct str name)
{
	for (size_t i = 0; i < n; i++) {
		if (str_eq(all[i].name, name))
			return &all[i];
	}
	return NULL;
}

/* Whoever has it already first; after one that did not work, one that we send to ourselves. */
static const struct trial_proxy *pick(const struct trial *t, const struct trial_proxy *all, size_t n)
{
	const struct trial_proxy *best = NULL;
	uint64_t best_draw = 0;

	for (size_t i = 0; i < n; i++) {
		uint64_t d = draw(t->seed, t->n_canaries, all[i].name);

		if (!all[i].is_here || all[i].is_draining || (t->n_canaries && all[i].is_standby))
			continue;
		if (!best || all[i].has_it > best->has_it || (all[i].has_it == best->has_it && d < best_draw)) {
			best = &all[i];
			best_draw = d;
		}
	}
	return best;
}

static struct trial_count count_others(const struct trial *t, const struct trial_proxy *all, size_t n)
{
	struct trial_count sum = {0};

	for (size_t i = 0; i < n; i++) {
		if (trial_is_canary(t, all[i].name))
			continue;
		sum.requests += all[i].requests;
		sum.errors += all[i].errors;
	}
	return sum;
}

/* From here on its answers count: not from its ACK, which may come behind a report that has what the change did already. */
static void note_before(struct trial *t, const struct trial_proxy *canary, const struct trial_proxy *all, size_t n)
{
	t->process = canary->process;
	t->canary_before = (struct trial_count){canary->requests, canary->errors};
	t->others_before = count_others(t, all, n);
}

static bool choose(struct trial *t, const struct trial_proxy *all, size_t n, uint64_t now_ms)
{
	const struct trial_proxy *best = pick(t, all, n);

	mem_free(t->canary);
	t->canary = NULL;
	if (!best)
		return false;
	t->canary = mem_strdup(best->name);
	note_before(t, best, all, n);
	t->begun_ms = now_ms;
	t->taken_ms = t->gone_ms = 0;
	t->is_exposed = best->is_standby || best->has_it;
	t->n_canaries++;
	return true;
}

bool trial_begin(struct trial *t, uint64_t seed, const struct trial_proxy *all, size_t n, uint64_t now_ms)
{
	trial_end(t);
	t->seed = seed;
	return choose(t, all, n, now_ms);
}

void trial_sent(struct trial *t)
{
	t->is_exposed = true;
}

void trial_end(struct trial *t)
{
	mem_free(t->canary);
	*t = (struct trial){0};
}

bool trial_is_canary(const struct trial *t, struct str name)
{
	return t->canary && str_eq(str_from(t->canary), name);
}

/* ----------------------------------------------------------------------------------------------------------- counters */

/* Since then; one that counts from nothing again, or is gone, counts as nothing. */
static struct trial_count since(struct trial_count now, struct trial_count then)
{
	if (now.requests < then.requests || now.errors < then.errors)
		return (struct trial_count){0};
	return (struct trial_count){now.requests - then.requests, now.errors - then.errors};
}

static double share(struct trial_count c)
{
	return c.requests ? (double)c.errors / (double)c.requests : 0;
}

/* More than twice, and by five of a hundred, what the canary had before and the others have now. */
static bool is_rise(const struct trial *t, const struct trial_proxy *canary, const struct trial_proxy *all, size_t n, struct buf *why)
{
	struct trial_count now = since((struct trial_count){canary->requests, canary->errors}, t->canary_before);
	struct trial_count others = since(count_others(t, all, n), t->others_before);
	double usual = share(t->canary_before) > share(others) ? share(t->canary_before) : share(others);

	if (now.errors < TRIAL_ERRORS_MIN || share(now) <= 2 * usual + 0.05)
		return false;
	buf_printf(why, "%s answered 5xx to %llu of %llu requests with it (before: %.1f %%, the other proxies: %.1f %%)", t->canary,
		(unsigned long long)now.errors, (unsigned long long)now.requests, share(t->canary_before) * 100, share(others) * 100);
	return true;
}

/* ------------------------------------------------------------------------------------------------------------- looking */

/* Its session is over. */
static enum trial_verdict look_at_gone(struct trial *t, uint32_t hold_ms, uint64_t now_ms, struct buf *why)
{
	uint64_t most_ms = hold_ms > TRIAL_BACK_MS ? hold_ms : TRIAL_BACK_MS;

	if (!t->gone_ms)
		t->gone_ms = now_ms;
	if (now_ms - t->gone_ms < most_ms)
		return TRIAL_WAIT;
	buf_printf(why, "the session of %s broke with it, and it did not come back", t->canary);
	return TRIAL_TAKE_BACK;
}

/* It serves it. */
static enum trial_verdict look_at_held(struct trial *t, const struct trial_proxy *canary, const struct trial_proxy *all, size_t n,
	uint32_t hold_ms, uint64_t now_ms, struct buf *why)
{
	uint64_t end_ms = t->taken_ms + hold_ms;

	if (is_rise(t, canary, all, n, why))
		return TRIAL_TAKE_BACK;
	if (now_ms < end_ms || (canary->reported_ms < end_ms && now_ms < end_ms + TRIAL_REPORT_MS))
		return TRIAL_WAIT;
	return TRIAL_PROMOTE;
}

static enum trial_verdict again(struct trial *t, const struct trial_proxy *all, size_t n, uint64_t now_ms)
{
	return choose(t, all, n, now_ms) ? TRIAL_WAIT : TRIAL_PROMOTE; /* there is nobody left to be harmed */
}

enum trial_verdict trial_look(struct trial *t, const struct trial_proxy *all, size_t n, uint32_t hold_ms, uint64_t now_ms,
	struct buf *why)
{
	const struct trial_proxy *canary = t->canary ? find(all, n, str_from(t->canary)) : NULL;

	if (!canary || canary->is_draining)
		return again(t, all, n, now_ms); /* it left in order */
	if (canary->process != t->process && t->is_exposed) {
		buf_printf(why, "%s was restarted with it", t->canary);
		return TRIAL_TAKE_BACK;
	}
	if (!canary->is_here)
		return t->is_exposed ? look_at_gone(t, hold_ms, now_ms, why) : again(t, all, n, now_ms);
	if (canary->process != t->process)
		note_before(t, canary, all, n);
	t->gone_ms = 0;
	if (canary->has_refused) {
		buf_printf(why, "%s refused it: ", t->canary);
		buf_add(why, canary->refusal.len ? canary->refusal : STR("it does not say why"));
		return TRIAL_TAKE_BACK;
	}
	if (!t->taken_ms && canary->has_it)
		t->taken_ms = now_ms;
	if (t->taken_ms)
		return look_at_held(t, canary, all, n, hold_ms, now_ms, why);
	if (now_ms - t->begun_ms < TRIAL_TAKE_MS)
		return TRIAL_WAIT;
	if (!t->is_exposed || canary->is_standby)
		return again(t, all, n, now_ms);
	buf_printf(why, "%s was sent it and does not answer", t->canary);
	return TRIAL_TAKE_BACK;
}
