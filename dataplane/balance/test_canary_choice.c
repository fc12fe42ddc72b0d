/* I22 and I23 as a table: which of a path's canaries takes a request, for every step and every draw. */
#include "canary.h"

#include <stdlib.h>

#include "check.h"
#include "regex.h"
#include "test_content.h"

#define KIND(x) WEIRLOCK__V1__KIND__KIND_##x

static char *text(const char *s)
{
	return (char *)(uintptr_t)s; /* generated structs have no const; packing only reads */
}

enum { MAIN, ONE, TWO, GONE, N_BACKENDS };
static const char *const names[N_BACKENDS] = {"ns/main:80", "ns/one:80", "ns/two:80", "ns/gone:80"};

/* main and one have sessions; gone has no endpoint. */
static const struct generation *make_generation(void)
{
	struct content *c = content_create();
	struct config_errors errors = {0};
	const struct generation *g;

	put_settings(c);
	for (size_t i = 0; i < N_BACKENDS; i++) {
		Weirlock__V1__Backend b = WEIRLOCK__V1__BACKEND__INIT;
		Weirlock__V1__Affinity a = WEIRLOCK__V1__AFFINITY__INIT;
		Weirlock__V1__Endpoints e = WEIRLOCK__V1__ENDPOINTS__INIT;
		Weirlock__V1__Endpoint one = WEIRLOCK__V1__ENDPOINT__INIT, *items[] = {&one};
		uint8_t ip[] = {10, 0, 0, (uint8_t)i}, id[12] = {0};
		struct buf slice = {0};

		id[0] = (uint8_t)(0xa0 + i);
		a.backend_id = one.id = (ProtobufCBinaryData){sizeof(id), id};
		a.is_persistent = true;
		a.cookie_name = text("S");
		b.affinity = i <= ONE ? &a : NULL;
		put_message(c, KIND(BACKEND), names[i], &b);
		one.ip = (ProtobufCBinaryData){sizeof(ip), ip};
		one.port = 80;
		e.backend = text(names[i]);
		e.endpoints = items;
		e.n_endpoints = i != GONE;
		buf_printf(&slice, "%s/1", names[i]);
		put_message(c, KIND(ENDPOINTS), buf_cstr(&slice), &e);
		buf_deinit(&slice);
	}
	g = config_compile(c, NULL, &errors);
	CHECK(g != NULL);
	config_errors_deinit(&errors);
	content_destroy(c);
	return g;
}

static const struct backend *backend_of(const struct generation *g, unsigned which)
{
	size_t cursor = 0;
	const struct backend *b;

	while ((b = generation_next_backend(g, &cursor))) {
		if (str_eq(b->name, str_from(names[which])))
			return b;
	}
	abort();
}

/* What tests write of a canary. */
struct rule {
	unsigned backend; /* 0: no more canaries, for MAIN is none */
	const char *header, *value, *pattern, *cookie;
	uint32_t weight;
};

#define ID_OF_MAIN "x|a00000000000000000000000"
#define ID_OF_ONE "x|a10000000000000000000000"

static const struct {
	const char *name;
	struct rule rules[3];
	const char *fields; /* "name: value\n…" */
	unsigned draw;      /* of 100 */
	unsigned want;
} cases[] = {
	{"no canary", {{0}}, "X: always\n", 0, MAIN},
	{"I22.2: a session at main comes before all", {{ONE, "X", 0, 0, 0, 100}}, "Cookie: S=" ID_OF_MAIN "\nX: always\n", 0, MAIN},
	{"I22.3: without endpoints it is passed over", {{GONE, "X", 0, 0, 0, 100}}, "X: always\n", 0, MAIN},
	{"I22.4: a session at the canary comes before the header", {{ONE, "X", 0, 0, 0, 0}}, "Cookie: S=" ID_OF_ONE "\nX: never\n", 99, ONE},
	{"and before the weight", {{ONE, 0, 0, 0, 0, 0}}, "Cookie: a=b; S=" ID_OF_ONE "\n", 99, ONE},
	{"a session of nobody is none", {{ONE, 0, 0, 0, 0, 0}}, "Cookie: S=x|beef\n", 0, MAIN},
	{"a backend without sessions has none", {{TWO, 0, 0, 0, 0, 0}}, "Cookie: S=" ID_OF_ONE "\n", 0, MAIN},
	{"I22.5: always", {{TWO, "X", 0, 0, 0, 0}}, "X: always\n", 99, TWO},
	{"never, against the cookie", {{TWO, "X", 0, 0, "c", 100}}, "X: never\nCookie: c=always\n", 0, MAIN},
	{"another word goes on to the cookie", {{TWO, "X", 0, 0, "c", 0}}, "X: maybe\nCookie: c=always\n", 99, TWO},
	{"and to the weight", {{TWO, "X", 0, 0, 0, 30}}, "X: maybe\n", 29, TWO},
	{"ALWAYS is another word", {{TWO, "X", 0, 0, 0, 0}}, "X: ALWAYS\n", 0, MAIN},
	{"a value that is equal", {{TWO, "X", "v1", 0, 0, 0}}, "X: v1\n", 99, TWO},
	{"case counts", {{TWO, "X", "v1", 0, 0, 0}}, "X: V1\n", 0, MAIN},
	{"with a value, always means nothing", {{TWO, "X", "v1", 0, 0, 0}}, "X: always\n", 0, MAIN},
	{"nor does never", {{TWO, "X", "v1", 0, 0, 100}}, "X: never\n", 0, TWO},
	{"a pattern, unanchored", {{TWO, "X", 0, "b+c", 0, 0}}, "X: abbcd\n", 99, TWO},
	{"no match goes on", {{TWO, "X", 0, "b+c", "c", 0}}, "X: a\nCookie: c=always\n", 99, TWO},
	{"with a pattern, always is matched like the rest", {{TWO, "X", 0, "b+c", 0, 0}}, "X: always\n", 0, MAIN},
	{"I23: names in any case, - and _ alike", {{TWO, "X-My_H", 0, 0, 0, 0}}, "x_my-h: always\n", 99, TWO},
	{"several lines are joined", {{TWO, "X", "a, b", 0, 0, 0}}, "X: a\nX: b\n", 99, TWO},
	{"and are not always", {{TWO, "X", 0, 0, 0, 0}}, "X: always\nX: always\n", 0, MAIN},
	{"an empty header", {{TWO, "X", 0, 0, 0, 0}}, "X: \n", 0, MAIN},
	{"I22.6: a cookie", {{TWO, 0, 0, 0, "c", 0}}, "Cookie: c=always\n", 99, TWO},
	{"its name in any case", {{TWO, 0, 0, 0, "c", 0}}, "Cookie: b=1; C=always\n", 99, TWO},
	{"never", {{TWO, 0, 0, 0, "c", 100}}, "Cookie: c=never\n", 0, MAIN},
	{"another value goes on", {{TWO, 0, 0, 0, "c", 100}}, "Cookie: c=1\n", 99, TWO},
	{"I22.7: the last within the weight", {{TWO, 0, 0, 0, 0, 30}}, "", 29, TWO},
	{"the first beyond it", {{TWO, 0, 0, 0, 0, 30}}, "", 30, MAIN},
	{"weight 0", {{TWO, 0, 0, 0, 0, 0}}, "", 0, MAIN},
	{"weight 100", {{TWO, 0, 0, 0, 0, 100}}, "", 99, TWO},
	{"several: the first's share", {{ONE, 0, 0, 0, 0, 20}, {TWO, 0, 0, 0, 0, 30}}, "", 19, ONE},
	{"the second's", {{ONE, 0, 0, 0, 0, 20}, {TWO, 0, 0, 0, 0, 30}}, "", 20, TWO},
	{"its end", {{ONE, 0, 0, 0, 0, 20}, {TWO, 0, 0, 0, 0, 30}}, "", 49, TWO},
	{"main's", {{ONE, 0, 0, 0, 0, 20}, {TWO, 0, 0, 0, 0, 30}}, "", 50, MAIN},
	{"a later one's header before an older one's weight", {{ONE, 0, 0, 0, 0, 100}, {TWO, "X", 0, 0, 0, 0}}, "X: always\n", 0, TWO},
	{"never takes out only its own, whose share is main's", {{ONE, "X", 0, 0, 0, 20}, {TWO, 0, 0, 0, 0, 30}}, "X: never\n", 19, MAIN},
	{"and the other has its own", {{ONE, "X", 0, 0, 0, 20}, {TWO, 0, 0, 0, 0, 30}}, "X: never\n", 20, TWO},
	{"so does one that is gone", {{GONE, 0, 0, 0, 0, 20}, {TWO, 0, 0, 0, 0, 30}}, "", 19, MAIN},
	{"more than everything: older ones first", {{ONE, 0, 0, 0, 0, 80}, {TWO, 0, 0, 0, 0, 80}}, "", 80, TWO},
	{"three", {{ONE, 0, 0, 0, 0, 1}, {TWO, 0, 0, 0, 0, 1}, {TWO, "X", 0, 0, 0, 0}}, "X: always\n", 99, TWO},
};

enum { MOST_FIELDS = 4 };

static void make_head(const char *lines, struct http_head *head, struct http_field *fields)
{
	struct str rest = str_from(lines);

	*head = (struct http_head){.fields = fields};
	while (rest.len && CHECK(head->n_fields < MOST_FIELDS)) {
		size_t end = str_find(rest, '\n');
		struct str line = str_first(rest, end), name = str_first(line, str_find(line, ':'));
		struct http_field *f = &fields[head->n_fields++];

		*f = (struct http_field){name, str_from_index(line, name.len + 2), (uint8_t)http_field_id(name)};
		head->present |= http_field_bit((enum http_field_id)f->id);
		rest = str_from_index(rest, end + 1);
	}
}

static struct str or_empty(const char *s)
{
	return str_from(s ? s : "");
}

int main(void)
{
	const struct generation *g = make_generation();

	for (size_t i = 0; i < CHECK_COUNT(cases); i++) {
		struct canary canaries[3] = {0};
		struct route route = {.canaries = canaries};
		struct http_field fields[MOST_FIELDS];
		struct http_head head;
		struct regex *pattern = NULL;
		const struct canary *got;
		const char *why;
		unsigned taken = MAIN;

		check_case(cases[i].name);
		for (const struct rule *r = cases[i].rules; r < cases[i].rules + 3 && r->backend; r++) {
			if (r->pattern)
				pattern = regex_create(str_from(r->pattern), &why);
			canaries[route.n_canaries++] = (struct canary){.backend_index = backend_of(g, r->backend)->index,
				.by_header = or_empty(r->header), .by_header_value = or_empty(r->value), .by_cookie = or_empty(r->cookie),
				.pattern = pattern, .weight = r->weight, .weight_total = 100};
		}
		make_head(cases[i].fields, &head, fields);
		/* the middle of the draw's hundredth */
		got = canary_choose(g, &route, backend_of(g, MAIN), &head, (uint64_t)((cases[i].draw + 0.5) / 100 * 4294967296.0) << 32);
		for (unsigned k = 0; got && k < N_BACKENDS; k++) {
			if (backend_of(g, k)->index == got->backend_index)
				taken = k;
		}
		CHECK_STR(str_from(names[taken]), str_from(names[cases[i].want]));
		regex_destroy(pattern);
	}
	generation_unref(&g);
	return check_done();
}
