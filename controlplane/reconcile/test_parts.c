/*
 * The build in parts ends where a build from nothing does: same id, same origins, same problems, after every step of a random
 * history of creates, changes and deletes of all kinds. And it builds no more than what a change touches.
 */
#include "cluster.h"
#include "mem.h"
#include "parts.h"
#include "cluster_history.h"

struct outcome {
	struct content_id id;
	struct buf text; /* origins and problems */
};

static void describe(const struct snapshot *s, struct problems *problems, struct outcome *out)
{
	struct arena arena = {0};
	const struct provenance *origins;
	size_t n;

	out->id = s->id;
	origins = origins_all(s->origins, &arena, &n);
	for (size_t i = 0; i < n; i++)
		buf_printf(&out->text, "%u %.*s %.*s %.*s %.*s %.*s\n", origins[i].kind, STR_ARG(origins[i].name),
			STR_ARG(origins[i].field), STR_ARG(origins[i].object), STR_ARG(origins[i].key),
			STR_ARG(origins[i].value));
	arena_deinit(&arena);
	problems_sort(problems);
	for (size_t i = 0; i < problems->n; i++) {
		problem_text(&problems->items[i], &out->text);
		buf_add_char(&out->text, '\n');
	}
}

/* From nothing: a store of its own, with what is there now, in an order of its own. */
static void build_anew(struct history *h, const struct reconcile_options *options, struct setting_values *last,
	struct outcome *out)
{
	struct store *store = store_create();
	struct problems problems = {0};
	struct snapshot *s;

	history_fill(h, store);
	s = reconcile_build(store, options, 1, last, &problems);
	describe(s, &problems, out);
	snapshot_unref(&s);
	problems_deinit(&problems);
	store_destroy(store);
}

static bool is_same(const struct outcome *a, const struct outcome *b)
{
	return content_id_eq(&a->id, &b->id) && str_eq(buf_str(&a->text), buf_str(&b->text));
}

/* Both ways, compared. */
static bool step(struct history *h, struct parts *parts, const struct reconcile_options *options,
	struct setting_values *last, bool only_endpoints)
{
	struct outcome in_parts = {0}, anew = {0};
	struct problems problems = {0};
	struct snapshot *s = only_endpoints ? parts_build_endpoints(parts, 1) : NULL;
	bool is_fine;

	snapshot_unref(&s);
	s = parts_build(parts, 1);
	parts_problems(parts, &problems);
	describe(s, &problems, &in_parts);
	build_anew(h, options, last, &anew);
	is_fine = is_same(&in_parts, &anew);
	if (!is_fine)
		fprintf(stderr, "--- in parts\n%s--- from nothing\n%s", buf_cstr(&in_parts.text), buf_cstr(&anew.text));
	snapshot_unref(&s);
	problems_deinit(&problems);
	buf_deinit(&in_parts.text);
	buf_deinit(&anew.text);
	return is_fine;
}

static void test_random(unsigned n_histories)
{
	check_case("in parts as from nothing, after every step");
	for (unsigned i = 0; i < n_histories; i++)
		history_run(1000 + i, NULL, 60, step);
}

/* The id in parts is that of the whole. */
static void check_whole(struct store *store, struct parts *parts, const struct reconcile_options *options)
{
	struct problems problems = {0};
	struct snapshot *whole = reconcile_build(store, options, 1, NULL, &problems), *s = parts_build(parts, 1);

	CHECK(content_id_eq(&s->id, &whole->id));
	snapshot_unref(&s);
	snapshot_unref(&whole);
	problems_deinit(&problems);
}

/* The same, and what it cost. */
static void check_whole_after(struct store *store, struct parts *parts, const struct reconcile_options *options, size_t n_built)
{
	check_whole(store, parts, options);
	CHECK_INT(parts_last_count(parts), n_built);
}

/* ------------------------------------------------------------------------------------------------------------------ cost */

static void test_cost(void)
{
	struct store *store = store_create();
	struct reconcile_options options;
	struct setting_values last = {0};
	struct parts *parts;
	struct snapshot *before, *s;
	struct arena arena = {0};
	size_t n;
	char name[16], host[32], service[16];

	reconcile_options_init(&options);
	options.configmap = STR("ingress/controller");
	parts = parts_create(store, &options, &last);
	store_put(store, cluster_class(), NULL);
	for (unsigned i = 0; i < 50; i++) {
		snprintf(name, sizeof(name), "web%u", i);
		snprintf(host, sizeof(host), "h%u.example.com", i);
		snprintf(service, sizeof(service), "s%u", i);
		store_put(store, cluster_ingress(name, 1, "\"nginx.ingress.kubernetes.io/proxy-read-timeout\":\"9\"", host, "/", service), NULL);
		store_put(store, cluster_service(service), NULL);
		store_put(store, cluster_slice(service, 0, 1), NULL);
	}
	before = parts_build(parts, 1);

	check_case("nothing changed, nothing is built");
	s = parts_build(parts, 1);
	CHECK_INT(parts_last_count(parts), 0);
	CHECK(content_id_eq(&s->id, &before->id));
	CHECK(!parts_build_endpoints(parts, 1));
	snapshot_unref(&s);

	check_case("a slice: its Service alone, ahead of the rest");
	store_put(store, cluster_slice("s7", 0, 2), NULL);
	store_put(store, cluster_ingress("web8", 1, "", "h8.example.com", "/new", "s8"), NULL);
	s = parts_build_endpoints(parts, 1);
	if (CHECK(s != NULL)) {
		CHECK_INT(parts_last_count(parts), 1);
		CHECK(!content_id_eq(&s->id, &before->id));
		CHECK(s->origins == before->origins); /* shared */
	}
	snapshot_unref(&s);

	check_case("an Ingress: its host and its Service");
	s = parts_build(parts, 1);
	CHECK_INT(parts_last_count(parts), 2);
	origins_all(s->origins, &arena, &n);
	CHECK_INT(n, 49);
	arena_deinit(&arena);
	snapshot_unref(&s);

	check_case("a ConfigMap: everything");
	store_put(store, cluster_config_map("\"proxy-send-timeout\":\"7\""), NULL);
	s = parts_build(parts, 1);
	CHECK_INT(parts_last_count(parts), 1 + 51 + 50);
	snapshot_unref(&s);

	check_case("what it says of tickets: the settings alone, and with it what else has changed");
	options.ticket_now_s = 36000;
	store_put(store, cluster_config_map("\"proxy-send-timeout\":\"7\",\"ssl-session-tickets\":\"true\""), NULL);
	check_whole_after(store, parts, &options, 1);
	store_put(store, cluster_config_map("\"proxy-send-timeout\":\"7\",\"ssl-session-tickets\":\"true\",\"ssl-session-timeout\":\"4h\""),
		NULL);
	store_put(store, cluster_slice("s9", 0, 3), NULL);
	check_whole_after(store, parts, &options, 2);
	store_put(store, cluster_config_map("\"proxy-send-timeout\":\"8\",\"ssl-session-tickets\":\"true\""), NULL);
	check_whole_after(store, parts, &options, 1 + 51 + 50);
	store_put(store, cluster_config_map("\"ssl-session-tickets\":\"true\""), NULL);
	check_whole_after(store, parts, &options, 1 + 51 + 50);

	check_case("the next span of ticket keys: the settings alone");
	options.ticket_now_s = 36000 + 3600;
	parts_renew_settings(parts);
	check_whole_after(store, parts, &options, 1);
	check_whole_after(store, parts, &options, 0);
	parts_forget(parts);
	s = parts_build(parts, 1);
	CHECK_INT(parts_last_count(parts), 1 + 51 + 50);
	snapshot_unref(&s);
	snapshot_unref(&before);
	parts_destroy(parts);
	settings_deinit(&last);
	store_destroy(store);
}

static struct object *tls_ingress(const char *name, const char *host, const char *annotations)
{
	struct object *o;
	struct buf text = {0};

	buf_printf(&text,
		"{\"apiVersion\":\"networking.k8s.io/v1\",\"kind\":\"Ingress\",\"metadata\":{\"name\":\"%s\",\"namespace\":\"default\","
		"\"annotations\":{%s}},\"spec\":{\"ingressClassName\":\"nginx\",\"tls\":[{\"hosts\":[\"%s\"],\"secretName\":\"t0\"}],"
		"\"rules\":[{\"host\":\"%s\"}]}}",
		name, annotations, host, host);
	o = cluster_object(buf_cstr(&text));
	buf_deinit(&text);
	return o;
}

/* What two parts put stays until both have gone, and is the last one's while both are there. */
static void test_shared(void)
{
	static const char www[] = "\"nginx.ingress.kubernetes.io/from-to-www-redirect\":\"true\"";
	struct store *store = store_create();
	struct reconcile_options options;
	struct setting_values last = {0};
	struct history h;
	struct parts *parts;

	history_init(&h, 1);
	reconcile_options_init(&options);
	parts = parts_create(store, &options, &last);
	store_put(store, cluster_class(), NULL);
	do {
		object_unref(&h.slots[26]);
		h.slots[26] = history_make(&h, 26);
	} while (!str_starts_with(h.slots[26]->secret.data[0].value, STR("-----")));
	store_put(store, object_ref(h.slots[26]), NULL);
	store_put(store, tls_ingress("one", "a.example.com", www), NULL);
	store_put(store, tls_ingress("two", "www.www.a.example.com", www), NULL);
	store_put(store, tls_ingress("three", "b.example.com", ""), NULL);
	check_case("two hosts with one certificate, and two with one redirect");
	check_whole(store, parts, &options);
	check_case("the first goes");
	store_delete(store, KIND_INGRESS, STR("default"), STR("one"));
	check_whole(store, parts, &options);
	check_case("and comes back, and the second goes");
	store_put(store, tls_ingress("one", "a.example.com", www), NULL);
	check_whole(store, parts, &options);
	store_delete(store, KIND_INGRESS, STR("default"), STR("two"));
	check_whole(store, parts, &options);
	check_case("both go");
	store_delete(store, KIND_INGRESS, STR("default"), STR("one"));
	check_whole(store, parts, &options);
	parts_destroy(parts);
	settings_deinit(&last);
	history_deinit(&h);
	store_destroy(store);
}

int main(int argc, char **argv)
{
	uint64_t n = 8;

	if (argc > 1 && !str_to_u64(str_from(argv[1]), 100000, &n))
		return 2;
	test_cost();
	test_shared();
	test_random((unsigned)n);
	return check_done();
}
