/* Names are looked up when an expression is compiled; a request pays for the fields that it asks about alone. */
#include "expression.h"

static const struct {
	struct str name;
	enum http_variable variable;
} names[] = {
#define NAME_ROW(id, text) {{text, sizeof(text) - 1}, HTTP_VARIABLE_##id},
	HTTP_VARIABLES(NAME_ROW)
#undef NAME_ROW
};

static const struct {
	struct str prefix;
	enum http_variable variable;
} families[] = {
	{{"http_", 5}, HTTP_VARIABLE_HTTP},
	{{"cookie_", 7}, HTTP_VARIABLE_COOKIE},
	{{"arg_", 4}, HTTP_VARIABLE_ARG},
};

/* -------------------------------------------------------------------------------------------------------- compiling */

static bool is_name_char(char c)
{
	return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '_';
}

static struct http_expression_part find_variable(struct str name)
{
	for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++) {
		if (str_eq(names[i].name, name))
			return (struct http_expression_part){names[i].variable, STR("")};
	}
	for (size_t i = 0; i < sizeof(families) / sizeof(families[0]); i++) {
		if (name.len > families[i].prefix.len && str_starts_with(name, families[i].prefix))
			return (struct http_expression_part){
				families[i].variable, str_from_index(name, families[i].prefix.len)};
	}
	return (struct http_expression_part){HTTP_VARIABLE_UNKNOWN, name};
}

/* The variable that `s`, which begins with "$", begins with: how many bytes it takes, 0 when it is plain text. */
static size_t take_variable(struct str s, struct http_expression_part *out)
{
	bool is_braced = s.len > 1 && s.ptr[1] == '{';
	size_t from = is_braced ? 2 : 1, to = from;

	while (to < s.len && is_name_char(s.ptr[to]))
		to++;
	if (to == from || (is_braced && (to == s.len || s.ptr[to] != '}')))
		return 0;
	*out = find_variable(str_of(s.ptr + from, to - from));
	return to + is_braced;
}

static void add_part(struct http_expression *e, struct http_expression_part part)
{
	if (part.variable != HTTP_VARIABLE_NONE || part.text.len)
		e->parts[e->n++] = part;
}

void http_expression_compile(struct str text, struct arena *arena, struct http_expression *out)
{
	size_t n_most = 1, plain = 0, at = 0;

	for (size_t i = 0; i < text.len; i++)
		n_most += text.ptr[i] == '$' ? 2 : 0; /* a variable and the text behind it */
	*out = (struct http_expression){.parts = arena_alloc(arena, n_most * sizeof(*out->parts))};
	while (at < text.len) {
		struct http_expression_part part;
		size_t taken = text.ptr[at] == '$' ? take_variable(str_from_index(text, at), &part) : 0;

		if (!taken) {
			at++;
			continue;
		}
		add_part(out, (struct http_expression_part){HTTP_VARIABLE_NONE, str_of(text.ptr + plain, at - plain)});
		add_part(out, part);
		at += taken;
		plain = at;
	}
	add_part(out, (struct http_expression_part){HTTP_VARIABLE_NONE, str_from_index(text, plain)});
}

/* --------------------------------------------------------------------------------------------------------- evaluating */

bool http_cookie(const struct http_head *head, struct str name, struct str *value)
{
	for (size_t i = 0; name.len && i < head->n_fields; i++) {
		struct str rest = head->fields[i].value, piece;

		if (head->fields[i].id != FIELD_COOKIE)
			continue;
		while (str_next(&rest, ';', &piece)) {
			size_t eq = str_find(piece, '=');

			if (eq == piece.len || !str_eq_nocase(str_trim(str_first(piece, eq)), name))
				continue;
			*value = str_trim(str_from_index(piece, eq + 1));
			return true;
		}
	}
	return false;
}

/* I23: "X-User", "x_user" and "X_USER" are one name. */
static bool is_same_name(struct str a, struct str b)
{
	if (a.len != b.len)
		return false;
	for (size_t i = 0; i < a.len; i++) {
		unsigned char x = ascii_lower((unsigned char)a.ptr[i]), y = ascii_lower((unsigned char)b.ptr[i]);

		if ((x == '_' ? '-' : x) != (y == '_' ? '-' : y))
			return false;
	}
	return true;
}

bool http_field_values(const struct http_head *head, struct str name, struct buf *out)
{
	bool has_any = false;

	for (size_t i = 0; i < head->n_fields; i++) {
		if (!is_same_name(head->fields[i].name, name))
			continue;
		if (has_any)
			buf_add(out, STR(", "));
		buf_add(out, head->fields[i].value);
		has_any = true;
	}
	return has_any;
}

static struct str argument(const struct http_head *head, struct str name)
{
	struct str rest = head->query, piece;

	while (str_next(&rest, '&', &piece)) {
		size_t eq = str_find(piece, '=');

		if (str_eq_nocase(str_first(piece, eq), name))
			return str_from_index(piece, eq + 1);
	}
	return STR("");
}

static struct str cookie_or_empty(const struct http_head *head, struct str name)
{
	struct str value = STR("");

	return http_cookie(head, name, &value) ? value : STR("");
}

static void add_client(const struct http_facts *facts, bool wants_port, struct buf *out)
{
	char text[ADDR_TEXT_MAX];

	if (!facts->client || !facts->client->family)
		return;
	if (wants_port)
		buf_add_u64(out, facts->client->port);
	else
		buf_add(out, str_from(addr_ip_text(facts->client, text)));
}

static void add_value(const struct http_expression_part *part, const struct http_facts *facts, struct buf *out)
{
	const struct http_head *head = facts->head;

	switch (part->variable) {
	case HTTP_VARIABLE_NONE:
		buf_add(out, part->text);
		return;
	case HTTP_VARIABLE_REMOTE_ADDR:
	case HTTP_VARIABLE_THE_REAL_IP:
		add_client(facts, false, out);
		return;
	case HTTP_VARIABLE_REMOTE_PORT:
		add_client(facts, true, out);
		return;
	case HTTP_VARIABLE_REQUEST_URI:
		buf_add(out, head->target);
		return;
	case HTTP_VARIABLE_URI:
	case HTTP_VARIABLE_DOCUMENT_URI:
		buf_add(out, facts->path);
		return;
	case HTTP_VARIABLE_ARGS:
	case HTTP_VARIABLE_QUERY_STRING:
		buf_add(out, head->query);
		return;
	case HTTP_VARIABLE_IS_ARGS:
		buf_add(out, head->query.len ? STR("?") : STR(""));
		return;
	case HTTP_VARIABLE_HOST:
		buf_add(out, facts->server_name);
		return;
	case HTTP_VARIABLE_BEST_HTTP_HOST:
		buf_add(out, facts->best_host);
		return;
	case HTTP_VARIABLE_REQUEST_METHOD:
		buf_add(out, head->method_text);
		return;
	case HTTP_VARIABLE_SCHEME:
	case HTTP_VARIABLE_PASS_ACCESS_SCHEME:
		buf_add(out, facts->scheme);
		return;
	case HTTP_VARIABLE_REQUEST_ID:
	case HTTP_VARIABLE_REQ_ID:
		buf_add(out, facts->request_id);
		return;
	case HTTP_VARIABLE_HTTP:
		http_field_values(head, part->text, out);
		return;
	case HTTP_VARIABLE_COOKIE:
		buf_add(out, cookie_or_empty(head, part->text));
		return;
	case HTTP_VARIABLE_ARG:
		buf_add(out, argument(head, part->text));
		return;
	case HTTP_VARIABLE_UNKNOWN:
		return;
	}
}

bool http_expression_write(const struct http_expression *e, const struct http_facts *facts, struct buf *out)
{
	for (size_t i = 0; i < e->n; i++)
		add_value(&e->parts[i], facts, out);
	return !out->is_over;
}
