/* The wheel: a slot is a ring of deadlines whose slot time falls on it, in this turn or a later one. */
#include "deadline.h"

#include <assert.h>
#include <stddef.h>
#include <string.h>

static void ring_init(struct deadline *head)
{
	head->prev = head;
	head->next = head;
}

static void link_before(struct deadline *head, struct deadline *d)
{
	d->prev = head->prev;
	d->next = head;
	head->prev->next = d;
	head->prev = d;
}

static void unlink_one(struct deadlines *all, struct deadline *d)
{
	d->prev->next = d->next;
	d->next->prev = d->prev;
	d->prev = NULL;
	d->next = NULL;
	all->n_linked--;
}

/* The first tick at which `at_ms` has passed: never early. */
static uint64_t tick_of(uint64_t at_ms)
{
	return (at_ms + DEADLINE_TICK_MS - 1) / DEADLINE_TICK_MS;
}

void deadlines_init(struct deadlines *all, uint64_t now_ms)
{
	memset(all, 0, sizeof(*all));
	all->now_ms = now_ms;
	all->done_tick = now_ms / DEADLINE_TICK_MS;
	for (size_t i = 0; i < DEADLINE_SLOTS; i++)
		ring_init(&all->slots[i]);
}

bool deadlines_is_empty(const struct deadlines *all)
{
	return all->n_linked == 0;
}

/* Due or not, every time lands on a slot that is still ahead. */
static void link_at(struct deadlines *all, struct deadline *d)
{
	uint64_t tick = tick_of(d->at_ms);

	if (tick <= all->done_tick)
		tick = all->done_tick + 1;
	d->slot_at_ms = d->at_ms;
	link_before(&all->slots[tick % DEADLINE_SLOTS], d);
	all->n_linked++;
}

void deadline_set_at(struct deadlines *all, struct deadline *d, uint64_t at_ms)
{
	assert(d->on_expired);
	d->at_ms = at_ms ? at_ms : 1;
	if (d->next && d->slot_at_ms <= d->at_ms)
		return; /* looked at in time, and moved on then */
	if (d->next)
		unlink_one(all, d);
	link_at(all, d);
}

void deadline_set(struct deadlines *all, struct deadline *d, uint64_t after_ms)
{
	deadline_set_at(all, d, all->now_ms + after_ms);
}

void deadline_clear(struct deadline *d)
{
	d->at_ms = 0;
}

void deadline_stop(struct deadlines *all, struct deadline *d)
{
	d->at_ms = 0;
	if (d->next)
		unlink_one(all, d);
}

/* Moves the slot's ring aside first: callbacks may change any ring, this one included. */
static void run_slot(struct deadlines *all, struct deadline *head)
{
	struct deadline due;

	if (head->next == head)
		return;
	due = *head;
	due.next->prev = &due;
	due.prev->next = &due;
	ring_init(head);
	while (due.next != &due) {
		struct deadline *d = due.next;

		unlink_one(all, d);
		if (d->at_ms == 0)
			continue;
		if (d->at_ms > all->now_ms) {
			link_at(all, d);
			continue;
		}
		d->at_ms = 0;
		d->on_expired(d);
	}
}

void deadlines_run(struct deadlines *all, uint64_t now_ms)
{
	uint64_t tick;

	if (now_ms < all->now_ms)
		return;
	all->now_ms = now_ms;
	tick = now_ms / DEADLINE_TICK_MS;
	if (all->n_linked == 0 || tick - all->done_tick > DEADLINE_SLOTS) {
		/* nothing waits, or every slot is due anyway: one turn is enough */
		all->done_tick = all->n_linked == 0 ? tick : tick - DEADLINE_SLOTS;
	}
	while (all->done_tick < tick) {
		all->done_tick++;
		run_slot(all, &all->slots[all->done_tick % DEADLINE_SLOTS]);
	}
}
