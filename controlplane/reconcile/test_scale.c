/*
 * Cost follows the size of the cluster, not its square: `test_scale N` builds N hosts and prints the time. ctest runs a few,
 * and compares counts only.
 */
#include <time.h>

#include "cluster.h"
#include "parts.h"
#include "weirlock/v1/snapshot.pb-c.h"

static double now_ms(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return (double)t.tv_sec * 1e3 + (double)t.tv_nsec / 1e6;
}

/* What the controller asks of each Ingress before it is stored. */
static void admit_all(struct store *store, const struct reconcile_options *options)
{
	struct object_list all = store_list(store, KIND_INGRESS);
	struct problems problems = {0};

	for (size_t i = 0; i < all.n; i++)
		CHECK(reconcile_admit(store, options, all.items[i], &problems));
	problems_deinit(&problems);
}

/* What the API server asks of each (N10): its cost is that of the Ingresses of its host. */
static void review_all(struct store *store, const struct reconcile_options *options)
{
	struct object_list all = store_list(store, KIND_INGRESS);
	struct problems problems = {0};

	for (size_t i = 0; i < all.n; i++)
		CHECK(reconcile_review(store, options, all.items[i], &problems));
	CHECK_INT(problems.n, 0);
	problems_deinit(&problems);
}

static void fill(struct store *store, unsigned n)
{
	struct buf name = {0}, host = {0}, service = {0};

	store_put(store, cluster_class(), NULL);
	for (unsigned i = 0; i < n; i++) {
		buf_clear(&name);
		buf_printf(&name, "web%u", i);
		buf_clear(&host);
		buf_printf(&host, "h%u.example.com", i);
		buf_clear(&service);
		buf_printf(&service, "s%u", i);
		store_put(store,
			cluster_ingress(buf_cstr(&name), 1 + i % 28, "\"nginx.ingress.kubernetes.io/proxy-read-timeout\":\"90\"",
				buf_cstr(&host), "/", buf_cstr(&service)),
			NULL);
		store_put(store, cluster_service(buf_cstr(&service)), NULL);
		store_put(store, cluster_slice(buf_cstr(&service), i % 200, i % 200), NULL);
	}
	buf_deinit(&name);
	buf_deinit(&host);
	buf_deinit(&service);
}

static void check_step(struct parts *parts, const char *what, size_t n_parts)
{
	double start = now_ms();
	struct snapshot *s = parts_build(parts, 1);

	printf("%s: built in %.3f ms\n", what, now_ms() - start);
	check_case(what);
	CHECK_INT(parts_last_count(parts), n_parts);
	snapshot_unref(&s);
}

/* In parts: what a change costs. */
static void change_one(struct store *store, const struct reconcile_options *options, size_t n)
{
	struct setting_values last = {0};
	struct parts *parts = parts_create(store, options, &last);

	check_step(parts, "everything, in parts", 2 * n + 2);
	store_put(store, cluster_slice("s7", 7, 99), NULL);
	check_step(parts, "one slice changed", 1);
	store_put(store, cluster_slice("s8", 8, 98), NULL);
	check_step(parts, "another slice changed", 1);
	store_put(store, cluster_ingress("web9", 10, "\"nginx.ingress.kubernetes.io/proxy-read-timeout\":\"90\"", "h9.example.com", "/x", "s9"), NULL);
	check_step(parts, "one Ingress changed its path", 2);
	store_put(store, cluster_ingress("web10", 11, "\"nginx.ingress.kubernetes.io/proxy-read-timeout\":\"91\"", "h10.example.com", "/", "s10"), NULL);
	check_step(parts, "one Ingress changed an annotation", 2);
	parts_destroy(parts);
	settings_deinit(&last);
}

int main(int argc, char **argv)
{
	uint64_t n = 500;
	struct store *store = store_create();
	struct reconcile_options options;
	struct problems problems = {0};
	struct arena arena = {0};
	struct snapshot *s;
	size_t n_origins;
	double start;

	if (argc > 1 && !str_to_u64(str_from(argv[1]), 1000000, &n))
		return 2;
	reconcile_options_init(&options);
	start = now_ms();
	fill(store, (unsigned)n);
	printf("%llu hosts: parsed and stored in %.0f ms\n", (unsigned long long)n, now_ms() - start);
	start = now_ms();
	admit_all(store, &options);
	printf("admitted in %.0f ms\n", now_ms() - start);
	start = now_ms();
	review_all(store, &options);
	printf("reviewed in %.0f ms\n", now_ms() - start);
	start = now_ms();
	s = reconcile_build(store, &options, 1, NULL, &problems);
	printf("built in %.0f ms\n", now_ms() - start);
	check_case("a host, a backend and a slice each, and settings, and the default host");
	CHECK_INT(content_count(s->content), 3 * n + 2);
	origins_all(s->origins, &arena, &n_origins);
	CHECK_INT(n_origins, n);
	arena_deinit(&arena);
	CHECK_INT(problems.n, 0);
	snapshot_unref(&s);
	change_one(store, &options, n);
	problems_deinit(&problems);
	store_destroy(store);
	return check_done();
}
