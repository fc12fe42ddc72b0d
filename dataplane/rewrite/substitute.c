/*
 * A text is literals and references. A reference is replaced by bytes of the request, escaped for where they stand: in a
 * path, or after the first literal '?', in a query.
 */
#include "substitute.h"

static bool needs_escape(unsigned char c, bool is_query)
{
	if (c <= 0x20 || c >= 0x7f || c == '#' || c == '%' || c == '?')
		return true;
	return is_query && (c == '&' || c == '+');
}

static void escape(struct buf *out, struct str s, bool is_query)
{
	static const char digits[] = "0123456789ABCDEF";

	for (size_t i = 0; i < s.len; i++) {
		unsigned char c = (unsigned char)s.ptr[i];

		if (needs_escape(c, is_query)) {
			buf_add_char(out, '%');
			buf_add_char(out, digits[c >> 4]);
			buf_add_char(out, digits[c & 15]);
		} else {
			buf_add_char(out, (char)c);
		}
	}
}

void substitute_escape(struct buf *out, struct str path)
{
	escape(out, path, false);
}

bool substitute_is_active(const struct route *route)
{
	const struct str target = route->policy.rewrite_target;

	return target.len && route->regex && !str_eq(target, route->path);
}

bool substitute_is_url(const struct route *route)
{
	const struct str target = route->policy.rewrite_target;

	return substitute_is_active(route) && (str_starts_with(target, STR("http://")) ||
		str_starts_with(target, STR("https://")) || str_starts_with(target, STR("$scheme")));
}

/* ----------------------------------------------------------------------------------------------------- references */

struct writer {
	const struct rewrite_request *r;
	const struct regex_groups *groups; /* may be NULL */
	struct buf *out;
	bool is_query;
	bool is_raw; /* literals are an URL already */
};

static bool is_name_byte(char c)
{
	return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '_';
}

/* The name after a '$' at the front of `rest`, and how long the reference is. Empty when it is no reference. */
static struct str read_name(struct str rest, size_t *len)
{
	bool is_braced = rest.len > 1 && rest.ptr[1] == '{';
	size_t from = is_braced ? 2 : 1, to = from;

	if (!is_braced && rest.len > 1 && rest.ptr[1] >= '0' && rest.ptr[1] <= '9')
		to = 2; /* $1 is one digit: "$10" is $1 and "0" */
	else
		while (to < rest.len && is_name_byte(rest.ptr[to]))
			to++;
	*len = to;
	if (to == from || (is_braced && (to == rest.len || rest.ptr[to] != '}')))
		return STR("");
	*len += is_braced;
	return (struct str){rest.ptr + from, to - from};
}

static void write_group(struct writer *w, unsigned n)
{
	if (w->groups && n < w->groups->n && w->groups->items[n].is_set) {
		size_t from = w->groups->items[n].from, to = w->groups->items[n].to;

		escape(w->out, (struct str){w->r->path.ptr + from, to - from}, w->is_query);
	}
}

static void write_request_uri(struct writer *w)
{
	const struct http_head *head = w->r->head;

	buf_add(w->out, head->path);
	if (head->has_query) {
		buf_add_char(w->out, '?');
		buf_add(w->out, head->query);
	}
}

/* False for a name that we do not know: it stays as it is written. */
static bool write_variable(struct writer *w, struct str name)
{
	int group;

	if (str_eq(name, STR("request_uri"))) {
		write_request_uri(w);
	} else if (str_eq(name, STR("uri"))) {
		escape(w->out, w->r->path, w->is_query);
	} else if (str_eq(name, STR("args")) || str_eq(name, STR("query_string"))) {
		buf_add(w->out, w->r->head->query);
	} else if (str_eq(name, STR("host"))) {
		buf_add(w->out, w->r->server_name);
	} else if (str_eq(name, STR("http_host"))) {
		buf_add(w->out, w->r->head->host);
	} else if (str_eq(name, STR("scheme"))) {
		buf_add(w->out, w->r->is_tls ? STR("https") : STR("http"));
	} else {
		group = w->groups ? regex_group_number(w->r->match.route->regex, name) : -1;
		if (group < 0)
			return false;
		write_group(w, (unsigned)group);
	}
	return true;
}

/* Writes the reference at the front of `rest`; its length, or 0 when it is none. */
static size_t write_reference(struct writer *w, struct str rest)
{
	size_t len;
	struct str name = read_name(rest, &len);

	if (!name.len)
		return 0;
	if (name.len == 1 && name.ptr[0] >= '0' && name.ptr[0] <= '9') {
		write_group(w, (unsigned)(name.ptr[0] - '0'));
		return len;
	}
	return write_variable(w, name) ? len : 0;
}

static void write_literal(struct writer *w, char c)
{
	if (c == '?') {
		w->is_query = true;
		buf_add_char(w->out, c);
	} else if (w->is_query || w->is_raw) {
		if (c == ' ')
			buf_add(w->out, STR("%20"));
		else
			buf_add_char(w->out, c);
	} else {
		escape(w->out, str_of(&c, 1), false);
	}
}

static void write_text(struct writer *w, struct str text)
{
	for (size_t i = 0; i < text.len && !w->out->is_over;) {
		size_t len = text.ptr[i] == '$' ? write_reference(w, str_from_index(text, i)) : 0;

		if (!len)
			write_literal(w, text.ptr[i]);
		i += len ? len : 1;
	}
}

static void write_query(struct writer *w)
{
	const struct http_head *head = w->r->head;

	if (!head->has_query || !head->query.len)
		return;
	buf_add_char(w->out, w->is_query ? '&' : '?');
	buf_add(w->out, head->query);
}

static struct str cut_final_question(struct str text, bool *is_cut)
{
	*is_cut = text.len && text.ptr[text.len - 1] == '?';
	return str_first(text, text.len - *is_cut);
}

bool substitute_url(const struct rewrite_request *r, struct str text, const struct regex_groups *groups, struct buf *out)
{
	struct writer w = {.r = r, .groups = groups, .out = out, .is_raw = true};
	bool drops_query = true;

	if (groups) /* permanent-redirect adds no query of its own */
		text = cut_final_question(text, &drops_query);
	write_text(&w, text);
	if (!drops_query)
		write_query(&w);
	return !out->is_over;
}

bool substitute_target(const struct rewrite_request *r, struct str text, const struct regex_groups *groups, struct buf *out)
{
	struct writer w = {.r = r, .groups = groups, .out = out};
	size_t start = out->len;
	bool drops_query;

	/* A backend must get a path; "$1" alone may be without its slash. The spare one goes when it was not needed. */
	text = cut_final_question(text, &drops_query);
	buf_add_char(out, '/');
	write_text(&w, text);
	if (out->len > start + 1 && out->ptr[start + 1] == '/') {
		memmove(out->ptr + start, out->ptr + start + 1, out->len - start - 1);
		out->len--;
	}
	if (!drops_query)
		write_query(&w);
	return !out->is_over;
}
