/* Chains in buckets, and two lists in the order of last use. */
#include "udp_table.h"

#include "map.h"
#include "mem.h"

enum { BUCKETS_LEAST = 64, KEY_BYTES = 2 * (1 + 2 + 16) };

static char *add_addr(char *at, const struct addr *a)
{
	*at++ = (char)a->family;
	memcpy(at, &a->port, 2);
	memcpy(at + 2, a->ip, 16);
	return at + 18;
}

static size_t bucket_of(const struct udp_table *t, const struct addr *client, const struct addr *local)
{
	char key[KEY_BYTES];

	add_addr(add_addr(key, client), local);
	return (size_t)hash_bytes(str_of(key, sizeof(key))) & (t->n_buckets - 1);
}

void udp_table_deinit(struct udp_table *t)
{
	mem_free(t->buckets);
	*t = (struct udp_table){0};
}

struct udp_entry *udp_table_find(const struct udp_table *t, const struct addr *client, const struct addr *local)
{
	struct udp_entry *e = t->n ? t->buckets[bucket_of(t, client, local)] : NULL;

	while (e && !(addr_eq(&e->client, client) && addr_eq(&e->local, local)))
		e = e->chain;
	return e;
}

static void put_in_bucket(struct udp_table *t, struct udp_entry *e)
{
	struct udp_entry **bucket = &t->buckets[bucket_of(t, &e->client, &e->local)];

	e->chain = *bucket;
	*bucket = e;
}

static void grow(struct udp_table *t)
{
	struct udp_entry **old = t->buckets;
	size_t n_old = t->n_buckets;

	t->n_buckets = n_old ? 2 * n_old : BUCKETS_LEAST;
	t->buckets = mem_calloc(t->n_buckets, sizeof(struct udp_entry *));
	for (size_t i = 0; i < n_old; i++) {
		for (struct udp_entry *e = old[i], *next; e; e = next) {
			next = e->chain;
			put_in_bucket(t, e);
		}
	}
	mem_free(old);
}

static struct udp_order *order_of(struct udp_table *t, const struct udp_entry *e)
{
	return e->is_settled ? &t->settled : &t->fresh;
}

static void append(struct udp_order *o, struct udp_entry *e)
{
	e->newer = NULL;
	e->older = o->newest;
	*(o->newest ? &o->newest->newer : &o->oldest) = e;
	o->newest = e;
}

static void take_out(struct udp_order *o, struct udp_entry *e)
{
	*(e->older ? &e->older->newer : &o->oldest) = e->newer;
	*(e->newer ? &e->newer->older : &o->newest) = e->older;
}

void udp_table_add(struct udp_table *t, struct udp_entry *e)
{
	if (t->n == t->n_buckets)
		grow(t);
	t->n++;
	e->is_settled = false;
	put_in_bucket(t, e);
	append(&t->fresh, e);
}

void udp_table_remove(struct udp_table *t, struct udp_entry *e)
{
	struct udp_entry **at = &t->buckets[bucket_of(t, &e->client, &e->local)];

	while (*at != e)
		at = &(*at)->chain;
	*at = e->chain;
	take_out(order_of(t, e), e);
	t->n--;
}

void udp_table_touch(struct udp_table *t, struct udp_entry *e)
{
	if (!e->newer)
		return;
	take_out(order_of(t, e), e);
	append(order_of(t, e), e);
}

void udp_table_settle(struct udp_table *t, struct udp_entry *e)
{
	take_out(order_of(t, e), e);
	e->is_settled = true;
	append(&t->settled, e);
}

struct udp_entry *udp_table_victim(const struct udp_table *t)
{
	return t->fresh.oldest;
}

struct udp_entry *udp_table_any(const struct udp_table *t)
{
	return t->fresh.oldest ? t->fresh.oldest : t->settled.oldest;
}
