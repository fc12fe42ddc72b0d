/*
 * A generation that was compiled from a change is what one compiled from nothing is, after every step of a random history; and
 * what did not change is shared. `test_config_change N` prints what a change costs among N backends and hosts.
 */
#include <stdio.h>
#include <stdlib.h>

#include "clock.h"
#include "test_history.h"

#define KIND(x) WEIRLOCK__V1__KIND__KIND_##x

static void put_backend(struct content *c, unsigned n, unsigned version)
{
	Weirlock__V1__Backend b = WEIRLOCK__V1__BACKEND__INIT;
	Weirlock__V1__HealthCheck check = WEIRLOCK__V1__HEALTH_CHECK__INIT;
	char name[16], service[16], path[] = "/healthz";

	snprintf(name, sizeof(name), "b%u", n);
	snprintf(service, sizeof(service), "s%u", version);
	b.service = service;
	check.path = path;
	check.interval_ms = check.timeout_ms = 1000;
	check.failures = check.successes = 1;
	if (version % 3 == 0)
		b.health_check = &check;
	put_message(c, KIND(BACKEND), name, &b);
}

static void put_slice(struct content *c, unsigned n, unsigned slice, unsigned first, unsigned count)
{
	Weirlock__V1__Endpoints e = WEIRLOCK__V1__ENDPOINTS__INIT;
	Weirlock__V1__Endpoint endpoints[4], *items[4];
	uint8_t ips[4][4];
	char name[32], backend[16];

	snprintf(name, sizeof(name), "b%u/%u", n, slice);
	snprintf(backend, sizeof(backend), "b%u", n);
	e.backend = backend;
	e.endpoints = items;
	for (unsigned i = 0; i < count; i++) {
		memcpy(ips[i], (uint8_t[]){10, 0, (uint8_t)slice, (uint8_t)(first + i)}, 4);
		weirlock__v1__endpoint__init(&endpoints[i]);
		endpoints[i].ip = (ProtobufCBinaryData){4, ips[i]};
		endpoints[i].port = 80;
		items[e.n_endpoints++] = &endpoints[i];
	}
	put_message(c, KIND(ENDPOINTS), name, &e);
}

static void put_name(struct content *c, unsigned n, unsigned backend)
{
	char name[32], target[16], path[] = "/";

	snprintf(name, sizeof(name), "h%u.test", n);
	snprintf(target, sizeof(target), "b%u", backend);
	put_host(c, name, (char *[]){path}, 1, NULL, 0, target);
}

static void put_tcp(struct content *c, unsigned port, unsigned backend)
{
	Weirlock__V1__TcpService t = WEIRLOCK__V1__TCP_SERVICE__INIT;
	char name[16], target[16];

	snprintf(name, sizeof(name), "%u", port);
	snprintf(target, sizeof(target), "b%u", backend);
	t.port = port;
	t.backend = target;
	put_message(c, KIND(TCP_SERVICE), name, &t);
}

static void change_settings(struct content *c, uint32_t value)
{
	Weirlock__V1__Settings s = WEIRLOCK__V1__SETTINGS__INIT;

	s.keep_alive_ms = value;
	put_message(c, KIND(SETTINGS), "", &s);
}

static void drop(struct content *c, uint32_t kind, const char *format, unsigned a, unsigned b)
{
	char name[32];

	if (kind == KIND(ENDPOINTS))
		snprintf(name, sizeof(name), "b%u/%u", a, b);
	else
		snprintf(name, sizeof(name), "%s%u%s", format, a, kind == KIND(HOST) ? ".test" : "");
	content_drop(c, kind, str_from(name));
}

static void change(struct content *c, uint32_t *state)
{
	unsigned n = below(state, 12), how = below(state, 16);

	if (how < 6)
		put_slice(c, n, below(state, 3), below(state, 5), below(state, 4));
	else if (how < 9)
		drop(c, KIND(ENDPOINTS), "", n, below(state, 3));
	else if (how == 9)
		put_backend(c, n, below(state, 3));
	else if (how == 10)
		drop(c, KIND(BACKEND), "b", n, 0);
	else if (how == 11)
		put_name(c, n, below(state, 12));
	else if (how == 12)
		drop(c, KIND(HOST), "h", n, 0);
	else if (how == 13)
		put_tcp(c, 9000 + n, below(state, 12));
	else if (how == 14)
		drop(c, KIND(TCP_SERVICE), "900", n % 10, 0);
	else
		change_settings(c, below(state, 3));
}

/* ------------------------------------------------------------------------------------------------------------- compared */

/* The number of a backend depends on its history; its name does not. */
static int compare_lines(const void *a, const void *b)
{
	return str_cmp(*(const struct str *)a, *(const struct str *)b);
}

static void describe_backend(const struct backend *b, struct buf *out)
{
	char text[ADDR_TEXT_MAX];

	if (!b) {
		buf_add(out, STR("none"));
		return;
	}
	buf_printf(out, "%.*s %.*s", STR_ARG(b->name), STR_ARG(b->service));
	for (size_t i = 0; i < b->n_endpoints; i++)
		buf_printf(out, " %s", addr_text(&b->endpoints[i].addr, text));
}

static struct str describe(const struct generation *g, struct arena *arena)
{
	struct str lines[64];
	struct buf line = {0}, all = {0};
	size_t n = 0, cursor = 0, n_checked = 0;
	unsigned at = 0;
	const struct backend *b;
	const struct host *h;
	const struct tcp_service *t;
	struct str text;

	while ((b = generation_next_backend(g, &cursor))) {
		buf_clear(&line);
		describe_backend(b, &line);
		n_checked += b->health_check != NULL;
		lines[n++] = arena_str(arena, buf_str(&line));
	}
	while ((b = generation_next_checked_backend(g, &at)))
		n_checked -= b->health_check != NULL ? 1 : 1000;
	CHECK_INT(n_checked, 0);
	qsort(lines, n, sizeof(*lines), compare_lines);
	for (size_t i = 0; i < n; i++)
		buf_printf(&all, "%.*s\n", STR_ARG(lines[i]));
	for (cursor = 0; (h = generation_next_host(g, &cursor));) {
		buf_printf(&all, "%.*s %d ", STR_ARG(h->name), generation_find_host(g, h->name) == h);
		for (size_t i = 0; i < h->n_routes; i++)
			describe_backend(generation_backend(g, &h->routes[i]), &all);
		buf_add_char(&all, '\n');
	}
	for (cursor = 0; (t = generation_next_tcp(g, &cursor));) {
		buf_printf(&all, "%u %d ", (unsigned)t->port, generation_find_tcp(g, t->port) == t);
		describe_backend(generation_backend_at(g, t->backend_index), &all);
		buf_add_char(&all, '\n');
	}
	buf_printf(&all, "%u\n", (unsigned)generation_settings(g)->keep_alive_ms);
	text = arena_str(arena, buf_str(&all));
	buf_deinit(&line);
	buf_deinit(&all);
	return text;
}

/* ----------------------------------------------------------------------------------------------------- shared, and cost */

static unsigned count_different(const struct generation *g, const struct generation *before)
{
	size_t cursor = 0;
	const struct backend *b;
	unsigned n = 0;

	while ((b = generation_next_changed_backend(g, before, &cursor)))
		n += b != generation_backend_at(before, b->index);
	return n;
}

static const struct generation *timed(const char *what, struct content *from, struct content *to, const struct generation *before)
{
	uint64_t start = clock_mono_us();
	const struct generation *g = compile_change(from, to, before);

	printf("%s: %llu us\n", what, (unsigned long long)(clock_mono_us() - start));
	return g;
}

static void test_sharing(unsigned n)
{
	struct content *c = content_create(), *to;
	const struct generation *first, *second, *third;
	struct config_errors errors = {0};

	check_case("what did not change is shared");
	change_settings(c, 0);
	for (unsigned i = 0; i < n; i++) {
		put_backend(c, i, 0);
		put_slice(c, i, 0, 1, 4);
		put_name(c, i, i);
	}
	first = timed("everything", NULL, c, NULL);
	to = content_copy(c);
	put_slice(to, n / 2, 0, 2, 3);
	second = timed("one slice", c, to, first);
	CHECK_INT(count_different(second, first), 1);
	third = timed("the same by a walk", NULL, to, first);
	CHECK_INT(count_different(third, first), 1);
	generation_unref(&third);
	CHECK(generation_find_host(second, STR("h1.test")) == generation_find_host(first, STR("h1.test")));
	content_destroy(c);
	c = content_copy(to);
	put_slice(c, n / 3, 0, 2, 3);
	third = timed("another slice", to, c, second);
	CHECK_INT(count_different(third, second), 1);
	CHECK_INT(count_different(third, first), 2);
	generation_unref(&first);
	content_destroy(to);
	to = content_copy(c);
	put_name(to, n / 2, 1);
	first = timed("one host", c, to, third);
	CHECK_INT(count_different(first, third), 0);
	generation_unref(&first);

	check_case("a change that does not compile is refused with its name, and nothing has changed");
	content_put(to, resource_create(KIND(ENDPOINTS), STR("b1/9"), STR("\xff\xff nonsense")));
	content_put(to, resource_create(KIND(HOST), STR("h2.test"), STR("\xff\xff nonsense")));
	CHECK(!config_compile_change(c, to, third, STR(""), &errors));
	CHECK_INT(errors.n, 2);
	CHECK_STR(errors.items[0].name, STR("b1/9"));
	CHECK_STR(errors.items[1].name, STR("h2.test"));
	CHECK(generation_find_host(third, STR("h2.test"))->n_routes == 1);
	config_errors_deinit(&errors);
	generation_unref(&second);
	generation_unref(&third);
	content_destroy(c);
	content_destroy(to);
	CHECK_INT(generation_live_count(), 0);
}

int main(int argc, char **argv)
{
	uint64_t n = 1000;

	if (argc > 1 && !str_to_u64(str_from(argv[1]), 100000, &n))
		return 2;
	check_case("from a change, from a walk and from nothing");
	for (uint32_t seed = 1; seed <= 6; seed++) {
		struct content *c = content_create();

		change_settings(c, 0);
		test_history(&(struct history){change, describe}, c, seed, 150);
	}
	test_sharing((unsigned)n);
	return check_done();
}
