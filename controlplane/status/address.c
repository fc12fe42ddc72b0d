/* Each place as ingress-nginx reads it (N5). */
#include "address.h"

#include <stdlib.h>

#include "addr.h"
#include "mem.h"

void addresses_clear(struct addresses *list)
{
	arena_reset(&list->arena);
	list->n = 0;
}

void addresses_deinit(struct addresses *list)
{
	arena_deinit(&list->arena);
	mem_free(list->items);
	*list = (struct addresses){0};
}

static int compare(const void *left, const void *right)
{
	const struct published *a = left, *b = right;
	int order = str_cmp(a->ip, b->ip);

	return order ? order : str_cmp(a->hostname, b->hostname);
}

static void add(struct addresses *list, const struct published *one)
{
	for (size_t i = 0; i < list->n; i++) {
		if (compare(&list->items[i], one) == 0)
			return;
	}
	list->items = mem_grow(list->items, &list->cap, list->n + 1, sizeof(*list->items));
	list->items[list->n++] = (struct published){arena_str(&list->arena, one->ip), arena_str(&list->arena, one->hostname)};
	qsort(list->items, list->n, sizeof(*list->items), compare);
}

void addresses_add(struct addresses *list, struct str text)
{
	struct addr ip;

	if (addr_parse_ip(text, &ip))
		add(list, &(struct published){.ip = text});
	else if (text.len)
		add(list, &(struct published){.hostname = text});
}

void addresses_add_all(struct addresses *list, const struct addresses *other)
{
	for (size_t i = 0; i < other->n; i++)
		add(list, &other->items[i]);
}

bool addresses_add_list(struct addresses *list, struct str text, struct str *bad)
{
	struct str rest = text, item;
	struct addr ip;

	while (str_next(&rest, ',', &item)) {
		item = str_trim(item);
		if (item.len && !addr_parse_ip(item, &ip) && !object_is_name(item)) {
			*bad = item;
			return false;
		}
		addresses_add(list, item);
	}
	return true;
}

static void add_texts(struct addresses *list, const struct str *items, size_t n)
{
	for (size_t i = 0; i < n; i++)
		addresses_add(list, items[i]);
}

static bool add_cluster_ip(struct addresses *list, const struct service *s, const char **why)
{
	if (!s->cluster_ip.len || str_eq(s->cluster_ip, STR("None"))) {
		*why = "a Service with an address: this one is headless";
		return false;
	}
	addresses_add(list, s->cluster_ip);
	return true;
}

bool addresses_add_service(struct addresses *list, const struct service *s, const char **why)
{
	switch (s->type) {
	case SERVICE_EXTERNAL_NAME:
		addresses_add(list, s->external_name);
		return true;
	case SERVICE_CLUSTER_IP:
		return add_cluster_ip(list, s, why);
	case SERVICE_NODE_PORT:
		add_texts(list, s->external_ips, s->n_external_ips);
		return s->n_external_ips > 0 || add_cluster_ip(list, s, why);
	case SERVICE_LOAD_BALANCER:
		for (size_t i = 0; i < s->n_balancer; i++)
			add(list, &s->balancer[i]);
		add_texts(list, s->external_ips, s->n_external_ips);
		return true; /* none yet: none is published */
	}
	abort();
}

static struct str node_address(json_t *node, const char *type)
{
	json_t *addresses = json_object_get(json_object_get(node, "status"), "addresses"), *one;
	size_t i;

	json_array_foreach(addresses, i, one) {
		const char *its = json_string_value(json_object_get(one, "type"));
		const char *address = json_string_value(json_object_get(one, "address"));

		if (its && strcmp(its, type) == 0 && address && address[0])
			return str_from(address);
	}
	return STR("");
}

void addresses_add_node(struct addresses *list, json_t *node, bool wants_internal)
{
	struct str internal = node_address(node, "InternalIP"), external = node_address(node, "ExternalIP");

	addresses_add(list, (wants_internal && internal.len) || !external.len ? internal : external);
}

/* What somebody else has written may be in any order. */
void addresses_add_text(const struct published *items, size_t n, struct buf *out)
{
	struct addresses sorted = {0};

	for (size_t i = 0; i < n; i++)
		add(&sorted, &items[i]);
	for (size_t i = 0; i < sorted.n; i++)
		buf_printf(out, "%s%.*s%s%.*s", i ? " " : "", STR_ARG(sorted.items[i].ip),
			sorted.items[i].ip.len && sorted.items[i].hostname.len ? "=" : "", STR_ARG(sorted.items[i].hostname));
	addresses_deinit(&sorted);
}

json_t *addresses_patch(const struct published *items, size_t n)
{
	json_t *list = n ? json_array() : json_null();

	for (size_t i = 0; i < n; i++) {
		json_t *one = json_object();

		if (items[i].ip.len)
			json_object_set_new(one, "ip", json_stringn(items[i].ip.ptr, items[i].ip.len));
		if (items[i].hostname.len)
			json_object_set_new(one, "hostname", json_stringn(items[i].hostname.ptr, items[i].hostname.len));
		json_array_append_new(list, one);
	}
	return json_pack("{s:{s:{s:o}}}", "status", "loadBalancer", "ingress", list);
}
