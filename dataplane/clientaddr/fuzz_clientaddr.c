/*
 * A connection and a request from random bytes: a byte of switches, then lines: networks, forwarded-for-header, peer, PROXY
 * source, and fields. Whatever they say, an address that nobody trusted vouches for is never the client unless it is the peer,
 * and what is written for the backend is whole lines of our own names, each at most once (SECURITY: PROXY trust, forwarded).
 */
#include <stdlib.h>

#include "clientaddr.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

enum { MAX_NETWORKS = 8, MAX_FIELDS = 16 };

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
	if (!str_next(&text, '\n', &line) || !addr_parse_ip(line, &in->conn.peer))
		in->conn.peer = (struct addr){.family = 4, .port = 5, .ip = {127, 0, 0, 1}};
	if (in->conn.has_proxy_header && str_next(&text, '\n', &line))
		addr_parse_ip(line, &in->conn.proxy_src);
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
	static const char *const names[] = {"X-Request-ID", "X-Real-IP", "X-Forwarded-For", "X-Forwarded-Host",
		"X-Forwarded-Port", "X-Forwarded-Proto", "X-Forwarded-Scheme", "X-Scheme", "X-Original-URI",
		"X-Original-Forwarded-For", "X-Original-Forwarded-Host"};
	size_t next = 0;
	struct str line;

	while (str_next(&rest, '\n', &line)) {
		size_t colon = str_find(line, ':');

		while (next < sizeof(names) / sizeof(names[0]) && !str_eq(str_first(line, colon), str_from(names[next])))
			next++;
		require(next < sizeof(names) / sizeof(names[0])); /* in this order, so none comes twice */
		next++;
		require(str_ends_with(line, STR("\r")) && str_find(line, '\r') == line.len - 1);
		require(str_find(line, '\0') == line.len);
	}
}

static void check_fields(const struct input *in, const struct clientaddr *who, struct str id)
{
	struct buf whole, small;

	buf_init(&whole, 1 << 20);
	require(clientaddr_write_fields(&in->rules, &in->conn, who, &in->head, id, &whole));
	check_lines(buf_str(&whole));
	buf_init(&small, whole.len / 2 + 1);
	if (!clientaddr_write_fields(&in->rules, &in->conn, who, &in->head, id, &small))
		require(small.len == 0);
	buf_deinit(&small);
	buf_deinit(&whole);
}

/* None of our names reaches a backend as the client wrote it. */
static void check_replaced(const struct input *in)
{
	for (size_t i = 0; i < in->head.n_fields; i++) {
		const struct http_field *f = &in->fields[i];
		bool is_replaced = clientaddr_replaces(&in->rules, &in->conn, f);

		if (str_eq_nocase(f->name, STR("x-forwarded-for")) || str_eq_nocase(f->name, STR("x-real-ip")))
			require(is_replaced);
		if (str_eq_nocase(f->name, STR("x_forwarded_for")))
			require(is_replaced == !in->rules.passes_lookalikes ||
				str_eq_nocase(f->name, in->rules.forwarded_for_header));
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
	check_client(&in, &who, &trace);
	check_fields(&in, &who, in.head.host);
	check_replaced(&in);
	arena_deinit(&arena);
	return 0;
}
