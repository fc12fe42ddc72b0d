/* weirctl explain request: listener, certificate, client, host, path, answer or backend, settings, in the order of SEMANTICS 0. */
#include <inttypes.h>
#include <stdio.h>

#include "clock.h"
#include "content.h"
#include "explain.h"
#include "limit.h"
#include "mem.h"
#include "origin.h"
#include "reading.h"
#include "render.h"
#include "story.h"
#include "tls.h"

enum { HEAD_MAX = 1024 * 1024 };

/* ----------------------------------------------------------------------------------------------------- certificate */

static const Weirlock__V1__Certificate *message_of(const struct view *v, struct str name)
{
	for (size_t i = 0; i < v->n_certificates; i++) {
		if (str_eq(v->certificate_names[i], name))
			return v->certificates[i];
	}
	return NULL;
}

static void add_expiry(const Weirlock__V1__Certificate *c, struct buf *why)
{
	int64_t left_ms = c->not_after_s * 1000 - (int64_t)clock_wall_ms();
	char age[CLOCK_TEXT_MAX];

	clock_age((uint64_t)(left_ms < 0 ? -left_ms : left_ms), age);
	buf_printf(why, left_ms < 0 ? "; expired %s ago" : "; expires in %s", age);
}

static json_t *certificate_object(const struct story *s, struct str name, const char *how, struct buf *why)
{
	const Weirlock__V1__Certificate *c = message_of(s->view, name);
	json_t *object = json_object();
	char time[CLOCK_TEXT_MAX];

	story_text(object, "name", str_eq(name, STR("-")) ? STR("(generated)") : name);
	json_object_set_new(object, "found_by", json_string(how));
	if (!c)
		return object;
	json_object_set_new(object, "not_after", json_string(clock_rfc3339((uint64_t)c->not_after_s * 1000, time)));
	json_object_set_new(object, "fingerprint", render_hex(str_of(c->fingerprint.data, c->fingerprint.len), 32));
	add_expiry(c, why);
	return object;
}

static bool refuse_handshake(json_t *answer, const char *why)
{
	json_object_set_new(answer, "status", json_null());
	json_object_set_new(answer, "step", json_string("tls"));
	json_object_set_new(answer, "rule", json_string("F3"));
	json_object_set_new(answer, "why", json_string(why));
	return false;
}

/* F3. False when there is no handshake. */
static bool tell_certificate(struct story *s, json_t *root, json_t *answer)
{
	static const char *const words[] = {"exact", "wildcard", "default", "refused", "none"};
	static const char *const texts[] = {"it is the certificate of this very name", "found with the first label as *",
		"no certificate for this name: the default one", "", ""};
	struct str sni = buf_str(&s->asked->sni), name;
	enum tls_found how;
	struct tls_certificate *c = tls_contexts_look(generation_tls(s->generation), sni, &how);
	struct buf why = {0};

	if (!s->asked->conn.is_tls)
		return true;
	if (!c && how == TLS_FOUND_NONE && s->is_offline) {
		story_step(s, "certificate", STR("(generated)"), "SNI '%.*s': none for this name; a controller makes a default one (F4)",
			STR_ARG(sni));
		return true;
	}
	if (!c) {
		const char *reason = how == TLS_FOUND_REFUSED ? "ssl-reject-handshake: no certificate for this name" :
								"there is no certificate, not even a default one";

		story_step(s, "certificate", STR("none"), "SNI '%.*s': %s: the handshake is refused", STR_ARG(sni), reason);
		return refuse_handshake(answer, reason);
	}
	name = generation_certificate_name(s->generation, c);
	buf_printf(&why, sni.len ? "SNI %.*s: %s" : "no SNI%.*s: %s", STR_ARG(sni),
		sni.len || how != TLS_FOUND_DEFAULT ? texts[how] : "the default one");
	json_object_set_new(root, "certificate", certificate_object(s, name, words[how], &why));
	story_step(s, "certificate", str_eq(name, STR("-")) ? STR("(generated)") : name, "%.*s (F3)", STR_ARG(buf_str(&why)));
	buf_deinit(&why);
	return true;
}

/* ---------------------------------------------------------------------------------------------------------- answers */

static void tell_bad_head(struct story *s, json_t *answer)
{
	struct buf status = {0};

	buf_printf(&status, "%u", s->asked->error.status);
	story_step(s, "request", buf_str(&status), "%s (0.2)", s->asked->error.reason);
	json_object_set_new(answer, "status", json_integer(s->asked->error.status));
	json_object_set_new(answer, "step", json_string("parse"));
	json_object_set_new(answer, "rule", json_string("0.2"));
	json_object_set_new(answer, "reason", json_string("bad_request"));
	json_object_set_new(answer, "why", json_string(s->asked->error.reason));
	buf_deinit(&status);
}

/* Which list, and which network of it. */
static void add_list(const struct story *s, struct buf *why)
{
	static const char *const lists[] = {"", "block-cidrs", "the deny list", "the allow list"};
	enum limit_list list;
	const struct cidr *by;
	unsigned status = limit_address_by(generation_settings(s->generation), s->judgement.rule.match.route,
		&s->judgement.who.client, &list, &by);

	buf_printf(why, ": %s ", lists[list]);
	if (by)
		cidr_add_text(why, by);
	else if (status)
		buf_add(why, STR("does not hold it"));
}

static void tell_answer(struct story *s, json_t *answer)
{
	const struct judgement *j = &s->judgement;
	struct buf result = {0}, why = {0};

	buf_printf(&why, "%s", judge_doc(j->step));
	if (j->step == JUDGE_ADDRESS)
		add_list(s, &why);
	if (!j->status)
		buf_add(&result, STR("from the backend"));
	else
		buf_printf(&result, "%u %.*s", j->status, STR_ARG(http_status_reason(j->status)));
	if (j->location.len)
		buf_printf(&result, " to %.*s", STR_ARG(j->location));
	story_step(s, "answer", buf_str(&result), *judge_rule(j->step) ? "%.*s (%s)" : "%.*s%s", STR_ARG(buf_str(&why)),
		judge_rule(j->step));
	json_object_set_new(answer, "status", j->status ? json_integer(j->status) : json_null());
	story_text(answer, "step", judge_word(j->step));
	json_object_set_new(answer, "rule", json_string(judge_rule(j->step)));
	story_text(answer, "reason", end_word(judge_end(j)));
	story_text(answer, "why", buf_str(&why));
	if (j->location.len)
		story_text(answer, "location", j->location);
	buf_deinit(&result);
	buf_deinit(&why);
}

/* ----------------------------------------------------------------------------------------------- client, host, path */

static void tell_client(struct story *s, json_t *root)
{
	const struct clientaddr *who = &s->judgement.who;
	char text[ADDR_TEXT_MAX];
	struct buf access = {0};
	json_t *client = json_object();

	story_step(s, "client", str_from(addr_ip_text(&who->client, text)), "%s", clientaddr_reason_doc(who->reason));
	buf_printf(&access, "%.*s://%.*s", STR_ARG(who->scheme), STR_ARG(who->host));
	story_step(s, "asked for", buf_str(&access), "scheme, host and port %.*s as redirects and the backend see them (A20 to A23)",
		STR_ARG(who->port.len ? who->port : STR("-")));
	json_object_set_new(client, "address", json_string(text));
	story_text(client, "reason", clientaddr_reason_word(who->reason));
	story_text(client, "scheme", who->scheme);
	story_text(client, "host", who->host);
	story_text(client, "port", who->port);
	json_object_set_new(root, "client", client);
	buf_deinit(&access);
}

static void tell_rule(struct story *s, json_t *root)
{
	const struct rewrite_request *r = &s->judgement.rule;
	struct host_match m = generation_match_host(s->generation, r->server_name);
	json_t *hosts = story_hosts(s), *first = json_array_get(hosts, 0);
	const struct route *route = r->match.route;

	story_step(s, "host", m.host->name, "%s %s takes %.*s (B3)", json_string_value(json_object_get(first, "by")),
		json_string_value(json_object_get(first, "pattern")), STR_ARG(r->server_name.len ? r->server_name : STR("no name")));
	story_step(s, "path", route ? route->path : STR("none"), "%s%.*s%s%.*s", r->match.has_failed ? "a regular expression gave up for " :
			route ? "of Ingress " : "no path of the host takes ",
		STR_ARG(!route ? r->path : route->ingress.len ? route->ingress : STR("(the default host's own)")),
		route ? ", takes " : "", STR_ARG(route ? r->path : STR("")));
	json_object_set_new(root, "hosts", hosts);
	json_object_set_new(root, "paths", story_paths(s));
	if (route)
		story_text(root, "upstream", route->backend_index == BACKEND_NONE ? STR("upstream-default-backend") : route->log_name);
}

/* ---------------------------------------------------------------------------------------------------------- backend */

static json_t *endpoint_list(const struct backend *b, size_t *n_ready)
{
	json_t *list = json_array();

	*n_ready = 0;
	for (size_t i = 0; i < b->n_endpoints; i++) {
		char text[ADDR_TEXT_MAX];
		json_t *endpoint = json_object();

		*n_ready += !b->endpoints[i].is_terminating;
		json_object_set_new(endpoint, "address", json_string(addr_text(&b->endpoints[i].addr, text)));
		json_object_set_new(endpoint, "terminating", json_boolean(b->endpoints[i].is_terminating));
		json_array_append_new(list, endpoint);
	}
	return list;
}

static void tell_backend(struct story *s, json_t *root)
{
	const struct route *route = s->judgement.rule.match.route;
	const struct backend *b = s->judgement.backend ? s->judgement.backend : route ? generation_backend(s->generation, route) : NULL;
	json_t *object;
	size_t n_ready;

	if (!b)
		return;
	object = json_object();
	story_text(object, "name", b->name);
	json_object_set_new(object, "endpoints", endpoint_list(b, &n_ready));
	json_object_set_new(object, "ready", json_integer((json_int_t)n_ready));
	json_object_set_new(root, "backend", object);
	story_text(object, "speaks", judge_speaks_http2(b) ? STR("HTTP/2") : STR("HTTP/1.1"));
	json_object_set_new(object, "tls", json_boolean(judge_speaks_tls(b, s->asked->conn.is_tls)));
	story_step(s, "backend", b->name, "%zu endpoint%s, %s%s%s", b->n_endpoints, b->n_endpoints == 1 ? "" : "s",
		judge_speaks_http2(b) ? "gRPC over HTTP/2" : "HTTP/1.1",
		judge_speaks_tls(b, s->asked->conn.is_tls) ? " over TLS (G13)" : "",
		b->n_endpoints && !n_ready ? ", all terminating: used because none is ready (H1)" : "");
}

/* What an endpoint that speaks HTTP/2 is asked, written as text. */
static bool write_http2_head(const struct rewrite_head *h, struct buf *out)
{
	const struct rewrite_request *r = h->request;

	return buf_add(out, r->head->method_text) && buf_add_char(out, ' ') && rewrite_target(r, out) &&
		buf_add(out, STR(" HTTP/2.0\r\n")) && http1_write_field(out, STR(":authority"), rewrite_host(r)) &&
		rewrite_write_fields(h, out) && buf_add(out, STR("te: trailers\r\n"));
}

/* The head that the backend would get, as the proxy writes it. False when the rule gives none: 500. */
static bool tell_backend_request(struct story *s, json_t *root, json_t *answer)
{
	struct str own = http_head_value(&s->asked->head, FIELD_X_REQUEST_ID), lines;
	bool generates = generation_settings(s->generation)->generate_request_id;
	const struct rewrite_head head = {
		.request = &s->judgement.rule,
		.rules = &s->rules,
		.conn = &s->asked->conn,
		.request_id = own.len || !generates ? own : STR("(32 random hex digits)"),
		.is_upgrade = s->judgement.is_upgrade,
		.body = s->asked->head.body,
		.content_length = s->asked->head.content_length,
	};
	struct buf out;
	bool is_good;
	json_t *object;

	buf_init(&out, HEAD_MAX);
	is_good = judge_speaks_http2(s->judgement.backend) ? write_http2_head(&head, &out) : rewrite_write_head(&head, &out);
	if (is_good) {
		lines = str_first(buf_str(&out), str_find_str(buf_str(&out), STR("\r\n")));
		object = json_object();
		story_text(object, "line", lines);
		json_object_set_new(object, "fields", story_fields(str_from_index(buf_str(&out), lines.len + 2)));
		json_object_set_new(root, "backend_request", object);
	} else {
		story_step(s, "request", STR("500"), "the rule gives no valid request for the backend (C14)");
		json_object_set_new(answer, "status", json_integer(500));
		json_object_set_new(answer, "reason", json_string("misconfigured"));
	}
	buf_deinit(&out);
	return is_good;
}

/* ------------------------------------------------------------------------------------------------- TLS that is passed on */

/* False when TLS ends at the proxy, as it does for all but the hosts of ssl-passthrough. */
static bool tell_passthrough(struct story *s, json_t *root, json_t *answer)
{
	struct str sni = buf_str(&s->asked->sni);
	const struct host *host = s->asked->conn.is_tls ? generation_find_passthrough(s->generation, sni) : NULL;
	const struct backend *b = host ? generation_backend_at(s->generation, host->passthrough_index) : NULL;
	json_t *object;
	size_t n_ready;

	if (!host)
		return false;
	story_step(s, "tls", STR("passed on"), "ssl-passthrough of %.*s: the bytes go to an endpoint as they are, and nobody here reads the "
		"request (A47)", STR_ARG(host->name));
	if (host->passthrough_proxy_protocol)
		story_step(s, "proxy header", STR("sent"), "version %u, with the client's address, before the first byte",
			host->passthrough_proxy_protocol);
	object = json_object();
	story_text(object, "name", host->passthrough_name);
	json_object_set_new(object, "endpoints", b ? endpoint_list(b, &n_ready) : json_array());
	json_object_set_new(root, "backend", object);
	story_step(s, "backend", host->passthrough_name, "%zu endpoint%s; its certificate and its answer are what the client gets",
		b ? b->n_endpoints : 0, b && b->n_endpoints == 1 ? "" : "s");
	json_object_set_new(answer, "status", json_null());
	json_object_set_new(answer, "step", json_string("passthrough"));
	json_object_set_new(answer, "rule", json_string("A47"));
	json_object_set_new(answer, "reason", json_string(b && b->n_endpoints ? "tunnel" : "no_endpoints"));
	json_object_set_new(answer, "why", json_string(b && b->n_endpoints ? "from the endpoint, by TLS that ends there" :
		"there is no endpoint: the connection is reset"));
	return true;
}

/* ------------------------------------------------------------------------------------------------------ all of it */

static void tell_request(struct story *s, json_t *root)
{
	struct asked *a = s->asked;
	json_t *request = json_object();

	story_text(request, "line", str_first(buf_str(&a->raw), str_find_str(buf_str(&a->raw), STR("\r\n"))));
	json_object_set_new(request, "listener", json_string(a->conn.is_tls ? "https" : "http"));
	json_object_set_new(root, "request", request);
}

/* A client without a certificate: what whoever has none would meet (F9). */
static enum judge_proof show_nothing(void *owner, struct tls_auth *auth)
{
	(void)owner;
	(void)auth;
	return JUDGE_PROOF_NONE;
}

static struct str no_subject(void *owner)
{
	(void)owner;
	return STR("");
}

static struct str asked_name(void *owner)
{
	struct story *s = owner;
	struct str sni = buf_str(&s->asked->sni);
	char *lower = arena_alloc(&s->arena, sni.len + 1);

	if (sni.len && sni.ptr[sni.len - 1] == '.')
		sni.len--;
	for (size_t i = 0; i < sni.len; i++)
		lower[i] = (char)ascii_lower((unsigned char)sni.ptr[i]);
	return str_of(lower, sni.len);
}

static void judge(struct story *s, json_t *root, json_t *answer)
{
	const struct judge_peer peer = {.server_name = asked_name, .prove = show_nothing, .subject = no_subject, .owner = s};
	const struct judge_request request = {
		.generation = s->generation,
		.rules = &s->rules,
		.conn = &s->asked->conn,
		.head = &s->asked->head,
		.peer = s->asked->conn.is_tls ? &peer : NULL,
		.draw = s->asked->has_draw ? s->asked->draw : UINT64_MAX, /* weights of canaries: the largest share that is left, which is the route's own */
	};

	judge_request(&request, &s->arena, &s->judgement);
	if (s->judgement.who.client.family) {
		tell_client(s, root);
		tell_rule(s, root);
	}
	tell_answer(s, answer);
	if (s->judgement.who.client.family)
		tell_backend(s, root);
	if (!s->judgement.status) {
		story_tell_choice(s, root);
		tell_backend_request(s, root, answer);
	}
	if (s->judgement.rule.match.route)
		json_object_set_new(root, "settings", story_settings(s));
	json_object_set_new(root, "proxy_settings", origin_settings(s->view));
}

/* The whole of it as one object. Owned. */
static json_t *explain(struct story *s)
{
	json_t *root = json_object(), *answer = json_object();
	char id[16];
	struct content_id snapshot;

	tell_request(s, root);
	if (content_id_from(str_of(s->view->snapshot->id.data, s->view->snapshot->id.len), &snapshot))
		json_object_set_new(root, "snapshot", json_string(content_id_text(&snapshot, id)));
	json_object_set(root, "steps", s->steps);
	json_object_set_new(root, "proxy_header", story_proxy_header(s));
	json_object_set(root, "answer", answer);
	if (story_tell_connection(s, answer) && !tell_passthrough(s, root, answer) && tell_certificate(s, root, answer)) {
		if (asked_parse(s->asked, generation_settings(s->generation)))
			judge(s, root, answer);
		else
			tell_bad_head(s, answer);
	}
	json_decref(answer);
	return root;
}

int explain_request(struct command_line *line, const char *url)
{
	struct asked *asked = mem_zalloc(sizeof(*asked));
	uint16_t http_port, https_port;
	const struct generation *g;
	struct view v;
	struct story s;
	Weirlock__V1__LiveResponse *live = NULL;
	json_t *root;
	int status = asked_init(asked, &line->asked, url);

	asked->draw = story_draw(asked->draw);
	if (status == 0 && line->target.proxy)
		status = target_live(&line->target, &live);
	if (status == 0)
		status = target_snapshot(&line->target, "", &v);
	if (status == 0) {
		status = reading_compile(&v, &g);
		if (status == 0) {
			explain_ports(&line->target, &http_port, &https_port);
			asked_set_ports(asked, http_port, https_port);
			story_init(&s, &v, g, asked, https_port);
			s.live = live;
			s.is_offline = line->target.manifests.n > 0;
			root = explain(&s);
			explain_print_request(&line->out, &v, root);
			json_decref(root);
			story_deinit(&s);
			generation_unref(&g);
		}
		view_deinit(&v);
	}
	if (live)
		weirlock__v1__live_response__free_unpacked(live, NULL);
	asked_deinit(asked);
	mem_free(asked);
	return status;
}
