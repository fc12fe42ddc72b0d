/* What an Ingress is told before it is stored (N10), in a cluster that has some already. */
#include "cluster.h"
#include "mem.h"

#define PREFIX "nginx.ingress.kubernetes.io/"
#define NOTE(name, value) "\"" PREFIX name "\":\"" value "\""

/* "=" before a wanted text: the only one of its severity. NULL: none. */
static const struct {
	const char *name, *annotations, *host, *path, *service;
	const char *fault, *warning;
} cases[] = {
	{"nothing is wrong", "", "new.test", "/", "one", NULL, NULL},
	{"a path of another (C9)", "", "old.test", "/", "one",
		"Ingress default/web: spec.rules[0].http.paths[0]: host old.test has path / from Ingress default/old already (C9); take the path "
		"out of one of them; the older Ingress serves this path of the host",
		NULL},
	{"the same path of another, in other letters (B3)", "", "OLD.test", "/", "one", "from Ingress default/old already (C9)", NULL},
	{"another path beside it", "", "old.test", "/new", "one", NULL, NULL},
	{"a canary of it (I20)", NOTE("canary", "true") "," NOTE("canary-weight", "10"), "old.test", "/", "two", NULL, NULL},
	{"a canary of nothing (I20)", NOTE("canary", "true") "," NOTE("canary-weight", "10"), "new.test", "/", "one", NULL,
		"=in an Ingress that is no canary (I20)"},
	{"an Ingress that is not served has no paths", "", "bad.test", "/", "one", NULL, NULL},
	{"the host of another's alias", "", "alias.test", "/", "one", NULL, NULL},
	{"an alias that is a host (B5)", NOTE("server-alias", "old.test"), "new.test", "/", "one", "=it is a host of some Ingress (B5)", NULL},
	{"an alias that another has (B5)", NOTE("server-alias", "alias.test"), "new.test", "/", "one",
		"=another host has this alias already (B5)", NULL},
	{"a free alias", NOTE("server-alias", "free.test"), "new.test", "/", "one", NULL, NULL},
	{"a value that falls back (M20 a)", NOTE("proxy-read-timeout", "60s"), "new.test", "/", "one", "=proxy-read-timeout: '60s'", NULL},
	{"a value that closes (M20 b)", NOTE("allowlist-source-range", "x"), "new.test", "/", "one", "=allowlist-source-range: 'x'", NULL},
	{"a value that is refused (M20 c)", NOTE("load-balance", "x"), "new.test", "/", "one", "=load-balance: 'x'", NULL},
	{"a risk that is too high (M21)", NOTE("configuration-snippet", "return 200;"), "new.test", "/", "one", "=its risk is Critical", NULL},
	{"a path that is not strict (C19)", "", "new.test", "/a(b)", "one", "=(C19)", NULL},
	{"an unknown annotation", NOTE("proxy-read-timeuot", "60"), "new.test", "/", "one", NULL, "=did you mean proxy-read-timeout?"},
	{"protection that is not enforced yet", NOTE("auth-url", "http://x.test/"), "new.test", "/", "one", NULL, "=nobody gets through"},
	{"a Secret that may come later (F11)", NOTE("proxy-ssl-secret", "default/later") "," NOTE("proxy-ssl-verify", "on"), "new.test", "/", "one",
		NULL, NULL},
	{"another's Secret (F11)", NOTE("proxy-ssl-secret", "other/later"), "new.test", "/", "one", "=a Secret of the Ingress's own namespace", NULL},
	{"two at once", NOTE("load-balance", "x") "," NOTE("auth-url", "http://x.test/"), "new.test", "/", "one", "=load-balance", "=auth-url"},
	{"a Service that is not there (D1)", "", "new.test", "/", "none", NULL, "=a Service that exists (D1)"},
	{"a pattern (C8)", NOTE("use-regex", "true"), "new.test", "/", "one", NULL, NULL},
	{"another's path becomes a pattern (C6), which is not ours to mend", NOTE("use-regex", "true"), "paren.test", "/", "one", NULL, NULL},
};

static struct str text_of(const struct problems *problems, enum severity severity, size_t *n, struct buf *out)
{
	*n = 0;
	for (size_t i = 0; i < problems->n; i++) {
		if (problems->items[i].severity != severity)
			continue;
		problem_text(&problems->items[i], out);
		buf_add_char(out, '\n');
		++*n;
	}
	return buf_str(out);
}

static void check_told(const struct problems *problems, enum severity severity, const char *want)
{
	struct buf text = {0};
	size_t n;
	struct str got = text_of(problems, severity, &n, &text);
	bool is_alone = want && want[0] == '=';
	struct str wanted = str_from(is_alone ? want + 1 : want);

	if (!want)
		CHECK_STR(got, STR(""));
	else if (!CHECK(str_find_str(got, wanted) < got.len))
		CHECK_STR(got, wanted);
	if (is_alone)
		CHECK_INT(n, 1);
	buf_deinit(&text);
}

static void put(struct store *store, struct object *o)
{
	store_put(store, o, NULL);
}

static struct store *make_store(void)
{
	struct store *store = store_create();

	put(store, cluster_class());
	put(store, cluster_service("one"));
	put(store, cluster_ingress("old", 1, "", "old.test", "/", "one"));
	put(store, cluster_ingress("bad", 1, NOTE("load-balance", "x"), "bad.test", "/", "one"));
	put(store, cluster_ingress("alias", 1, NOTE("server-alias", "alias.test"), "b.test", "/", "one"));
	put(store, cluster_ingress("canary", 1, NOTE("canary", "true") "," NOTE("canary-weight", "1"), "old.test", "/", "two"));
	put(store, cluster_ingress("paren", 1, NOTE("rewrite-target", "/x"), "paren.test", "/old", "one"));
	return store;
}

static struct problems review(struct store *store, const struct reconcile_options *options, struct object *ingress, bool want)
{
	struct problems problems = {0};
	struct arena arena = {0};
	struct store_changes changes;

	store_take_changes(store, &arena, &changes);
	ingress->created_s = INT64_MAX;
	CHECK(reconcile_review(store, options, ingress, &problems) == want);
	CHECK(!store_take_changes(store, &arena, &changes)); /* it has no effect */
	arena_deinit(&arena);
	object_unref(&ingress);
	return problems;
}

static void run_cases(struct store *store, const struct reconcile_options *options)
{
	for (size_t i = 0; i < CHECK_COUNT(cases); i++) {
		struct problems problems;

		check_case(cases[i].name);
		problems = review(store, options,
			cluster_ingress("web", 2, cases[i].annotations, cases[i].host, cases[i].path, cases[i].service), true);
		check_told(&problems, SEVERITY_FAULT, cases[i].fault);
		check_told(&problems, SEVERITY_WARN, cases[i].warning);
		problems_deinit(&problems);
	}
}

static void run_others(struct store *store, const struct reconcile_options *options)
{
	struct reconcile_options other = *options;
	struct object *ingress = cluster_ingress("web", 2, NOTE("load-balance", "x"), "old.test", "/", "one");
	const struct str watched = STR("elsewhere");
	struct problems problems;

	check_case("of another class (N8)");
	ingress->ingress.class_name = STR("other");
	problems = review(store, options, ingress, false);
	CHECK_INT(problems.n, 0);

	check_case("of a namespace that is not watched (N9)");
	other.watch_namespaces = &watched;
	other.n_watch_namespaces = 1;
	problems = review(store, &other, cluster_ingress("web", 2, NOTE("load-balance", "x"), "old.test", "/", "one"), false);
	CHECK_INT(problems.n, 0);

	check_case("its own form of before is no other (C9)");
	problems = review(store, options, cluster_ingress("old", 2, "", "old.test", "/", "one"), true);
	CHECK_INT(problems.n, 0);
	problems_deinit(&problems);

	check_case("it is the older one that is asked: the conflict is told all the same");
	problems = review(store, options, cluster_ingress("elder", 1, "", "old.test", "/", "one"), true);
	check_told(&problems, SEVERITY_FAULT, "=from Ingress default/old already (C9)");
	problems_deinit(&problems);

	check_case("annotations of the usual prefix where there is another (N10)");
	other = *options;
	other.annotations_prefix = STR("example.com");
	problems = review(store, &other, cluster_ingress("web", 2, NOTE("load-balance", "x"), "new.test", "/", "one"), true);
	check_told(&problems, SEVERITY_FAULT, "=write example.com/load-balance");
	problems_deinit(&problems);
}

static void run_catch_all(struct store *store, const struct reconcile_options *options)
{
	static const char text[] =
		"{\"apiVersion\":\"networking.k8s.io/v1\",\"kind\":\"Ingress\",\"metadata\":{\"name\":\"all\",\"namespace\":\"default\"},"
		"\"spec\":{\"ingressClassName\":\"nginx\",\"defaultBackend\":{\"service\":{\"name\":\"one\",\"port\":{\"number\":80}}}}}";
	struct reconcile_options other = *options;
	struct problems problems;

	check_case("a default backend alone (B8)");
	problems = review(store, options, cluster_object(text), true);
	CHECK_INT(problems.n, 0);
	problems_deinit(&problems);
	check_case("the same with --disable-catch-all (N9, N10)");
	other.disable_catch_all = true;
	problems = review(store, &other, cluster_object(text), true);
	check_told(&problems, SEVERITY_FAULT, "=--disable-catch-all");
	check_told(&problems, SEVERITY_WARN, NULL);
	problems_deinit(&problems);
}

/* What the ConfigMap says holds here as well (M21). */
static void run_settings(struct store *store, struct reconcile_options *options)
{
	struct problems problems;

	check_case("a blocked word (N10)");
	options->configmap = STR("ingress/controller");
	put(store, cluster_config_map("\"annotation-value-word-blocklist\":\"evil\""));
	problems = review(store, options, cluster_ingress("web", 2, NOTE("app-root", "/evil"), "new.test", "/", "one"), true);
	check_told(&problems, SEVERITY_FAULT, "=annotation-value-word-blocklist");
	problems_deinit(&problems);
}

/* A certificate may come after its Ingress (F6). */
static void run_certificates(struct store *store, const struct reconcile_options *options)
{
	struct str host = STR("tls.test");
	struct ingress_tls tls = {.hosts = &host, .n_hosts = 1, .secret = STR("certificate")};
	struct object *ingress = cluster_ingress("web", 2, "", "tls.test", "/", "one");
	struct problems problems;

	check_case("a Secret that nobody knows yet");
	ingress->ingress.tls = &tls;
	ingress->ingress.n_tls = 1;
	problems = review(store, options, object_ref(ingress), true);
	CHECK_INT(problems.n, 0);
	problems_deinit(&problems);
	check_case("a Secret without a certificate");
	put(store, cluster_object("{\"apiVersion\":\"v1\",\"kind\":\"Secret\",\"metadata\":{\"name\":\"certificate\",\"namespace\":\"default\"}}"));
	problems = review(store, options, ingress, true);
	check_told(&problems, SEVERITY_FAULT, NULL);
	check_told(&problems, SEVERITY_WARN, "=spec.tls[0].secretName: 'certificate'");
	problems_deinit(&problems);
}

int main(void)
{
	struct store *store = make_store();
	struct reconcile_options options;

	reconcile_options_init(&options);
	run_cases(store, &options);
	run_others(store, &options);
	run_catch_all(store, &options);
	run_certificates(store, &options);
	run_settings(store, &options);
	store_destroy(store);
	return check_done();
}
