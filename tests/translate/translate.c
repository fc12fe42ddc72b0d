/*
 * Manifests in, snapshot and problems out: NAME.in.yaml is a small cluster, NAME.out.txt what becomes of it. One process runs
 * all pairs of a directory and prints each; --update writes the .out.txt files anew, to be read before they are committed.
 *
 * A line "# options: --disable-catch-all …" of the input gives options of the controller.
 */
#include <dirent.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>

#include "accept.h"
#include "mem.h"
#include "parts.h"
#include "reconcile.h"
#include "show.h"
#include "source.h"

enum { NOW_S = 1800000000 }; /* January 2027 */

/* One pair. */
struct pair_run {
	struct store *store;
	struct reconcile_options options;
	struct arena arena;
	struct buf in, out;
};

static void on_event(void *owner, const struct source_event *e)
{
	struct pair_run *run = owner;

	switch (e->type) {
	case SOURCE_PUT:
		store_put(run->store, object_ref(e->object), e->problems);
		return;
	case SOURCE_DELETE:
		store_delete(run->store, e->kind, e->namespace_, e->name);
		return;
	case SOURCE_REFUSE:
		store_refuse(run->store, e->kind, e->namespace_, e->name, e->problems);
		return;
	case SOURCE_PROBLEMS:
		store_set_origin_problems(run->store, STR("the input"), e->problems);
		return;
	case SOURCE_STATUS:
	case SOURCE_LISTED:
	case SOURCE_SYNCED:
		return;
	}
}

static bool read_file(const char *path, struct buf *out)
{
	FILE *file = fopen(path, "rb");
	size_t n = 0;

	if (!file)
		return false;
	do {
		char *room = buf_reserve(out, 4096);

		n = fread(room, 1, 4096, file);
		out->len += n;
	} while (n > 0);
	fclose(file);
	return true;
}

/* "--name=value" or "--name". */
static void set_option(struct pair_run *run, struct str word)
{
	struct reconcile_options *o = &run->options;
	struct str name = str_first(word, str_find(word, '='));
	struct str value = arena_str(&run->arena, str_from_index(word, name.len + 1));
	const struct {
		const char *name;
		struct str *text;
		bool *flag;
	} rows[] = {
		{"--ingress-class", &o->ingress_class, NULL},
		{"--controller-class", &o->controller_class, NULL},
		{"--configmap", &o->configmap, NULL},
		{"--tcp-services-configmap", &o->tcp_services_configmap, NULL},
		{"--udp-services-configmap", &o->udp_services_configmap, NULL},
		{"--default-ssl-certificate", &o->default_ssl_certificate, NULL},
		{"--default-backend-service", &o->default_backend_service, NULL},
		{"--annotations-prefix", &o->annotations_prefix, NULL},
		{"--ingress-class-by-name", NULL, &o->ingress_class_by_name},
		{"--watch-ingress-without-class", NULL, &o->watch_ingress_without_class},
		{"--disable-catch-all", NULL, &o->disable_catch_all},
		{"--enable-ssl-passthrough", NULL, &o->enable_ssl_passthrough},
		{"--disable-svc-external-name", NULL, &o->disable_svc_external_name},
	};

	if (str_eq(name, STR("--watch-namespace"))) {
		static struct str namespaces[4];

		if (o->n_watch_namespaces == 4)
			abort();
		o->watch_namespaces = namespaces;
		namespaces[o->n_watch_namespaces++] = value;
		return;
	}
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		if (!str_eq(name, str_from(rows[i].name)))
			continue;
		if (rows[i].text)
			*rows[i].text = value;
		else
			*rows[i].flag = true;
		return;
	}
	fprintf(stderr, "translate: no such option: %.*s\n", STR_ARG(word));
	exit(2);
}

static void read_options(struct pair_run *run)
{
	struct str rest = buf_str(&run->in);
	struct str line, word;

	reconcile_options_init(&run->options);
	run->options.now_s = NOW_S;
	if (store_get(run->store, KIND_CONFIG_MAP, STR("ingress"), STR("controller")))
		run->options.configmap = STR("ingress/controller");
	while (str_next(&rest, '\n', &line)) {
		if (!str_starts_with(line, STR("# options: ")))
			continue;
		line = str_from_index(line, strlen("# options: "));
		while (str_next(&line, ' ', &word)) {
			if (word.len > 0)
				set_option(run, word);
		}
	}
}

/* All objects of `from`, one after the other, with a build in parts after each: what comes out must be the same. */
static void build_in_parts(struct pair_run *run, const struct snapshot *whole, const struct problems *problems)
{
	struct store *store = store_create();
	struct setting_values last = {0};
	struct parts *parts = parts_create(store, &run->options, &last);
	struct problems found = {0};
	struct snapshot *s = parts_build(parts, 0);
	struct arena arena = {0};
	size_t n_origins, n_whole;
	bool is_same;

	for (enum object_kind kind = 0; kind < KIND_COUNT; kind++) {
		struct object_list list = store_list(run->store, kind);

		for (size_t i = 0; i < list.n; i++) {
			store_put(store, object_ref((struct object *)(uintptr_t)list.items[i]), NULL);
			snapshot_unref(&s);
			s = parts_build(parts, 0);
		}
	}
	parts_problems(parts, &found);
	problems_sort(&found);
	origins_all(s->origins, &arena, &n_origins);
	origins_all(whole->origins, &arena, &n_whole);
	is_same = content_id_eq(&s->id, &whole->id) && n_origins == n_whole && found.n == problems->n;
	for (size_t i = 0; is_same && i < found.n; i++)
		is_same = problem_equal(&found.items[i], &problems->items[i]);
	if (!is_same)
		buf_add(&run->out, STR("NOT THE SAME when it is built in parts\n"));
	arena_deinit(&arena);
	snapshot_unref(&s);
	problems_deinit(&found);
	parts_destroy(parts);
	settings_deinit(&last);
	store_destroy(store);
}

static void build(struct pair_run *run)
{
	struct problems problems = {0};
	struct snapshot *s;

	read_options(run);
	s = reconcile_build(run->store, &run->options, 0, NULL, &problems);
	problems_sort(&problems);
	build_in_parts(run, s, &problems);
	store_problems(run->store, &problems);
	problems_sort(&problems);
	show_snapshot(s, &run->out);
	accept_snapshot(s, &run->out);
	show_problems(&problems, &run->out);
	snapshot_unref(&s);
	problems_deinit(&problems);
}

/* Puts paths out of messages: the input is called by its name alone. */
static void translate(struct pair_run *run, const char *path)
{
	const char *paths[] = {path};
	struct buf error = {0};

	run->store = store_create();
	if (!read_file(path, &run->in) || source_files_load(paths, 1, on_event, run, &error) != 0) {
		fprintf(stderr, "translate: %s: cannot be read: %s\n", path, buf_cstr(&error));
		exit(2);
	}
	build(run);
	store_destroy(run->store);
	buf_deinit(&error);
}

static void end_run(struct pair_run *run)
{
	buf_deinit(&run->in);
	buf_deinit(&run->out);
	arena_deinit(&run->arena);
}

static void write_file(const char *path, struct str bytes)
{
	FILE *file = fopen(path, "wb");

	if (!file || fwrite(bytes.ptr, 1, bytes.len, file) != bytes.len || fclose(file) != 0) {
		fprintf(stderr, "translate: cannot write %s: %s\n", path, strerror(errno));
		exit(2);
	}
}

/* Prints the lines of both around the first that differs. */
static void print_difference(struct str want, struct str got)
{
	struct str a, b;
	bool has_a = str_next(&want, '\n', &a), has_b = str_next(&got, '\n', &b);

	while (has_a && has_b && str_eq(a, b)) {
		has_a = str_next(&want, '\n', &a);
		has_b = str_next(&got, '\n', &b);
	}
	printf("\twant: %.*s\n\tgot:  %.*s\n", STR_ARG(has_a ? a : STR("(end)")), STR_ARG(has_b ? b : STR("(end)")));
}

static bool run_pair(const char *name, bool updates)
{
	struct pair_run run = {0};
	struct buf in = {0}, out = {0}, want = {0};
	bool is_good;

	buf_printf(&in, "%s.in.yaml", name);
	buf_printf(&out, "%s.out.txt", name);
	translate(&run, buf_cstr(&in));
	if (updates)
		write_file(buf_cstr(&out), buf_str(&run.out));
	is_good = read_file(buf_cstr(&out), &want) && str_eq(buf_str(&want), buf_str(&run.out));
	printf("%s %s\n", is_good ? "ok  " : "FAIL", name);
	if (!is_good)
		print_difference(buf_str(&want), buf_str(&run.out));
	buf_deinit(&in);
	buf_deinit(&out);
	buf_deinit(&want);
	end_run(&run);
	return is_good;
}

static int is_input(const struct dirent *entry)
{
	return str_ends_with(str_from(entry->d_name), STR(".in.yaml"));
}

int main(int argc, char **argv)
{
	bool updates = argc > 1 && strcmp(argv[1], "--update") == 0;
	struct dirent **entries;
	int n = scandir(".", &entries, is_input, alphasort);
	int n_failed = 0;

	for (int i = 0; i < n; i++) {
		struct str file = str_from(entries[i]->d_name);
		char *name = mem_strdup(str_first(file, file.len - strlen(".in.yaml")));

		n_failed += !run_pair(name, updates);
		mem_free(name);
		free(entries[i]); /* scandir's own */
	}
	free(entries);
	printf("%d pairs, %d failed\n", n, n_failed);
	return n <= 0 || n_failed > 0;
}
