/* SEMANTICS B3–B6 (hosts), C1–C8, C12 (paths), and random routes against a plain reference. */
#include "route.h"

#include <stdio.h>

#include "check.h"
#include "clock.h"
#include "test_content.h"

enum { MAX_PATHS = 8 };

/* Splits "a|b" into NUL-terminated pieces within `text`. */
static size_t split(char *text, char **out)
{
	size_t n = 0;

	for (char *at = text; *at; n++) {
		char *bar = strchr(at, '|');

		out[n] = at;
		if (!bar)
			return n + 1;
		*bar = '\0';
		at = bar + 1;
	}
	return n;
}

static const struct generation *compile(struct content *c)
{
	struct config_errors errors = {0};
	const struct generation *g = config_compile(c, NULL, &errors);

	for (size_t i = 0; i < errors.n; i++)
		fprintf(stderr, "%.*s: %.*s\n", STR_ARG(errors.items[i].name), STR_ARG(errors.items[i].reason));
	CHECK(g != NULL);
	config_errors_deinit(&errors);
	content_destroy(c);
	return g;
}

static void test_paths(void)
{
	static const struct {
		const char *name;
		const char *routes; /* in the order of the host */
		const char *path;
		const char *want; /* the route as written in `routes`; "" none; ">x" a slash redirect to x */
	} cases[] = {
		{"C3 exact", "=/foo|/", "/foo", "=/foo"},
		{"C3 exact takes nothing below", "=/foo", "/foo/a", ""},
		{"C3 exact takes nothing longer", "=/foo", "/foobar", ""},
		{"C2 case matters", "=/foo", "/FOO", ""},
		{"C4 prefix itself", "/foo", "/foo", "/foo"},
		{"C4 prefix, below", "/foo", "/foo/bar", "/foo"},
		{"C4 prefix with final slash in the request", "/foo", "/foo/", "/foo"},
		{"C4 element-wise", "/foo", "/foobar", ""},
		{"C4 /foo/ takes what is below", "/foo/", "/foo/bar", "/foo/"},
		{"C4 /foo/ takes itself", "/foo/", "/foo/", "/foo/"},
		{"C4 / takes everything", "/", "/any/thing", "/"},
		{"C4 / takes /", "/", "/", "/"},
		{"C5 exact before prefix", "/foo|=/foo", "/foo", "=/foo"},
		{"C5 below goes to the prefix", "/foo|=/foo", "/foo/x", "/foo"},
		{"C5 longest prefix", "/|/a|/a/b", "/a/b/c", "/a/b"},
		{"C5 longest prefix, in any order", "/a/b|/|/a", "/a/c", "/a"},
		{"C5 /foo/ is longer than /foo", "/foo|/foo/", "/foo/x", "/foo/"},
		{"C5 a longer one that does not fit", "/a|/a/bcd", "/a/bc", "/a"},
		{"C12 prefix", "/foo/|/", "/foo", ">/foo/"},
		{"C12 exact", "=/foo/|/", "/foo", ">=/foo/"},
		{"C12 not when /foo is there exactly", "/foo/|=/foo", "/foo", "=/foo"},
		{"C12 not when /foo is there as a prefix", "/foo/|/foo", "/foo", "/foo"},
		{"C12 beats a shorter prefix", "/a|/a/b/", "/a/b", ">/a/b/"},
		{"C12 only for the whole path", "/foo/|/", "/fo", "/"},
		{"C6 regex is anchored at the start only", "~/foo|~/", "/foobar", "~/foo"},
		{"C6 regex ignores case", "~/foo|~/", "/FOO", "~/foo"},
		{"C6 not in the middle", "~/foo", "/a/foo", ""},
		{"C7 the first in order, not the longest match", "~/f.|~/foo/bar", "/foo/bar", "~/f."},
		{"C8 a dot is any byte", "~/a.c", "/abc", "~/a.c"},
		{"C8 outside regex mode it is a dot", "/a.c", "/abc", ""},
		{"C12 not in regex mode", "~/foo/|~/", "/foo", "~/"},
		{"mixed: exact before regex", "~/f|=/foo", "/foo", "=/foo"},
		{"mixed: regex before prefix", "/foo|~/foo/b", "/foo/bar", "~/foo/b"},
		{"mixed: prefix when no regex matches", "/foo|~/zzz", "/foo/bar", "/foo"},
		{"no routes", "", "/", ""},
		{"the first of equals", "/foo|/foo", "/foo", "/foo"},
	};

	for (size_t i = 0; i < CHECK_COUNT(cases); i++) {
		struct content *c = content_create();
		char routes[128], *paths[MAX_PATHS], host[] = "a.example", none[] = "";
		struct route_match m;
		const struct generation *g;
		char got[64];

		check_case(cases[i].name);
		snprintf(routes, sizeof(routes), "%s", cases[i].routes);
		put_settings(c);
		put_host(c, host, paths, split(routes, paths), NULL, 0, none);
		g = compile(c);
		m = route_match(g, STR("a.example"), str_from(cases[i].path));
		snprintf(got, sizeof(got), "%s%s%.*s", m.is_slash_redirect ? ">" : "",
			!m.route || m.route->path_type == ROUTE_PREFIX       ? ""
				: m.route->path_type == ROUTE_EXACT ? "="
								    : "~",
			m.route ? (int)m.route->path.len : 0, m.route ? m.route->path.ptr : "");
		CHECK_STR(str_from(got), str_from(cases[i].want));
		CHECK(!m.has_failed);
		generation_unref(&g);
	}
}

/* What is said of each route, in the order of the host. */
static void test_fates(void)
{
	static const struct {
		const char *name, *routes, *path;
		enum route_fate want[MAX_PATHS];
	} cases[] = {
		{"C3, C4, C5", "=/foo|/foo|/fo|/|/bar", "/foo/x",
			{ROUTE_NOT_EXACT, ROUTE_WON, ROUTE_NOT_ELEMENT, ROUTE_SHORTER, ROUTE_NOT_PREFIX}},
		{"C5 exact first", "=/foo|/foo|/", "/foo", {ROUTE_WON, ROUTE_AFTER_EXACT, ROUTE_AFTER_EXACT}},
		{"C12", "/foo/|/|=/foo/", "/foo", {ROUTE_NOT_PREFIX, ROUTE_AFTER_SLASH, ROUTE_WON_SLASH}},
		{"C7", "~/b|~/f.|~/foo|~/", "/foo/bar",
			{ROUTE_NO_MATCH, ROUTE_WON, ROUTE_NOT_REACHED, ROUTE_NOT_REACHED}},
		{"mixed: not asked", "~/f|=/foo|/foo", "/foo", {ROUTE_NOT_ASKED, ROUTE_WON, ROUTE_AFTER_EXACT}},
		{"mixed: regex first", "/foo|~/foo/b", "/foo/bar", {ROUTE_AFTER_REGEX, ROUTE_WON}},
		{"mixed: none matches", "/foo|~/zzz", "/foo/bar", {ROUTE_WON, ROUTE_NO_MATCH}},
		{"the first of equals", "/foo|/foo", "/foo", {ROUTE_WON, ROUTE_SAME}},
		{"gave up", "~/(a+)+$|~/|/", "/aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaab",
			{ROUTE_GAVE_UP, ROUTE_NOT_REACHED, ROUTE_AFTER_REGEX}},
	};

	for (size_t i = 0; i < CHECK_COUNT(cases); i++) {
		struct content *c = content_create();
		char routes[128], *paths[MAX_PATHS], host[] = "a.example", none[] = "";
		enum route_fate fates[MAX_PATHS];
		const struct generation *g;
		size_t n;

		check_case(cases[i].name);
		snprintf(routes, sizeof(routes), "%s", cases[i].routes);
		put_settings(c);
		n = split(routes, paths);
		put_host(c, host, paths, n, NULL, 0, none);
		g = compile(c);
		route_explain(generation_find_host(g, STR("a.example")), str_from(cases[i].path), fates);
		for (size_t k = 0; k < n; k++)
			CHECK_STR(str_from(route_fate_doc(fates[k])), str_from(route_fate_doc(cases[i].want[k])));
		generation_unref(&g);
	}
}

/* The chosen name is among the candidates and fits; each fit is the name's own. */
static void check_candidates(const struct generation *g, struct str name)
{
	struct host_match m = generation_match_host(g, name);
	struct host_candidate all[64];
	size_t n = generation_host_candidates(g, name, all, CHECK_COUNT(all)), n_chosen = 0;

	CHECK(m.host == generation_find_host(g, name) && n <= CHECK_COUNT(all));
	for (size_t i = 0; i < n; i++) {
		if (all[i].match.host != m.host || all[i].match.how != m.how || !str_eq(all[i].match.by, m.by))
			continue;
		n_chosen++;
		CHECK(all[i].fit == HOST_FITS);
	}
	CHECK_INT(n_chosen, 1);
	if (m.how == HOST_FOUND_DEFAULT && name.len <= 255) {
		for (size_t i = 0; i + 1 < n; i++)
			CHECK(all[i].fit != HOST_FITS);
	}
}

static void test_hosts(void)
{
	static const struct {
		const char *name, *server_name, *want;
	} cases[] = {
		{"B3 exact", "a.example.com", "a.example.com"},
		{"B3 exact alias", "plain.alias", "a.example.com"},
		{"B3 exact before wildcard", "b.example.com", "b.example.com"},
		{"B4 one label", "c.example.com", "*.example.com"},
		{"B4 label bytes", "c_-9.example.com", "*.example.com"},
		{"B4 not two labels", "x.y.example.com", "_"},
		{"B4 not none", "example.com", "_"},
		{"B4 other bytes", "c!.example.com", "_"},
		{"B4 an empty label", ".example.com", "_"},
		{"B5 alias wildcard: many labels", "x.y.deep.org", "a.example.com"},
		{"B5 alias wildcard: not none", "deep.org", "_"},
		{"B3 longest suffix first", "x.more.deep.org", "b.example.com"},
		{"B5 alias regex", "web-17.lab", "b.example.com"},
		{"B3 wildcard host sorts before the regex of b", "web-17.example.com", "*.example.com"},
		{"B3 a regex of an earlier host goes before a wildcard", "q.zoo.net", "*.a.net"},
		{"B5 an alias never takes a host's name", "taken.example.com", "taken.example.com"},
		{"B6 unknown", "nobody", "_"},
		{"B2 HTTP/1.0 without Host", "", "_"},
		{"longer than a name can be", "a.a.a.a.a.a.a.a.a.a.a.a.a.a.a.a.a.a.a.a.a.a.a.a.a.a.a.a.a.a.a.a.a.a.a.a.a.a.a.a.a."
					      "a.a.a.a.a.a.a.a.a.a.a.a.a.a.a.a.a.a.a.a.a.a.a.a.a.a.a.a.a.a.a.a.a.a.a.a.a.a.a.a.a."
					      "a.a.a.a.a.a.a.a.a.a.a.a.a.a.a.a.a.a.a.a.a.a.a.a.a.a.a.a.a.a.a.a.a.a.a.a.a.a.a.a.a."
					      "a.a.a.a.a.a.a.a.a.deep.org", "_"},
	};
	struct content *c = content_create();
	char names[][24] = {"a.example.com", "b.example.com", "*.example.com", "*.zoo.net", "*.a.net", "taken.example.com", "_"};
	char alias_a[] = "plain.alias|*.deep.org|taken.example.com", alias_b[] = "*.more.deep.org|~^web-[0-9]+\\.";
	char alias_net[] = "~\\.zoo\\.net$", none[] = "", *root[] = {none}, slash[] = "/";
	const struct generation *g;

	root[0] = slash;
	put_settings(c);
	for (size_t i = 0; i < CHECK_COUNT(names); i++) {
		char *aliases[4];
		size_t n = i == 0 ? split(alias_a, aliases) : i == 1 ? split(alias_b, aliases) : i == 4 ? split(alias_net, aliases) : 0;

		put_host(c, names[i], root, 1, aliases, n, none);
	}
	g = compile(c);
	for (size_t i = 0; i < CHECK_COUNT(cases); i++) {
		check_case(cases[i].name);
		CHECK_STR(route_match(g, str_from(cases[i].server_name), STR("/")).host->name, str_from(cases[i].want));
		if (strlen(cases[i].server_name) <= 255)
			check_candidates(g, str_from(cases[i].server_name));
	}
	generation_unref(&g);
	check_case("without a _ an empty host stands in");
	c = content_create();
	put_settings(c);
	g = compile(c);
	CHECK_STR(route_match(g, STR("x"), STR("/")).host->name, STR("_"));
	CHECK(!route_match(g, STR("x"), STR("/")).route);
	generation_unref(&g);
}

/* ---------------------------------------------------------------------------------- against a reference that scans */

static bool takes(const struct route *r, struct str path)
{
	if (r->path_type == ROUTE_EXACT)
		return str_eq(r->path, path);
	if (!str_starts_with(path, r->path))
		return false;
	return r->path.ptr[r->path.len - 1] == '/' || path.len == r->path.len || path.ptr[r->path.len] == '/';
}

static bool is_slash_of(const struct route *r, struct str path)
{
	return r->path.len == path.len + 1 && str_starts_with(r->path, path) && r->path.ptr[path.len] == '/';
}

/* C3–C5, C12 as one reads them. */
static struct route_match reference(const struct host *h, struct str path)
{
	struct route_match m = {.host = h};
	const struct route *slash = NULL;

	for (size_t i = 0; i < h->n_routes; i++) {
		const struct route *r = &h->routes[i];

		if (r->path_type == ROUTE_EXACT && takes(r, path))
			return (struct route_match){.host = h, .route = r};
		if (is_slash_of(r, path) && (!slash || (slash->path_type == ROUTE_PREFIX && r->path_type == ROUTE_EXACT)))
			slash = r;
		if (takes(r, path) && (!m.route || r->path.len > m.route->path.len))
			m.route = r;
	}
	if (m.route && m.route->path.len == path.len)
		return m;
	if (slash) {
		m.route = slash;
		m.is_slash_redirect = true;
	}
	return m;
}

static uint64_t step(uint64_t *x)
{
	*x ^= *x << 13;
	*x ^= *x >> 7;
	*x ^= *x << 17;
	return *x;
}

/* Paths over {a, b, /} without "//", so that they meet often. */
static void any_path(uint64_t *x, char *out, size_t max)
{
	size_t len = 1 + step(x) % max;

	out[0] = '/';
	for (size_t i = 1; i < len; i++)
		out[i] = "ab/"[step(x) % (out[i - 1] == '/' ? 2 : 3)];
	out[len] = '\0';
}

/* Every route has a fate; the chosen one is the reference's, and who is said to take the path takes it. */
static void check_fates(const struct host *h, struct str path, const struct route_match *want)
{
#define TAKES(id, takes, doc) takes,
	static const bool takes_it[] = {ROUTE_FATES(TAKES)};
	enum route_fate fates[64];
	struct route_match m = route_explain(h, path, fates);

	CHECK(m.route == want->route && m.is_slash_redirect == want->is_slash_redirect);
	for (size_t i = 0; i < h->n_routes; i++) {
		bool is_winner = fates[i] == ROUTE_WON || fates[i] == ROUTE_WON_SLASH;

		CHECK(is_winner == (&h->routes[i] == want->route));
		CHECK(takes_it[fates[i]] == takes(&h->routes[i], path));
	}
}

static void test_random(void)
{
	enum { N = 30, ROUNDS = 300, PATHS = 100 };
	uint64_t x = 88172645463325252u;

	check_case("random routes and paths as the reference says");
	for (unsigned round = 0; round < ROUNDS; round++) {
		struct content *c = content_create();
		char text[N][16], *paths[N], host[] = "h", none[] = "";
		size_t n = step(&x) % N;
		const struct generation *g;
		const struct host *h;

		for (size_t i = 0; i < n; i++) {
			text[i][0] = '=';
			any_path(&x, text[i] + 1, 9);
			paths[i] = text[i] + (step(&x) % 3 ? 1 : 0);
		}
		put_settings(c);
		put_host(c, host, paths, n, NULL, 0, none);
		g = compile(c);
		h = generation_find_host(g, STR("h"));
		for (unsigned i = 0; i < PATHS; i++) {
			char path[16];
			struct route_match got, want;

			any_path(&x, path, 10);
			got = route_match_path(h, str_from(path));
			want = reference(h, str_from(path));
			CHECK(got.route == want.route && got.is_slash_redirect == want.is_slash_redirect);
			check_fates(h, str_from(path), &want);
		}
		generation_unref(&g);
	}
}

static void test_limits(void)
{
	struct content *c = content_create();
	char host[] = "h", none[] = "", evil[] = "~/(a+)+$", all[] = "~/", *paths[] = {evil, all};
	const struct generation *g;
	struct route_match m;

	check_case("a regular expression that gives up ends the search");
	put_settings(c);
	put_host(c, host, paths, 2, NULL, 0, none);
	g = compile(c);
	m = route_match(g, STR("h"), STR("/aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaab"));
	CHECK(m.has_failed && !m.route);
	m = route_match(g, STR("h"), STR("/b"));
	CHECK(!m.has_failed && m.route);
	generation_unref(&g);
}

static void test_many(void)
{
	enum { N = 10000, LOOKUPS = 100000 };
	struct content *c = content_create();
	char (*text)[32] = mem_calloc(N, sizeof(*text)), **paths = mem_calloc(N, sizeof(*paths));
	char host[] = "h", none[] = "";
	const struct generation *g;
	const struct host *h;
	uint64_t start;
	size_t n_right = 0;

	check_case("10,000 routes on a host");
	for (unsigned i = 0; i < N; i++) {
		snprintf(text[i], sizeof(text[i]), "/team-%u/app-%u", i / 100, i);
		paths[i] = text[i];
	}
	put_settings(c);
	put_host(c, host, paths, N, NULL, 0, none);
	g = compile(c);
	h = generation_find_host(g, STR("h"));
	start = clock_mono_us();
	for (unsigned i = 0; i < LOOKUPS; i++) {
		unsigned k = i * 7919u % N;
		char path[64];
		size_t len = (size_t)snprintf(path, sizeof(path), "/team-%u/app-%u/some/page", k / 100, k);

		n_right += route_match_path(h, str_of(path, len)).route == &h->routes[k];
	}
	CHECK_INT(n_right, LOOKUPS);
	/* A scan of all routes would take minutes here and meet the test's own deadline; one lookup takes about a microsecond. */
	printf("ns a lookup: %llu\n", (unsigned long long)((clock_mono_us() - start) * 1000 / LOOKUPS));
	generation_unref(&g);
	mem_free(text);
	mem_free(paths);
}

int main(void)
{
	test_paths();
	test_fates();
	test_hosts();
	test_random();
	test_limits();
	test_many();
	CHECK_INT(generation_live_count(), 0);
	return check_done();
}
