/*
 * A queue of Ingresses, and the patches on their way, a few at a time. What the server has no time for is tried again, and
 * others wait with it; what it does not want is left for the next round.
 */
#include <stdlib.h>

#include "inside.h"
#include "log.h"
#include "mem.h"

enum { FIRST_HOLD_MS = 500, MAX_HOLD_MS = 15 * 1000, MAX_PATCHES = 8, ANSWER_BYTES = 8 * 1024 * 1024, LASTING = 3, SILENCE_S = 10 };

static void on_soon(uv_timer_t *timer);

/* ---------------------------------------------------------------------------------------------------------- queue */

static void queue_deinit(struct queue *q)
{
	for (size_t i = q->first; i < q->n; i++)
		mem_free(q->keys[i]);
	mem_free(q->keys);
	*q = (struct queue){0};
}

void patches_enqueue(struct status *s, struct str key, struct seen *seen)
{
	struct queue *q = &s->queue;

	if (seen->is_queued)
		return;
	seen->is_queued = true;
	q->keys = mem_grow(q->keys, &q->cap, q->n + 1, sizeof(*q->keys));
	q->keys[q->n++] = mem_strdup(key);
}

/* Owned; NULL: it is empty. */
static char *dequeue(struct status *s, struct seen **seen)
{
	struct queue *q = &s->queue;
	char *key;

	if (q->first == q->n) {
		queue_deinit(q);
		return NULL;
	}
	key = q->keys[q->first++];
	*seen = map_get(&s->seen, str_from(key));
	if (*seen)
		(*seen)->is_queued = false;
	return key;
}

void patches_empty(struct status *s)
{
	struct seen *seen;
	char *key;

	while ((key = dequeue(s, &seen)))
		mem_free(key);
}

void patches_enqueue_all(struct status *s)
{
	size_t cursor = 0;
	struct str key;
	void *seen;

	while (map_next(&s->seen, &cursor, &key, &seen))
		patches_enqueue(s, key, seen);
}

bool patches_may_write(const struct status *s)
{
	return (s->is_clearing || !s->is_closing) && s->is_leading && combined_has_any(s) && s->hooks.leads(s->hooks.owner);
}

void patches_pump_in(struct status *s, uint64_t ms)
{
	if (!s->is_finished && patches_may_write(s))
		uv_timer_start(&s->soon_timer, on_soon, ms, 0);
}

/* -------------------------------------------------------------------------------------------------------- patching */

static void free_patch(struct patch *p)
{
	mem_free(p->key);
	mem_free(p->text);
	mem_free(p);
}

static void unlink_patch(struct patch *p)
{
	struct patch **at = &p->status->patches;

	while (*at != p)
		at = &(*at)->next;
	*at = p->next;
	p->status->n_patches--;
}

void patches_drop(struct status *s)
{
	while (s->patches) {
		struct patch *p = s->patches;

		kubeapi_cancel(p->call);
		unlink_patch(p);
		free_patch(p);
	}
}

static struct str namespace_of(struct str key)
{
	return str_first(key, str_find(key, '/'));
}

/* Others wait too, and it is tried again. */
static void hold(struct status *s, const struct patch *p, enum feed_outcome outcome, struct str message)
{
	struct seen *seen = map_get(&s->seen, str_from(p->key));
	unsigned shift = s->n_failures < 8 ? s->n_failures : 8;
	unsigned ms = (unsigned)FIRST_HOLD_MS << shift;

	if (seen)
		patches_enqueue(s, str_from(p->key), seen);
	if (++s->n_failures >= LASTING)
		status_tell_trouble(s, outcome, namespace_of(str_from(p->key)), message);
	patches_pump_in(s, ms < MAX_HOLD_MS ? ms : MAX_HOLD_MS);
}

static void on_failure(struct status *s, const struct patch *p, enum feed_outcome outcome, unsigned status, struct str message)
{
	struct str key = str_from(p->key);

	s->n_failed++;
	status_round_is_bad(s);
	if (outcome == FEED_FORBIDDEN) {
		map_put(&s->forbidden, namespace_of(key), s);
		status_tell_trouble(s, outcome, namespace_of(key), message);
	} else if (outcome == FEED_REFUSED && status < 500 && status != 408 && status != 429) {
		log_warn("status", "the status of Ingress %s is not taken, it is tried again later status=%u message=%.*s", p->key, status,
			STR_ARG(message));
	} else {
		hold(s, p, outcome, message);
		return;
	}
	patches_pump_in(s, 0);
}

static void on_written(struct status *s, const struct patch *p)
{
	struct seen *seen = map_get(&s->seen, str_from(p->key));

	s->n_written++;
	s->n_failures = 0;
	if (s->trouble != FEED_FORBIDDEN) /* that is seen when a round goes well */
		status_tell_good(s);
	log_debug("status", "Ingress %s: '%s'", p->key, p->text);
	if (!seen)
		return;
	mem_free(seen->text);
	seen->text = mem_strdup(str_from(p->text));
}

static void end_round(struct status *s)
{
	if (s->n_patches || s->queue.first < s->queue.n)
		return;
	if (s->is_clearing) {
		clearing_finish(s);
		return;
	}
	if (!s->is_round_bad)
		status_tell_good(s);
}

static void on_patched(void *owner, const struct kubeapi_result *r)
{
	struct patch *p = owner;
	struct status *s = p->status;
	struct buf message = {0};
	enum feed_outcome outcome = kubewrite_outcome(r, &message);

	unlink_patch(p);
	if (outcome == FEED_FINE)
		on_written(s, p);
	else if (outcome != FEED_NOT_FOUND) /* it is gone, its event is on the way */
		on_failure(s, p, outcome, r->status, buf_str(&message));
	free_patch(p);
	buf_deinit(&message);
	if (outcome == FEED_FINE || outcome == FEED_NOT_FOUND)
		patches_pump(s);
	else
		end_round(s);
}

/* What the Ingress is to say; NULL: that is not ours to say, or not known. */
static const struct combined *what(struct status *s, struct str key)
{
	static const struct combined none;
	struct str namespace_ = namespace_of(key), name = str_from_index(key, namespace_.len + 1);
	const struct combined *found = combined_of(s, s->hooks.pools(s->hooks.owner, namespace_, name));

	return found && s->is_clearing ? &none : found;
}

/* Takes `key`. */
static void patch(struct status *s, char *key, const struct combined *wanted)
{
	struct patch *p = mem_zalloc(sizeof(*p));
	struct str name = str_from_index(str_from(key), str_find(str_from(key), '/') + 1);
	json_t *json = addresses_patch(wanted->wanted.items, wanted->wanted.n);
	char *body = json_dumps(json, JSON_COMPACT);
	struct buf path = {0};

	p->status = s;
	p->key = key;
	p->text = mem_strdup(buf_str(&wanted->text));
	p->next = s->patches;
	s->patches = p;
	s->n_patches++;
	buf_add(&path, STR("/apis/networking.k8s.io/v1/namespaces/"));
	kubeapi_add_escaped(&path, namespace_of(str_from(key)));
	buf_add(&path, STR("/ingresses/"));
	kubeapi_add_escaped(&path, name);
	buf_add(&path, STR("/status"));
	p->call = kubeapi_start(s->api,
		&(struct kubeapi_request){.method = "PATCH", .path = buf_str(&path), .body = str_from(body),
			.content_type = "application/merge-patch+json", .max_bytes = ANSWER_BYTES, .silence_s = SILENCE_S,
			.on_done = on_patched, .owner = p});
	buf_deinit(&path);
	free(body);
	json_decref(json);
}

static bool is_to_be_patched(struct status *s, struct str key, const struct seen *seen, const struct combined *wanted)
{
	return seen && wanted && !str_eq(str_from(seen->text), buf_str(&wanted->text)) && !map_get(&s->forbidden, namespace_of(key));
}

void patches_pump(struct status *s)
{
	struct seen *seen;
	char *key;

	if (!patches_may_write(s)) {
		patches_empty(s);
		end_round(s);
		return;
	}
	while (s->n_patches < MAX_PATCHES && (key = dequeue(s, &seen))) {
		const struct combined *wanted = seen ? what(s, str_from(key)) : NULL;

		if (is_to_be_patched(s, str_from(key), seen, wanted))
			patch(s, key, wanted);
		else
			mem_free(key);
	}
	end_round(s);
}

static void on_soon(uv_timer_t *timer)
{
	patches_pump(container_of(timer, struct status, soon_timer));
}

