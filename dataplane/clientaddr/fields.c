/*
 * The fields a backend gets about its client, and those of the client that it never gets (A25–A28). Every value is checked
 * before it is written: what came from outside cannot end its line and begin another.
 */
#include "clientaddr.h"

#define BIT(id) ((uint64_t)1 << (id))
static const uint64_t OURS = BIT(FIELD_HOST) | BIT(FIELD_X_REQUEST_ID) | BIT(FIELD_X_REAL_IP) | BIT(FIELD_X_FORWARDED_FOR) |
	BIT(FIELD_X_FORWARDED_HOST) | BIT(FIELD_X_FORWARDED_PORT) | BIT(FIELD_X_FORWARDED_PROTO) |
	BIT(FIELD_X_FORWARDED_SCHEME) | BIT(FIELD_X_SCHEME) | BIT(FIELD_X_ORIGINAL_FORWARDED_FOR) |
	BIT(FIELD_X_ORIGINAL_FORWARDED_HOST) | BIT(FIELD_PROXY);
/* A28: nobody but us may say whom a client certificate named. */
static const uint64_t SSL_CLIENT = BIT(FIELD_SSL_CLIENT_CERT) | BIT(FIELD_SSL_CLIENT_ISSUER_DN) |
	BIT(FIELD_SSL_CLIENT_SUBJECT_DN) | BIT(FIELD_SSL_CLIENT_VERIFY);

uint64_t clientaddr_replaced_fields(const struct clientaddr_rules *rules)
{
	return OURS | (rules->passes_ssl_client ? 0 : SSL_CLIENT) |
		(rules->proxy_add_original_uri_header ? BIT(FIELD_X_ORIGINAL_URI) : 0);
}

enum { LONGEST_NAME = 40 }; /* more than any name of ours */

/* Many backends take X_Real_IP for X-Real-IP (as CGI variables both are the same). */
static struct str with_dashes(struct str name, char out[LONGEST_NAME])
{
	if (name.len > LONGEST_NAME)
		return name;
	for (size_t i = 0; i < name.len; i++)
		out[i] = name.ptr[i] == '_' ? '-' : name.ptr[i];
	return str_of(out, name.len);
}

static const struct str SCRATCH = {"x-forwarded-for-proxy-protocol", 30}; /* of ingress-nginx, see A9 */

/* The field that names clients, when one is asked for, has a name that is not in our table. */
static bool is_lookalike_of_chain(const struct clientaddr_rules *rules, struct str name)
{
	struct str chain = rules->forwarded_for_header;

	if (name.len != chain.len || (!rules->use_forwarded_headers && !rules->enable_real_ip))
		return false;
	for (size_t i = 0; i < name.len; i++) {
		char c = name.ptr[i] == '_' ? '-' : name.ptr[i];

		if (!str_eq_nocase(str_of(&c, 1), str_of(chain.ptr + i, 1)))
			return false;
	}
	return true;
}

static bool is_lookalike(const struct clientaddr_rules *rules, struct str name)
{
	char dashed[LONGEST_NAME];
	enum http_field_id id;

	if (str_find(name, '_') == name.len)
		return false;
	if (is_lookalike_of_chain(rules, name))
		return true;
	name = with_dashes(name, dashed);
	id = http_field_id(name);
	return str_eq_nocase(name, SCRATCH) ||
		(id != FIELD_OTHER && (clientaddr_replaced_fields(rules) & http_field_bit(id)));
}

/* The field that names clients, from somebody whose word does not count: a backend might read it all the same. */
static bool is_untrusted_chain(
	const struct clientaddr_rules *rules, const struct clientaddr_conn *conn, struct str name)
{
	if (rules->keeps_untrusted_chain || !str_eq_nocase(name, rules->forwarded_for_header))
		return false;
	if (!rules->use_forwarded_headers && !rules->enable_real_ip)
		return false;
	return !clientaddr_vouches(rules, conn);
}

bool clientaddr_replaces(
	const struct clientaddr_rules *rules, const struct clientaddr_conn *conn, const struct http_field *field)
{
	if (field->id != FIELD_OTHER && (clientaddr_replaced_fields(rules) & http_field_bit(field->id)))
		return true;
	if (is_untrusted_chain(rules, conn, field->name))
		return true;
	if (field->id != FIELD_OTHER)
		return false;
	if (str_eq_nocase(field->name, SCRATCH))
		return true;
	return !rules->passes_lookalikes && is_lookalike(rules, field->name);
}

/* ------------------------------------------------------------------------------------------------------------ writing */

/* `name` with its ": ". */
static inline void write_safe(struct buf *out, struct str name, struct str value)
{
	size_t len = name.len + value.len + 2;
	char *to = buf_reserve(out, len);

	if (!to)
		return;
	memcpy(to, name.ptr, name.len);
	memcpy(to + name.len, value.ptr, value.len);
	memcpy(to + name.len + value.len, "\r\n", 2);
	out->len += len;
}

/* An empty or unsafe value is left out (A27). */
static bool is_writable(struct str value)
{
	return value.len && http_is_field_value(value);
}

static inline void write_field(struct buf *out, struct str name, struct str value)
{
	if (is_writable(value))
		write_safe(out, name, value);
}

/* All lines with this name as one value (A29). */
static void write_joined(struct buf *out, const struct http_head *head, struct str name, enum http_field_id id)
{
	bool is_first = true;

	for (size_t i = 0; i < head->n_fields; i++) {
		const struct http_field *f = &head->fields[i];

		if (f->id != id || !is_writable(f->value) || (id == FIELD_OTHER && !str_eq_nocase(f->name, name)))
			continue;
		if (!is_first)
			buf_add(out, STR(", "));
		buf_add(out, f->value);
		is_first = false;
	}
}

/* A field whose value is that of another name of the request; nothing when that is absent. */
static void write_copy(struct buf *out, struct str name, const struct http_head *head, struct str from, enum http_field_id from_id)
{
	enum http_field_id id = from_id != FIELD_OTHER ? from_id : http_field_id(from);
	size_t start = out->len, value;

	if (!(head->present & http_field_bit(id)))
		return;
	buf_add(out, name);
	value = out->len;
	write_joined(out, head, from, id);
	if (out->len == value)
		out->len = start;
	else
		buf_add(out, STR("\r\n"));
}

/*
 * A26: the chain as it came, and the address that spoke to us. It is passed on from trusted peers only, and a PROXY header
 * names who spoke only where the peer may say so (A10): a stranger's words would get our voice.
 */
static void write_chain(const struct clientaddr_rules *rules, const struct clientaddr_conn *conn,
	const struct http_head *head, struct buf *out)
{
	bool has_source = rules->use_proxy_protocol && conn->has_proxy_header && conn->proxy_src.family &&
		(rules->keeps_untrusted_chain || clientaddr_trusts(rules, &conn->peer));
	char text[ADDR_TEXT_MAX];
	size_t value;

	buf_add(out, STR("X-Forwarded-For: "));
	value = out->len;
	if (rules->keeps_untrusted_chain || clientaddr_vouches(rules, conn))
		write_joined(out, head, STR("x-forwarded-for"), FIELD_X_FORWARDED_FOR);
	if (out->len > value)
		buf_add(out, STR(", "));
	buf_add(out, str_from(addr_ip_text(has_source ? &conn->proxy_src : &conn->peer, text)));
	buf_add(out, STR("\r\n"));
}

bool clientaddr_write_fields(const struct clientaddr_rules *rules, const struct clientaddr_conn *conn,
	const struct clientaddr *who, const struct http_head *head, struct str request_id, struct buf *out)
{
	size_t start = out->len;
	bool was_over = out->is_over;
	char text[ADDR_TEXT_MAX];
	struct str client = who->client.family ? str_from(addr_ip_text(&who->client, text)) : STR("");

	out->is_over = false;
	write_field(out, STR("X-Request-ID: "), request_id);
	if (client.len)
		write_safe(out, STR("X-Real-IP: "), client);
	if (rules->use_forwarded_headers && rules->compute_full_forwarded_for)
		write_chain(rules, conn, head, out);
	else if (client.len)
		write_safe(out, STR("X-Forwarded-For: "), client);
	write_field(out, STR("X-Forwarded-Host: "), who->host);
	write_field(out, STR("X-Forwarded-Port: "), who->port);
	if (is_writable(who->scheme)) {
		write_safe(out, STR("X-Forwarded-Proto: "), who->scheme);
		write_safe(out, STR("X-Forwarded-Scheme: "), who->scheme);
		write_safe(out, STR("X-Scheme: "), who->scheme);
	}
	if (rules->proxy_add_original_uri_header)
		write_field(out, STR("X-Original-URI: "), head->target);
	write_copy(out, STR("X-Original-Forwarded-For: "), head, rules->forwarded_for_header, rules->forwarded_for_id);
	write_copy(out, STR("X-Original-Forwarded-Host: "), head, rules->forwarded_host_header, rules->forwarded_host_id);
	if (out->is_over) {
		out->len = start;
		return false;
	}
	out->is_over = was_over;
	return true;
}
