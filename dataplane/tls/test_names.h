#ifndef TEST_NAMES_H
#define TEST_NAMES_H
/* For tests: some names with their certificates. */
#include "tls.h"

struct test_name {
	struct str name;
	struct tls_certificate *certificate;
};
struct test_names {
	const struct test_name *items;
	size_t n;
};

static inline struct tls_certificate *test_names_find(void *owner, struct str name)
{
	const struct test_names *names = owner;

	for (size_t i = 0; i < names->n; i++) {
		if (str_eq(names->items[i].name, name))
			return names->items[i].certificate;
	}
	return NULL;
}

/* Keeps `names` and what they are of. */
static inline void test_names_set(struct tls_contexts *t, struct test_names *names)
{
	tls_contexts_set_names(t, &(struct tls_names){.certificate = test_names_find, .owner = names});
}

#endif
