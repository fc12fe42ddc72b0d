/*
 * From the peer inwards: which address is the client (A1–A10), and what scheme, host and port it asked for (A20–A24).
 * Trusting is opt-in: an empty list trusts nobody. compatibility-ingress-nginx brings back what upstream believes from anybody.
 */
#include "clientaddr.h"

#include "cidrlist.h"

static bool is_trusted(const struct clientaddr_rules *rules, const struct addr *a)
{
	return cidrlist_find(rules->trusted, rules->n_trusted, a) != NULL;
}

/* ------------------------------------------------------------------------------------------- addresses in a field (A6) */

static bool is_separator(char c)
{
	return c == ',' || c == ' ';
}

/* Cuts the rightmost element off `rest`. False when none is left. */
static bool take_last(struct str *rest, struct str *element)
{
	size_t end = rest->len, begin;

	while (end && is_separator(rest->ptr[end - 1]))
		end--;
	for (begin = end; begin && !is_separator(rest->ptr[begin - 1]);)
		begin--;
	*element = (struct str){rest->ptr + begin, end - begin};
	rest->len = begin;
	return end > begin;
}

/* Bare IPv4 or IPv6, v4:port, [v6]:port. Not [v6] alone, names, or "unknown". */
static bool parse_element(struct str s, struct addr *out)
{
	if (addr_parse_ip(s, out)) {
		out->port = 0;
		return true;
	}
	if (s.ptr[0] != '[' && (s.ptr[0] < '0' || s.ptr[0] > '9'))
		return false;
	return addr_parse_host_port(s, out) && out->port;
}

/* ------------------------------------------------------------------------------------------------ the walk (A5, A7) */

struct walk {
	const struct clientaddr_rules *rules;
	struct addr current;
	bool has_moved;
	bool has_stopped;
};

static void walk_line(struct walk *w, struct str line)
{
	struct str element;

	while (!w->has_stopped) {
		struct addr next;

		if (!is_trusted(w->rules, &w->current)) {
			w->has_stopped = true;
		} else if (!take_last(&line, &element)) {
			return;
		} else if (!parse_element(element, &next)) {
			w->has_stopped = true;
		} else {
			w->current = next;
			w->has_moved = true;
		}
	}
}

/* A7: all lines of X-Forwarded-For, the last one first; of any other name the first line only. */
static void walk_head(struct walk *w, const struct http_head *head)
{
	struct str name = w->rules->forwarded_for_header;

	if (!str_eq_nocase(name, STR("x-forwarded-for"))) {
		const struct http_field *f = http_head_named(head, name);

		if (f)
			walk_line(w, f->value);
		return;
	}
	for (size_t i = head->n_fields; i-- && !w->has_stopped;) {
		if (head->fields[i].id == FIELD_X_FORWARDED_FOR)
			walk_line(w, head->fields[i].value);
	}
}

static bool take_forwarded(const struct clientaddr_rules *rules, const struct clientaddr_conn *conn,
	const struct http_head *head, struct clientaddr *out)
{
	struct walk w = {.rules = rules, .current = conn->peer};

	walk_head(&w, head);
	if (!w.has_moved)
		return false;
	out->client = w.current;
	out->source = CLIENTADDR_FORWARDED_FOR;
	return true;
}

/* ---------------------------------------------------------------------------------------------------- which source (A2) */

static void take_proxy_source(const struct clientaddr_conn *conn, struct clientaddr *out)
{
	out->client = conn->proxy_src;
	out->source = CLIENTADDR_PROXY_HEADER;
}

/*
 * A9: the PROXY source when it is not one of ours, else what the field says. Without a field upstream falls back to the
 * balancer's own address; we take the PROXY source, which is at least nearer.
 */
static void resolve_both(const struct clientaddr_rules *rules, const struct clientaddr_conn *conn,
	const struct http_head *head, struct clientaddr *out)
{
	static const struct addr unknown_source = {.family = 4, .ip = {255, 255, 255, 255}};
	bool has_source = conn->proxy_src.family != 0;

	if (!is_trusted(rules, &conn->peer))
		return;
	if (!is_trusted(rules, has_source ? &conn->proxy_src : &unknown_source)) {
		if (has_source)
			take_proxy_source(conn, out);
		return;
	}
	if (!take_forwarded(rules, conn, head, out) && has_source && !rules->compatibility_ingress_nginx)
		take_proxy_source(conn, out);
}

static void resolve_client(const struct clientaddr_rules *rules, const struct clientaddr_conn *conn,
	const struct http_head *head, struct clientaddr *out)
{
	bool has_proxy = conn->has_proxy_header && rules->use_proxy_protocol;

	out->client = conn->peer;
	out->source = CLIENTADDR_PEER;
	if (has_proxy && rules->use_forwarded_headers) {
		resolve_both(rules, conn, head, out);
	} else if (has_proxy) { /* A10 */
		if (conn->proxy_src.family && is_trusted(rules, &conn->peer))
			take_proxy_source(conn, out);
	} else if (rules->use_forwarded_headers || (rules->enable_real_ip && !rules->use_proxy_protocol)) {
		take_forwarded(rules, conn, head, out);
	}
}

/* ------------------------------------------------------------------------------------------- scheme, host, port (A20–A24) */

/* A24: upstream believes anybody. We believe a trusted peer, when the PROXY header does not name a stranger behind it. */
bool clientaddr_believes(const struct clientaddr_rules *rules, const struct clientaddr_conn *conn)
{
	if (!rules->use_forwarded_headers)
		return false;
	if (rules->compatibility_ingress_nginx)
		return true;
	return is_trusted(rules, &conn->peer) &&
		(!conn->has_proxy_header || !conn->proxy_src.family || is_trusted(rules, &conn->proxy_src));
}

/* The first value with this id that is safe to write on, or the empty string. */
static struct str safe_value(const struct http_head *head, enum http_field_id id)
{
	struct str value = http_head_value(head, id);

	return http_is_field_value(value) ? value : STR("");
}

static struct str port_text(uint16_t port, struct arena *arena)
{
	char digits[8];
	size_t at = sizeof(digits);

	if (!port)
		return STR("");
	for (; port; port /= 10)
		digits[--at] = (char)('0' + port % 10);
	return arena_str(arena, str_of(digits + at, sizeof(digits) - at));
}

/* A22, A23. */
static struct str reported_port(const struct clientaddr_rules *rules, const struct clientaddr_conn *conn,
	struct str forwarded, struct arena *arena)
{
	bool has_proxy = conn->has_proxy_header && rules->use_proxy_protocol;
	uint16_t https_port = rules->https_port || !conn->is_tls ? rules->https_port : conn->local.port;
	struct str port = forwarded;

	if (!port.len)
		port = port_text(has_proxy ? conn->proxy_dst.port : conn->local.port, arena);
	if (!has_proxy && !forwarded.len && conn->is_tls)
		return STR("443");
	return port.len && str_eq(port, port_text(https_port, arena)) ? STR("443") : port;
}

void clientaddr_resolve(const struct clientaddr_rules *rules, const struct clientaddr_conn *conn,
	const struct http_head *head, struct arena *arena, struct clientaddr *out)
{
	bool believes = clientaddr_believes(rules, conn);
	struct str proto = believes ? safe_value(head, FIELD_X_FORWARDED_PROTO) : STR("");
	struct str host = believes ? safe_value(head, FIELD_X_FORWARDED_HOST) : STR("");
	struct str port = believes ? safe_value(head, FIELD_X_FORWARDED_PORT) : STR("");

	resolve_client(rules, conn, head, out);
	out->scheme = conn->is_tls ? STR("https") : STR("http");
	if (proto.len)
		out->scheme = proto;
	if (rules->use_proxy_protocol && conn->has_proxy_header && conn->proxy_dst.port == 443)
		out->scheme = STR("https");
	host = str_first(host, str_find(host, ','));
	out->host = host.len ? host : http_is_field_value(head->host) ? head->host : STR("");
	out->port = reported_port(rules, conn, port, arena);
}
