/*
 * With D the duration of a Lease: it is renewed every D/4 (N6: 30 s and 7.5 s), tried again every D/16 when that fails, and
 * given up 3/4 D after the last write that arrived began. Somebody else may take it D after he saw that write, at the
 * earliest D after it began; so there is D/4 between two leaders for what is still on its way.
 */
#include "election.h"

#include <stdlib.h>

void election_init(struct election *e, struct str identity, uint64_t duration_ms)
{
	e->identity = identity;
	e->duration_ms = duration_ms;
}

void election_deinit(struct election *e)
{
	buf_deinit(&e->holder);
	buf_deinit(&e->version);
}

static uint64_t retry_ms(const struct election *e)
{
	return e->duration_ms / 4;
}

uint64_t election_call_ms(const struct election *e)
{
	return e->duration_ms / 4;
}

uint64_t election_ends_ms(const struct election *e)
{
	return e->held_ms + e->duration_ms - e->duration_ms / 4;
}

bool election_leads(const struct election *e, uint64_t now_ms)
{
	return e->is_held && now_ms < election_ends_ms(e);
}

void election_step_down(struct election *e)
{
	e->is_held = false;
}

/* Half of it is sure, half is chance, so that not all come at once. */
static uint64_t spread(uint64_t ms, uint32_t chance)
{
	return ms / 2 + chance % (ms / 2 + 1);
}

static bool is_ours(const struct election *e)
{
	return str_eq(buf_str(&e->holder), e->identity);
}

/* How long somebody else may still believe that he leads. */
static uint64_t left_ms(const struct election *e, uint64_t now_ms)
{
	uint64_t ends_ms = e->seen_ms + e->theirs_ms;

	if (!e->holder.len || is_ours(e) || now_ms >= ends_ms)
		return 0;
	return ends_ms - now_ms;
}

static void note(struct election *e, const struct lease *lease, uint64_t now_ms)
{
	if (!str_eq(buf_str(&e->version), lease->version))
		e->seen_ms = now_ms;
	buf_clear(&e->version);
	buf_add(&e->version, lease->version);
	buf_clear(&e->holder);
	buf_add(&e->holder, lease->holder);
	e->theirs_ms = lease->duration_ms ? lease->duration_ms : e->duration_ms;
}

/* Looks again before the other's time is over, and when it is. */
static struct election_next look_again(const struct election *e, uint64_t now_ms, uint32_t chance)
{
	uint64_t left = left_ms(e, now_ms), wait = spread(retry_ms(e), chance);

	return (struct election_next){ELECTION_READ, left && left < wait ? left : wait};
}

static struct election_next after_read(struct election *e, const struct election_end *end, uint64_t now_ms, uint32_t chance)
{
	note(e, &end->lease, now_ms);
	if (is_ours(e))
		return (struct election_next){ELECTION_RENEW, 0};
	e->is_held = false;
	if (left_ms(e, now_ms))
		return look_again(e, now_ms, chance);
	return (struct election_next){ELECTION_TAKE, 0};
}

static struct election_next after_write(struct election *e, const struct election_end *end, uint64_t now_ms)
{
	note(e, &end->lease, now_ms);
	e->is_held = is_ours(e);
	e->held_ms = end->began_ms;
	return (struct election_next){e->is_held ? ELECTION_RENEW : ELECTION_READ, retry_ms(e)};
}

/* Gone: by hand. Who held it does not know yet. */
static struct election_next after_missing(struct election *e, const struct election_end *end, uint64_t now_ms, uint32_t chance)
{
	e->is_held = false;
	if (end->was == ELECTION_CREATE || left_ms(e, now_ms)) /* of the former: there is no such namespace */
		return look_again(e, now_ms, chance);
	return (struct election_next){ELECTION_CREATE, 0};
}

static struct election_next after_failure(struct election *e, const struct election_end *end, uint64_t now_ms, uint32_t chance)
{
	if (!e->is_held)
		return look_again(e, now_ms, chance);
	return (struct election_next){end->was == ELECTION_RENEW ? ELECTION_RENEW : ELECTION_READ, spread(retry_ms(e) / 4, chance)};
}

static struct election_next advance(struct election *e, const struct election_end *end, uint64_t now_ms, uint32_t chance)
{
	switch (end->outcome) {
	case ELECTION_FINE:
		return end->was == ELECTION_READ ? after_read(e, end, now_ms, chance) : after_write(e, end, now_ms);
	case ELECTION_MISSING:
		return after_missing(e, end, now_ms, chance);
	case ELECTION_CONFLICT: /* who it was will be seen */
		return (struct election_next){ELECTION_READ, e->n_conflicts > 1 ? spread(retry_ms(e) / 4, chance) : 0};
	case ELECTION_FAILED:
		return after_failure(e, end, now_ms, chance);
	}
	abort();
}

struct election_next election_advance(struct election *e, const struct election_end *end, uint64_t now_ms, uint32_t chance)
{
	if (end->outcome == ELECTION_CONFLICT)
		e->n_conflicts++;
	else if (end->outcome == ELECTION_FINE && end->was != ELECTION_READ)
		e->n_conflicts = 0;
	return advance(e, end, now_ms, chance);
}
