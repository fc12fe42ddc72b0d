/*
 * A connection and a request from random bytes: a byte of switches, then lines: networks, forwarded-for-header, peer (" tls"
 * after it: over TLS), PROXY source and (after a blank) destination, host and target, and fields. Whatever they say, an
 * address that nobody trusted vouches for is never the client unless it is the peer, nor does it stand for us in a chain; and
 * what is written for the backend is whole lines of our own names, each at most once (SECURITY: PROXY trust, forwarded).
 */
#include <stdlib.h>

#include "clientaddr.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

enum { MAX_NETWORKS = 8, MAX_FIELDS = 16 };

static const char *const names[] = {"X-Request-ID", "X-Real-IP", "X-Forwarded-For", "X-Forwarded-Host", "X-Forwarded-Port",
	"X-Forwarded-Proto", "X-Forwarded-Scheme", "X-Scheme", "X-Original-URI", "X-Original-Forwarded-For",
	"X-Original-Forwarded-Host"};
enum { N_NAMES = sizeof(names) / sizeof(names[0]) };

struct input {
	struct clientaddr_rules rules;
	struct clientaddr_conn conn;
	struct cidr networks[MAX_NETWORKS];
	size_t n_networks;
	struct cidrset trusted;
	struct http_field fields[MAX_FIELDS];
	struct http_head head;
};

static void require(bool is_true)
{
	if (!is_true)
		abort();
}

static void read_switches(uint8_t bits, struct input *in)
{
	in->rules.use_forwarded_headers = bits & 1;
	in->rules.use_proxy_protocol = bits & 2;
	in->rules.enable_real_ip = bits & 4;
	in->rules.compute_full_forwarded_for = bits & 8;
	in->rules.falls_back_to_peer = bits & 16;
	in->rules.passes_lookalikes = bits & 32;
	in->rules.keeps_untrusted_chain = bits & 64;
	in->conn.has_proxy_header = bits & 128;
	in->rules.proxy_add_original_uri_header = bits & 1;
}

static void read_networks(struct str line, struct input *in, struct arena *arena)
{
	struct str piece;

	while (in->n_networks < MAX_NETWORKS && str_next(&line, ',', &piece))
		in->n_networks += cidr_parse(piece, &in->networks[in->n_networks], NULL);
	cidrset_build(&in->trusted, in->networks, in->n_networks, arena);
}

static void read_fields(struct str rest, struct input *in)
{
	struct str line;

	while (in->head.n_fields < MAX_FIELDS && str_next(&rest, '\n', &line)) {
		struct http_field *f = &in->fields[in->head.n_fields++];
		size_t colon = str_find(line, ':');

		f->name = str_first(line, colon);
		f->value = str_trim(str_from_index(line, colon + 1));
		f->id = (uint8_t)http_field_id(f->name);
		in->head.present |= http_field_bit((enum http_field_id)f->id);
	}
}

static void read_peer(struct str line, struct clientaddr_conn *conn)
{
	if (str_ends_with(line, STR(" tls"))) {
		conn->is_tls = true;
		line.len -= strlen(" tls");
	}
	if (!addr_parse_ip(line, &conn->peer))
		conn->peer = (struct addr){.family = 4, .port = 5, .ip = {127, 0, 0, 1}};
	conn->local = (struct addr){.family = 4, .port = conn->is_tls ? 8443 : 8080, .ip = {127, 0, 0, 1}};
}

static void read_proxy(struct str line, struct clientaddr_conn *conn)
{
	size_t blank = str_find(line, ' ');

	addr_parse_ip(str_first(line, blank), &conn->proxy_src);
	addr_parse_host_port(str_from_index(line, blank + 1), &conn->proxy_dst);
}

static void read_input(struct str text, struct input *in, struct arena *arena)
{
	struct str line = {0};

	read_switches((uint8_t)text.ptr[0], in);
	text = str_from_index(text, 1);
	in->head.fields = in->fields;
	in->rules.trusted = &in->trusted;
	if (str_next(&text, '\n', &line))
		read_networks(line, in, arena);
	if (str_next(&text, '\n', &line))
		in->rules.forwarded_for_header = line;
	in->rules.forwarded_host_header = STR("X-Forwarded-Host");
	str_next(&text, '\n', &line);
	read_peer(line, &in->conn);
	in->rules.https_port = in->conn.is_tls ? in->conn.local.port : 0;
	if (in->conn.has_proxy_header && str_next(&text, '\n', &line))
		read_proxy(line, &in->conn);
	if (str_next(&text, '\n', &line))
		in->head.host = in->head.target = line;
	read_fields(text, in);
}

/* By one network after the other, not by the tree. */
static bool is_vouched(const struct input *in, const struct addr *a)
{
	for (size_t i = 0; i < in->n_networks; i++) {
		if (cidr_contains(&in->networks[i], a))
			return true;
	}
	return false;
}

/* The peer may speak, and so may whoever its PROXY header names. */
static bool is_believed(const struct input *in)
{
	const struct clientaddr_conn *conn = &in->conn;

	return is_vouched(in, &conn->peer) &&
		(!conn->has_proxy_header || !conn->proxy_src.family || is_vouched(in, &conn->proxy_src));
}

/* Without the trace: who may name this client, and nothing else that was said by somebody who may not. */
static void check_source(const struct input *in, const struct clientaddr *who)
{
	const struct clientaddr_conn *conn = &in->conn;
	uint64_t port;

	if (who->source == CLIENTADDR_PEER)
		require(addr_eq(&who->client, &conn->peer));
	else
		require(is_vouched(in, &conn->peer));
	if (who->source == CLIENTADDR_PROXY_HEADER)
		require(conn->has_proxy_header && addr_eq(&who->client, &conn->proxy_src));
	if (who->source == CLIENTADDR_FORWARDED_FOR)
		require(is_believed(in) || !in->rules.use_proxy_protocol);
	if (in->rules.use_forwarded_headers && is_believed(in))
		return;
	require(str_eq(who->scheme, STR("http")) || str_eq(who->scheme, STR("https")));
	require(!who->host.len || str_eq(who->host, in->head.host));
	require(!who->port.len || str_to_u64(who->port, UINT16_MAX, &port));
	if (is_vouched(in, &conn->peer))
		return;
	require(str_eq(who->scheme, conn->is_tls ? STR("https") : STR("http")));
	require(str_eq(who->port, conn->is_tls ? STR("443") : STR("8080")));
}

static bool is_gap(const char *from, const char *to)
{
	while (from < to && (*from == ',' || *from == ' '))
		from++;
	return from == to;
}

/* The hops are all elements of the lines, from right to left: nobody between us and the client was left out. */
static void check_nothing_skipped(const struct input *in, const struct clientaddr_trace *trace)
{
	const struct http_field *line = NULL;
	const char *edge = NULL;
	size_t n_lines = 0;

	for (size_t i = 0; i < trace->n; i++) {
		const struct clientaddr_hop *hop = &trace->items[i];

		if (hop->from != CLIENTADDR_FORWARDED_FOR)
			continue;
		if (hop->field != line) {
			require(!line || (hop->field < line && is_gap(line->value.ptr, edge)));
			line = hop->field;
			edge = line->value.ptr + line->value.len;
			n_lines++;
		}
		require(is_gap(hop->text.ptr + hop->text.len, edge));
		edge = hop->text.ptr;
	}
	require(!line || is_gap(line->value.ptr, edge));
	if (!str_eq_nocase(in->rules.forwarded_for_header, STR("X-Forwarded-For")))
		return;
	for (size_t i = 0; i < in->head.n_fields; i++) {
		const struct http_field *f = &in->fields[i];

		n_lines -= f->id == FIELD_X_FORWARDED_FOR && !is_gap(f->value.ptr, f->value.ptr + f->value.len);
	}
	require(n_lines == 0);
}

/* All that stand between us and the client are trusted; the client stands where the trace says. */
static void check_client(const struct input *in, const struct clientaddr *who, const struct clientaddr_trace *trace)
{
	size_t n_clients = 0;

	for (size_t i = 0; i < trace->n; i++) {
		const struct clientaddr_hop *hop = &trace->items[i];

		require(i > 0 || addr_eq(&hop->addr, &in->conn.peer));
		if (hop->verdict == CLIENTADDR_HOP_CLIENT) {
			n_clients++;
			require(addr_eq(&hop->addr, &who->client) && hop->from == who->source);
			if (i == 0)
				return;
		} else if (hop->verdict == CLIENTADDR_HOP_TRUSTED && !n_clients) {
			require(is_vouched(in, &hop->addr));
		} else if (!n_clients) { /* a PROXY header without address may come before the client (A9) */
			require(hop->from == CLIENTADDR_PROXY_HEADER || hop->verdict == CLIENTADDR_HOP_BAD);
		}
	}
	require(n_clients == 1);
}

static void check_lines(struct str rest)
{
	size_t next = 0;
	struct str line;

	while (str_next(&rest, '\n', &line)) {
		size_t colon = str_find(line, ':');

		while (next < N_NAMES && !str_eq(str_first(line, colon), str_from(names[next])))
			next++;
		require(next < N_NAMES); /* in this order, so none comes twice */
		next++;
		require(str_ends_with(line, STR("\r")) && str_find(line, '\r') == line.len - 1);
		require(str_find(line, '\0') == line.len);
	}
}

/* The value of the line with this name, or "". */
static struct str written(struct str rest, struct str name)
{
	struct str line;

	while (str_next(&rest, '\n', &line)) {
		if (str_starts_with(line, name) && line.ptr[name.len] == ':')
			return str_trim(str_first(str_from_index(line, name.len + 1), line.len - name.len - 2));
	}
	return STR("");
}

static bool is_text_of(struct str text, const struct addr *a)
{
	char ip[ADDR_TEXT_MAX];

	return str_eq(text, str_from(addr_ip_text(a, ip)));
}

/* The client alone, or a chain whose last is who spoke to us: only a vouched peer's PROXY header names another (A10, A26). */
static void check_addresses(const struct input *in, const struct clientaddr *who, struct str lines)
{
	const struct clientaddr_conn *conn = &in->conn;
	struct str chain = written(lines, STR("X-Forwarded-For"));
	struct str last = str_from_index(chain, str_rfind(chain, ' ') == chain.len ? 0 : str_rfind(chain, ' ') + 1);
	bool may_name = in->rules.keeps_untrusted_chain || is_vouched(in, &conn->peer);

	require(is_text_of(written(lines, STR("X-Real-IP")), &who->client));
	if (!in->rules.use_forwarded_headers || !in->rules.compute_full_forwarded_for) {
		require(is_text_of(chain, &who->client));
		return;
	}
	require(is_text_of(last, &conn->peer) ||
		(may_name && conn->has_proxy_header && is_text_of(last, &conn->proxy_src)));
	require(last.len == chain.len || in->rules.keeps_untrusted_chain || is_believed(in));
}

static void check_fields(const struct input *in, const struct clientaddr *who, struct str id)
{
	struct buf whole, small;

	buf_init(&whole, 1 << 20);
	require(clientaddr_write_fields(&in->rules, &in->conn, who, &in->head, id, &whole));
	check_lines(buf_str(&whole));
	check_addresses(in, who, buf_str(&whole));
	buf_init(&small, whole.len / 2 + 1);
	if (!clientaddr_write_fields(&in->rules, &in->conn, who, &in->head, id, &small))
		require(small.len == 0);
	buf_deinit(&small);
	buf_deinit(&whole);
}

/* As backends read it that fold "_" into "-", unless these are let through. */
static bool reads_as(const struct input *in, struct str name, struct str ours)
{
	if (name.len != ours.len)
		return false;
	for (size_t i = 0; i < name.len; i++) {
		char c = name.ptr[i] == '_' && !in->rules.passes_lookalikes ? '-' : name.ptr[i];

		if (!str_eq_nocase(str_of(&c, 1), str_first(str_from_index(ours, i), 1)))
			return false;
	}
	return true;
}

/* None of our names reaches a backend as the client wrote it, beside ours. */
static void check_replaced(const struct input *in)
{
	for (size_t i = 0; i < in->head.n_fields; i++) {
		const struct http_field *f = &in->fields[i];
		bool is_replaced = clientaddr_replaces(&in->rules, &in->conn, f);

		for (size_t n = 0; n < N_NAMES; n++) {
			if (reads_as(in, f->name, str_from(names[n])))
				require(is_replaced || (!in->rules.proxy_add_original_uri_header &&
							str_eq(str_from(names[n]), STR("X-Original-URI"))));
		}
		if (reads_as(in, f->name, in->rules.forwarded_for_header) && !is_replaced)
			require(!in->rules.use_forwarded_headers || in->rules.keeps_untrusted_chain || is_believed(in));
	}
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct arena arena = {0};
	struct clientaddr_trace trace = {0};
	struct clientaddr who, same;
	struct input in = {0};

	if (size == 0)
		return 0;
	read_input(str_of(data, size), &in, &arena);
	clientaddr_explain(&in.rules, &in.conn, &in.head, &arena, &who, &trace);
	clientaddr_resolve(&in.rules, &in.conn, &in.head, &arena, &same);
	require(addr_eq(&who.client, &same.client) && who.reason == same.reason && str_eq(who.port, same.port));
	check_source(&in, &who);
	check_nothing_skipped(&in, &trace);
	check_client(&in, &who, &trace);
	check_fields(&in, &who, in.head.host);
	check_replaced(&in);
	arena_deinit(&arena);
	return 0;
}
