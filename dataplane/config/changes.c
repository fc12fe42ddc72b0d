/*
 * First the names that differ are listed, then what they became is compiled: one after the other where they are few, and by all
 * processors where they are many, as at the start. Resources are only read meanwhile, and what is compiled of one knows nothing of
 * the others, but for the numbers of backends, which have a lock.
 */
#include "changes.h"

#include <pthread.h>
#include <sched.h>

#include "mem.h"
#include "weirlock/v1/snapshot.pb-c.h"

enum { THREADS_MAX = 4, MANY = 512, SHARE = 32 };

/* A name that differs, on its way to an object_change. */
struct difference {
	const struct resource *put; /* NULL: dropped */
	const struct object *drop;  /* then: what */
	struct object *made;
	char *why; /* it was not made */
};

struct differences {
	struct difference *items; /* sorted by kind and name */
	size_t n, cap;
};

/* -------------------------------------------------------------------------------------------------------------- finding */

static int compare(uint32_t kind, struct str name, uint32_t other_kind, struct str other_name)
{
	if (kind != other_kind)
		return kind < other_kind ? -1 : 1;
	return str_cmp(name, other_name);
}

static void add(struct differences *d, struct difference item)
{
	d->items = mem_grow(d->items, &d->cap, d->n + 1, sizeof(*d->items));
	d->items[d->n++] = item;
}

/* A kind that is not known has no objects, but one that is missing is a mistake. */
static bool is_compiled(const struct resource *r)
{
	return objects_place(r->kind) >= 0 || r->kind == WEIRLOCK__V1__KIND__KIND_UNSPECIFIED;
}

/* The sorted resources and the sorted objects side by side. */
static void find_by_walk(struct differences *d, const struct objects *before, struct content *content)
{
	struct objects_cursor cursor = {0};
	const struct object *o = objects_next(before, &cursor);
	size_t n, i = 0;
	struct resource *const *resources = content_sorted(content, &n);

	while (i < n || o) {
		const struct resource *r = i < n ? resources[i] : NULL;
		int order = !r ? 1 : !o ? -1 : compare(r->kind, r->name, o->kind, o->name);

		if (order > 0)
			add(d, (struct difference){.drop = o});
		else if (is_compiled(r) && (order < 0 || memcmp(o->hash, r->hash, sizeof(o->hash)) != 0))
			add(d, (struct difference){.put = r});
		i += order <= 0;
		if (order >= 0)
			o = objects_next(before, &cursor);
	}
}

/* The same from the snapshots, of which all that is alike is passed over. */
static void find_by_diff(struct differences *d, const struct objects *before, struct content *from, struct content *content)
{
	struct arena arena = {0};
	struct content_change change;
	size_t i = 0, j = 0;

	content_diff(from, content, &arena, &change);
	while (i < change.n_put || j < change.n_drop) {
		const struct resource *put = i < change.n_put ? change.put[i] : NULL;
		const struct resource *drop = j < change.n_drop ? change.drop[j] : NULL;

		if (!put || (drop && compare(drop->kind, drop->name, put->kind, put->name) < 0)) {
			const struct object *o = objects_find(before, drop->kind, drop->name);

			if (o)
				add(d, (struct difference){.drop = o});
			j++;
		} else {
			if (is_compiled(put))
				add(d, (struct difference){.put = put});
			i++;
		}
	}
	arena_deinit(&arena);
}

/* ------------------------------------------------------------------------------------------------------------ compiling */

static void compile_one(struct difference *d, struct lineage *lineage)
{
	struct buf why;

	buf_init(&why, 1024);
	if (d->put->kind == WEIRLOCK__V1__KIND__KIND_UNSPECIFIED)
		buf_add(&why, STR("a resource without a kind"));
	else
		d->made = object_compile(d->put, lineage, &why);
	if (!d->made)
		d->why = mem_strdup(buf_str(&why));
	buf_deinit(&why);
}

struct compiling {
	struct differences *all;
	struct lineage *lineage;
	atomic_size_t next; /* that nobody has taken */
};

static void *compile_share(void *arg)
{
	struct compiling *c = arg;
	size_t n = c->all->n, from;

	while ((from = atomic_fetch_add(&c->next, SHARE)) < n) {
		for (size_t i = from; i < n && i < from + SHARE; i++) {
			if (c->all->items[i].put)
				compile_one(&c->all->items[i], c->lineage);
		}
	}
	return NULL;
}

/* That this thread may run on. */
static unsigned count_processors(void)
{
	cpu_set_t set;
	int n = sched_getaffinity(0, sizeof(set), &set) == 0 ? CPU_COUNT(&set) : 1;

	return n < 1 ? 1 : n > THREADS_MAX ? THREADS_MAX : (unsigned)n;
}

static void compile_all(struct differences *d, struct lineage *lineage)
{
	struct compiling c = {.all = d, .lineage = lineage};
	unsigned n_more = d->n < MANY ? 0 : count_processors() - 1, n_started = 0;
	pthread_t threads[THREADS_MAX];

	atomic_init(&c.next, 0);
	while (n_started < n_more && pthread_create(&threads[n_started], NULL, compile_share, &c) == 0)
		n_started++;
	compile_share(&c);
	while (n_started)
		pthread_join(threads[--n_started], NULL);
}

/* ---------------------------------------------------------------------------------------------------------- the changes */

void config_errors_add(struct config_errors *errors, uint32_t kind, struct str name, struct str reason)
{
	if (errors->n == CONFIG_MAX_ERRORS)
		return;
	errors->items = mem_grow(errors->items, &errors->cap, errors->n + 1, sizeof(*errors->items));
	errors->items[errors->n++] = (struct config_error){
		.kind = kind,
		.name = arena_str(&errors->arena, name),
		.reason = arena_str(&errors->arena, reason),
	};
}

void config_errors_deinit(struct config_errors *errors)
{
	arena_deinit(&errors->arena);
	mem_free(errors->items);
	*errors = (struct config_errors){0};
}

static void take_all(struct changes *c, const struct differences *d, struct config_errors *errors)
{
	int place = -1;

	c->items = mem_calloc(d->n ? d->n : 1, sizeof(*c->items));
	for (size_t i = 0; i < d->n; i++) {
		const struct difference *one = &d->items[i];
		const struct object *o = one->made ? one->made : one->drop;

		if (!o) {
			config_errors_add(errors, one->put->kind, one->put->name, str_from(one->why));
			mem_free(one->why);
			continue;
		}
		while (place < objects_place(o->kind))
			c->starts[++place] = c->n;
		/* The name of what is dropped lives as long as the generation before. */
		c->items[c->n++] = (struct object_change){.kind = o->kind, .name = o->name, .put = one->made};
	}
	while (place < OBJECT_KINDS)
		c->starts[++place] = c->n;
}

void changes_find(struct changes *c, const struct objects *before, struct content *from, struct content *content,
	struct lineage *lineage, struct config_errors *errors)
{
	struct differences d = {0};

	*c = (struct changes){0};
	if (from)
		find_by_diff(&d, before, from, content);
	else
		find_by_walk(&d, before, content);
	compile_all(&d, lineage);
	take_all(c, &d, errors);
	mem_free(d.items);
}

void changes_make(struct changes *c, const struct objects *before, struct objects *all)
{
	for (int i = 0; i < OBJECT_KINDS; i++)
		all->lists[i] = object_list_change(before->lists[i], c->items + c->starts[i], c->starts[i + 1] - c->starts[i]);
}

const struct object_change *changes_of(const struct changes *c, uint32_t kind, size_t *n)
{
	int place = objects_place(kind);

	*n = place < 0 ? 0 : c->starts[place + 1] - c->starts[place];
	return place < 0 ? NULL : c->items + c->starts[place];
}

void changes_deinit(struct changes *c)
{
	mem_free(c->items);
	*c = (struct changes){0};
}
