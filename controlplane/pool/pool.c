/* The option, and who belongs where. */
#include "pool.h"

#include <stdlib.h>
#include <string.h>

enum { CLASSES_MAX = 64 };

static bool is_name(struct str name)
{
	if (!name.len || name.len > POOL_NAME_MAX)
		return false;
	for (size_t i = 0; i < name.len; i++) {
		char c = name.ptr[i];

		if (!((c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') || c == '-'))
			return false;
	}
	return true;
}

static const char *copy(struct pools *p, struct str text)
{
	return arena_text(&p->arena, text);
}

static bool fail(struct buf *error, struct str word, const char *why)
{
	buf_add(error, STR("--pool: '"));
	buf_add_escaped(error, str_first(word, 200));
	buf_printf(error, "': %s", why);
	return false;
}

static const char *take_classes(struct pools *p, struct pool *pool, struct str list)
{
	struct str name;

	pool->of = POOL_OF_CLASSES;
	pool->classes = arena_alloc(&p->arena, CLASSES_MAX * sizeof(*pool->classes));
	while (str_next(&list, ',', &name)) {
		name = str_trim(name);
		if (!object_is_name(name))
			return "after class: stand names of IngressClasses, split by commas";
		if (pool->n_classes == CLASSES_MAX)
			return "at most 64 classes";
		pool->classes[pool->n_classes++] = name;
	}
	return pool->n_classes ? NULL : "after class: stands the name of an IngressClass";
}

static const char *take_namespaces(struct pools *p, struct pool *pool, struct str selector)
{
	const char *why;

	pool->of = POOL_OF_NAMESPACES;
	return selector_parse(selector, &p->arena, &pool->selector, &why) ? NULL : why;
}

/* What stands after the "=". NULL, or what is wrong with it. */
static const char *take_what(struct pools *p, struct pool *pool, struct str what)
{
	const struct str class = STR("class:"), namespaces = STR("namespaces:");

	pool->what = copy(p, what);
	what = str_from(pool->what);
	if (str_starts_with(what, class))
		return take_classes(p, pool, str_from_index(what, class.len));
	if (str_starts_with(what, namespaces))
		return take_namespaces(p, pool, str_from_index(what, namespaces.len));
	return str_eq(what, STR("all")) ? NULL : "what it serves is class:CLASS,…, namespaces:SELECTOR or all";
}

static bool has(const struct pools *p, struct str name)
{
	for (size_t i = 0; i < p->n; i++) {
		if (str_eq(str_from(p->items[i].name), name))
			return true;
	}
	return p->has_no_default && str_eq(name, STR(POOL_DEFAULT));
}

bool pools_add(struct pools *p, struct str word, struct buf *error)
{
	size_t equals = str_find(word, '=');
	struct str name = str_first(word, equals), what = str_from_index(word, equals + 1);
	struct pool pool = {.of = POOL_OF_ALL};
	const char *why;

	if (equals == word.len || !is_name(name))
		return fail(error, word, "write NAME=class:CLASS,…, NAME=namespaces:SELECTOR or NAME=all; a name is of small letters, digits and -");
	if (has(p, name))
		return fail(error, word, "this pool is there twice");
	if (str_eq(what, STR("none")) && str_eq(name, STR(POOL_DEFAULT))) {
		p->has_no_default = true;
		return true;
	}
	if (p->n == POOLS_MAX - 1) /* the default one may come */
		return fail(error, word, "at most 31 pools");
	why = take_what(p, &pool, what);
	if (why)
		return fail(error, word, why);
	pool.name = copy(p, name);
	p->items[p->n++] = pool;
	return true;
}

/* It comes first, wherever it was written: it is what people mean who name none. */
static void put_first(struct pools *p, size_t index)
{
	struct pool first = p->items[index];

	memmove(p->items + 1, p->items, index * sizeof(*p->items));
	p->items[0] = first;
}

bool pools_finish(struct pools *p, struct buf *error)
{
	if (!has(p, STR(POOL_DEFAULT)))
		p->items[p->n++] = (struct pool){.name = POOL_DEFAULT, .what = "all"};
	for (size_t i = 0; i < p->n; i++) {
		if (!strcmp(p->items[i].name, POOL_DEFAULT))
			put_first(p, i);
	}
	if (!p->n)
		buf_add(error, STR("--pool default=none: then name another pool, or nothing is served"));
	return p->n > 0;
}

void pools_deinit(struct pools *p)
{
	arena_deinit(&p->arena);
	*p = (struct pools){0};
}

bool pools_want_namespaces(const struct pools *p)
{
	for (size_t i = 0; i < p->n; i++) {
		if (p->items[i].of == POOL_OF_NAMESPACES)
			return true;
	}
	return false;
}

static bool has_class(const struct pool *pool, struct str class)
{
	for (size_t i = 0; i < pool->n_classes; i++) {
		if (str_eq(pool->classes[i], class))
			return true;
	}
	return false;
}

/* `class` NULL: it can have none. What is not known belongs to nobody. */
static bool takes(const struct pool *pool, const struct str *class, const struct object *namespace_)
{
	switch (pool->of) {
	case POOL_OF_ALL:
		return true;
	case POOL_OF_CLASSES:
		return class && has_class(pool, *class);
	case POOL_OF_NAMESPACES:
		return namespace_ && selector_fits(&pool->selector, namespace_);
	}
	abort();
}

static uint64_t pools_of(const struct pools *p, const struct str *class, const struct object *namespace_)
{
	uint64_t bits = 0;

	for (size_t i = 0; i < p->n; i++) {
		if (takes(&p->items[i], class, namespace_))
			bits |= pool_bit(i);
	}
	return bits;
}

uint64_t pools_of_ingress(const struct pools *p, struct str class, const struct object *namespace_)
{
	return pools_of(p, &class, namespace_);
}

uint64_t pools_of_service(const struct pools *p, const struct object *namespace_)
{
	return pools_of(p, NULL, namespace_);
}
