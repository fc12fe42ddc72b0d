/*
 * Responses that are not passed on as they come: kept, so that an endpoint is free before a slow client has all of it
 * (proxy-buffering, SEMANTICS G7), or given out at a bounded rate (limit-rate, J33).
 */
#include <assert.h>

#include "exchange_private.h"

enum { PIECE_MAX = 64 * 1024, PACE_MS = EXCHANGE_PACE_MS };

static bool is_told_not_to(const struct http_head *head)
{
	const struct http_field *field = http_head_named(head, STR("X-Accel-Buffering"));

	return field && str_eq_nocase(field->value, STR("no"));
}

void exchange_begin_hold(struct exchange *ex, const struct http_head *head)
{
	const struct policy *policy = exchange_policy(ex);
	bool keeps = policy->proxy_buffering && !is_told_not_to(head);

	if ((!keeps && !policy->limit_rate_bytes) || head->status < 200)
		return;
	ex->hold = arena_alloc(&ex->arena, sizeof(*ex->hold));
	*ex->hold = (struct exchange_hold){.keeps = keeps, .began_ms = uv_now(ex->env->loop)};
	spill_init(&ex->hold->spill, &ex->env->spill_space,
		keeps ? (size_t)policy->proxy_buffers_number * policy->proxy_buffer_size_bytes : 0,
		keeps ? policy->proxy_max_temp_file_bytes : 0);
}

void exchange_drop_hold(struct exchange *ex)
{
	if (!ex->hold)
		return;
	spill_deinit(&ex->hold->spill);
	buf_deinit(&ex->hold->rest);
	ex->hold = NULL;
	env_note_files(ex->env);
}

static uint64_t kept(const struct exchange_hold *h)
{
	return spill_size(&h->spill) + h->rest.len - h->given;
}

/* How much the client may have now, by limit-rate. */
static uint64_t allowance(const struct exchange *ex)
{
	const struct policy *policy = exchange_policy(ex);
	uint64_t ms, allowed;

	if (!policy->limit_rate_bytes)
		return UINT64_MAX;
	ms = uv_now(ex->env->loop) - ex->hold->began_ms + PACE_MS;
	allowed = policy->limit_rate_after_bytes + policy->limit_rate_bytes * (ms / 1000) + policy->limit_rate_bytes * (ms % 1000) / 1000;
	return allowed > ex->body_sent ? allowed - ex->body_sent : 0;
}

/* Reading goes on while there is room: after each read all of it may have to be kept. */
static bool has_room(const struct exchange *ex)
{
	const struct exchange_hold *h = ex->hold;

	if (h->rest.len)
		return false;
	return h->keeps ? spill_has_room(&h->spill) : !ex->is_waiting_client && allowance(ex);
}

/* What the spill does not take is at most one read; no more is read before it is gone. */
static void keep(struct exchange *ex, struct str bytes)
{
	if (bytes.len && (ex->hold->rest.len || !spill_add(&ex->hold->spill, bytes)))
		buf_add(&ex->hold->rest, bytes);
	env_note_files(ex->env);
}

static ssize_t read_kept(struct exchange *ex, size_t n)
{
	struct exchange_hold *h = ex->hold;
	uint64_t in_spill = spill_size(&h->spill);

	if (h->given < in_spill)
		return spill_read(&h->spill, h->given, ex->env->space, n);
	if (n > h->rest.len)
		n = h->rest.len;
	memcpy(ex->env->space, h->rest.ptr, n);
	return (ssize_t)n;
}

/* All that was kept is gone: its room is for what comes. */
static void empty(struct exchange *ex)
{
	struct exchange_hold *h = ex->hold;
	struct spill fresh;

	spill_init(&fresh, h->spill.space, h->spill.memory_bytes, h->spill.file_max);
	spill_deinit(&h->spill);
	buf_deinit(&h->rest);
	h->spill = fresh;
	h->given = 0;
	env_note_files(ex->env);
}

static void note_given(struct exchange_hold *h, size_t n)
{
	uint64_t in_spill = spill_size(&h->spill);

	if (h->given >= in_spill)
		buf_consume(&h->rest, n);
	else
		h->given += n;
}

/* Gives what the client takes and may have; EX_OVER when it is gone, else EX_RELAY. */
static enum exchange_state give(struct exchange *ex)
{
	struct exchange_hold *h = ex->hold;

	while (!ex->is_waiting_client && kept(h)) {
		uint64_t most = allowance(ex);
		size_t n = exchange_read_size(ex) < PIECE_MAX ? exchange_read_size(ex) : PIECE_MAX;
		ssize_t got;

		if (!most)
			return EX_RELAY;
		got = read_kept(ex, most < n ? (size_t)most : n);
		if (got <= 0)
			return exchange_over(ex, EXCHANGE_CUT, END_INTERNAL);
		note_given(h, (size_t)got);
		if (exchange_hand_over(ex, NULL, str_of(ex->env->space, (size_t)got), h->is_whole && !kept(h)) == EX_OVER)
			return EX_OVER;
		h->is_ended = h->is_whole && !kept(h);
	}
	if (!kept(h) && spill_size(&h->spill))
		empty(ex);
	return EX_RELAY;
}

/* The endpoint has said all; what is kept may take the client longer. */
static enum exchange_state endpoint_done(struct exchange *ex, bool is_reusable)
{
	enum exchange_state next = exchange_response_done(ex, is_reusable);

	return ex->hold->is_ended ? next : EX_GIVE;
}

enum exchange_state exchange_hold_on(
	struct exchange *ex, const struct exchange_head *head, struct str payload, bool is_last, bool is_reusable)
{
	struct exchange_hold *h = ex->hold;
	uint64_t most = ex->is_waiting_client || kept(h) ? 0 : allowance(ex);
	struct str now = str_of(payload.ptr, most < payload.len ? (size_t)most : payload.len);

	keep(ex, str_from_index(payload, now.len));
	h->is_whole = is_last;
	h->is_ended = is_last && !kept(h) && !ex->is_waiting_client;
	if ((head || now.len || h->is_ended) && exchange_hand_over(ex, head, now, h->is_ended) == EX_OVER)
		return EX_OVER;
	if (is_last)
		return endpoint_done(ex, is_reusable);
	h->is_full = !has_room(ex);
	stream_want_read(&ex->upstream->stream, !h->is_full);
	return EX_RELAY;
}

enum exchange_state exchange_hold_step(struct exchange *ex, bool *may_read)
{
	struct exchange_hold *h = ex->hold;
	enum exchange_state next = give(ex);

	*may_read = false;
	if (next == EX_OVER || h->is_whole)
		return next;
	*may_read = h->is_full && has_room(ex);
	if (*may_read) {
		h->is_full = false;
		stream_want_read(&ex->upstream->stream, true);
	}
	return EX_RELAY;
}

/* The endpoint is not asked any more. */
enum exchange_state exchange_give(struct exchange *ex)
{
	struct exchange_hold *h = ex->hold;

	assert(ex->state == EX_GIVE && !ex->upstream);
	ex->events &= ~(unsigned)EXCHANGE_CLIENT_WRITABLE;
	if (ex->has_expired && ex->is_waiting_client)
		return exchange_over(ex, EXCHANGE_CUT, END_CLIENT_SEND_TIMEOUT);
	if (give(ex) == EX_OVER)
		return EX_OVER;
	if (!h->is_ended && !kept(h) && !ex->is_waiting_client) { /* an end that came while the client waited */
		h->is_ended = true;
		if (exchange_hand_over(ex, NULL, STR(""), true) == EX_OVER)
			return EX_OVER;
	}
	if (!h->is_ended)
		return EX_GIVE;
	return ex->is_waiting_client ? EX_FLUSH : EX_OVER;
}

bool exchange_is_paced(const struct exchange *ex)
{
	return ex->hold && !ex->is_waiting_client && (kept(ex->hold) || ex->hold->is_full);
}
