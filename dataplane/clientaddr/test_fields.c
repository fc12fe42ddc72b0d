/* A25–A28: what a backend gets, what it never gets, and that no value can forge another field. */
#include "clientaddr.h"

#include "check.h"

static const struct clientaddr_conn conn = {
	.peer = {.family = 4, .port = 50000, .ip = {192, 0, 2, 1}}, .local = {.family = 4, .port = 80}};

static const struct cidr everybody_v4 = {.net = {.family = 4}, .prefix = 0};
static const struct cidrset nobody;
static struct cidrset everybody;
static struct arena arena_of_everybody;

static struct clientaddr_rules base_rules(void)
{
	return (struct clientaddr_rules){
		.forwarded_for_header = STR("X-Forwarded-For"), .forwarded_host_header = STR("X-Forwarded-Host"),
		.trusted = &nobody};
}

static struct http_field field(const char *name, struct str value)
{
	return (struct http_field){str_from(name), value, (uint8_t)http_field_id(str_from(name))};
}

/* As a parser leaves it. */
static void note_present(struct http_head *head)
{
	for (size_t i = 0; i < head->n_fields; i++)
		head->present |= http_field_bit(head->fields[i].id);
}

static bool write_all(const struct clientaddr_rules *rules, struct http_head *head, struct str id, struct buf *out)
{
	struct arena arena = {0};
	struct clientaddr who;
	bool is_fine;

	note_present(head);
	clientaddr_resolve(rules, &conn, head, &arena, &who);
	is_fine = clientaddr_write_fields(rules, &conn, &who, head, id, out);
	arena_deinit(&arena);
	return is_fine;
}

#define USUAL                                 \
	"X-Forwarded-Host: a.example\r\n"     \
	"X-Forwarded-Port: 80\r\n"            \
	"X-Forwarded-Proto: http\r\n"         \
	"X-Forwarded-Scheme: http\r\n"        \
	"X-Scheme: http\r\n"

static void test_table(void)
{
	enum { UFH = 1, FULL = 2, URI = 4, TRUST = 8, KEEP = 16, ANYONE = 32 };
	static const struct {
		const char *name;
		unsigned on;
		const char *id, *forwarded_for, *second, *host; /* incoming X-Forwarded-For (two lines), -Host; NULL absent */
		const char *want;
	} cases[] = {
		{"A25 nothing came", 0, "r1", NULL, NULL, NULL,
			"X-Request-ID: r1\r\nX-Real-IP: 192.0.2.1\r\nX-Forwarded-For: 192.0.2.1\r\n" USUAL},
		{"A25 no id", 0, "", NULL, NULL, NULL, "X-Real-IP: 192.0.2.1\r\nX-Forwarded-For: 192.0.2.1\r\n" USUAL},
		{"A25 single value, copies of what came", 0, "", "6.6.6.6", NULL, "evil",
			"X-Real-IP: 192.0.2.1\r\nX-Forwarded-For: 192.0.2.1\r\n" USUAL
			"X-Original-Forwarded-For: 6.6.6.6\r\nX-Original-Forwarded-Host: evil\r\n"},
		{"A29 lines are joined", 0, "", "6.6.6.6", "7.7.7.7", NULL,
			"X-Real-IP: 192.0.2.1\r\nX-Forwarded-For: 192.0.2.1\r\n" USUAL
			"X-Original-Forwarded-For: 6.6.6.6, 7.7.7.7\r\n"},
		{"A25 original URI", URI, "", NULL, NULL, NULL,
			"X-Real-IP: 192.0.2.1\r\nX-Forwarded-For: 192.0.2.1\r\n" USUAL "X-Original-URI: /p?q\r\n"},
		{"A26 needs use-forwarded-headers", FULL | TRUST, "", "6.6.6.6", NULL, NULL,
			"X-Real-IP: 192.0.2.1\r\nX-Forwarded-For: 192.0.2.1\r\n" USUAL
			"X-Original-Forwarded-For: 6.6.6.6\r\n"},
		{"A26 the chain", UFH | FULL | TRUST, "", "6.6.6.6", "7.7.7.7", NULL,
			"X-Real-IP: 6.6.6.6\r\nX-Forwarded-For: 6.6.6.6, 7.7.7.7, 192.0.2.1\r\n" USUAL
			"X-Original-Forwarded-For: 6.6.6.6, 7.7.7.7\r\n"},
		{"A26 nothing came", UFH | FULL | TRUST, "", NULL, NULL, NULL,
			"X-Real-IP: 192.0.2.1\r\nX-Forwarded-For: 192.0.2.1\r\n" USUAL},
		{"A26 a stranger's chain is dropped", UFH | FULL, "", "6.6.6.6", NULL, NULL,
			"X-Real-IP: 192.0.2.1\r\nX-Forwarded-For: 192.0.2.1\r\n" USUAL
			"X-Original-Forwarded-For: 6.6.6.6\r\n"},
		{"A26 forwarded-headers-from-anyone says nothing of the chain", UFH | FULL | ANYONE, "", "6.6.6.6", NULL, NULL,
			"X-Real-IP: 192.0.2.1\r\nX-Forwarded-For: 192.0.2.1\r\n" USUAL
			"X-Original-Forwarded-For: 6.6.6.6\r\n"},
		{"A26 a stranger's chain, kept as upstream does", UFH | FULL | KEEP, "", "6.6.6.6", NULL, NULL,
			"X-Real-IP: 192.0.2.1\r\nX-Forwarded-For: 6.6.6.6, 192.0.2.1\r\n" USUAL
			"X-Original-Forwarded-For: 6.6.6.6\r\n"},
	};

	for (size_t i = 0; i < CHECK_COUNT(cases); i++) {
		struct clientaddr_rules rules = base_rules();
		struct http_field fields[3];
		struct http_head head = {.host = STR("a.example"), .target = STR("/p?q"), .fields = fields};
		struct buf out;

		check_case(cases[i].name);
		rules.use_forwarded_headers = cases[i].on & UFH;
		rules.compute_full_forwarded_for = cases[i].on & FULL;
		rules.keeps_untrusted_chain = cases[i].on & KEEP;
		rules.believes_anyone = cases[i].on & ANYONE;
		rules.proxy_add_original_uri_header = cases[i].on & URI;
		rules.trusted = cases[i].on & TRUST ? &everybody : &nobody;
		if (cases[i].forwarded_for)
			fields[head.n_fields++] = field("X-Forwarded-For", str_from(cases[i].forwarded_for));
		if (cases[i].second)
			fields[head.n_fields++] = field("x-forwarded-for", str_from(cases[i].second));
		if (cases[i].host)
			fields[head.n_fields++] = field("X-Forwarded-Host", str_from(cases[i].host));
		buf_init(&out, 4096);
		CHECK(write_all(&rules, &head, str_from(cases[i].id), &out));
		CHECK_STR(buf_str(&out), str_from(cases[i].want));
		buf_deinit(&out);
	}
}

/* A26 with PROXY: the address that is added to the chain is the header's only where the peer may name one (A10). */
static void test_chain_proxy(void)
{
	static const struct {
		const char *name;
		bool is_trusted, keeps, has_source;
		const char *want;
	} cases[] = {
		{"A26 the PROXY source of one of ours", true, false, true, "X-Forwarded-For: 6.6.6.6, 203.0.113.4\r\n"},
		{"A26 LOCAL", true, false, false, "X-Forwarded-For: 6.6.6.6, 192.0.2.1\r\n"},
		{"A26 a stranger's PROXY source", false, false, true, "X-Forwarded-For: 192.0.2.1\r\n"},
		{"A26 a stranger's, as upstream does", false, true, true, "X-Forwarded-For: 6.6.6.6, 203.0.113.4\r\n"},
	};

	for (size_t i = 0; i < CHECK_COUNT(cases); i++) {
		struct clientaddr_rules rules = base_rules();
		struct clientaddr_conn with_proxy = conn;
		struct http_field fields[] = {field("X-Forwarded-For", STR("6.6.6.6"))};
		struct http_head head = {.fields = fields, .n_fields = 1};
		struct clientaddr who = {.client = {0}};
		struct buf out;

		check_case(cases[i].name);
		note_present(&head);
		rules.use_forwarded_headers = rules.use_proxy_protocol = rules.compute_full_forwarded_for = true;
		rules.keeps_untrusted_chain = cases[i].keeps;
		rules.trusted = cases[i].is_trusted ? &everybody : &nobody;
		with_proxy.has_proxy_header = true;
		if (cases[i].has_source)
			with_proxy.proxy_src = (struct addr){.family = 4, .port = 9, .ip = {203, 0, 113, 4}};
		buf_init(&out, 4096);
		CHECK(clientaddr_write_fields(&rules, &with_proxy, &who, &head, STR(""), &out));
		CHECK(str_starts_with(buf_str(&out), str_from(cases[i].want)));
		buf_deinit(&out);
	}
}

static void test_replaced(void)
{
	static const struct {
		const char *name;
		bool plain, with_uri;
	} cases[] = {
		{"X-Forwarded-For", true, true}, {"x-forwarded-proto", true, true}, {"X-Real-IP", true, true},
		{"X-Scheme", true, true}, {"X-Request-ID", true, true}, {"Proxy", true, true}, {"Host", true, true},
		{"X-Original-Forwarded-For", true, true}, {"X-Original-Forwarded-Host", true, true},
		{"X-Original-URI", false, true}, {"ssl-client-verify", true, true}, {"ssl-client-cert", true, true},
		{"SSL-Client-Subject-DN", true, true}, {"ssl-client-issuer-dn", true, true},
		{"X-Forwarded-For-Proxy-Protocol", true, true},
		/* SECURITY 4.2: names that a backend may fold into ours */
		{"X_Forwarded_For", true, true}, {"x-real_ip", true, true}, {"ssl_client_verify", true, true},
		{"X_Original_URI", false, true},
		/* A28: passed on */
		{"Forwarded", false, false}, {"X-Forwarded-Server", false, false}, {"X-Forwarded-Prefix", false, false},
		{"X-Original-URL", false, false}, {"True-Client-IP", false, false}, {"Accept", false, false},
		{"X_Other", false, false},
		{"a-name-that-is-longer-than-every-name-of-ours-by-far", false, false},
	};

	for (size_t i = 0; i < CHECK_COUNT(cases); i++) {
		struct clientaddr_rules rules = base_rules();
		struct http_field f = field(cases[i].name, STR("x"));

		check_case(cases[i].name);
		CHECK_INT(clientaddr_replaces(&rules, &conn, &f), cases[i].plain);
		rules.proxy_add_original_uri_header = true;
		CHECK_INT(clientaddr_replaces(&rules, &conn, &f), cases[i].with_uri);
	}
}

/* What ingress-nginx passes on and we do not, each with its key; and a chain in a field of another name. */
static void test_quirks(void)
{
	enum { LOOKALIKES = 1, SSL_CLIENT = 2, CHAIN = 4, TRUST = 8, UFH = 16, ERI = 32 };
	static const struct {
		const char *name, *field;
		unsigned on;
		bool is_replaced;
	} cases[] = {
		{"lookalike", "X_Forwarded_For", 0, true},
		{"lookalike, passed on", "X_Forwarded_For", LOOKALIKES, false},
		{"ours is replaced all the same", "X-Forwarded-For", LOOKALIKES | SSL_CLIENT | CHAIN, true},
		{"A28 ssl-client-verify", "ssl-client-verify", 0, true},
		{"A28 ssl-client-verify, passed on", "ssl-client-verify", SSL_CLIENT, false},
		{"A28 its lookalike is none then", "ssl_client_verify", SSL_CLIENT, false},
		{"A9 the scratch field", "X_Forwarded_For_Proxy_Protocol", 0, true},
		{"A28 a field of that name without switches", "CF-Connecting-IP", 0, false},
		{"forwarded-for-header from a stranger", "CF-Connecting-IP", UFH, true},
		{"the same with enable-real-ip", "cf-connecting-ip", ERI, true},
		{"the same, kept", "CF-Connecting-IP", UFH | CHAIN, false},
		{"from one of ours", "CF-Connecting-IP", UFH | TRUST, false},
		{"its lookalike, from a stranger", "CF_Connecting-IP", UFH, true},
		{"its lookalike, through one of ours", "cf_connecting_ip", ERI | TRUST, true},
		{"its lookalike, passed on", "CF_Connecting_IP", UFH | TRUST | LOOKALIKES, false},
		{"its lookalike without switches", "CF_Connecting_IP", 0, false},
	};

	for (size_t i = 0; i < CHECK_COUNT(cases); i++) {
		struct clientaddr_rules rules = base_rules();
		struct http_field f = field(cases[i].field, STR("x"));

		check_case(cases[i].name);
		rules.forwarded_for_header = STR("CF-Connecting-IP");
		rules.passes_lookalikes = cases[i].on & LOOKALIKES;
		rules.passes_ssl_client = cases[i].on & SSL_CLIENT;
		rules.keeps_untrusted_chain = cases[i].on & CHAIN;
		rules.use_forwarded_headers = cases[i].on & UFH;
		rules.enable_real_ip = cases[i].on & ERI;
		rules.trusted = cases[i].on & TRUST ? &everybody : &nobody;
		CHECK_INT(clientaddr_replaces(&rules, &conn, &f), cases[i].is_replaced);
	}
}

/* Every byte, in every value that a client can influence: the output is whole lines with our names only. */
static void test_no_forgery(void)
{
	check_case("no value forges a field");
	for (unsigned byte = 0; byte < 256; byte++) {
		char text[] = {'a', (char)byte, 'E', 'v', 'i', 'l', ':', '1'};
		struct str value = str_of(text, sizeof(text));
		struct clientaddr_rules rules = base_rules();
		struct http_field fields[] = {field("X-Forwarded-For", value), field("X-Forwarded-Host", value),
			field("X-Forwarded-Proto", value), field("X-Forwarded-Port", value)};
		struct http_head head = {.host = value, .target = value, .fields = fields, .n_fields = 4};
		struct buf out;
		struct str rest, line;

		rules.use_forwarded_headers = rules.compute_full_forwarded_for = rules.proxy_add_original_uri_header = true;
		rules.trusted = &everybody;
		buf_init(&out, 4096);
		CHECK(write_all(&rules, &head, value, &out));
		rest = buf_str(&out);
		while (str_next(&rest, '\n', &line)) {
			CHECK(str_starts_with(line, STR("X-")) && str_ends_with(line, STR("\r")));
			CHECK_INT(str_find(line, '\r'), line.len - 1);
		}
		buf_deinit(&out);
	}
}

static void test_cap(void)
{
	struct clientaddr_rules rules = base_rules();
	struct http_head head = {.host = STR("a.example")};

	check_case("too little room: nothing is written");
	for (size_t cap = 1; cap < 150; cap++) {
		struct buf out;

		buf_init(&out, cap);
		buf_add(&out, STR("x"));
		CHECK(!write_all(&rules, &head, STR("r"), &out));
		CHECK_STR(buf_str(&out), STR("x"));
		buf_deinit(&out);
	}
}

int main(void)
{
	cidrset_build(&everybody, &everybody_v4, 1, &arena_of_everybody);
	test_table();
	test_chain_proxy();
	test_replaced();
	test_quirks();
	test_no_forgery();
	test_cap();
	arena_deinit(&arena_of_everybody);
	return check_done();
}
