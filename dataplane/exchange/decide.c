/* What a request meets before any endpoint does: SEMANTICS 0.2 to 0.8, in that order. */
#include <assert.h>

#include "exchange_private.h"
#include "limit.h"
#include "route.h"
#include "weirlock/v1/snapshot.pb-c.h"

enum { LOCATION_MAX = 64 * 1024 };

/* 0.2, B1, B2, C2: what names the rule. 0, or the status to answer. */
static unsigned read_names(struct exchange *ex)
{
	struct http_head *head = &ex->head;
	size_t len = 0;

	if (head->method == HTTP_TRACE || head->method == HTTP_CONNECT)
		return 405;
	ex->server_name = arena_alloc(&ex->arena, head->host.len + 1);
	if (!http_server_name(head->host, ex->server_name, &len)) {
		if (head->host.len || head->version != HTTP_1_0)
			return 400;
		len = 0; /* B2: 1.0 without Host meets the default server */
	}
	ex->rule.server_name = str_of(ex->server_name, len);
	ex->path = arena_alloc(&ex->arena, head->path.len + 1);
	if (!http_normalise_path(head->path, ex->path, &len))
		return 400;
	ex->rule.path = str_of(ex->path, len);
	return 0;
}

static void fill_rule(struct exchange *ex)
{
	ex->rule.generation = ex->held->generation;
	ex->rule.head = &ex->head;
	ex->rule.who = &ex->who;
	ex->rule.is_tls = ex->client->conn->is_tls;
	ex->rule.https_port = ex->env->https_port;
	ex->rule.match = route_match(ex->held->generation, ex->rule.server_name, ex->rule.path);
}

/* B7: load balancers ask for this by address alone. */
static bool is_health_check(const struct exchange *ex)
{
	return str_eq(ex->rule.match.host->name, STR("_")) && str_starts_with(ex->rule.path, STR("/healthz"));
}

/* D1, D4: no backend at all is the built-in 404, one that nobody serves is 503. */
static unsigned find_backend(struct exchange *ex)
{
	const struct route *route = ex->rule.match.route;
	bool is_default = route->backend_index == BACKEND_NONE;

	ex->backend = generation_backend(ex->held->generation, route);
	if (ex->backend && ex->backend->n_endpoints)
		return 0;
	ex->backend = NULL;
	return is_default ? 404 : 503;
}

/* 0.4 to 0.6. */
static unsigned find_answer(struct exchange *ex, struct buf *location)
{
	unsigned status = rewrite_answer_host(&ex->rule, location);

	if (status)
		return status;
	if (ex->rule.match.has_failed)
		return 500;
	if (!ex->rule.match.route)
		return 404;
	status = limit_body_declared(ex->rule.match.route, &ex->head);
	return status ? status : rewrite_answer_route(&ex->rule, location);
}

static enum end_reason end_of_status(unsigned status)
{
	if (status >= 300 && status < 400)
		return END_REDIRECT;
	switch (status) {
	case 200:
		return END_LOCAL;
	case 403:
	case 405:
		return END_DENIED;
	case 404:
		return END_NO_ROUTE;
	case 413:
		return END_TOO_LARGE;
	case 500:
		return END_MISCONFIGURED;
	case 503:
		return END_NO_ENDPOINTS;
	default:
		return END_BAD_REQUEST;
	}
}

static unsigned judge(struct exchange *ex)
{
	struct buf location = {.cap = LOCATION_MAX};
	unsigned status = read_names(ex);

	if (status)
		return status;
	clientaddr_resolve(&ex->held->rules, ex->client->conn, &ex->head, &ex->arena, &ex->who);
	fill_rule(ex);
	if (is_health_check(ex))
		return 200;
	status = find_answer(ex, &location);
	if (location.len)
		ex->answer_location = arena_str(&ex->arena, buf_str(&location));
	buf_deinit(&location);
	if (!status)
		status = find_backend(ex);
	if (!status)
		status = limit_address(exchange_settings(ex), ex->rule.match.route, &ex->who.client);
	return status;
}

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

/* D9: the location is set aside. */
static bool is_fixed(const struct exchange *ex, unsigned status)
{
	return ex->rule.match.route && ex->rule.match.route->fixed_status == status;
}

enum exchange_state exchange_decide(struct exchange *ex)
{
	unsigned status;

	assert(ex->state == EX_DECIDE);
	ex->request_id = request_id(ex);
	status = judge(ex);
	if (status)
		return exchange_answer(ex, status, is_fixed(ex, status) ? END_MISCONFIGURED : end_of_status(status));
	switch (ex->backend->protocol) {
	case WEIRLOCK__V1__PROTOCOL__PROTOCOL_GRPC:
	case WEIRLOCK__V1__PROTOCOL__PROTOCOL_GRPCS:
	case WEIRLOCK__V1__PROTOCOL__PROTOCOL_FCGI:
		return exchange_answer(ex, 502, END_UPSTREAM_PROTOCOL);
	default:
		break;
	}
	if (ex->head.body == HTTP_BODY_CHUNKED && !ex->is_fed_last && exchange_policy(ex)->proxy_http_1_0)
		return exchange_answer(ex, 411, END_BAD_REQUEST); /* HTTP/1.0 knows no chunks */
	/* An upgrade that also brings a body is two readings of the bytes that follow: only the body is believed. */
	ex->is_upgrade = ex->head.is_upgrade && ex->head.body == HTTP_BODY_NONE && !exchange_policy(ex)->proxy_http_1_0;
	return EX_PICK;
}
