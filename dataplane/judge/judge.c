/* Steps in the order of SEMANTICS 0; the first that has an answer ends it. */
#include "judge.h"

#include <stdlib.h>

#include "canary.h"
#include "cidrset.h"
#include "judge_conn.h"
#include "limit.h"
#include "regex.h"
#include "route.h"
#include "weirlock/v1/snapshot.pb-c.h"

enum { LOCATION_MAX = 64 * 1024 };

static const struct {
	struct str word;
	enum end_reason end;
	const char *rule, *doc;
} steps[] = {
#define JUDGE_ROW(id, word, end, rule, doc) {{word, sizeof(word) - 1}, end, rule, doc},
	JUDGE_STEPS(JUDGE_ROW)};

struct str judge_word(enum judge_step step)
{
	return steps[step].word;
}

const char *judge_rule(enum judge_step step)
{
	return steps[step].rule;
}

const char *judge_doc(enum judge_step step)
{
	return steps[step].doc;
}

/* A redirect that cannot be written is another thing: 400 where the client named no host, else 500. */
enum end_reason judge_end(const struct judgement *j)
{
	enum end_reason end = steps[j->step].end;

	if (end != END_REDIRECT || (j->status >= 300 && j->status < 400))
		return end;
	return j->status == 400 ? END_BAD_REQUEST : END_MISCONFIGURED;
}

void judge_limits(const struct settings *s, struct http1_limits *limits)
{
	size_t head = s->client_header_buffer_bytes + (size_t)s->large_client_header_count * s->large_client_header_bytes;

	*limits = (struct http1_limits){
		.head_bytes = head < JUDGE_HEAD_MAX ? head : JUDGE_HEAD_MAX,
		.line_bytes = s->large_client_header_bytes,
		.n_fields = JUDGE_FIELDS_MAX,
		.drops_invalid_names = s->ignore_invalid_headers,
		.keeps_underscores = s->enable_underscores_in_headers,
	};
}

bool judge_needs_proxy_header(const struct settings *s, const struct addr *peer)
{
	if (!s->use_proxy_protocol)
		return false;
	return !s->proxy_protocol_cidr.n || cidrset_find(&s->proxy_protocol_cidr, peer);
}

static unsigned end_at(struct judgement *out, enum judge_step step, unsigned status)
{
	out->step = step;
	return status;
}

/* 0.2, B1, B2, C2: what names the rule. */
static unsigned read_names(const struct http_head *head, struct arena *arena, struct judgement *out)
{
	char *name, *path;
	size_t len = 0;

	if (head->method == HTTP_TRACE || head->method == HTTP_CONNECT)
		return end_at(out, JUDGE_METHOD, 405);
	name = arena_alloc(arena, head->host.len + 1);
	if (!http_server_name(head->host, name, &len)) {
		if (head->host.len || head->version != HTTP_1_0)
			return end_at(out, JUDGE_HOST, 400);
		len = 0; /* B2: 1.0 without Host meets the default server */
	}
	out->rule.server_name = str_of(name, len);
	path = arena_alloc(arena, head->path.len + 1);
	if (!http_normalise_path(head->path, path, &len))
		return end_at(out, JUDGE_PATH, 400);
	out->rule.path = str_of(path, len);
	return 0;
}

static void fill_rule(const struct judge_request *in, struct judgement *out)
{
	struct rewrite_request *rule = &out->rule;

	rule->generation = in->generation;
	rule->head = in->head;
	rule->who = &out->who;
	rule->is_tls = in->conn->is_tls;
	rule->https_port = in->rules->https_port;
	rule->match = route_match(in->generation, rule->server_name, rule->path);
}

/* E9, F9: 0, or what to answer to whoever shows what it shows. */
static unsigned check_proof(const struct client_auth *auth, struct judgement *out)
{
	bool may_lack = auth->verify == CLIENT_VERIFY_OPTIONAL || auth->verify == CLIENT_VERIFY_OPTIONAL_NO_CA;

	switch (out->proof) {
	case JUDGE_PROOF_GOOD:
		return 0;
	case JUDGE_PROOF_NONE:
		return may_lack ? 0 : end_at(out, JUDGE_NO_CERTIFICATE, 400);
	case JUDGE_PROOF_EXCUSED:
		return auth->verify == CLIENT_VERIFY_OPTIONAL_NO_CA ? 0 : end_at(out, JUDGE_BAD_CERTIFICATE, 400);
	case JUDGE_PROOF_BAD:
		return end_at(out, JUDGE_BAD_CERTIFICATE, 400);
	case JUDGE_PROOF_UNKNOWN:
		return end_at(out, JUDGE_MISDIRECTED, 421);
	}
	abort();
}

/*
 * A handshake asks by the server name, a request names its host: where they differ, what was shown was not shown to this
 * host (E9). Without a server name nothing was asked, and nothing is known. Plain HTTP is not checked (F9).
 */
static unsigned check_certificate(const struct judge_request *in, const struct client_auth *auth, struct tls_auth *authorities,
	struct judgement *out)
{
	const struct judge_peer *peer = in->peer;
	struct str name;

	out->proof = JUDGE_PROOF_NONE;
	if (!peer || auth->verify == CLIENT_VERIFY_OFF)
		return 0;
	name = peer->server_name(peer->owner);
	if (!name.len)
		return check_proof(auth, out);
	if (!str_eq(name, out->rule.server_name))
		return end_at(out, JUDGE_MISDIRECTED, 421);
	out->proof = peer->prove(peer->owner, authorities);
	return check_proof(auth, out);
}

/* A pattern that gives up at its limits does not match. */
static bool matches(const struct client_auth *auth, const struct judge_peer *peer)
{
	struct regex_groups groups;
	struct str subject = peer ? peer->subject(peer->owner) : STR("");

	return !auth->match_cn_regex || regex_find(auth->match_cn_regex, subject, &groups) == REGEX_MATCH;
}

/* 0.11, then what of 0.4 is about certificates; an error page takes the place of both 400s. */
static unsigned check_client(const struct judge_request *in, struct arena *arena, struct judgement *out)
{
	const struct client_auth *auth = out->rule.match.host->client_auth;
	struct tls_auth *authorities = auth ? generation_tls_auth(in->generation, auth) : NULL;
	unsigned status;

	if (!auth)
		return 0;
	if (!authorities)
		return end_at(out, JUDGE_AUTH_TLS, 403);
	status = check_certificate(in, auth, authorities, out);
	if (status == 400 && auth->error_page.len) {
		out->location = arena_str(arena, auth->error_page);
		return end_at(out, out->step, 302);
	}
	if (status)
		return status;
	return matches(auth, in->peer) ? 0 : end_at(out, JUDGE_MATCH_CN, 403);
}

/* B7: load balancers ask for this by address alone. */
static bool is_health_check(const struct rewrite_request *rule)
{
	return str_eq(rule->match.host->name, STR("_")) && str_starts_with(rule->path, STR("/healthz"));
}

static enum judge_step step_of_rule(enum rewrite_rule rule)
{
	switch (rule) {
	case REWRITE_NOTHING:
		return JUDGE_PASSED;
	case REWRITE_APP_ROOT:
		return JUDGE_APP_ROOT;
	case REWRITE_TO_HOST:
		return JUDGE_WWW;
	case REWRITE_TO_SLASH:
		return JUDGE_SLASH;
	case REWRITE_TO_URL:
		return JUDGE_REDIRECT;
	case REWRITE_FIXED:
		return JUDGE_FIXED;
	case REWRITE_TO_REWRITE_URL:
		return JUDGE_REWRITE_URL;
	case REWRITE_TO_TLS:
		return JUDGE_TLS;
	}
	abort();
}

/* 0.4 to 0.6. */
static unsigned find_answer(struct judgement *out, struct buf *location)
{
	const struct rewrite_request *r = &out->rule;
	enum rewrite_rule rule;
	unsigned status = rewrite_answer_host(r, location, &rule);

	if (status)
		return end_at(out, step_of_rule(rule), status);
	if (r->match.has_failed)
		return end_at(out, JUDGE_REGEX, 500);
	if (!r->match.route)
		return end_at(out, JUDGE_NO_ROUTE, 404);
	status = limit_body_declared(r->match.route, r->head);
	if (status)
		return end_at(out, JUDGE_BODY_SIZE, status);
	status = rewrite_answer_route(r, location, &rule);
	return end_at(out, step_of_rule(rule), status);
}

/* D1, D4: no backend at all is the built-in 404, one that nobody serves is 503. */
static unsigned find_backend(const struct judge_request *in, struct judgement *out)
{
	const struct route *route = out->rule.match.route;
	const struct backend *backend = generation_backend(out->rule.generation, route);

	if (backend && backend->n_endpoints) {
		out->canary = canary_choose(in->generation, route, backend, in->head, in->draw);
		out->backend = out->canary ? generation_backend_at(in->generation, out->canary->backend_index) : backend;
		return 0;
	}
	if (route->backend_index == BACKEND_NONE)
		return end_at(out, JUDGE_DEFAULT, 404);
	return end_at(out, JUDGE_NO_ENDPOINTS, 503);
}

bool judge_speaks_tls(const struct backend *backend, bool is_client_tls)
{
	return backend->protocol == WEIRLOCK__V1__PROTOCOL__PROTOCOL_HTTPS ||
		backend->protocol == WEIRLOCK__V1__PROTOCOL__PROTOCOL_GRPCS ||
		(backend->protocol == WEIRLOCK__V1__PROTOCOL__PROTOCOL_AUTO_HTTP && is_client_tls);
}

bool judge_speaks_http2(const struct backend *backend)
{
	return backend->protocol == WEIRLOCK__V1__PROTOCOL__PROTOCOL_GRPC ||
		backend->protocol == WEIRLOCK__V1__PROTOCOL__PROTOCOL_GRPCS;
}

/* Whether the backend can be asked at all in the way its rule wants. */
static unsigned check_backend(const struct judge_request *in, struct judgement *out)
{
	const struct policy *policy = &out->rule.match.route->policy;

	if (out->backend->protocol == WEIRLOCK__V1__PROTOCOL__PROTOCOL_FCGI)
		return end_at(out, JUDGE_PROTOCOL, 502);
	if (judge_speaks_tls(out->backend, in->conn->is_tls) && !generation_tls_client(in->generation, policy))
		return end_at(out, JUDGE_PROXY_SSL, 503);
	if (judge_speaks_http2(out->backend))
		return 0; /* G14: no chunks, and no Upgrade */
	if (in->head->body == HTTP_BODY_CHUNKED && !in->has_whole_body && policy->no_request_buffering && policy->proxy_http_1_0)
		return end_at(out, JUDGE_LENGTH, 411); /* HTTP/1.0 knows no chunks */
	/* An upgrade that also brings a body is two readings of the bytes that follow: only the body is believed. */
	out->is_upgrade = in->head->is_upgrade && in->head->body == HTTP_BODY_NONE && !policy->proxy_http_1_0;
	return 0;
}

static unsigned check_address(struct judgement *out)
{
	const struct rewrite_request *r = &out->rule;
	unsigned status = limit_address(generation_settings(r->generation), r->match.route, &out->who.client);

	return status ? end_at(out, JUDGE_ADDRESS, status) : 0;
}

static unsigned judge(const struct judge_request *in, struct arena *arena, struct judgement *out)
{
	struct buf location = {.cap = LOCATION_MAX};
	unsigned status = read_names(in->head, arena, out);

	if (status)
		return status;
	clientaddr_resolve(in->rules, in->conn, in->head, arena, &out->who);
	fill_rule(in, out);
	status = check_client(in, arena, out);
	if (status)
		return status;
	if (is_health_check(&out->rule))
		return end_at(out, JUDGE_HEALTH, 200);
	status = find_answer(out, &location);
	if (location.len)
		out->location = arena_str(arena, buf_str(&location));
	buf_deinit(&location);
	if (!status)
		status = find_backend(in, out);
	if (!status)
		status = check_address(out);
	if (!status)
		status = check_backend(in, out);
	return status;
}

void judge_request(const struct judge_request *in, struct arena *arena, struct judgement *out)
{
	*out = (struct judgement){.step = JUDGE_PASSED};
	out->status = judge(in, arena, out);
	if (out->status)
		out->backend = NULL;
}
