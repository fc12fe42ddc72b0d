/* The hop table of weirctl explain client-ip, and what backends are told of the client. */
#include "explain_client.h"
#include "mem.h"
#include "render.h"

enum { FIELDS_MAX = 1024 * 1024 };

/* ------------------------------------------------------------------------------------------------------------ hops */

/* Which line of that name it is, and which element of the line, both from 1. */
static void place_of(const struct http_head *head, const struct clientaddr_hop *hop, unsigned *line, unsigned *element)
{
	struct str value = hop->field->value;
	bool was_separator = true;

	*line = *element = 0;
	for (size_t i = 0; i < head->n_fields; i++) {
		*line += str_eq_nocase(head->fields[i].name, hop->field->name);
		if (&head->fields[i] == hop->field)
			break;
	}
	for (size_t i = 0; i < value.len && value.ptr + i <= hop->text.ptr; i++) {
		bool is_separator = value.ptr[i] == ',' || value.ptr[i] == ' ';

		*element += was_separator && !is_separator;
		was_separator = is_separator;
	}
}

static void tell_place(json_t *row, const struct http_head *head, const struct clientaddr_hop *hop)
{
	unsigned line, element;

	switch (hop->from) {
	case CLIENTADDR_PEER:
		json_object_set_new(row, "from", json_string("peer"));
		json_object_set_new(row, "from_text", json_string("TCP peer"));
		return;
	case CLIENTADDR_PROXY_HEADER:
		json_object_set_new(row, "from", json_string("proxy_header"));
		json_object_set_new(row, "from_text", json_string("PROXY header"));
		return;
	case CLIENTADDR_FORWARDED_FOR:
		break;
	}
	place_of(head, hop, &line, &element);
	json_object_set_new(row, "from", json_string("field"));
	story_text(row, "field", hop->field->name);
	json_object_set_new(row, "line", json_integer(line));
	json_object_set_new(row, "element", json_integer(element));
	story_printf(row, "from_text", line > 1 ? "%.*s, element %u of line %u" : "%.*s, element %u", STR_ARG(hop->field->name),
		element, line);
	story_text(row, "written", hop->text);
}

static const char *verdict_word(enum clientaddr_verdict verdict)
{
	switch (verdict) {
	case CLIENTADDR_HOP_TRUSTED:
		return "trusted";
	case CLIENTADDR_HOP_CLIENT:
		return "client";
	case CLIENTADDR_HOP_BAD:
		return "no address";
	case CLIENTADDR_HOP_IGNORED:
		return "ignored";
	}
	return "";
}

static json_t *hop_row(const struct story *s, size_t i)
{
	const struct clientaddr_hop *hop = &s->trace.items[i];
	json_t *row = json_object();
	char text[ADDR_TEXT_MAX];

	json_object_set_new(row, "hop", json_integer((json_int_t)i + 1));
	tell_place(row, &s->asked->head, hop);
	if (hop->addr.family)
		json_object_set_new(row, "address", json_string(hop->addr.port && hop->from != CLIENTADDR_PEER
				? addr_text(&hop->addr, text) : addr_ip_text(&hop->addr, text)));
	if (hop->trusted_by) {
		struct buf cidr = {0};

		cidr_add_text(&cidr, hop->trusted_by);
		story_text(row, "trusted_by", buf_str(&cidr));
		buf_deinit(&cidr);
	}
	json_object_set_new(row, "verdict", json_string(verdict_word(hop->verdict)));
	return row;
}

json_t *client_hops(const struct story *s)
{
	json_t *rows = json_array();

	for (size_t i = 0; i < s->trace.n; i++)
		json_array_append_new(rows, hop_row(s, i));
	return rows;
}

/* ----------------------------------------------------------------------------------- scheme, host, port and fields */

static void add_value(json_t *rows, const char *what, struct str value, const char *why)
{
	json_t *row = json_object();

	json_object_set_new(row, "what", json_string(what));
	story_text(row, "value", value);
	json_object_set_new(row, "why", json_string(why));
	json_array_append_new(rows, row);
}

/* Why a value that X-Forwarded-… could have changed is what it is (A20 to A24). */
static const char *why_value(const struct story *s, enum http_field_id id, struct str value, const char *otherwise)
{
	struct str written = http_head_value(&s->asked->head, id);

	if (!written.len)
		return otherwise;
	if (!s->rules.use_forwarded_headers)
		return "what the client says does not count: use-forwarded-headers is off";
	if (!clientaddr_believes(&s->rules, &s->asked->conn))
		return "what the client says does not count: it is not in proxy-real-ip-cidr (A24)";
	if (!str_eq(str_first(written, str_find(written, ',')), value) && !str_eq(written, value))
		return otherwise;
	return s->rules.believes_anyone ? "the client says so, and forwarded-headers-from-anyone believes it (A24)"
					: "a trusted peer says so";
}

static const char *own_scheme(const struct story *s)
{
	bool is_443 = s->rules.use_proxy_protocol && s->asked->conn.has_proxy_header && s->asked->conn.proxy_dst.port == 443;

	if (is_443 && !clientaddr_obeys_proxy(&s->rules, &s->asked->conn))
		return "that of the connection: port 443 in the PROXY header does not count, its sender is not in proxy-real-ip-cidr (A20)";
	if (is_443)
		return "the destination port of the PROXY header is 443 (A20)";
	return "that of the connection";
}

static const char *own_port(const struct story *s, struct str port)
{
	bool has_proxy = clientaddr_obeys_proxy(&s->rules, &s->asked->conn);

	if (!port.len)
		return "the PROXY header names none, so the field is left out (A27)";
	return has_proxy ? "the destination port of the PROXY header (A22)" : "our own port; that of TLS is told as 443 (A22, A23)";
}

json_t *client_values(const struct story *s, const struct clientaddr *who)
{
	json_t *rows = json_array();

	add_value(rows, "scheme", who->scheme, why_value(s, FIELD_X_FORWARDED_PROTO, who->scheme, own_scheme(s)));
	add_value(rows, "host", who->host, why_value(s, FIELD_X_FORWARDED_HOST, who->host, "the Host of the request"));
	add_value(rows, "port", who->port, why_value(s, FIELD_X_FORWARDED_PORT, who->port, own_port(s, who->port)));
	return rows;
}

/* What the backend gets about the client, as written by the proxy. Owned. */
json_t *client_backend_fields(const struct story *s, const struct clientaddr *who)
{
	struct buf out;
	json_t *rows;

	buf_init(&out, FIELDS_MAX);
	buf_printf(&out, "Host: %.*s\r\n", STR_ARG(who->host));
	clientaddr_write_fields(&s->rules, &s->asked->conn, who, &s->asked->head,
		http_head_value(&s->asked->head, FIELD_X_REQUEST_ID), &out);
	rows = story_fields(buf_str(&out));
	buf_deinit(&out);
	return rows;
}

bool client_passes(const struct story *s, const struct http_field *field)
{
	return !clientaddr_replaces(&s->rules, &s->asked->conn, field) &&
		!http_field_is_hop_by_hop(&s->asked->head, field, clientaddr_replaced_fields(&s->rules));
}

/* What becomes of each field that the client sent. Owned. */
json_t *client_own_fields(const struct story *s)
{
	json_t *rows = json_array();

	for (size_t i = 0; i < s->asked->head.n_fields; i++) {
		const struct http_field *field = &s->asked->head.fields[i];
		json_t *row;

		if (field->id == FIELD_HOST)
			continue;
		row = json_object();
		story_text(row, "name", field->name);
		story_text(row, "value", field->value);
		json_object_set_new(row, "fate", json_string(client_passes(s, field) ? "passed on" : "not passed on"));
		json_array_append_new(rows, row);
	}
	return rows;
}
