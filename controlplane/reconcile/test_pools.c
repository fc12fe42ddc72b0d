/*
 * Pools (CHANNEL 3.4, "rogue proxy asks for more"): after every step of a random history, what the build in parts has for a pool is what one from nothing has,
 * and that is what it would be if Ingresses of other pools were not there at all.
 */
#include "cluster.h"
#include "cluster_history.h"
#include "mem.h"
#include "parts.h"
#include "pool.h"
#include "weirlock/v1/snapshot.pb-c.h"

static void make_pools(struct pools *p, const char *const *words, size_t n)
{
	struct buf error = {0};

	for (size_t i = 0; i < n; i++) {
		if (!CHECK(pools_add(p, str_from(words[i]), &error)))
			fprintf(stderr, "%s\n", buf_cstr(&error));
	}
	CHECK(pools_finish(p, &error));
	buf_deinit(&error);
}

static void describe_origins(const struct snapshot *s, struct buf *out)
{
	struct arena arena = {0};
	size_t n;
	const struct provenance *origins = origins_all(s->origins, &arena, &n);

	for (size_t i = 0; i < n; i++)
		buf_printf(out, "%u %.*s %.*s %.*s %.*s\n", origins[i].kind, STR_ARG(origins[i].name), STR_ARG(origins[i].field),
			STR_ARG(origins[i].object), STR_ARG(origins[i].value));
	arena_deinit(&arena);
}

static bool is_same(const struct snapshot *a, const struct snapshot *b)
{
	struct buf left = {0}, right = {0};
	bool is_equal = content_id_eq(&a->id, &b->id);

	describe_origins(a, &left);
	describe_origins(b, &right);
	is_equal = is_equal && str_eq(buf_str(&left), buf_str(&right));
	if (!is_equal)
		fprintf(stderr, "--- in parts\n%s--- from nothing\n%s", buf_cstr(&left), buf_cstr(&right));
	buf_deinit(&left);
	buf_deinit(&right);
	return is_equal;
}

/* All objects but Ingresses that the pool has not. */
static void fill_for(struct history *h, const struct reconcile_options *options, struct store *all, struct store *out)
{
	for (unsigned i = 0; i < HISTORY_SLOTS; i++) {
		struct object *o = h->slots[i];

		if (o && (o->kind != KIND_INGRESS || reconcile_pools_of_ingress(all, options, o) & pool_bit(options->pool)))
			store_put(out, object_ref(o), NULL);
	}
}

/* One pool from nothing: with all that is there, and with what is its own alone. Problems are added. */
static bool check_pool(struct history *h, const struct reconcile_options *options, const struct snapshot *s, struct problems *found)
{
	struct store *all = store_create(), *own = store_create();
	struct problems problems = {0}, ignored = {0};
	struct snapshot *anew, *alone;
	bool is_fine;

	history_fill(h, all);
	fill_for(h, options, all, own);
	anew = reconcile_build(all, options, 1, NULL, &problems);
	alone = reconcile_build(own, options, 1, NULL, &ignored);
	problems_add_all(found, &problems);
	is_fine = is_same(s, anew) && CHECK(is_same(alone, anew));
	snapshot_unref(&anew);
	snapshot_unref(&alone);
	problems_deinit(&problems);
	problems_deinit(&ignored);
	store_destroy(all);
	store_destroy(own);
	return is_fine;
}

static bool is_same_problems(const struct parts *parts, struct problems *anew)
{
	struct problems in_parts = {0};
	bool is_equal;

	parts_problems(parts, &in_parts);
	problems_sort(&in_parts);
	problems_sort(anew);
	is_equal = problems_equal(&in_parts, anew);
	for (size_t i = 0; !is_equal && i < in_parts.n; i++)
		fprintf(stderr, "in parts: %.*s %.*s\n", STR_ARG(in_parts.items[i].object), STR_ARG(in_parts.items[i].rule));
	for (size_t i = 0; !is_equal && i < anew->n; i++)
		fprintf(stderr, "from nothing: %.*s %.*s\n", STR_ARG(anew->items[i].object), STR_ARG(anew->items[i].rule));
	problems_deinit(&in_parts);
	return is_equal;
}

static bool step(struct history *h, struct parts *parts, const struct reconcile_options *options, struct setting_values *last,
	bool only_endpoints)
{
	struct reconcile_options of_pool = *options;
	struct snapshot *s = only_endpoints ? parts_build_endpoints(parts, 1) : NULL;
	struct problems found = {0}, unused = {0};
	bool is_fine = true;

	snapshot_unref(&s);
	of_pool.last_settings = last;
	s = parts_build(parts, 1);
	for (of_pool.pool = 0; of_pool.pool < options->pools->n; of_pool.pool++)
		is_fine = check_pool(h, &of_pool, parts_snapshot(parts, of_pool.pool), &found) && is_fine;
	is_fine = is_fine && is_same_problems(parts, &found);
	snapshot_unref(&s);
	{
		struct store *store = store_create();

		history_fill(h, store);
		s = reconcile_build(store, options, 1, last, &unused); /* for its settings */
		store_destroy(store);
	}
	snapshot_unref(&s);
	problems_deinit(&found);
	problems_deinit(&unused);
	return is_fine;
}

static void test_random(unsigned n_histories)
{
	static const char *const by_class[] = {"edge=class:edge", "inner=class:nginx"};
	static const char *const by_label[] = {"web=namespaces:team=web", "edge=namespaces:edge", "default=none"};
	static const char *const mixed[] = {"web=namespaces:team in (web,db),!edge", "edge=class:edge,nginx", "default=class:nginx"};

	for (unsigned i = 0; i < n_histories; i++) {
		struct pools pools = {0};

		check_case(i % 3 == 0 ? "by class" : i % 3 == 1 ? "by labels" : "mixed");
		make_pools(&pools, i % 3 == 0 ? by_class : i % 3 == 1 ? by_label : mixed, i % 3 == 0 ? 2 : 3);
		history_run(7000 + i, &pools, 30, step);
		pools_deinit(&pools);
	}
}

/* ------------------------------------------------------------------------------------------------------- one cluster */

static struct object *ingress_of(const char *name, const char *class, const char *host, const char *path)
{
	struct buf text = {0};
	struct object *o;

	buf_printf(&text,
		"{\"apiVersion\":\"networking.k8s.io/v1\",\"kind\":\"Ingress\",\"metadata\":{\"name\":\"%s\",\"namespace\":\"default\"},"
		"\"spec\":{\"ingressClassName\":\"%s\",\"rules\":[{\"host\":\"%s\",\"http\":{\"paths\":[{\"path\":\"%s\",\"pathType\":\"Prefix\","
		"\"backend\":{\"service\":{\"name\":\"%s\",\"port\":{\"number\":80}}}}]}}]}}",
		name, class, host, path, name);
	o = cluster_object(buf_cstr(&text));
	buf_deinit(&text);
	return o;
}

static size_t count_problems(const struct parts *parts, const char *object)
{
	struct problems all = {0};
	size_t n = 0;

	parts_problems(parts, &all);
	for (size_t i = 0; i < all.n; i++)
		n += str_eq(all.items[i].object, str_from(object)) && str_find_str(all.items[i].rule, STR("pool")) < all.items[i].rule.len;
	problems_deinit(&all);
	return n;
}

static const struct resource *host_of(const struct parts *parts, size_t pool, const char *host)
{
	return content_get(parts_snapshot(parts, pool)->content, WEIRLOCK__V1__KIND__KIND_HOST, str_from(host));
}

static size_t count_routes(const struct parts *parts, size_t pool, const char *host)
{
	const struct resource *r = host_of(parts, pool, host);
	Weirlock__V1__Host *message =
		r ? weirlock__v1__host__unpack(NULL, r->body.len, (const uint8_t *)r->body.ptr) : NULL;
	size_t n = 0;

	for (size_t i = 0; message && i < message->n_routes; i++)
		n += message->routes[i]->backend[0] != 0;
	if (message)
		weirlock__v1__host__free_unpacked(message, NULL);
	return n;
}

static void test_cluster(void)
{
	static const char *const words[] = {"edge=class:edge", "inner=class:nginx", "default=none"};
	struct store *store = store_create();
	struct reconcile_options options;
	struct setting_values last = {0};
	struct pools pools = {0};
	struct parts *parts;
	struct snapshot *s;

	make_pools(&pools, words, 3);
	reconcile_options_init(&options);
	options.pools = &pools;
	options.configmap = STR("ingress/controller");
	options.ticket_now_s = 1700000000;
	parts = parts_create(store, &options, &last);
	store_put(store, cluster_class(), NULL);
	store_put(store, cluster_config_map("\"ssl-session-tickets\":\"true\""), NULL);
	for (unsigned i = 0; i < 2; i++)
		store_put(store, cluster_object(i ? "{\"apiVersion\":\"networking.k8s.io/v1\",\"kind\":\"IngressClass\",\"metadata\":{\"name\":\"lost\"},"
			"\"spec\":{\"controller\":\"k8s.io/ingress-nginx\"}}" : "{\"apiVersion\":\"networking.k8s.io/v1\",\"kind\":\"IngressClass\",\"metadata\":{\"name\":\"edge\"},"
			"\"spec\":{\"controller\":\"k8s.io/ingress-nginx\"}}"), NULL);
	store_put(store, ingress_of("a", "edge", "both.test", "/a"), NULL);
	store_put(store, ingress_of("b", "nginx", "both.test", "/b"), NULL);
	store_put(store, ingress_of("c", "edge", "edge.test", "/"), NULL);
	store_put(store, ingress_of("d", "lost", "lost.test", "/"), NULL);
	s = parts_build(parts, 1);
	snapshot_unref(&s);
	check_case("a host that two pools share has the paths of each in each");
	CHECK_INT(count_routes(parts, 0, "both.test"), 1);
	CHECK_INT(count_routes(parts, 1, "both.test"), 1);
	CHECK(host_of(parts, 0, "edge.test") && !host_of(parts, 1, "edge.test"));
	check_case("what is in no pool is nowhere, and that is a problem");
	CHECK(!host_of(parts, 0, "lost.test") && !host_of(parts, 1, "lost.test"));
	CHECK_INT(count_problems(parts, "Ingress default/d"), 1);
	CHECK_INT(count_problems(parts, "Ingress default/a"), 0);
	check_case("keys of session tickets are a pool's own");
	if (CHECK(content_get(parts_snapshot(parts, 0)->content, WEIRLOCK__V1__KIND__KIND_TICKET_KEYS, STR(""))))
		CHECK(memcmp(content_get(parts_snapshot(parts, 0)->content, WEIRLOCK__V1__KIND__KIND_TICKET_KEYS, STR(""))->hash,
			      content_get(parts_snapshot(parts, 1)->content, WEIRLOCK__V1__KIND__KIND_TICKET_KEYS, STR(""))->hash, 32) != 0);
	check_case("what pools have alike is there once");
	CHECK(content_get(parts_snapshot(parts, 0)->content, WEIRLOCK__V1__KIND__KIND_SETTINGS, STR("")) ==
		content_get(parts_snapshot(parts, 1)->content, WEIRLOCK__V1__KIND__KIND_SETTINGS, STR("")));
	check_case("a change of one pool leaves the other as it was");
	{
		struct content_id before = parts_snapshot(parts, 1)->id;

		store_put(store, ingress_of("c", "edge", "edge.test", "/new"), NULL);
		s = parts_build(parts, 1);
		CHECK_INT(parts_last_count(parts), 2); /* its host and its Service */
		CHECK(content_id_eq(&before, &parts_snapshot(parts, 1)->id));
		snapshot_unref(&s);
	}
	parts_destroy(parts);
	pools_deinit(&pools);
	settings_deinit(&last);
	store_destroy(store);
}

int main(int argc, char **argv)
{
	uint64_t n = 3;

	if (argc > 1 && !str_to_u64(str_from(argv[1]), 100000, &n))
		return 2;
	test_cluster();
	test_random((unsigned)n);
	return check_done();
}
