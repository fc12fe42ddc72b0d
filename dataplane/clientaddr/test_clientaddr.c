/* A1–A10: which address is the client; A20–A24: scheme, host, port. Every example of A5 is here. */
#include "clientaddr.h"

#include "check.h"

enum { MAX_FIELDS = 8, MAX_TRUSTED = 8 };

struct request {
	struct http_field fields[MAX_FIELDS];
	struct http_head head;
};

/* "Name: value|Name: value" */
static void make_request(struct request *r, const char *fields)
{
	struct str rest = str_from(fields), line;

	*r = (struct request){.head = {.host = STR("a.example:8080"), .target = STR("/p?q")}};
	r->head.fields = r->fields;
	while (str_next(&rest, '|', &line)) {
		struct http_field *f = &r->fields[r->head.n_fields++];
		size_t colon = str_find(line, ':');

		f->name = str_first(line, colon);
		f->value = str_trim(str_from_index(line, colon + 1));
		f->id = (uint8_t)http_field_id(f->name);
		r->head.present |= http_field_bit((enum http_field_id)f->id);
	}
}

static void make_trusted(const char *list, struct arena *arena, struct cidrset *out)
{
	struct str rest = str_from(list), piece;
	struct cidr items[MAX_TRUSTED];
	size_t n = 0;

	while (str_next(&rest, ',', &piece))
		n += CHECK(cidr_parse(piece, &items[n], NULL));
	cidrset_build(out, items, n, arena);
}

enum { UFH = 1, UPP = 2, ERI = 4, COMPAT = 8 };

#define V4 "0.0.0.0/0"
#define OURS "127.0.0.0/8,10.0.0.0/8"

static void test_client(void)
{
	static const struct {
		const char *name;
		unsigned on;
		const char *trusted;
		const char *header; /* forwarded-for-header; NULL is the default */
		const char *proxy;  /* source of the PROXY header: NULL none read, "" LOCAL */
		const char *fields;
		const char *client;
		enum clientaddr_source source;
	} cases[] = {
		{"A2 0/0/0", 0, V4, NULL, NULL, "X-Forwarded-For: 1.1.1.1", "127.0.0.1:50000", CLIENTADDR_PEER},
		{"A2 1/0/0", UFH, V4, NULL, NULL, "X-Forwarded-For: 1.1.1.1", "1.1.1.1:0", CLIENTADDR_FORWARDED_FOR},
		{"A2 1/0/1", UFH | ERI, V4, NULL, NULL, "X-Forwarded-For: 1.1.1.1", "1.1.1.1:0", CLIENTADDR_FORWARDED_FOR},
		{"A2 0/0/1", ERI, V4, NULL, NULL, "X-Forwarded-For: 1.1.1.1", "1.1.1.1:0", CLIENTADDR_FORWARDED_FOR},
		{"A2 0/1/0", UPP, V4, NULL, "7.7.7.7:99", "X-Forwarded-For: 1.1.1.1", "7.7.7.7:99", CLIENTADDR_PROXY_HEADER},
		{"A2 0/1/1", UPP | ERI, V4, NULL, "7.7.7.7:99", "X-Forwarded-For: 1.1.1.1", "7.7.7.7:99", CLIENTADDR_PROXY_HEADER},
		{"A2 1/1/0 source is not ours", UFH | UPP, OURS, NULL, "7.7.7.7:99", "X-Forwarded-For: 1.1.1.1", "7.7.7.7:99", CLIENTADDR_PROXY_HEADER},
		{"A2 1/1/1 the same", UFH | UPP | ERI, OURS, NULL, "7.7.7.7:99", "X-Forwarded-For: 1.1.1.1", "7.7.7.7:99", CLIENTADDR_PROXY_HEADER},
		{"A2 1/1/1 source is ours", UFH | UPP | ERI, OURS, NULL, "10.7.7.7:99", "X-Forwarded-For: 1.1.1.1", "1.1.1.1:0", CLIENTADDR_FORWARDED_FOR},
		{"A2 0/0/1 proxy_protocol for a name", ERI, OURS, "proxy_protocol", "7.7.7.7:99", "X-Forwarded-For: 1.1.1.1", "7.7.7.7:99", CLIENTADDR_PROXY_HEADER},
		{"A2 0/0/1 proxy_protocol without a header", ERI, OURS, "proxy_protocol", NULL, "proxy_protocol: 1.1.1.1|X-Forwarded-For: 1.1.1.1", "127.0.0.1:50000", CLIENTADDR_PEER},
		{"A2 0/0/0 proxy_protocol means nothing", 0, OURS, "proxy_protocol", "7.7.7.7:99", "", "127.0.0.1:50000", CLIENTADDR_PEER},
		{"A2 0/0/0 a PROXY header that nobody asked for", 0, OURS, NULL, "7.7.7.7:99", "X-Forwarded-For: 1.1.1.1", "127.0.0.1:50000", CLIENTADDR_PEER},
		{"A1 A10 without switches nobody is asked, trusted or not", 0, "0.0.0.0/0,::/0", NULL, NULL, "X-Forwarded-For: 1.1.1.1", "127.0.0.1:50000", CLIENTADDR_PEER},
		{"A7 X-Real-IP as the name: its one value", ERI, V4, "X-Real-IP", NULL, "X-Real-IP: 4.4.4.4|X-Forwarded-For: 6.6.6.6", "4.4.4.4:0", CLIENTADDR_FORWARDED_FOR},
		{"nobody is trusted", UFH, "", NULL, NULL, "X-Forwarded-For: 1.1.1.1", "127.0.0.1:50000", CLIENTADDR_PEER},
		{"nobody is trusted, compatible", UFH | COMPAT, "", NULL, NULL, "X-Forwarded-For: 1.1.1.1", "127.0.0.1:50000", CLIENTADDR_PEER},
		{"A5 first untrusted from the right", UFH, OURS, NULL, NULL, "X-Forwarded-For: 1.2.3.4, 10.0.0.5, 8.8.8.8, 10.1.1.1", "8.8.8.8:0", CLIENTADDR_FORWARDED_FOR},
		{"A5 all trusted: leftmost", UFH, OURS, NULL, NULL, "X-Forwarded-For: 10.9.9.9, 10.1.1.1", "10.9.9.9:0", CLIENTADDR_FORWARDED_FOR},
		{"A5 a bad element stops", UFH, V4, NULL, NULL, "X-Forwarded-For: 1.2.3.4, bad, 5.6.7.8", "5.6.7.8:0", CLIENTADDR_FORWARDED_FOR},
		{"A5 IPv6 is not in 0.0.0.0/0", UFH, V4, NULL, NULL, "X-Forwarded-For: 2001:db8::1, 3.3.3.3", "2001:db8::1:0", CLIENTADDR_FORWARDED_FOR},
		{"A5 empty value", UFH, V4, NULL, NULL, "X-Forwarded-For:", "127.0.0.1:50000", CLIENTADDR_PEER},
		{"A3 mapped addresses are IPv4", UFH, OURS, NULL, NULL, "X-Forwarded-For: 6.6.6.6, ::ffff:10.0.0.1", "6.6.6.6:0", CLIENTADDR_FORWARDED_FOR},
		{"A6 separators in any mix", UFH, V4, NULL, NULL, "X-Forwarded-For: 1.1.1.1,, ,", "1.1.1.1:0", CLIENTADDR_FORWARDED_FOR},
		{"A6 A8 a port", UFH, V4, NULL, NULL, "X-Forwarded-For: 1.1.1.1:123", "1.1.1.1:123", CLIENTADDR_FORWARDED_FOR},
		{"A6 [v6]:port", UFH, V4, NULL, NULL, "X-Forwarded-For: [2001:db8::1]:5", "2001:db8::1:5", CLIENTADDR_FORWARDED_FOR},
		{"A6 [v6] alone", UFH, V4, NULL, NULL, "X-Forwarded-For: [2001:db8::1]", "127.0.0.1:50000", CLIENTADDR_PEER},
		{"A6 unix:", UFH, V4, NULL, NULL, "X-Forwarded-For: unix:", "127.0.0.1:50000", CLIENTADDR_PEER},
		{"A6 :80", UFH, V4, NULL, NULL, "X-Forwarded-For: :80", "127.0.0.1:50000", CLIENTADDR_PEER},
		{"A6 *:80", UFH, V4, NULL, NULL, "X-Forwarded-For: *:80", "127.0.0.1:50000", CLIENTADDR_PEER},
		{"A6 unknown", UFH, V4, NULL, NULL, "X-Forwarded-For: unknown", "127.0.0.1:50000", CLIENTADDR_PEER},
		{"A7 last line first", UFH, V4, NULL, NULL, "X-Forwarded-For: 1.2.3.4|X-Forwarded-For: 9.9.9.9", "1.2.3.4:0", CLIENTADDR_FORWARDED_FOR},
		{"A7 stops within the last line", UFH, OURS, NULL, NULL, "X-Forwarded-For: 1.2.3.4|X-Forwarded-For: 9.9.9.9", "9.9.9.9:0", CLIENTADDR_FORWARDED_FOR},
		{"A7 another name: its first line", UFH, V4, "CF-Connecting-IP", NULL, "cf-connecting-ip: 4.4.4.4|CF-Connecting-IP: 5.5.5.5|X-Forwarded-For: 6.6.6.6", "4.4.4.4:0", CLIENTADDR_FORWARDED_FOR},
		{"A9 source not ours", UFH | UPP, OURS, NULL, "7.7.7.7:99", "X-Forwarded-For: 1.1.1.1", "7.7.7.7:99", CLIENTADDR_PROXY_HEADER},
		{"A9 source ours", UFH | UPP, OURS, NULL, "10.7.7.7:99", "X-Forwarded-For: 1.1.1.1", "1.1.1.1:0", CLIENTADDR_FORWARDED_FOR},
		{"A9 source ours, no field", UFH | UPP, OURS, NULL, "10.7.7.7:99", "", "10.7.7.7:99", CLIENTADDR_PROXY_HEADER},
		{"A9 source ours, no field, compatible", UFH | UPP | COMPAT, OURS, NULL, "10.7.7.7:99", "", "127.0.0.1:50000", CLIENTADDR_PEER},
		{"A9 LOCAL, 255.255.255.255 trusted", UFH | UPP, V4, NULL, "", "X-Forwarded-For: 1.1.1.1", "1.1.1.1:0", CLIENTADDR_FORWARDED_FOR},
		{"A9 LOCAL, not trusted", UFH | UPP, OURS, NULL, "", "X-Forwarded-For: 1.1.1.1", "127.0.0.1:50000", CLIENTADDR_PEER},
		{"A9 the peer itself must be trusted", UFH | UPP, "10.0.0.0/8", NULL, "7.7.7.7:99", "X-Forwarded-For: 1.1.1.1", "127.0.0.1:50000", CLIENTADDR_PEER},
		{"A9 the scratch field is nobody's", UFH | UPP, OURS, NULL, "7.7.7.7:99", "X-Forwarded-For-Proxy-Protocol: 6.6.6.6", "7.7.7.7:99", CLIENTADDR_PROXY_HEADER},
		{"A10 untrusted peer", UPP, "10.0.0.0/8", NULL, "7.7.7.7:99", "", "127.0.0.1:50000", CLIENTADDR_PEER},
		{"A36 LOCAL", UPP, V4, NULL, "", "", "127.0.0.1:50000", CLIENTADDR_PEER},
		{"who spoke plainly where PROXY is on", UFH | UPP, OURS, NULL, NULL, "X-Forwarded-For: 1.1.1.1", "1.1.1.1:0", CLIENTADDR_FORWARDED_FOR},
	};

	for (size_t i = 0; i < CHECK_COUNT(cases); i++) {
		struct cidrset trusted;
		struct clientaddr_rules rules = {.use_forwarded_headers = cases[i].on & UFH,
			.use_proxy_protocol = cases[i].on & UPP, .enable_real_ip = cases[i].on & ERI,
			.falls_back_to_peer = cases[i].on & COMPAT, .trusted = &trusted,
			.forwarded_for_header = cases[i].header ? str_from(cases[i].header) : STR("X-Forwarded-For"),
			.forwarded_host_header = STR("X-Forwarded-Host")};
		struct clientaddr_conn conn = {.peer = {.family = 4, .port = 50000, .ip = {127, 0, 0, 1}},
			.local = {.family = 4, .port = 8080}, .has_proxy_header = cases[i].proxy != NULL};
		struct request r;
		struct clientaddr who;
		struct arena arena = {0};
		char text[ADDR_TEXT_MAX + 8];
		struct buf got;

		check_case(cases[i].name);
		make_trusted(cases[i].trusted, &arena, &trusted);
		if (cases[i].proxy && *cases[i].proxy)
			CHECK(addr_parse_host_port(str_from(cases[i].proxy), &conn.proxy_src));
		make_request(&r, cases[i].fields);
		clientaddr_resolve(&rules, &conn, &r.head, &arena, &who);
		buf_init(&got, 0);
		buf_printf(&got, "%s:%u", addr_ip_text(&who.client, text), who.client.port);
		CHECK_STR(buf_str(&got), str_from(cases[i].client));
		CHECK_INT(who.source, cases[i].source);
		buf_deinit(&got);
		arena_deinit(&arena);
	}
}

static void test_scheme_host_port(void)
{
	static const struct {
		const char *name;
		unsigned on;
		const char *trusted;
		bool is_tls;
		uint16_t local, proxy_dst; /* proxy_dst 0: none */
		const char *proxy_src;
		const char *fields;
		const char *scheme, *host, *port;
	} cases[] = {
		{"A20 A22 plain", 0, "", false, 8080, 0, NULL, "", "http", "a.example:8080", "8080"},
		{"A23 TLS is 443", 0, "", true, 8443, 0, NULL, "", "https", "a.example:8080", "443"},
		{"A28 not believed with UFH off", 0, V4, false, 8080, 0, NULL, "X-Forwarded-Proto: https|X-Forwarded-Host: evil|X-Forwarded-Port: 1", "http", "a.example:8080", "8080"},
		{"A20 A21 A22 a trusted peer", UFH, OURS, false, 8080, 0, NULL, "X-Forwarded-Proto: https|X-Forwarded-Host: b, c|X-Forwarded-Port: 444", "https", "b", "444"},
		{"A24 an untrusted peer is not believed", UFH, "10.0.0.0/8", false, 8080, 0, NULL, "X-Forwarded-Proto: https|X-Forwarded-Host: b|X-Forwarded-Port: 444", "http", "a.example:8080", "8080"},
		{"A24 compatible: anybody is", UFH | COMPAT, "", false, 8080, 0, NULL, "X-Forwarded-Proto: HTTPS|X-Forwarded-Host: b|X-Forwarded-Port: 444", "HTTPS", "b", "444"},
		{"A11 enable-real-ip alone does not", ERI, OURS, false, 8080, 0, NULL, "X-Forwarded-Proto: https", "http", "a.example:8080", "8080"},
		{"A23 forwarded port of our TLS port", UFH, OURS, true, 8443, 0, NULL, "X-Forwarded-Port: 8443", "https", "a.example:8080", "443"},
		{"A20 PROXY to 443", UPP, OURS, false, 8080, 443, "1.1.1.1:2", "", "https", "a.example:8080", "443"},
		{"A20 PROXY to 443 wins", UPP | UFH, OURS, false, 8080, 443, "10.1.1.1:2", "X-Forwarded-Proto: http", "https", "a.example:8080", "443"},
		{"A22 PROXY port", UPP, OURS, false, 8080, 80, "1.1.1.1:2", "", "http", "a.example:8080", "80"},
		{"A20 A22 a stranger's PROXY header tells no port", UPP, "10.0.0.0/8", false, 8080, 443, "1.1.1.1:2", "", "http", "a.example:8080", "8080"},
		{"A20 A22 nor does that of nobody in particular", UPP, "", true, 8443, 80, "1.1.1.1:2", "", "https", "a.example:8080", "443"},
		{"A20 A22 compatible: it does", UPP | COMPAT, "10.0.0.0/8", false, 8080, 443, "1.1.1.1:2", "", "https", "a.example:8080", "443"},
		{"A36 LOCAL: no port", UPP, OURS, true, 8443, 0, "", "", "https", "a.example:8080", ""},
		{"A24 a stranger behind the balancer", UPP | UFH, OURS, false, 8080, 80, "1.1.1.1:2", "X-Forwarded-Proto: https", "http", "a.example:8080", "80"},
		{"a control byte is never taken", UFH, OURS, false, 80, 0, NULL, "X-Forwarded-Proto: ht\001tp|X-Forwarded-Host: b\177", "http", "a.example:8080", "80"},
	};

	for (size_t i = 0; i < CHECK_COUNT(cases); i++) {
		struct cidrset trusted;
		struct clientaddr_rules rules = {.use_forwarded_headers = cases[i].on & UFH,
			.use_proxy_protocol = cases[i].on & UPP, .enable_real_ip = cases[i].on & ERI,
			.believes_anyone = cases[i].on & COMPAT, .trusted = &trusted,
			.forwarded_for_header = STR("X-Forwarded-For"), .forwarded_host_header = STR("X-Forwarded-Host")};
		struct clientaddr_conn conn = {.peer = {.family = 4, .port = 50000, .ip = {127, 0, 0, 1}},
			.local = {.family = 4, .port = cases[i].local}, .is_tls = cases[i].is_tls,
			.has_proxy_header = cases[i].proxy_src != NULL,
			.proxy_dst = {.family = cases[i].proxy_dst ? 4 : 0, .port = cases[i].proxy_dst}};
		struct request r;
		struct clientaddr who;
		struct arena arena = {0};

		check_case(cases[i].name);
		make_trusted(cases[i].trusted, &arena, &trusted);
		if (cases[i].proxy_src && *cases[i].proxy_src)
			CHECK(addr_parse_host_port(str_from(cases[i].proxy_src), &conn.proxy_src));
		make_request(&r, cases[i].fields);
		clientaddr_resolve(&rules, &conn, &r.head, &arena, &who);
		CHECK_STR(who.scheme, str_from(cases[i].scheme));
		CHECK_STR(who.host, str_from(cases[i].host));
		CHECK_STR(who.port, str_from(cases[i].port));
		arena_deinit(&arena);
	}
}

/* Every hop with what was made of it, and the reason. `conn` of the cases is that of the tables above. */
static void test_explain(void)
{
	static const struct {
		const char *name;
		unsigned on;
		const char *trusted, *proxy, *fields, *chain, *reason;
	} cases[] = {
		{"A1 off", 0, OURS, NULL, "X-Forwarded-For: 6.6.6.6", "*127.0.0.1 < (6.6.6.6)", "off"},
		{"A5 the example", UFH, OURS, NULL, "X-Forwarded-For: 1.2.3.4, 10.0.0.5, 8.8.8.8, 10.1.1.1",
			"127.0.0.1 < 10.1.1.1 < *8.8.8.8 < (10.0.0.5) < (1.2.3.4)", "first_untrusted"},
		{"A5 all trusted", UFH, OURS, NULL, "X-Forwarded-For: 10.9.9.9, 10.1.1.1",
			"127.0.0.1 < 10.1.1.1 < *10.9.9.9", "all_trusted"},
		{"A5 a bad element", UFH, V4, NULL, "X-Forwarded-For: 1.2.3.4, bad, 5.6.7.8",
			"127.0.0.1 < *5.6.7.8 < (bad) < (1.2.3.4)", "bad_element"},
		{"A6 a bad element first", UFH, V4, NULL, "X-Forwarded-For: 1.2.3.4, unknown",
			"*127.0.0.1 < (unknown) < (1.2.3.4)", "bad_element"},
		{"A5 nothing sent", UFH, OURS, NULL, "", "*127.0.0.1", "no_chain"},
		{"A5 the peer is a stranger", UFH, "10.0.0.0/8", NULL, "X-Forwarded-For: 6.6.6.6",
			"*127.0.0.1 < (6.6.6.6)", "peer_untrusted"},
		{"A7 lines", UFH, OURS, NULL, "X-Forwarded-For: 1.2.3.4|X-Forwarded-For: 10.9.9.9",
			"127.0.0.1 < 10.9.9.9 < *1.2.3.4", "first_untrusted"},
		{"A9 source not ours", UFH | UPP, OURS, "7.7.7.7:99", "X-Forwarded-For: 1.1.1.1",
			"127.0.0.1 < *7.7.7.7 < (1.1.1.1)", "proxy_source"},
		{"A9 source ours", UFH | UPP, OURS, "10.7.7.7:99", "X-Forwarded-For: 1.1.1.1",
			"127.0.0.1 < 10.7.7.7 < *1.1.1.1", "first_untrusted"},
		{"A9 source ours, nothing sent", UFH | UPP, OURS, "10.7.7.7:99", "", "127.0.0.1 < *10.7.7.7", "proxy_fallback"},
		{"A9 source ours, a bad element", UFH | UPP, OURS, "10.7.7.7:99", "X-Forwarded-For: -",
			"127.0.0.1 < *10.7.7.7 < (-)", "proxy_fallback"},
		{"A9 the same as upstream", UFH | UPP | COMPAT, OURS, "10.7.7.7:99", "", "*127.0.0.1 < 10.7.7.7", "no_chain"},
		{"A9 LOCAL", UFH | UPP, OURS, "", "X-Forwarded-For: 1.1.1.1", "*127.0.0.1 < (-) < (1.1.1.1)", "proxy_no_address"},
		{"A10 source", UPP, OURS, "7.7.7.7:99", "X-Forwarded-For: 1.1.1.1", "127.0.0.1 < *7.7.7.7 < (1.1.1.1)", "proxy_source"},
		{"A10 untrusted peer", UPP, "10.0.0.0/8", "7.7.7.7:99", "", "*127.0.0.1 < (7.7.7.7)", "peer_untrusted"},
		{"A36 LOCAL", UPP, OURS, "", "", "*127.0.0.1 < (-)", "proxy_no_address"},
		{"who speaks plainly", UPP, OURS, NULL, "X-Forwarded-For: 1.1.1.1", "*127.0.0.1 < (1.1.1.1)", "no_proxy_header"},
	};

	for (size_t i = 0; i < CHECK_COUNT(cases); i++) {
		struct cidrset trusted;
		struct clientaddr_rules rules = {.use_forwarded_headers = cases[i].on & UFH,
			.use_proxy_protocol = cases[i].on & UPP, .falls_back_to_peer = cases[i].on & COMPAT,
			.forwarded_for_header = STR("X-Forwarded-For"), .trusted = &trusted};
		struct clientaddr_conn conn = {.peer = {.family = 4, .port = 50000, .ip = {127, 0, 0, 1}},
			.local = {.family = 4, .port = 8080}, .has_proxy_header = cases[i].proxy != NULL};
		struct clientaddr_trace trace = {0};
		struct clientaddr who, same;
		struct arena arena = {0};
		struct buf chain = {0};
		struct request r;

		check_case(cases[i].name);
		make_trusted(cases[i].trusted, &arena, &trusted);
		if (cases[i].proxy && *cases[i].proxy)
			CHECK(addr_parse_host_port(str_from(cases[i].proxy), &conn.proxy_src));
		make_request(&r, cases[i].fields);
		clientaddr_explain(&rules, &conn, &r.head, &arena, &who, &trace);
		clientaddr_chain_text(&trace, &chain);
		CHECK_STR(buf_str(&chain), str_from(cases[i].chain));
		CHECK_STR(clientaddr_reason_word(who.reason), str_from(cases[i].reason));
		clientaddr_resolve(&rules, &conn, &r.head, &arena, &same);
		CHECK(addr_eq(&who.client, &same.client) && who.source == same.source && who.reason == same.reason);
		for (size_t k = 0; k < trace.n; k++)
			CHECK(!trace.items[k].trusted_by || cidr_contains(trace.items[k].trusted_by, &trace.items[k].addr));
		buf_deinit(&chain);
		arena_deinit(&arena);
	}
}

int main(void)
{
	test_explain();
	test_client();
	test_scheme_host_port();
	return check_done();
}
