/* Generations are swapped on one thread while others read, hold and drop them. For the preset tsan above all. */
#include "config.h"

#include <pthread.h>
#include <stdio.h>

#include "check.h"
#include "test_content.h"
#include "test_pem.h"

enum { N_THREADS = 4, N_GENERATIONS = 400, N_BACKENDS = 20, N_MANY = 400 };

struct shared {
	pthread_mutex_t lock;
	const struct generation *newest;
	bool is_over;
	atomic_uint n_seen;
};

static const struct generation *take(struct shared *s)
{
	const struct generation *g;

	pthread_mutex_lock(&s->lock);
	g = s->is_over ? NULL : generation_ref(s->newest);
	pthread_mutex_unlock(&s->lock);
	return g;
}

/* Often the last to hold what it drops. */
static void *read_generations(void *arg)
{
	struct shared *s = arg;
	const struct generation *g;

	while ((g = take(s))) {
		const struct host *h = generation_find_host(g, STR("h"));
		const struct backend *b = generation_backend(g, &h->routes[0]);

		if (b && b->index < generation_backend_bound(g) && str_eq(b->name, h->routes[0].backend_name))
			atomic_fetch_add(&s->n_seen, 1);
		generation_unref(&g);
	}
	return NULL;
}

static void change(struct content *c, unsigned round)
{
	Weirlock__V1__Backend b = WEIRLOCK__V1__BACKEND__INIT;
	char name[16], service[16], slash[] = "/", host[] = "h", *root[] = {slash};

	snprintf(name, sizeof(name), "b%u", round % N_BACKENDS);
	snprintf(service, sizeof(service), "r%u", round);
	b.service = service;
	put_host(c, host, root, 1, NULL, 0, name);
	put_message(c, WEIRLOCK__V1__KIND__KIND_BACKEND, name, &b);
	snprintf(name, sizeof(name), "b%u", (round + N_BACKENDS / 2) % N_BACKENDS);
	content_drop(c, WEIRLOCK__V1__KIND__KIND_BACKEND, str_from(name));
}

static void put_certificate(struct content *c, const char *name, const struct test_pem *pem, size_t key_len)
{
	Weirlock__V1__Certificate m = WEIRLOCK__V1__CERTIFICATE__INIT;

	m.chain_pem = (ProtobufCBinaryData){pem->chain_len, (uint8_t *)(uintptr_t)pem->chain};
	m.key_pem = (ProtobufCBinaryData){key_len, (uint8_t *)(uintptr_t)pem->key};
	put_message(c, WEIRLOCK__V1__KIND__KIND_CERTIFICATE, name, &m);
}

/* So many resources that several threads compile them: each for itself, errors in their order. */
static void test_first_compile(void)
{
	static char path[] = "~^/a[0-9]+/(.*)$", other[] = "=/b", backend[] = "none";
	char *paths[] = {path, other};
	struct content *c = content_create();
	struct config_errors errors = {0};
	const struct generation *g;
	struct test_pem pem;

	check_case("a first compile by several threads");
	test_pem_make(&pem, "a.example");
	put_settings(c);
	for (unsigned i = 0; i < N_MANY; i++) {
		char name[32];

		snprintf(name, sizeof(name), "h%04u.example", i);
		put_host(c, name, paths, 2, NULL, 0, backend);
		snprintf(name, sizeof(name), "ns/c%04u", i);
		put_certificate(c, name, &pem, pem.key_len);
	}
	g = config_compile(c, NULL, &errors);
	CHECK(g && generation_find_host(g, STR("h0000.example")) && generation_find_host(g, STR("h0399.example")));
	generation_unref(&g);
	put_certificate(c, "ns/c0001", &pem, pem.key_len / 2);
	put_certificate(c, "ns/c0398", &pem, pem.key_len / 2);
	CHECK(!config_compile(c, NULL, &errors));
	CHECK(errors.n == 2 && str_eq(errors.items[0].name, STR("ns/c0001")) && str_eq(errors.items[1].name, STR("ns/c0398")));
	config_errors_deinit(&errors);
	content_destroy(c);
	CHECK_INT(generation_live_count(), 0);
}

int main(void)
{
	struct shared s = {.lock = PTHREAD_MUTEX_INITIALIZER};
	struct content *c = content_create();
	pthread_t threads[N_THREADS];
	struct config_errors errors = {0};

	check_case("swaps while others read");
	put_settings(c);
	change(c, 0);
	s.newest = config_compile(c, NULL, &errors);
	for (unsigned i = 0; i < N_THREADS; i++)
		CHECK_INT(pthread_create(&threads[i], NULL, read_generations, &s), 0);
	for (unsigned round = 1; round < N_GENERATIONS || atomic_load(&s.n_seen) < 100; round++) {
		const struct generation *old, *next;

		change(c, round);
		next = config_compile(c, s.newest, &errors);
		if (!CHECK(next != NULL))
			break;
		pthread_mutex_lock(&s.lock);
		old = s.newest;
		s.newest = next;
		pthread_mutex_unlock(&s.lock);
		generation_unref(&old);
		CHECK(generation_backend_bound(s.newest) <= N_BACKENDS + 1);
	}
	pthread_mutex_lock(&s.lock);
	s.is_over = true;
	pthread_mutex_unlock(&s.lock);
	for (unsigned i = 0; i < N_THREADS; i++)
		pthread_join(threads[i], NULL);
	generation_unref(&s.newest);
	content_destroy(c);
	config_errors_deinit(&errors);
	CHECK_INT(generation_live_count(), 0);
	test_first_compile();
	return check_done();
}
