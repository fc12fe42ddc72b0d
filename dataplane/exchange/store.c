/*
 * Requests whose body is read whole before an endpoint is asked, so that a slow client keeps no endpoint busy (SEMANTICS G6).
 * What cannot be kept is streamed instead: nothing is refused for want of room.
 */
#include <assert.h>

#include "exchange_private.h"
#include "judge.h"
#include "limit.h"
#include "log.h"

enum { WARN_EVERY_MS = 60000 };

enum exchange_state exchange_begin_store(struct exchange *ex)
{
	const struct policy *policy = exchange_policy(ex);

	if (ex->is_fed_last || policy->no_request_buffering || ex->is_upgrade || judge_speaks_http2(ex->backend))
		return EX_PICK;
	ex->store = arena_alloc(&ex->arena, sizeof(*ex->store));
	*ex->store = (struct exchange_store){0};
	spill_init(&ex->store->spill, &ex->env->spill_space, policy->client_body_buffer_bytes, UINT64_MAX);
	return EX_STORE;
}

void exchange_drop_store(struct exchange *ex)
{
	if (!ex->store)
		return;
	spill_deinit(&ex->store->spill);
	ex->store = NULL;
	env_note_files(ex->env);
}

static void warn_of_room(struct exchange_env *env)
{
	struct spill_space *space = &env->spill_space;

	metrics_add(&env->metrics.bodies_not_kept, 1);
	if (space->directory_fd >= 0 && uv_now(env->loop) >= env->spill_warn_ms) {
		env->spill_warn_ms = uv_now(env->loop) + WARN_EVERY_MS;
		log_warn("exchange", "request bodies are streamed, for they cannot be kept reason=%s times=%llu",
			space->error ? uv_strerror(space->error) : "--body-mib is reached",
			(unsigned long long)(space->n_refused - env->n_spill_told));
		env->n_spill_told = space->n_refused;
		space->error = 0;
	}
}

/* D6, and bodies whose framing broke half-way: 0, or the status to answer. */
unsigned exchange_judge_body(const struct exchange *ex)
{
	if (ex->is_body_bad)
		return 400;
	return ex->head.body == HTTP_BODY_CHUNKED ? limit_body_received(ex->rule.match.route, ex->body_received) : 0;
}

enum exchange_state exchange_refuse_body(struct exchange *ex, unsigned status)
{
	ex->is_body_bad = true;
	if (ex->upstream || ex->call)
		exchange_leave_upstream(ex, false);
	return exchange_answer(ex, status, status == 413 ? END_TOO_LARGE : END_BAD_REQUEST);
}

enum exchange_state exchange_keep_body(struct exchange *ex)
{
	unsigned refused = exchange_judge_body(ex);

	assert(ex->state == EX_STORE && !ex->upstream);
	if (refused)
		return exchange_refuse_body(ex, refused);
	if (ex->has_expired) {
		ex->status = 408; /* D5: logged, never sent */
		return exchange_over(ex, EXCHANGE_CUT, END_CLIENT_BODY_TIMEOUT);
	}
	if (ex->fresh.len && !spill_add(&ex->store->spill, ex->fresh)) {
		warn_of_room(ex->env);
		exchange_keep_fresh(ex); /* behind what is kept; the rest follows as it comes */
		return EX_PICK;
	}
	env_note_files(ex->env);
	ex->fresh = (struct str){0};
	return ex->is_fed_last ? EX_PICK : EX_STORE;
}

uint64_t exchange_stored_left(const struct exchange *ex)
{
	return ex->store ? spill_size(&ex->store->spill) - ex->store->sent : 0;
}

bool exchange_read_stored(struct exchange *ex, struct str *out)
{
	ssize_t n = exchange_stored_left(ex) ?
		spill_read(&ex->store->spill, ex->store->sent, ex->env->space, EXCHANGE_REPLAY_MAX) : 0;

	if (n < 0)
		return false;
	*out = str_of(ex->env->space, (size_t)n);
	if (n)
		ex->store->sent += (uint64_t)n;
	return true;
}
