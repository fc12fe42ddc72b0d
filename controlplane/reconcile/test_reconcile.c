/* What golden pairs (tests/translate) cannot say: order, admission, last good values, parts of a build. */
#include "cluster.h"
#include "mem.h"
#include "weirlock/v1/snapshot.pb-c.h"

#define PREFIX "nginx.ingress.kubernetes.io/"

static struct reconcile_options options_of_test(void)
{
	struct reconcile_options options;

	reconcile_options_init(&options);
	options.configmap = STR("ingress/controller");
	return options;
}

static struct str problems_as_text(const struct problems *problems, struct buf *out)
{
	for (size_t i = 0; i < problems->n; i++) {
		problem_text(&problems->items[i], out);
		buf_add_char(out, '\n');
	}
	return buf_str(out);
}

static struct str origins_as_text(const struct snapshot *s, struct buf *out)
{
	struct arena arena = {0};
	const struct provenance *origins;
	size_t n;

	origins = origins_all(s->origins, &arena, &n);
	for (size_t i = 0; i < n; i++)
		buf_printf(out, "%u %.*s %.*s %.*s %.*s %.*s\n", origins[i].kind, STR_ARG(origins[i].name),
			STR_ARG(origins[i].field), STR_ARG(origins[i].object), STR_ARG(origins[i].key),
			STR_ARG(origins[i].value));
	arena_deinit(&arena);
	return buf_str(out);
}

/* A cluster in which most things happen: conflicts, ties, aliases taken twice, bad values, shared services. */
enum { N_OBJECTS = 40 };
static void make_cluster(struct object **objects)
{
	size_t n = 0;
	struct buf name = {0}, other = {0};

	objects[n++] = cluster_class();
	objects[n++] = cluster_config_map("\"keep-alive\":\"5\",\"proxy-read-timeout\":\"60s\",\"nonsense\":\"1\"");
	for (unsigned i = 0; i < 12; i++) {
		static const char *const annotations[] = {"", "\"" PREFIX "server-alias\":\"x.example.com,y.example.com\"",
			"\"" PREFIX "proxy-read-timeout\":\"7\",\"" PREFIX "load-balance\":\"ewma\"",
			"\"" PREFIX "backend-protocol\":\"GRPC\"", "\"" PREFIX "proxy-send-timeout\":\"never\"",
			"\"" PREFIX "from-to-www-redirect\":\"true\""};

		buf_clear(&name);
		buf_printf(&name, "web%u", i);
		buf_clear(&other);
		buf_printf(&other, "%c.example.com", 'a' + (int)(i % 4));
		objects[n++] = cluster_ingress(buf_cstr(&name), 1 + i % 3, annotations[i % 6], buf_cstr(&other),
			i % 5 == 0 ? "/" : "/x", i % 2 ? "one" : "two");
	}
	objects[n++] = cluster_service("one");
	objects[n++] = cluster_service("two");
	for (unsigned i = 0; n < N_OBJECTS; i++)
		objects[n++] = cluster_slice(i % 2 ? "one" : "two", i / 2, i);
	buf_deinit(&name);
	buf_deinit(&other);
}

static void shuffle(struct object **objects, size_t n, uint32_t *seed)
{
	for (size_t i = n; i > 1; i--) {
		size_t j;
		struct object *swap = objects[i - 1];

		*seed = *seed * 1664525u + 1013904223u;
		j = (*seed >> 8) % i;
		objects[i - 1] = objects[j];
		objects[j] = swap;
	}
}

struct outcome {
	struct content_id id;
	struct buf problems, origins;
};

static void build_outcome(struct object **objects, size_t n, struct outcome *out)
{
	struct store *store = store_create();
	struct reconcile_options options = options_of_test();
	struct problems problems = {0};
	struct snapshot *s;

	for (size_t i = 0; i < n; i++)
		store_put(store, object_ref(objects[i]), NULL);
	s = reconcile_build(store, &options, 1, NULL, &problems);
	out->id = s->id;
	problems_as_text(&problems, &out->problems);
	origins_as_text(s, &out->origins);
	snapshot_unref(&s);
	problems_deinit(&problems);
	store_destroy(store);
}

static void outcome_deinit(struct outcome *o)
{
	buf_deinit(&o->problems);
	buf_deinit(&o->origins);
}

/* DESIGN: the same cluster gives the same id, in every order of events; so do its problems and origins. */
static void test_order(void)
{
	struct object *objects[N_OBJECTS];
	struct outcome first = {0};
	uint32_t seed = 7;

	check_case("any order, one id");
	make_cluster(objects);
	build_outcome(objects, N_OBJECTS, &first);
	CHECK(first.problems.len > 0 && first.origins.len > 0);
	for (int round = 0; round < 40; round++) {
		struct outcome next = {0};

		shuffle(objects, N_OBJECTS, &seed);
		build_outcome(objects, N_OBJECTS, &next);
		CHECK(content_id_eq(&first.id, &next.id));
		CHECK_STR(buf_str(&next.problems), buf_str(&first.problems));
		CHECK_STR(buf_str(&next.origins), buf_str(&first.origins));
		outcome_deinit(&next);
	}
	outcome_deinit(&first);
	for (size_t i = 0; i < N_OBJECTS; i++)
		object_unref(&objects[i]);
}

/* One part built alone has the bytes that it has in the whole. */
static void test_parts(void)
{
	struct object *objects[N_OBJECTS];
	struct store *store = store_create();
	struct reconcile_options options = options_of_test();
	struct reconcile_result whole, part;
	struct reconcile *pass;
	size_t n_hosts = 0;
	struct resource **all;

	check_case("a host alone is what it is in the whole");
	make_cluster(objects);
	for (size_t i = 0; i < N_OBJECTS; i++)
		store_put(store, objects[i], NULL);
	pass = reconcile_begin(store, &options);
	reconcile_result_init(&whole);
	reconcile_everything(pass, &whole);
	reconcile_end(pass);
	all = whole.resources;
	for (size_t i = 0; i < whole.n_resources; i++) {
		struct resource *alone;

		if (all[i]->kind != WEIRLOCK__V1__KIND__KIND_HOST || str_starts_with(all[i]->name, STR("www.")))
			continue;
		n_hosts++;
		pass = reconcile_begin(store, &options);
		reconcile_result_init(&part);
		reconcile_host(pass, all[i]->name, &part);
		alone = reconcile_result_get(&part, all[i]->kind, all[i]->name);
		CHECK(alone && str_eq(alone->body, all[i]->body));
		reconcile_result_deinit(&part);
		reconcile_end(pass);
	}
	CHECK_INT(n_hosts, 5); /* a to d and "_" */

	check_case("a service alone");
	pass = reconcile_begin(store, &options);
	reconcile_result_init(&part);
	reconcile_service(pass, STR("default/one"), &part);
	CHECK(reconcile_result_get(&part, WEIRLOCK__V1__KIND__KIND_BACKEND, STR("default/one:80")) != NULL);
	CHECK_INT(part.n_resources, 1 + 12);
	reconcile_service(pass, STR("default/nobody"), &part);
	reconcile_service(pass, STR("no slash"), &part);
	reconcile_host(pass, STR("nowhere.example.com"), &part);
	CHECK_INT(part.n_resources, 1 + 12);
	reconcile_result_deinit(&part);
	reconcile_end(pass);
	reconcile_result_deinit(&whole);
	store_destroy(store);
}

/* M14, M20, M21, C19: what may take the place of a good form. */
static void test_admission(void)
{
	static const struct {
		const char *annotations, *path, *class;
		bool want;
	} cases[] = {
		{"", "/", "nginx", true},
		{"\"" PREFIX "proxy-read-timeout\":\"60s\"", "/", "nginx", true},
		{"\"" PREFIX "allowlist-source-range\":\"x\"", "/", "nginx", true},
		{"\"" PREFIX "load-balance\":\"x\"", "/", "nginx", false},
		{"\"" PREFIX "configuration-snippet\":\"return 200;\"", "/", "nginx", false},
		{"\"" PREFIX "server-snippet\":\"\"", "/", "nginx", false},
		{"\"" PREFIX "canary\":\"true\"", "/", "nginx", true},
		{"", "/a(b)", "nginx", false},
		{"\"" PREFIX "configuration-snippet\":\"x\"", "/a(b)", "other", true},
	};
	struct store *store = store_create();
	struct reconcile_options options = options_of_test();

	store_put(store, cluster_class(), NULL);
	for (size_t i = 0; i < CHECK_COUNT(cases); i++) {
		struct problems problems = {0};
		struct object *ingress =
			cluster_ingress("web", 1, cases[i].annotations, "a.example.com", cases[i].path, "one");

		check_case(cases[i].annotations);
		ingress->ingress.class_name = str_from(cases[i].class);
		CHECK(reconcile_admit(store, &options, ingress, &problems) == cases[i].want);
		CHECK((problems.n > 0) == !cases[i].want);
		problems_deinit(&problems);
		object_unref(&ingress);
	}
	store_destroy(store);
}

static uint32_t keep_alive_of(const struct snapshot *s)
{
	struct resource *r = content_get(s->content, WEIRLOCK__V1__KIND__KIND_SETTINGS, STR(""));
	Weirlock__V1__Settings *m = weirlock__v1__settings__unpack(NULL, r->body.len, (const uint8_t *)r->body.ptr);
	uint32_t keep_alive = m->keep_alive_ms;

	weirlock__v1__settings__free_unpacked(m, NULL);
	return keep_alive;
}

/* M22 and better: a bad value keeps the last good one, from build to build. */
static void test_last_settings(void)
{
	static const struct {
		const char *data;
		uint32_t want;
		size_t n_problems;
	} steps[] = {
		{"\"keep-alive\":\"5\"", 5000, 0},
		{"\"keep-alive\":\"soon\"", 5000, 1},
		{"\"keep-alive\":\"later\"", 5000, 1},
		{"\"keep-alive\":\"9\"", 9000, 0},
		{"", 75000, 0},
		{"\"keep-alive\":\"soon\"", 75000, 1},
	};
	struct store *store = store_create();
	struct reconcile_options options = options_of_test();
	struct setting_values last = {0};

	for (size_t i = 0; i < CHECK_COUNT(steps); i++) {
		struct problems problems = {0};
		struct snapshot *s;

		check_case(steps[i].data);
		store_put(store, cluster_config_map(steps[i].data), NULL);
		s = reconcile_build(store, &options, 1, &last, &problems);
		CHECK_INT(keep_alive_of(s), steps[i].want);
		CHECK_INT(problems.n, steps[i].n_problems);
		snapshot_unref(&s);
		problems_deinit(&problems);
	}
	settings_deinit(&last);
	store_destroy(store);
}

/* A ConfigMap of headers is named by a setting alone; a change of it is a change all the same. */
static void test_reads(void)
{
	struct store *store = store_create();
	struct reconcile_options options = options_of_test();
	struct problems problems = {0};
	struct arena arena = {0};
	struct store_changes changes;
	struct snapshot *s;

	check_case("what everything depends on");
	store_put(store, cluster_config_map("\"add-headers\":\"ingress/more\""), NULL);
	s = reconcile_build(store, &options, 1, NULL, &problems);
	snapshot_unref(&s);
	store_take_changes(store, &arena, &changes);
	store_put(store,
		cluster_object("{\"apiVersion\":\"v1\",\"kind\":\"ConfigMap\",\"metadata\":{\"name\":\"more\","
			       "\"namespace\":\"ingress\"},\"data\":{\"X-More\":\"1\"}}"),
		NULL);
	CHECK(store_take_changes(store, &arena, &changes) && changes.everything);
	store_put(store, cluster_config_map("\"keep-alive\":\"1\""), NULL);
	CHECK(store_take_changes(store, &arena, &changes) && changes.everything);
	problems_deinit(&problems);
	arena_deinit(&arena);
	store_destroy(store);
}

/* F4 */
static void test_generated_certificate(void)
{
	struct store *store = store_create();
	struct reconcile_options options = options_of_test();
	struct buf chain = {0}, key = {0};
	struct problems problems = {0};
	struct snapshot *s;
	struct resource *r;
	Weirlock__V1__Certificate *m;

	check_case("a certificate of our own");
	CHECK(reconcile_make_certificate(1800000000, &chain, &key));
	options.configmap = STR("");
	options.generated_chain_pem = buf_str(&chain);
	options.generated_key_pem = buf_str(&key);
	s = reconcile_build(store, &options, 1, NULL, &problems);
	r = content_get(s->content, WEIRLOCK__V1__KIND__KIND_CERTIFICATE, STR("-"));
	if (CHECK(r != NULL)) {
		m = weirlock__v1__certificate__unpack(NULL, r->body.len, (const uint8_t *)r->body.ptr);
		CHECK_STR(str_from(m->names[0]), STR("ingress.local"));
		CHECK_STR(str_from(m->key_type), STR("RSA 2048"));
		CHECK_INT(m->not_after_s - m->not_before_s, 365LL * 86400);
		CHECK_INT(m->fingerprint.len, 32);
		CHECK(str_find_str(str_from(m->issuer), STR("Acme Co")) < strlen(m->issuer));
		weirlock__v1__certificate__free_unpacked(m, NULL);
	}
	CHECK_INT(problems.n, 0);
	snapshot_unref(&s);
	problems_deinit(&problems);
	buf_deinit(&chain);
	buf_deinit(&key);
	store_destroy(store);
}

/* The value of a Secret never shows up in a problem. */
static void test_secret_texts(void)
{
	struct store *store = store_create();
	struct reconcile_options options = options_of_test();
	struct problems problems = {0};
	struct buf text = {0};
	struct snapshot *s;

	check_case("no secret in a problem");
	store_put(store, cluster_class(), NULL);
	store_put(store,
		cluster_object("{\"apiVersion\":\"v1\",\"kind\":\"Secret\",\"metadata\":{\"name\":\"s\",\"namespace\":\"default\"},"
			       "\"data\":{\"tls.crt\":\"aHVzaC1odXNo\",\"tls.key\":\"aHVzaC1odXNo\"}}"),
		NULL);
	store_put(store,
		cluster_object("{\"apiVersion\":\"networking.k8s.io/v1\",\"kind\":\"Ingress\",\"metadata\":{\"name\":\"w\","
			       "\"namespace\":\"default\"},\"spec\":{\"ingressClassName\":\"nginx\",\"tls\":[{\"hosts\":["
			       "\"a.example.com\"],\"secretName\":\"s\"}],\"rules\":[{\"host\":\"a.example.com\"}]}}"),
		NULL);
	s = reconcile_build(store, &options, 1, NULL, &problems);
	problems_as_text(&problems, &text);
	CHECK(str_find_str(buf_str(&text), STR("tls.crt can be read")) < text.len);
	CHECK(str_find_str(buf_str(&text), STR("hush")) == text.len);
	CHECK(str_find_str(buf_str(&text), STR("aHVzaC1")) == text.len);
	snapshot_unref(&s);
	problems_deinit(&problems);
	buf_deinit(&text);
	store_destroy(store);
}

/* What the API server is asked for by name: the ConfigMaps of TCP and UDP services, whether they are there or not (A50). */
static void test_names_of_services(void)
{
	struct reconcile_options options = options_of_test();
	struct store *store = store_create();
	struct arena arena = {0};
	struct str *names;

	CHECK_INT(reconcile_settings_names(store, &options, &arena, &names), 0);
	options.tcp_services_configmap = STR("ingress/tcp");
	options.udp_services_configmap = STR("other/udp");
	if (CHECK(reconcile_settings_names(store, &options, &arena, &names) == 2)) {
		CHECK_STR(names[0], STR("ConfigMap ingress/tcp"));
		CHECK_STR(names[1], STR("ConfigMap other/udp"));
	}
	arena_deinit(&arena);
	store_destroy(store);
}

int main(void)
{
	test_names_of_services();
	test_order();
	test_parts();
	test_admission();
	test_last_settings();
	test_reads();
	test_generated_certificate();
	test_secret_texts();
	return check_done();
}
