/*
 * Whatever annotations, paths and keys hold, a proxy takes what comes of it: random clusters of unkind values, held against
 * the proxy's own compiler. `hostile SEED ROUNDS`.
 */
#include <stdio.h>
#include <stdlib.h>

#include "accept.h"
#include "annotation.h"
#include "check.h"
#include "mem.h"
#include "reconcile.h"

static const char *const values[] = {"", "true", "false", "0", "1", "-1", "60", "256", "65536", "4000001", "2147483647",
	"9223372036854775807", "1k", "1m", "1g", "100000g", "4 8k", "64 1m", "1 256", "on", "off", "error timeout", "off error",
	"HTTP", "GRPCS", "close", "10.0.0.0/8", "::/0", "0.0.0.0/0", "::ffff:1.2.3.4", "::ffff:10.0.0.0/90", "/x", "/", "x", "$1",
	"/$9", "http://a", "https://a/$request_uri", "a.example.com", "*.example.com", "~^x$", "~", "~(", "*.", "*.*", "a..b", "-",
	"TLSv1.2", "TLSv1.3", "DEFAULT", "ALL", "HIGH:!aNULL", "X25519", "auto", "1ms", "1h", "100y", "0s", "ns/name",
	"ingress/headers", "default/web", "X-A", "X-A,X-B", "301", "308", "Critical", "ewma", "1.0", "1.1", "{}", "\\", "%0d%0a",
	"\r\nX: y", "\x7f", "\xff\xfe", "\"", "$remote_addr $$ ${x", "non_idempotent"};
static const char *const paths[] = {"/", "/x", "/x/", "", "/a(b", "/[", "/a{1,2}", "/(a|b)*", "/\\d+", "/(?<n>x)", "/(?P<", "/(?i)",
	"/$", "/^", "/a\"b", "//", "/..", "/%2f", "x", "/x?y", "/(((a{30}){30}){30}){30}", "/(?R)", "/(?<!a+)", "/\\Qa", "/\\C",
	"/a\r\nb"};
static const char *const hosts[] = {"a.example.com", "b.example.com", "*.example.com", "", "www.a.example.com"};

static uint32_t seed;

static uint32_t pick(size_t n)
{
	seed = seed * 1664525u + 1013904223u;
	return (seed >> 8) % (uint32_t)n;
}

static const char *pick_value(void)
{
	return values[pick(CHECK_COUNT(values))];
}

static struct object *add_object(enum object_kind kind, const char *namespace_, const char *name)
{
	struct object *o = mem_zalloc(sizeof(*o));

	o->refs = 1;
	o->kind = kind;
	o->namespace_ = arena_str(&o->arena, str_from(namespace_));
	o->name = arena_str(&o->arena, str_from(name));
	return o;
}

static void put(struct store *store, struct object *o)
{
	struct buf key = {0};

	object_key(o->kind, o->namespace_, o->name, &key);
	o->key = arena_str(&o->arena, buf_str(&key));
	buf_deinit(&key);
	store_put(store, o, NULL);
}

static int compare_pairs(const void *a, const void *b)
{
	return str_cmp(((const struct pair *)a)->name, ((const struct pair *)b)->name);
}

static void add_ingress(struct store *store, unsigned index)
{
	struct buf text = {0};
	struct object *o;
	struct ingress_rule *rule;

	buf_printf(&text, "web%u", index);
	o = add_object(KIND_INGRESS, "default", buf_cstr(&text));
	o->created_s = pick(3);
	o->n_annotations = pick(4);
	o->annotations = arena_zalloc(&o->arena, 4 * sizeof(*o->annotations));
	for (size_t i = 0; i < o->n_annotations; i++) {
		const struct annotation_row *row = &annotation_rows[pick(ANNOTATION_COUNT)];

		buf_clear(&text);
		buf_printf(&text, "%s/%s", row->is_own ? ANNOTATION_OWN_PREFIX : "nginx.ingress.kubernetes.io", row->name);
		o->annotations[i] = (struct pair){arena_str(&o->arena, buf_str(&text)), str_from(pick_value())};
	}
	qsort(o->annotations, o->n_annotations, sizeof(*o->annotations), compare_pairs);
	rule = arena_zalloc(&o->arena, sizeof(*rule));
	*rule = (struct ingress_rule){.host = str_from(hosts[pick(CHECK_COUNT(hosts))]), .has_http = true, .n_paths = 1 + pick(3)};
	rule->paths = arena_zalloc(&o->arena, rule->n_paths * sizeof(*rule->paths));
	for (size_t i = 0; i < rule->n_paths; i++)
		rule->paths[i] = (struct ingress_path){.path = str_from(paths[pick(CHECK_COUNT(paths))]),
			.type = (enum ingress_path_type)pick(3),
			.backend = {.service = STR("web"), .port = {.number = 80}, .is_set = true}};
	o->ingress = (struct ingress){.rules = rule, .n_rules = 1};
	put(store, o);
	buf_deinit(&text);
}

static void add_config_map(struct store *store)
{
	struct object *o = add_object(KIND_CONFIG_MAP, "ingress", "controller");
	struct object *headers = add_object(KIND_CONFIG_MAP, "ingress", "headers");
	struct pair *data = arena_zalloc(&o->arena, SETTING_COUNT * sizeof(*data));
	struct pair *header = arena_zalloc(&headers->arena, sizeof(*header));

	for (size_t i = 0; i < SETTING_COUNT; i++) {
		if (pick(5) == 0)
			data[o->config_map.n_data++] =
				(struct pair){str_from(settings_rows[i].name), str_from(pick_value())};
	}
	qsort(data, o->config_map.n_data, sizeof(*data), compare_pairs);
	o->config_map.data = data;
	*header = (struct pair){str_from(pick(2) ? "Upgrade" : "X-A"), str_from(pick_value())};
	headers->config_map.data = header;
	headers->config_map.n_data = 1;
	put(store, o);
	put(store, headers);
}

static void run_round(void)
{
	struct store *store = store_create();
	struct reconcile_options options;
	struct problems problems = {0};
	struct buf why = {0};
	struct snapshot *s;

	reconcile_options_init(&options);
	options.configmap = STR("ingress/controller");
	options.watch_ingress_without_class = true;
	for (unsigned i = 0; i <= pick(3); i++)
		add_ingress(store, i);
	add_config_map(store);
	s = reconcile_build(store, &options, 1, NULL, &problems);
	CHECK(accept_snapshot(s, &why));
	CHECK_STR(buf_str(&why), STR(""));
	snapshot_unref(&s);
	problems_deinit(&problems);
	buf_deinit(&why);
	store_destroy(store);
}

int main(int argc, char **argv)
{
	uint64_t first = 1, rounds = 400;

	if ((argc > 1 && !str_to_u64(str_from(argv[1]), 1000000, &first)) ||
		(argc > 2 && !str_to_u64(str_from(argv[2]), 1000000, &rounds)))
		return 2;
	for (uint64_t i = first; i < first + rounds; i++) {
		char name[32];

		snprintf(name, sizeof(name), "seed %llu", (unsigned long long)i);
		check_case(name);
		seed = (uint32_t)i * 2654435761u;
		run_round();
	}
	return check_done();
}
