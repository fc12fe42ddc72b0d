/* What a request meets before any endpoint does: the room judge says it, here it becomes the next state. */
#include <assert.h>

#include "exchange_private.h"

/* A25: the client's own id, else a random one. */
static struct str request_id(struct exchange *ex)
{
	struct str own = http_head_value(&ex->head, FIELD_X_REQUEST_ID);
	char *id;

	if (own.len || !exchange_settings(ex)->generate_request_id)
		return own;
	id = arena_alloc(&ex->arena, 32);
	env_request_id(ex->env, id);
	return str_of(id, 32);
}

enum exchange_state exchange_decide(struct exchange *ex)
{
	const SSL *ssl = ex->client->ssl;
	struct exchange_peer peer;
	const struct judge_request request = {
		.generation = ex->held->generation,
		.rules = &ex->held->rules,
		.conn = ex->client->conn,
		.head = &ex->head,
		.peer = ssl ? &peer.judge : NULL,
		.draw = balance_random(ex->env->balance),
		.has_whole_body = ex->is_fed_last,
	};
	struct judgement j;

	assert(ex->state == EX_DECIDE);
	ex->request_id = request_id(ex);
	if (ssl)
		exchange_peer_init(&peer, ssl, &ex->arena);
	judge_request(&request, &ex->arena, &j);
	ex->who = j.who;
	ex->rule = j.rule;
	ex->rule.who = &ex->who;
	ex->backend = j.backend;
	if (ex->backend)
		ex->sets_session_cookie = j.canary ? j.canary->sets_session_cookie : exchange_policy(ex)->sets_session_cookie;
	if (ssl && j.backend && j.rule.match.host->client_auth)
		ex->rule.certificate = exchange_certificate(&peer, j.rule.match.host->client_auth, j.proof);
	if (j.canary) {
		ex->canary_name = arena_str(&ex->arena, j.canary->log_name); /* a tunnel outlives the generation */
		metrics_add(&ex->env->metrics.canary_requests, 1);
		balance_note_canary(ex->env->balance, ex->backend, uv_now(ex->env->loop));
	}
	ex->is_upgrade = j.is_upgrade;
	ex->answer_location = j.location;
	if (ex->env->is_over_memory)
		return exchange_answer(ex, 503, END_MEMORY_FULL);
	return j.status ? exchange_answer(ex, j.status, judge_end(&j)) : exchange_begin_store(ex);
}
