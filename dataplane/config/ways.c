/*
 * A map from keys to ways, each of which knows how many hosts name it. A change is counted up first: most change a host that names
 * what it named before.
 */
#include "ways.h"

#include "map.h"
#include "mem.h"
#include "shared_map.h"

struct way {
	atomic_uint refs;
	const struct ways_kind *kind;
	size_t n_users;
	struct object *host;   /* held: one that named it; */
	const void *asked;     /* what it said */
	struct object *secret; /* held; NULL: needs none, or it is not there */
	void *made;            /* NULL: cannot be had */
};

struct ways {
	atomic_uint refs;
	struct shared_map map; /* of struct way */
};

/* ---------------------------------------------------------------------------------------------------------- one of them */

static void ref_way(void *value)
{
	atomic_fetch_add_explicit(&((struct way *)value)->refs, 1, memory_order_relaxed);
}

static void unref_way(void *value)
{
	struct way *w = value;

	if (atomic_fetch_sub_explicit(&w->refs, 1, memory_order_acq_rel) > 1)
		return;
	if (w->made)
		w->kind->unref(w->made);
	compiled_unref(&w->secret);
	compiled_unref(&w->host);
	mem_free(w);
}

static const struct shared_map_values ways_values = {ref_way, unref_way, NULL};

static struct object *writable(const struct object *o)
{
	return (struct object *)(uintptr_t)o; /* its count is, whoever holds it */
}

static struct way *create_way(const struct ways_kind *kind, const struct object *host, const void *asked, size_t n_users)
{
	struct way *w = mem_zalloc(sizeof(*w));

	atomic_init(&w->refs, 1);
	w->kind = kind;
	w->host = compiled_ref(writable(host));
	w->asked = asked;
	w->n_users = n_users;
	return w;
}

/* False with a reason. */
static bool make(struct way *w, const struct object_list *secrets, const char **why)
{
	struct str name = w->kind->secret(w->asked);
	const struct object *secret = name.len ? object_list_find(secrets, name) : NULL;

	*why = NULL;
	if (secret)
		w->secret = compiled_ref(writable(secret));
	w->made = w->kind->make(w->asked, secret, why);
	return !*why;
}

/* ------------------------------------------------------------------------------------------------------------- counting */

/* How many more hosts name a key after the change. */
struct tally {
	long n_more;
	const struct object *host; /* one of them; after the change if there is one */
	const void *asked;
};

static void count(struct map *tallies, const struct ways_kind *kind, const struct object *host, int n_more)
{
	const void *asked;

	for (size_t i = 0; host && (asked = kind->asked(host->host, i)); i++) {
		struct tally *t = map_get(tallies, kind->key(asked));

		if (!t) {
			t = mem_zalloc(sizeof(*t));
			map_put(tallies, kind->key(asked), t);
		}
		t->n_more += n_more;
		if (!t->host || n_more > 0) {
			t->host = host;
			t->asked = asked;
		}
	}
}

static struct map count_all(const struct ways_change *c)
{
	struct map tallies = {0};

	for (size_t i = 0; i < c->n_hosts; i++) {
		count(&tallies, c->kind, c->hosts[i].before, -1);
		count(&tallies, c->kind, c->hosts[i].put, 1);
	}
	return tallies;
}

/* ------------------------------------------------------------------------------------------------------------- changing */

struct changing {
	const struct ways_change *change;
	struct ways *ways;
	const struct object **bad;
	const char **why;
};

static bool put_new(struct changing *c, const struct tally *t)
{
	struct way *w = create_way(c->change->kind, t->host, t->asked, (size_t)t->n_more);
	bool is_fine = make(w, c->change->all_secrets, c->why);

	if (is_fine)
		shared_map_put(&c->ways->map, c->change->kind->key(w->asked), w);
	else
		*c->bad = t->host;
	unref_way(w);
	return is_fine;
}

static bool settle(struct changing *c, struct str key, const struct tally *t)
{
	struct way *old = shared_map_get(&c->ways->map, key), *w;
	size_t n_users = (old ? old->n_users : 0) + (size_t)t->n_more;

	if (!t->n_more)
		return true;
	if (!old)
		return put_new(c, t);
	if (!n_users) {
		shared_map_del(&c->ways->map, key, old);
		return true;
	}
	w = create_way(old->kind, old->host, old->asked, n_users);
	w->secret = old->secret ? compiled_ref(old->secret) : NULL;
	w->made = old->made ? old->kind->ref(old->made) : NULL;
	shared_map_put(&c->ways->map, old->kind->key(w->asked), w);
	unref_way(w);
	return true;
}

static bool settle_all(struct changing *c, const struct map *tallies)
{
	size_t cursor = 0;
	bool is_fine = true;
	struct str key;
	void *t;

	while (is_fine && map_next(tallies, &cursor, &key, &t))
		is_fine = settle(c, key, t);
	return is_fine;
}

/* Those of a Secret that changed are made anew. Seldom: it looks at all ways. */
static bool renew(struct changing *c, const struct object_change *secret)
{
	size_t cursor = 0, n = 0, cap = 0;
	struct way **old = NULL;
	struct way *w;
	bool is_fine = true;

	while ((w = shared_map_next(&c->ways->map, &cursor))) {
		if (!str_eq(w->kind->secret(w->asked), secret->name))
			continue;
		old = mem_grow(old, &cap, n + 1, sizeof(struct way *));
		old[n++] = w;
	}
	for (size_t i = 0; is_fine && i < n; i++) {
		w = create_way(old[i]->kind, old[i]->host, old[i]->asked, old[i]->n_users);
		is_fine = make(w, c->change->all_secrets, c->why);
		if (is_fine)
			shared_map_put(&c->ways->map, w->kind->key(w->asked), w);
		else
			*c->bad = secret->put ? secret->put : w->host; /* both live as long as the change */
		unref_way(w);
	}
	mem_free(old);
	return is_fine;
}

static bool renew_all(struct changing *c)
{
	bool is_fine = true;

	for (size_t i = 0; is_fine && i < c->change->n_secrets; i++)
		is_fine = renew(c, &c->change->secrets[i]);
	return is_fine;
}

static struct ways *copy(const struct ways *before)
{
	struct ways *w = mem_zalloc(sizeof(*w));

	atomic_init(&w->refs, 1);
	if (before)
		shared_map_copy(&w->map, &before->map);
	else
		shared_map_init(&w->map, &ways_values);
	return w;
}

struct ways *ways_change(struct ways *before, const struct ways_change *c, const struct object **bad, const char **why)
{
	struct map tallies = count_all(c);
	struct changing changing = {.change = c, .bad = bad, .why = why};
	size_t cursor = 0;
	void *tally;

	if (before && !tallies.n && !c->n_secrets)
		return ways_ref(before);
	changing.ways = copy(before);
	if (!renew_all(&changing) || !settle_all(&changing, &tallies))
		ways_unref(&changing.ways);
	while (map_next(&tallies, &cursor, NULL, &tally))
		mem_free(tally);
	map_deinit(&tallies);
	return changing.ways;
}

struct ways *ways_ref(struct ways *w)
{
	atomic_fetch_add_explicit(&w->refs, 1, memory_order_relaxed);
	return w;
}

void ways_unref(struct ways **p)
{
	struct ways *w = *p;

	*p = NULL;
	if (!w || atomic_fetch_sub_explicit(&w->refs, 1, memory_order_acq_rel) > 1)
		return;
	shared_map_deinit(&w->map);
	mem_free(w);
}

bool ways_are_none(const struct ways *w)
{
	return w->map.n == 0;
}

void *ways_find(const struct ways *w, struct str key)
{
	const struct way *way = shared_map_get(&w->map, key);

	return way ? way->made : NULL;
}
