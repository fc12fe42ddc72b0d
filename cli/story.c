/* The beginning of every explanation, and the small writers that all of them use. */
#include "story.h"

#include <stdarg.h>

#include "buf.h"
#include "render.h"

void story_init(struct story *s, const struct view *v, const struct generation *g, struct asked *a, uint16_t https_port)
{
	*s = (struct story){.view = v, .generation = g, .asked = a, .steps = json_array()};
	s->rules = *generation_clientaddr_rules(g);
	s->rules.https_port = https_port;
}

void story_deinit(struct story *s)
{
	json_decref(s->steps);
	arena_deinit(&s->arena);
}

void story_text(json_t *object, const char *key, struct str text)
{
	json_object_set_new(object, key, render_text(text));
}

__attribute__((format(printf, 3, 0))) static void set_vprintf(json_t *object, const char *key, const char *format, va_list args)
{
	struct buf text = {0};

	buf_vprintf(&text, format, args);
	story_text(object, key, buf_str(&text));
	buf_deinit(&text);
}

void story_printf(json_t *object, const char *key, const char *format, ...)
{
	va_list args;

	va_start(args, format);
	set_vprintf(object, key, format, args);
	va_end(args);
}

void story_step(struct story *s, const char *step, struct str result, const char *why, ...)
{
	json_t *row = json_object();
	va_list args;

	json_object_set_new(row, "step", json_string(step));
	story_text(row, "result", result);
	va_start(args, why);
	set_vprintf(row, "why", why, args);
	va_end(args);
	json_array_append_new(s->steps, row);
}

/* ---------------------------------------------------------------------------------------------------- the connection */

static void tell_listener(struct story *s)
{
	const struct clientaddr_conn *conn = &s->asked->conn;
	char peer[ADDR_TEXT_MAX];

	story_step(s, "listener", conn->is_tls ? STR("https") : STR("http"), "port %u, TCP peer %s", conn->local.port,
		addr_ip_text(&conn->peer, peer));
}

static void add_addresses(const struct clientaddr_conn *conn, struct buf *text)
{
	char src[ADDR_TEXT_MAX], dst[ADDR_TEXT_MAX];

	if (conn->proxy_src.family)
		buf_printf(text, "%s to %s", addr_text(&conn->proxy_src, src), addr_text(&conn->proxy_dst, dst));
	else
		buf_add(text, STR("no addresses"));
}

static void close_for(json_t *answer, const char *step, const char *rule, const char *why)
{
	json_object_set_new(answer, "status", json_null());
	json_object_set_new(answer, "step", json_string(step));
	json_object_set_new(answer, "rule", json_string(rule));
	json_object_set_new(answer, "why", json_string(why));
}

/* A30, A33, A37. */
bool story_tell_connection(struct story *s, json_t *answer)
{
	const struct clientaddr_conn *conn = &s->asked->conn;
	const struct settings *settings = generation_settings(s->generation);
	bool is_needed = judge_needs_proxy_header(settings, &conn->peer);
	struct buf text = {0};
	const struct proxyproto_error *wrong = &s->asked->proxy_error;
	bool goes_on = conn->has_proxy_header == is_needed && !wrong->reason;

	tell_listener(s);
	if (wrong->reason)
		buf_printf(&text, "%s", proxyproto_word(wrong->kind));
	else if (conn->has_proxy_header)
		add_addresses(conn, &text);
	if (is_needed && wrong->reason) {
		story_step(s, "PROXY header", buf_str(&text), "%s: closed without an answer (A33)", wrong->reason);
		close_for(answer, "proxy-header", "A33", "the connection is closed without an answer");
	} else if (is_needed && conn->has_proxy_header) {
		story_step(s, "PROXY header", buf_str(&text), "%s", settings->proxy_protocol_cidr.n
				? "the peer is in proxy-protocol-cidr, so it must send one"
				: "use-proxy-protocol: every connection must begin with one (A30)");
	} else if (is_needed) {
		story_step(s, "PROXY header", STR("missing"), "%s", settings->proxy_protocol_cidr.n
				? "the peer is in proxy-protocol-cidr, so it must send one: closed without an answer (A33)"
				: "use-proxy-protocol: every connection must begin with one: closed without an answer (A33); "
				  "proxy-protocol-cidr can name who sends it");
		close_for(answer, "proxy-header", "A33", "the connection is closed without an answer");
	} else if (conn->has_proxy_header) {
		story_step(s, "PROXY header", buf_str(&text), "%s", settings->use_proxy_protocol
				? "the peer is not in proxy-protocol-cidr, so it must speak plainly (A37)"
				: "use-proxy-protocol is off, so it is taken for a request (A37)");
		close_for(answer, "proxy-header", "A37",
			conn->is_tls ? "the TLS handshake fails" : "it is no HTTP request: 400, and the connection is closed");
		if (!conn->is_tls)
			json_object_set_new(answer, "status", json_integer(400));
	} else if (settings->use_proxy_protocol) {
		story_step(s, "PROXY header", STR("none"), "the peer is not in proxy-protocol-cidr, so it speaks plainly");
	}
	buf_deinit(&text);
	return goes_on;
}

json_t *story_fields(struct str lines)
{
	json_t *rows = json_array();
	struct str line;

	while (str_next(&lines, '\n', &line)) {
		size_t colon = 1 + str_find(str_from_index(line, 1), ':'); /* HTTP/2 has names that begin with one */
		json_t *row;

		if (colon >= line.len)
			continue;
		row = json_object();
		story_text(row, "name", str_first(line, colon));
		story_text(row, "value", str_trim(str_from_index(line, colon + 1)));
		json_array_append_new(rows, row);
	}
	return rows;
}
