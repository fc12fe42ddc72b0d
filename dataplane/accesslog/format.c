/* nginx log formats: compiled to literal pieces and variables, then run per record. */
#include "format.h"

#include "arena.h"
#include "mem.h"

const char accesslog_upstreaminfo[] =
	"$remote_addr - $remote_user [$time_local] \"$request\" $status $body_bytes_sent \"$http_referer\" "
	"\"$http_user_agent\" $request_length $request_time [$proxy_upstream_name] [$proxy_alternative_upstream_name] "
	"$upstream_addr $upstream_response_length $upstream_response_time $upstream_status $req_id";

const char accesslog_stream[] =
	"[$remote_addr] [$time_local] $protocol $status $bytes_sent $bytes_received $session_time [$proxy_upstream_name] $server_port "
	"$upstream_addr $upstream_connect_time $end_reason $end_limit";

/* A literal (variable NULL), or a variable with its argument. */
struct piece {
	struct str text;
	const struct variable *variable;
};

struct accesslog_format {
	struct arena arena;
	struct piece *pieces;
	size_t n, cap;
	enum accesslog_escape escape;
	bool has_chain;
	bool is_object; /* the built-in JSON: pieces are keys and variables, numbers without quotes */
};

static const char hex_digits[] = "0123456789ABCDEF";

/* nginx's escape=default, and for ESCAPE_NONE the least that keeps a line one line. */
static void add_text(struct buf *out, struct str s, bool is_raw)
{
	while (s.len) {
		size_t n = buf_plain_len(s);
		unsigned char c = n < s.len ? (unsigned char)s.ptr[n] : 0;
		char escaped[4] = {'\\', 'x', hex_digits[c >> 4], hex_digits[c & 15]};

		buf_add(out, str_first(s, n));
		s = str_from_index(s, n);
		if (!s.len)
			return;
		buf_add(out, is_raw && c >= 0x20 && c != 0x7f ? str_first(s, 1) : str_of(escaped, sizeof(escaped)));
		s = str_from_index(s, 1);
	}
}

void value_add(struct value_writer *w, struct str value)
{
	bool is_cut = value.len > w->value_max;

	if (value.len == 0)
		return;
	w->is_empty = false;
	value = str_first(value, w->value_max);
	if (w->escape == ACCESSLOG_ESCAPE_JSON) /* the quotes are the format's */
		buf_add_json_inside(w->out, value);
	else
		add_text(w->out, value, w->escape == ACCESSLOG_ESCAPE_NONE);
	if (is_cut)
		buf_add(w->out, STR("\xe2\x80\xa6"));
}

void value_add_u64(struct value_writer *w, uint64_t n)
{
	w->is_empty = false;
	buf_add_u64(w->out, n);
}

void value_add_seconds(struct value_writer *w, uint64_t us)
{
	unsigned ms = (unsigned)(us / 1000 % 1000);
	const char point[4] = {'.', (char)('0' + ms / 100), (char)('0' + ms / 10 % 10), (char)('0' + ms % 10)};

	w->is_empty = false;
	buf_add_u64(w->out, us / 1000000);
	buf_add(w->out, str_of(point, sizeof(point)));
}

static void add_piece(struct accesslog_format *f, struct piece piece)
{
	f->pieces = mem_grow(f->pieces, &f->cap, f->n + 1, sizeof(*f->pieces));
	f->pieces[f->n++] = piece;
}

static void add_literal(struct accesslog_format *f, struct str text)
{
	if (text.len)
		add_piece(f, (struct piece){arena_str(&f->arena, text), NULL});
}

static bool is_name_char(char c)
{
	unsigned char lower = ascii_lower((unsigned char)c);

	return (lower >= 'a' && lower <= 'z') || (c >= '0' && c <= '9') || c == '_';
}

static void add_variable(struct accesslog_format *f, struct str name, struct buf *problems)
{
	struct str arg;
	const struct variable *v = variable_find(name, &arg);

	if (v) {
		add_piece(f, (struct piece){arena_str(&f->arena, arg), v});
		f->has_chain = f->has_chain || str_eq(v->name, STR("client_address_chain"));
		return;
	}
	add_literal(f, STR("-"));
	if (problems) {
		buf_add(problems, STR("log format: there is no variable $"));
		buf_add_escaped(problems, name);
		buf_add(problems, STR("; it is logged as \"-\"\n"));
	}
}

/* "$name" or "${name}" at the front of `text`: its whole length, or 0 if it is no variable. */
static size_t variable_at(struct str text, struct str *name)
{
	bool has_brace = text.len > 1 && text.ptr[1] == '{';
	size_t start = has_brace ? 2 : 1, end = start;

	while (end < text.len && is_name_char(text.ptr[end]))
		end++;
	*name = (struct str){text.ptr + start, end - start};
	if (has_brace && (end == text.len || text.ptr[end] != '}'))
		return 0;
	return name->len ? end + has_brace : 0;
}

struct accesslog_format *accesslog_format_create(struct str text, enum accesslog_escape escape, struct buf *problems)
{
	struct accesslog_format *f = mem_zalloc(sizeof(*f));

	f->escape = escape;
	while (text.len) {
		struct str name;
		size_t at = str_find(text, '$'), len;

		add_literal(f, str_first(text, at));
		text = str_from_index(text, at);
		if (text.len == 0)
			break;
		len = variable_at(text, &name);
		if (len) {
			add_variable(f, name, problems);
		} else {
			add_literal(f, STR("$"));
			len = 1;
			if (problems)
				buf_add(problems, STR("log format: a \"$\" without a variable's name is logged as it is\n"));
		}
		text = str_from_index(text, len);
	}
	return f;
}

static struct accesslog_format *create_object(const char *const *keys, size_t n)
{
	struct accesslog_format *f = mem_zalloc(sizeof(*f));

	f->escape = ACCESSLOG_ESCAPE_JSON;
	f->is_object = true;
	for (size_t i = 0; i < n; i++)
		add_variable(f, str_from(keys[i]), NULL);
	return f;
}

struct accesslog_format *accesslog_format_create_stream_json(void)
{
	static const char *const keys[] = {"time_iso8601", "protocol", "remote_addr", "server_port", "status", "bytes_sent", "bytes_received",
		"session_time", "proxy_upstream_name", "upstream_addr", "upstream_connect_time", "end_reason", "end_limit"};

	return create_object(keys, sizeof(keys) / sizeof(keys[0]));
}

struct accesslog_format *accesslog_format_create_json(void)
{
	static const char *const keys[] = {"time_iso8601", "remote_addr", "realip_remote_addr",
		"client_address_reason", "client_address_chain", "remote_user", "request_id",
		"scheme", "host", "request_method", "request_uri", "server_protocol", "status", "grpc_status", "end_reason", "end_limit",
		"request_time", "request_length", "bytes_sent", "body_bytes_sent", "http_referer", "http_user_agent",
		"namespace", "ingress_name", "service_name", "service_port", "proxy_upstream_name",
		"proxy_alternative_upstream_name", "upstream_addr", "upstream_status", "upstream_response_length",
		"upstream_connect_time", "upstream_header_time", "upstream_response_time", "ssl_protocol", "ssl_cipher",
		"ssl_server_name", "connection", "connection_requests", "proxy_protocol_addr", "proxy_protocol_port",
		"proxy_protocol_server_addr", "proxy_protocol_server_port", "proxy_protocol_tlv_alpn",
		"proxy_protocol_tlv_authority", "proxy_protocol_tlv_unique_id", "proxy_protocol_tlv_netns",
		"proxy_protocol_tlv_aws_vpce_id", "proxy_protocol_tlv_ssl_version", "proxy_protocol_tlv_ssl_cn",
		"proxy_protocol_tlv_ssl_cipher", "proxy_protocol_tlv_ssl_sig_alg", "proxy_protocol_tlv_ssl_key_alg",
		"proxy_protocol_tlv_ssl_verify"};

	return create_object(keys, sizeof(keys) / sizeof(keys[0]));
}

void accesslog_format_destroy(struct accesslog_format *format)
{
	if (!format)
		return;
	arena_deinit(&format->arena);
	mem_free(format->pieces);
	mem_free(format);
}

bool accesslog_wants_chain(const struct accesslog_format *format, bool is_off)
{
	return format && format->has_chain && !(is_off && format->is_object);
}

static void add_members(const struct accesslog_format *f, const struct accesslog_record *r, struct value_writer *w)
{
	buf_add_char(w->out, '{');
	for (size_t i = 0; i < f->n; i++) {
		const struct variable *v = f->pieces[i].variable;
		size_t before = w->out->len;

		if (i)
			buf_add_char(w->out, ',');
		buf_add_json(w->out, v->name);
		buf_add(w->out, v->is_number ? STR(":") : STR(":\""));
		w->is_empty = true;
		v->write(w, r, f->pieces[i].text);
		if (!v->is_number)
			buf_add_char(w->out, '"');
		/* what is not known is left out; the first member always is */
		if (w->is_empty && i)
			w->out->len = before;
	}
	buf_add_char(w->out, '}');
}

static void add_pieces(const struct accesslog_format *f, const struct accesslog_record *r, struct value_writer *w)
{
	for (size_t i = 0; i < f->n; i++) {
		const struct piece *piece = &f->pieces[i];

		if (!piece->variable) {
			buf_add(w->out, piece->text);
			continue;
		}
		w->is_empty = true;
		piece->variable->write(w, r, piece->text);
		/* as in nginx, JSON has "" where text has "-" */
		if (w->is_empty && f->escape == ACCESSLOG_ESCAPE_TEXT)
			buf_add_char(w->out, '-');
	}
}

static bool try_line(
	const struct accesslog_format *f, const struct accesslog_record *r, struct buf *out, size_t value_max)
{
	struct value_writer w = {.out = out, .escape = f->escape, .value_max = value_max};
	size_t before = out->len;
	bool was_over = out->is_over;

	out->is_over = false;
	if (f->is_object)
		add_members(f, r, &w);
	else
		add_pieces(f, r, &w);
	buf_add_char(out, '\n');
	if (!out->is_over && out->len - before <= ACCESSLOG_LINE_MAX) {
		out->is_over = was_over;
		return true;
	}
	out->len = before;
	return false;
}

bool accesslog_format_line(const struct accesslog_format *format, const struct accesslog_record *record, struct buf *out)
{
	enum { CUT_BYTES = 256 };

	return try_line(format, record, out, SIZE_MAX) || try_line(format, record, out, CUT_BYTES);
}
