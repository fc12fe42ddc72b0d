/* Canaries as a table (I20 to I25): what hangs at the main Ingress's path, whose sessions it has, and what is told. */
#include "cluster.h"
#include "weirlock/v1/snapshot.pb-c.h"

#define N "\"nginx.ingress.kubernetes.io/"
#define ON N "canary\":\"true\""
#define COOKIE N "affinity\":\"cookie\""

enum { CANARIES = 3 };

struct canary_case {
	const char *name;
	const char *of_main; /* annotations of the main Ingress */
	struct {
		const char *annotations, *path, *service;
	} canaries[CANARIES]; /* oldest first; path "" is "/", service "" is that of its number */
	const char *want;     /* canaries of the path, one a line */
	const char *problems; /* object and field, one a line */
	const char *sticky;   /* Services with sessions */
};

static const struct canary_case cases[] = {
	{"weight", "", {{ON "," N "canary-weight\":\"20\"", "", ""}}, "default/one:80 20/100\n", "", ""},
	{"a total of its own", "", {{ON "," N "canary-weight\":\"20\"," N "canary-weight-total\":\"1000\"", "", ""}},
		"default/one:80 20/1000\n", "", ""},
	{"header, value, cookie", "",
		{{ON "," N "canary-by-header\":\"X-C\"," N "canary-by-header-value\":\"v\"," N "canary-by-cookie\":\"c\"", "", ""}},
		"default/one:80 0/100 header=X-C value=v cookie=c\n", "", ""},
	{"pattern", "", {{ON "," N "canary-by-header\":\"X-C\"," N "canary-by-header-pattern\":\"^a|b$\"", "", ""}},
		"default/one:80 0/100 header=X-C pattern=^a|b$\n", "", ""},
	{"a pattern that is none (I22)", "",
		{{ON "," N "canary-by-header\":\"X-C\"," N "canary-by-header-pattern\":\"(a\"", "", ""}}, "",
		"c0 nginx.ingress.kubernetes.io/canary-by-header-pattern\n", ""},
	{"a value makes the pattern count for nothing", "",
		{{ON "," N "canary-by-header\":\"X-C\"," N "canary-by-header-value\":\"v\"," N "canary-by-header-pattern\":\"(a\"", "", ""}},
		"default/one:80 0/100 header=X-C value=v pattern=(a\n", "", ""},
	{"no rule", "", {{ON, "", ""}}, "default/one:80 0/100\n", "c0 nginx.ingress.kubernetes.io/canary\n", ""},
	{"canary: false is a main one, later than main", "", {{N "canary\":\"false\"", "", ""}}, "",
		"c0 spec.rules[0].http.paths[0]\n", ""},
	{"a path that nobody has (I20)", "", {{ON "," N "canary-weight\":\"20\"", "/other", ""}}, "",
		"c0 spec.rules[0].http.paths[0]\n", ""},
	{"several, oldest first", "",
		{{ON "," N "canary-weight\":\"60\"", "", ""}, {ON "," N "canary-weight\":\"40\"", "", ""},
			{ON "," N "canary-by-header\":\"X-C\"", "", ""}},
		"default/one:80 60/100\ndefault/two:80 40/100\ndefault/three:80 0/100 header=X-C\n", "", ""},
	{"more than everything", "",
		{{ON "," N "canary-weight\":\"60\"", "", ""}, {ON "," N "canary-weight\":\"400\"," N "canary-weight-total\":\"900\"", "", ""}},
		"default/one:80 60/100\ndefault/two:80 400/900\n", "c1 nginx.ingress.kubernetes.io/canary-weight\n", ""},
	{"one header for two", "",
		{{ON "," N "canary-by-header\":\"X-C\"", "", ""}, {ON "," N "canary-by-header\":\"X-C\"", "", ""},
			{ON "," N "canary-by-header\":\"X-C\"," N "canary-by-header-value\":\"v\"", "", ""}},
		"default/one:80 0/100 header=X-C\ndefault/two:80 0/100 header=X-C\ndefault/three:80 0/100 header=X-C value=v\n",
		"c1 nginx.ingress.kubernetes.io/canary-by-header\n", ""},
	{"one cookie for two", "",
		{{ON "," N "canary-by-cookie\":\"c\"", "", ""}, {ON "," N "canary-by-cookie\":\"c\"", "", ""}},
		"default/one:80 0/100 cookie=c\ndefault/two:80 0/100 cookie=c\n",
		"c1 nginx.ingress.kubernetes.io/canary-by-cookie\n", ""},
	{"the main Ingress's own Service", "", {{ON "," N "canary-weight\":\"20\"", "", "main"}},
		"default/main:80 20/100\n", "c0 backend.service\n", ""},
	{"sticky is the default (I24)", COOKIE, {{ON "," N "canary-weight\":\"20\"", "", ""}},
		"default/one:80 20/100 sticky\n", "", "main one "},
	{"legacy", COOKIE, {{ON "," N "canary-weight\":\"20\"," N "affinity-canary-behavior\":\"legacy\"", "", ""}},
		"default/one:80 20/100\n", "", "main "},
	{"legacy with sessions of its own", "",
		{{ON "," N "canary-weight\":\"20\"," COOKIE "," N "affinity-canary-behavior\":\"legacy\"", "", ""}},
		"default/one:80 20/100 sticky\n", "", "one "},
	{"sessions of its own beside a main one without", "", {{ON "," N "canary-weight\":\"20\"," COOKIE, "", ""}},
		"default/one:80 20/100 sticky\n", "", "one "},
	{"a word that is none counts as sticky", COOKIE,
		{{ON "," N "canary-weight\":\"20\"," N "affinity-canary-behavior\":\"sometimes\"", "", ""}},
		"default/one:80 20/100 sticky\n", "c0 nginx.ingress.kubernetes.io/affinity-canary-behavior\n", "main one "},
	{"another cookie than main's has no effect", COOKIE,
		{{ON "," N "canary-weight\":\"20\"," COOKIE "," N "session-cookie-name\":\"mine\"", "", ""}},
		"default/one:80 20/100 sticky\n", "c0 nginx.ingress.kubernetes.io/session-cookie-name\n", "main one "},
};

static const char *const services[] = {"main", "one", "two", "three"};

static struct store *make_store(const struct canary_case *c)
{
	struct store *store = store_create();

	store_put(store, cluster_class(), NULL);
	store_put(store, cluster_ingress("main", 1, c->of_main, "a.example.com", "/", "main"), NULL);
	for (unsigned i = 0; i < CHECK_COUNT(services); i++) {
		store_put(store, cluster_service(services[i]), NULL);
		store_put(store, cluster_slice(services[i], i, 1), NULL);
	}
	for (unsigned i = 0; i < CANARIES && c->canaries[i].annotations; i++) {
		char name[] = {'c', (char)('0' + i), 0};

		store_put(store, cluster_ingress(name, 2 + i, c->canaries[i].annotations, "a.example.com",
			c->canaries[i].path[0] ? c->canaries[i].path : "/",
			c->canaries[i].service[0] ? c->canaries[i].service : services[1 + i]), NULL);
	}
	return store;
}

static void add_word(struct buf *out, const char *word, const char *value)
{
	if (value[0])
		buf_printf(out, " %s=%s", word, value);
}

static void write_canaries(const struct reconcile_result *result, struct buf *out)
{
	struct resource *r = reconcile_result_get(result, WEIRLOCK__V1__KIND__KIND_HOST, STR("a.example.com"));
	Weirlock__V1__Host *h = r ? weirlock__v1__host__unpack(NULL, r->body.len, (const uint8_t *)r->body.ptr) : NULL;

	for (size_t i = 0; h && i < h->n_routes; i++) {
		const Weirlock__V1__Policy *policy = h->routes[i]->policy;

		for (size_t k = 0; policy && k < policy->n_canaries; k++) {
			const Weirlock__V1__Canary *c = policy->canaries[k];

			buf_printf(out, "%s %u/%u", c->backend, c->weight, c->weight_total);
			add_word(out, "header", c->by_header);
			add_word(out, "value", c->by_header_value);
			add_word(out, "pattern", c->by_header_pattern);
			add_word(out, "cookie", c->by_cookie);
			buf_add(out, c->sets_session_cookie ? STR(" sticky\n") : STR("\n"));
		}
	}
	if (CHECK(h != NULL))
		weirlock__v1__host__free_unpacked(h, NULL);
}

static void write_sticky(const struct reconcile_result *result, struct buf *out)
{
	for (size_t i = 0; i < CHECK_COUNT(services); i++) {
		struct buf name = {0};
		struct resource *r;
		Weirlock__V1__Backend *b;

		buf_printf(&name, "default/%s:80", services[i]);
		r = reconcile_result_get(result, WEIRLOCK__V1__KIND__KIND_BACKEND, buf_str(&name));
		b = r ? weirlock__v1__backend__unpack(NULL, r->body.len, (const uint8_t *)r->body.ptr) : NULL;
		if (b && b->affinity)
			buf_printf(out, "%s ", services[i]);
		if (b)
			weirlock__v1__backend__free_unpacked(b, NULL);
		buf_deinit(&name);
	}
}

static void run_case(const struct canary_case *c)
{
	struct store *store = make_store(c);
	struct reconcile_options options;
	struct reconcile_result result;
	struct reconcile *pass;
	struct buf canaries = {0}, problems = {0}, sticky = {0};

	check_case(c->name);
	reconcile_options_init(&options);
	pass = reconcile_begin(store, &options);
	reconcile_result_init(&result);
	reconcile_everything(pass, &result);
	write_canaries(&result, &canaries);
	write_sticky(&result, &sticky);
	for (size_t i = 0; i < result.problems.n; i++) {
		struct str object = result.problems.items[i].object;

		buf_printf(&problems, "%.*s %.*s\n", STR_ARG(str_from_index(object, str_rfind(object, '/') + 1)),
			STR_ARG(result.problems.items[i].field));
	}
	CHECK_STR(buf_str(&canaries), str_from(c->want));
	CHECK_STR(buf_str(&problems), str_from(c->problems));
	CHECK_STR(buf_str(&sticky), str_from(c->sticky));
	buf_deinit(&canaries);
	buf_deinit(&problems);
	buf_deinit(&sticky);
	reconcile_result_deinit(&result);
	reconcile_end(pass);
	store_destroy(store);
}

int main(void)
{
	for (size_t i = 0; i < CHECK_COUNT(cases); i++)
		run_case(&cases[i]);
	return check_done();
}
