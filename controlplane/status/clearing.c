/*
 * The end (N5): what was written is taken back when one address or none is published and no other controller runs. Proxies may
 * well go on serving; ingress-nginx's have gone with it.
 */
#include "inside.h"
#include "log.h"
#include "mem.h"

enum { CLEAR_MS = 10 * 1000 };

static void on_handle_closed(uv_handle_t *handle)
{
	struct status *s = handle->data;
	void (*on_closed)(void *) = s->on_closed;
	void *owner = s->closed_owner;
	size_t cursor = 0;
	struct str key;
	void *value;

	if (--s->n_open > 0)
		return;
	while (map_next(&s->seen, &cursor, &key, &value)) {
		mem_free(((struct seen *)value)->text);
		mem_free(value);
	}
	map_deinit(&s->seen);
	map_deinit(&s->forbidden);
	for (size_t i = 0; i < s->options.n_pools; i++) {
		object_unref(&s->targets[i].service);
		addresses_deinit(&s->targets[i].wanted);
	}
	combined_forget(s);
	arena_deinit(&s->arena);
	mem_free(s);
	if (on_closed)
		on_closed(owner);
}

void clearing_finish(struct status *s)
{
	if (s->is_finished)
		return;
	s->is_finished = true;
	if (s->is_clearing)
		log_info("status", "cleared at the end, because no other controller runs written=%llu left=%zu",
			(unsigned long long)s->n_written, s->queue.n - s->queue.first + s->n_patches);
	patches_drop(s);
	patches_empty(s);
	for (size_t i = 0; i < s->options.n_pools; i++) {
		if (s->targets[i].places)
			places_cancel(s->targets[i].places);
	}
	if (s->others)
		others_cancel(s->others);
	s->round_timer.data = s->soon_timer.data = s;
	uv_close((uv_handle_t *)&s->round_timer, on_handle_closed);
	uv_close((uv_handle_t *)&s->soon_timer, on_handle_closed);
}

static void on_clear_timer(uv_timer_t *timer)
{
	clearing_finish(container_of(timer, struct status, round_timer));
}

static void clear(struct status *s)
{
	s->is_clearing = true;
	s->n_written = 0;
	patches_enqueue_all(s);
	patches_pump(s);
}

static void on_others(void *owner, bool has_others, const struct kubewrite *how, enum feed_outcome outcome, struct str message)
{
	struct status *s = owner;
	struct problems problems = {0};
	struct buf text = {0};

	s->others = NULL;
	if (outcome == FEED_FINE && !has_others) {
		clear(s);
		return;
	}
	if (outcome == FEED_FINE) {
		log_info("status", "left as it is: another controller runs");
	} else {
		kubewrite_problem(how, outcome, message, &problems);
		problem_text(&problems.items[0], &text);
		log_warn("status", "%s", buf_cstr(&text));
	}
	problems_deinit(&problems);
	buf_deinit(&text);
	clearing_finish(s);
}

/* Of no pool more than one. */
static bool has_one_address(const struct status *s)
{
	for (size_t i = 0; i < s->options.n_pools; i++) {
		if (s->targets[i].wanted.n > 1)
			return false;
	}
	return true;
}

void status_close(struct status *s, void (*on_closed)(void *owner), void *owner)
{
	bool clears = s->options.clears_on_shutdown && patches_may_write(s) && has_one_address(s);

	s->is_closing = true;
	s->on_closed = on_closed;
	s->closed_owner = owner;
	patches_drop(s);
	uv_timer_stop(&s->soon_timer);
	if (!clears) {
		clearing_finish(s);
		return;
	}
	uv_timer_start(&s->round_timer, on_clear_timer, CLEAR_MS, 0);
	if (s->options.pod.len)
		s->others = others_find(s->api, s->options.namespace_, s->options.pod, on_others, s);
	else
		clear(s); /* not in a pod: nobody like us is known */
}
