/*
 * From the peer inwards: which address is the client (A1–A10), and what scheme, host and port it asked for (A20–A24).
 * Trusting is opt-in: an empty list trusts nobody. compatibility-ingress-nginx brings back what upstream believes from anybody.
 */
#include "clientaddr.h"

#include <stdlib.h>

static const struct cidr *trusting(const struct clientaddr_rules *rules, const struct addr *a)
{
	return rules->trusted ? cidrset_find(rules->trusted, a) : NULL;
}

bool clientaddr_trusts(const struct clientaddr_rules *rules, const struct addr *a)
{
	return trusting(rules, a) != NULL;
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
	const struct cidr *trusted_by; /* the network that holds `current` */
	bool has_moved;
	bool has_stopped;
	bool is_bad;                   /* stopped at what is no address */
	struct clientaddr_trace *trace; /* NULL: nobody asks */
	struct arena *arena;
};

static void note(struct walk *w, const struct clientaddr_hop *hop)
{
	struct clientaddr_trace *t = w->trace;

	if (!t)
		return;
	if (t->n == t->cap) {
		struct clientaddr_hop *more = arena_alloc(w->arena, (t->cap * 2 + 8) * sizeof(*more));

		if (t->n)
			memcpy(more, t->items, t->n * sizeof(*more));
		t->items = more;
		t->cap = t->cap * 2 + 8;
	}
	t->items[t->n++] = *hop;
}

static void note_conn(struct walk *w, enum clientaddr_source from, const struct addr *a, enum clientaddr_verdict verdict)
{
	if (w->trace)
		note(w, &(struct clientaddr_hop){
				.from = from, .verdict = verdict, .addr = *a, .trusted_by = trusting(w->rules, a)});
}

/* One element of the field: moves there, or stops. */
static void walk_element(struct walk *w, const struct http_field *field, struct str element)
{
	struct clientaddr_hop hop = {.from = CLIENTADDR_FORWARDED_FOR, .text = element, .field = field,
		.verdict = CLIENTADDR_HOP_IGNORED};
	bool is_address = parse_element(element, &hop.addr);

	if (!w->has_stopped && !is_address) {
		w->has_stopped = w->is_bad = true;
		hop.verdict = CLIENTADDR_HOP_BAD;
	} else if (!w->has_stopped) {
		w->current = hop.addr;
		w->trusted_by = trusting(w->rules, &w->current);
		w->has_moved = true;
		w->has_stopped = !w->trusted_by;
		hop.verdict = CLIENTADDR_HOP_TRUSTED; /* the last of these becomes the client: see mark_client */
	}
	hop.trusted_by = is_address && w->trace ? trusting(w->rules, &hop.addr) : NULL;
	note(w, &hop);
}

/* Goes on behind the end when somebody wants to see what was not looked at. */
static void walk_line(struct walk *w, const struct http_field *field)
{
	struct str line = field->value, element;

	while ((!w->has_stopped || w->trace) && take_last(&line, &element))
		walk_element(w, field, element);
}

/* A7: all lines of X-Forwarded-For, the last one first; of any other name the first line only. */
static void walk_head(struct walk *w, const struct http_head *head)
{
	struct str name = w->rules->forwarded_for_header;

	if (!str_eq_nocase(name, STR("x-forwarded-for"))) {
		const struct http_field *f = http_head_named(head, name);

		if (f)
			walk_line(w, f);
		return;
	}
	for (size_t i = head->n_fields; i-- && (!w->has_stopped || w->trace);) {
		if (head->fields[i].id == FIELD_X_FORWARDED_FOR)
			walk_line(w, &head->fields[i]);
	}
}

/* From the peer, who has a right to speak only if trusted. True when the field named somebody. */
static bool take_forwarded(struct walk *w, const struct http_head *head, struct clientaddr *out)
{
	w->has_stopped = !w->trusted_by;
	walk_head(w, head);
	if (!w->has_moved) {
		out->reason = w->is_bad ? CLIENTADDR_BAD_ELEMENT :
			w->trusted_by	? CLIENTADDR_NO_CHAIN :
					  CLIENTADDR_PEER_UNTRUSTED;
		return false;
	}
	out->client = w->current;
	out->source = CLIENTADDR_FORWARDED_FOR;
	out->reason = w->is_bad	? CLIENTADDR_BAD_ELEMENT :
		w->trusted_by	? CLIENTADDR_ALL_TRUSTED :
				  CLIENTADDR_FIRST_UNTRUSTED;
	return true;
}

/* ---------------------------------------------------------------------------------------------------- which source (A2) */

static void take_proxy_source(const struct clientaddr_conn *conn, enum clientaddr_reason reason, struct clientaddr *out)
{
	out->client = conn->proxy_src;
	out->source = CLIENTADDR_PROXY_HEADER;
	out->reason = reason;
}

/* Who asks sees the field also where it is not asked. */
static void ignore_field(struct walk *w, const struct http_head *head)
{
	w->has_stopped = true;
	if (w->trace)
		walk_head(w, head);
}

/*
 * A9: the PROXY source when it is not one of ours, else what the field says. Without a field upstream falls back to the
 * balancer's own address; we take the PROXY source, which is at least nearer.
 */
static void resolve_both(
	struct walk *w, const struct clientaddr_conn *conn, const struct http_head *head, struct clientaddr *out)
{
	static const struct addr unknown_source = {.family = 4, .ip = {255, 255, 255, 255}};
	bool has_source = conn->proxy_src.family != 0;
	bool is_ours = clientaddr_trusts(w->rules, has_source ? &conn->proxy_src : &unknown_source);

	note_conn(w, CLIENTADDR_PROXY_HEADER, &conn->proxy_src,
		w->trusted_by && has_source ? CLIENTADDR_HOP_TRUSTED : CLIENTADDR_HOP_IGNORED);
	if (!w->trusted_by) {
		out->reason = CLIENTADDR_PEER_UNTRUSTED;
		ignore_field(w, head);
	} else if (!is_ours) {
		if (has_source)
			take_proxy_source(conn, CLIENTADDR_PROXY_SOURCE, out);
		else
			out->reason = CLIENTADDR_PROXY_NO_ADDRESS;
		ignore_field(w, head);
	} else if (!take_forwarded(w, head, out) && has_source && !w->rules->falls_back_to_peer) {
		take_proxy_source(conn, CLIENTADDR_PROXY_FALLBACK, out);
	}
}

/* A10. */
static void resolve_proxy_header(
	struct walk *w, const struct clientaddr_conn *conn, const struct http_head *head, struct clientaddr *out)
{
	bool has_source = conn->proxy_src.family != 0;

	note_conn(w, CLIENTADDR_PROXY_HEADER, &conn->proxy_src,
		w->trusted_by && has_source ? CLIENTADDR_HOP_TRUSTED : CLIENTADDR_HOP_IGNORED);
	if (!has_source)
		out->reason = CLIENTADDR_PROXY_NO_ADDRESS;
	else if (!w->trusted_by)
		out->reason = CLIENTADDR_PEER_UNTRUSTED;
	else
		take_proxy_source(conn, CLIENTADDR_PROXY_SOURCE, out);
	ignore_field(w, head);
}

/* The innermost hop that counts is the client. */
static void mark_client(struct clientaddr_trace *trace, const struct clientaddr *out)
{
	for (size_t i = trace->n; i--;) {
		struct clientaddr_hop *hop = &trace->items[i];

		if (hop->verdict != CLIENTADDR_HOP_TRUSTED || hop->from != out->source)
			continue;
		hop->verdict = CLIENTADDR_HOP_CLIENT;
		return;
	}
}

/* forwarded-for-header: proxy_protocol is a way to ask for the PROXY source without use-proxy-protocol (A2, A45). */
static bool is_named_proxy_protocol(const struct clientaddr_rules *rules)
{
	return (rules->enable_real_ip || rules->use_forwarded_headers) &&
		str_eq(rules->forwarded_for_header, STR("proxy_protocol"));
}

static void resolve_client(struct walk *w, const struct clientaddr_conn *conn, const struct http_head *head,
	struct clientaddr *out)
{
	const struct clientaddr_rules *rules = w->rules;
	bool wants_proxy = rules->use_proxy_protocol || is_named_proxy_protocol(rules);
	bool has_proxy = conn->has_proxy_header && wants_proxy;

	out->client = w->current = conn->peer;
	out->source = CLIENTADDR_PEER;
	out->reason = wants_proxy ? CLIENTADDR_NO_PROXY_HEADER : CLIENTADDR_OFF;
	w->trusted_by = trusting(rules, &conn->peer);
	note_conn(w, CLIENTADDR_PEER, &conn->peer, CLIENTADDR_HOP_TRUSTED);
	if (has_proxy && rules->use_forwarded_headers && rules->use_proxy_protocol)
		resolve_both(w, conn, head, out);
	else if (has_proxy)
		resolve_proxy_header(w, conn, head, out);
	else if (!is_named_proxy_protocol(rules) &&
		(rules->use_forwarded_headers || (rules->enable_real_ip && !rules->use_proxy_protocol)))
		take_forwarded(w, head, out);
	else
		ignore_field(w, head);
}

/* ------------------------------------------------------------------------------------------- scheme, host, port (A20–A24) */

bool clientaddr_vouches(const struct clientaddr_rules *rules, const struct clientaddr_conn *conn)
{
	return clientaddr_trusts(rules, &conn->peer) &&
		(!conn->has_proxy_header || !conn->proxy_src.family || clientaddr_trusts(rules, &conn->proxy_src));
}

/* A24: upstream believes anybody. We believe a trusted peer, when the PROXY header does not name a stranger behind it. */
bool clientaddr_believes(const struct clientaddr_rules *rules, const struct clientaddr_conn *conn)
{
	if (!rules->use_forwarded_headers)
		return false;
	if (rules->believes_anyone)
		return true;
	return clientaddr_vouches(rules, conn);
}

/* A20, A22: upstream takes the port from anybody's header. A stranger could so pass by every redirect to https. */
bool clientaddr_obeys_proxy(const struct clientaddr_rules *rules, const struct clientaddr_conn *conn)
{
	return rules->use_proxy_protocol && conn->has_proxy_header && (rules->believes_anyone || clientaddr_trusts(rules, &conn->peer));
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
	bool has_proxy = clientaddr_obeys_proxy(rules, conn);
	uint16_t https_port = rules->https_port || !conn->is_tls ? rules->https_port : conn->local.port;
	uint16_t port = has_proxy ? conn->proxy_dst.port : conn->local.port;

	if (forwarded.len)
		return https_port && str_eq(forwarded, port_text(https_port, arena)) ? STR("443") : forwarded;
	if (!has_proxy && conn->is_tls)
		return STR("443");
	return port && port == https_port ? STR("443") : port_text(port, arena);
}

void clientaddr_explain(const struct clientaddr_rules *rules, const struct clientaddr_conn *conn,
	const struct http_head *head, struct arena *arena, struct clientaddr *out, struct clientaddr_trace *trace)
{
	bool believes = clientaddr_believes(rules, conn);
	struct str proto = believes ? safe_value(head, FIELD_X_FORWARDED_PROTO) : STR("");
	struct str host = believes ? safe_value(head, FIELD_X_FORWARDED_HOST) : STR("");
	struct str port = believes ? safe_value(head, FIELD_X_FORWARDED_PORT) : STR("");
	struct walk w = {.rules = rules, .trace = trace, .arena = arena};

	resolve_client(&w, conn, head, out);
	if (trace)
		mark_client(trace, out);
	out->scheme = conn->is_tls ? STR("https") : STR("http");
	if (proto.len)
		out->scheme = proto;
	if (clientaddr_obeys_proxy(rules, conn) && conn->proxy_dst.port == 443)
		out->scheme = STR("https");
	host = str_first(host, str_find(host, ','));
	out->host = host.len ? host : http_is_field_value(head->host) ? head->host : STR("");
	out->port = reported_port(rules, conn, port, arena);
}

void clientaddr_resolve(const struct clientaddr_rules *rules, const struct clientaddr_conn *conn,
	const struct http_head *head, struct arena *arena, struct clientaddr *out)
{
	clientaddr_explain(rules, conn, head, arena, out, NULL);
}

/* --------------------------------------------------------------------------------------------------------- for people */

#define REASON_ROW(id, word, doc) [id] = {{word, sizeof(word) - 1}, doc},
static const struct {
	struct str word;
	const char *doc;
} reasons[] = {CLIENTADDR_REASONS(REASON_ROW)};

struct str clientaddr_reason_word(enum clientaddr_reason reason)
{
	return reasons[reason].word;
}

const char *clientaddr_reason_doc(enum clientaddr_reason reason)
{
	return reasons[reason].doc;
}

static void add_hop(const struct clientaddr_hop *hop, struct buf *out)
{
	char text[ADDR_TEXT_MAX];
	struct str name = hop->text.len ? hop->text : str_from(addr_ip_text(&hop->addr, text));

	switch (hop->verdict) {
	case CLIENTADDR_HOP_TRUSTED:
		buf_add(out, name);
		return;
	case CLIENTADDR_HOP_CLIENT:
		buf_add(out, STR("*"));
		buf_add(out, name);
		return;
	case CLIENTADDR_HOP_BAD:
	case CLIENTADDR_HOP_IGNORED:
		buf_add(out, STR("("));
		buf_add(out, name);
		buf_add(out, STR(")"));
		return;
	}
	abort();
}

void clientaddr_chain_text(const struct clientaddr_trace *trace, struct buf *out)
{
	for (size_t i = 0; i < trace->n; i++) {
		if (i)
			buf_add(out, STR(" < "));
		add_hop(&trace->items[i], out);
	}
}
