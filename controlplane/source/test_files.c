#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>

#include "check.h"
#include "mem.h"
#include "source.h"

/* A directory of its own, and every event as one line of text. */
struct place {
	char dir[64];
	uv_loop_t loop;
	struct source *source;
	struct buf seen;
};

static void add_problems(struct buf *out, const struct problems *problems)
{
	for (size_t i = 0; i < problems->n; i++) {
		buf_printf(out, " {");
		problem_text(&problems->items[i], out);
		buf_printf(out, "}");
	}
}

static void on_event(void *owner, const struct source_event *e)
{
	struct place *p = owner;

	switch (e->type) {
	case SOURCE_PUT:
		buf_printf(&p->seen, "put %.*s from %s", STR_ARG(e->object->name), strrchr(e->object->origin.ptr, '/') + 1);
		break;
	case SOURCE_DELETE:
		buf_printf(&p->seen, "delete %.*s/%.*s", STR_ARG(e->namespace_), STR_ARG(e->name));
		break;
	case SOURCE_REFUSE:
		buf_printf(&p->seen, "refuse %.*s", STR_ARG(e->name));
		break;
	case SOURCE_PROBLEMS:
		buf_printf(&p->seen, "problems of %.*s", STR_ARG(e->origin));
		break;
	case SOURCE_STATUS:
	case SOURCE_LISTED:
	case SOURCE_SYNCED:
		buf_printf(&p->seen, "synced");
		break;
	}
	add_problems(&p->seen, e->problems);
	buf_add_char(&p->seen, '\n');
}

static void in_dir(const struct place *p, const char *name, char *path, size_t size)
{
	snprintf(path, size, "%s/%s", p->dir, name);
}

static void write_file(const struct place *p, const char *name, const char *text)
{
	char path[128];
	FILE *f;

	in_dir(p, name, path, sizeof(path));
	f = fopen(path, "w");
	CHECK(f != NULL);
	fputs(text, f);
	fclose(f);
}

static void rename_file(const struct place *p, const char *from, const char *to)
{
	char a[128], b[128];

	in_dir(p, from, a, sizeof(a));
	in_dir(p, to, b, sizeof(b));
	CHECK_INT(rename(a, b), 0);
}

static void remove_file(const struct place *p, const char *name)
{
	char path[128];

	in_dir(p, name, path, sizeof(path));
	CHECK_INT(remove(path), 0);
}

static void link_file(const struct place *p, const char *target, const char *name)
{
	char path[128];

	in_dir(p, name, path, sizeof(path));
	CHECK_INT(symlink(target, path), 0);
}

static void make_dir(const struct place *p, const char *name)
{
	char path[128];

	in_dir(p, name, path, sizeof(path));
	CHECK_INT(mkdir(path, 0700), 0);
}

static void place_init(struct place *p)
{
	*p = (struct place){.dir = "/tmp/weirlock-test-XXXXXX"};
	CHECK(mkdtemp(p->dir) != NULL);
	uv_loop_init(&p->loop);
}

static void place_open(struct place *p)
{
	const char *paths[] = {p->dir};
	struct buf error = {0};

	CHECK_INT(source_files_open(&p->loop, paths, 1, on_event, p, &error, &p->source), 0);
	buf_deinit(&error);
}

static void place_deinit(struct place *p)
{
	char command[128];

	if (p->source)
		source_close(p->source, NULL);
	uv_run(&p->loop, UV_RUN_DEFAULT);
	CHECK_INT(uv_loop_close(&p->loop), 0);
	buf_deinit(&p->seen);
	snprintf(command, sizeof(command), "rm -r %s", p->dir);
	CHECK_INT(system(command), 0); /* NOLINT(cert-env33-c): a fixed command on our own directory */
}

static void on_late(uv_timer_t *timer)
{
	*(bool *)timer->data = true;
}

/* Runs the loop until `want` was seen as a whole, or five seconds have passed. */
static void expect(struct place *p, const char *want)
{
	bool is_late = false;
	uv_timer_t deadline;

	uv_timer_init(&p->loop, &deadline);
	deadline.data = &is_late;
	uv_timer_start(&deadline, on_late, 5000, 0);
	while (!is_late && p->seen.len < strlen(want))
		uv_run(&p->loop, UV_RUN_ONCE);
	CHECK_STR(buf_str(&p->seen), str_from(want));
	buf_clear(&p->seen);
	uv_close((uv_handle_t *)&deadline, NULL);
	uv_run(&p->loop, UV_RUN_NOWAIT);
}

/* Lets the source do what it would do in this time. */
static void run_for(struct place *p, uint64_t ms)
{
	bool is_over = false;
	uv_timer_t timer;

	uv_timer_init(&p->loop, &timer);
	timer.data = &is_over;
	uv_timer_start(&timer, on_late, ms, 0);
	while (!is_over)
		uv_run(&p->loop, UV_RUN_ONCE);
	uv_close((uv_handle_t *)&timer, NULL);
	uv_run(&p->loop, UV_RUN_NOWAIT);
}

#define MAP(name, value) "apiVersion: v1\nkind: ConfigMap\nmetadata: {name: " name "}\ndata: {k: " value "}\n"

static void test_load(void)
{
	struct place p;

	place_init(&p);
	check_case("several documents, Lists, other kinds, hidden files, directories");
	make_dir(&p, "sub");
	write_file(&p, "sub/d.json", "{\"apiVersion\":\"v1\",\"kind\":\"Namespace\",\"metadata\":{\"name\":\"d\"}}");
	write_file(&p, "b.yml", MAP("a", "one") "---\nkind: Deployment\napiVersion: apps/v1\n");
	write_file(&p, "c.yaml", "kind: List\napiVersion: v1\nitems:\n- {apiVersion: v1, kind: Namespace, metadata: {name: c}}\n");
	write_file(&p, ".hidden.yaml", MAP("x", "one"));
	write_file(&p, "c.yaml~", MAP("x", "one"));
	write_file(&p, "readme.txt", "x");
	place_open(&p);
	expect(&p, "put a from b.yml:1\nput c from c.yaml:4\nput d from d.json:1\nsynced\n");
	place_deinit(&p);
}

static void test_load_once(void)
{
	struct place p;
	struct buf error = {0};
	char path[128];
	const char *paths[] = {path};

	place_init(&p);
	check_case("one file, once");
	write_file(&p, "odd.name", MAP("a", "one") "---\n" MAP("b", "2"));
	in_dir(&p, "odd.name", path, sizeof(path));
	CHECK_INT(source_files_load(paths, 1, on_event, &p, &error), 0);
	CHECK(str_starts_with(buf_str(&p.seen), STR("put a from odd.name:1\nrefuse b {ConfigMap default/b: data.k: ")));
	check_case("a path that is not there");
	in_dir(&p, "none", path, sizeof(path));
	CHECK(source_files_load(paths, 1, on_event, &p, &error) < 0);
	CHECK(str_find_str(buf_str(&error), STR("none: no such file")) < error.len);
	buf_deinit(&error);
	place_deinit(&p);
}

static void test_edits(void)
{
	struct place p;

	place_init(&p);
	write_file(&p, "a.yaml", MAP("a", "one"));
	place_open(&p);
	expect(&p, "put a from a.yaml:1\nsynced\n");
	check_case("an edit in place");
	write_file(&p, "a.yaml", MAP("a", "two") "---\n" MAP("b", "one"));
	expect(&p, "put a from a.yaml:1\nput b from a.yaml:6\n");
	check_case("an atomic rename; what is the same is not sent");
	write_file(&p, "tmp", MAP("a", "two") "---\n" MAP("b", "three"));
	rename_file(&p, "tmp", "a.yaml");
	expect(&p, "put b from a.yaml:6\n");
	check_case("a new directory with a file");
	make_dir(&p, "new");
	write_file(&p, "new/c.yaml", MAP("c", "one"));
	expect(&p, "put c from c.yaml:1\n");
	check_case("an edit in it");
	write_file(&p, "new/c.yaml", MAP("c", "two"));
	expect(&p, "put c from c.yaml:1\n");
	check_case("a directory moved away");
	rename_file(&p, "new", ".old");
	expect(&p, "delete default/c\n");
	check_case("a file deleted");
	remove_file(&p, "a.yaml");
	expect(&p, "delete default/a\ndelete default/b\n");
	place_deinit(&p);
}

static void test_broken(void)
{
	struct place p;
	char want[600];

	place_init(&p);
	write_file(&p, "a.yaml", MAP("a", "one") "---\n" MAP("b", "one"));
	place_open(&p);
	expect(&p, "put a from a.yaml:1\nput b from a.yaml:6\nsynced\n");
	check_case("a broken document: the rest proceeds, what it held is kept");
	write_file(&p, "a.yaml", MAP("a", "two") "---\nkind: [\n");
	snprintf(want, sizeof(want),
		"problems of file %s/a.yaml {file %s/a.yaml:7: cannot be read: did not find expected node content; this document is "
		"left out; what the file held before keeps serving}\nput a from a.yaml:1\n",
		p.dir, p.dir);
	expect(&p, want);
	check_case("repaired");
	write_file(&p, "a.yaml", MAP("a", "two"));
	snprintf(want, sizeof(want), "problems of file %s/a.yaml\ndelete default/b\n", p.dir);
	expect(&p, want);
	check_case("half written, then whole, within the grace: nothing is said");
	write_file(&p, "a.yaml", "apiVersion: [\n");
	run_for(&p, 200);
	CHECK_STR(buf_str(&p.seen), STR(""));
	write_file(&p, "a.yaml", MAP("a", "three"));
	expect(&p, "put a from a.yaml:1\n");
	check_case("emptied");
	write_file(&p, "a.yaml", "");
	expect(&p, "delete default/a\n");
	place_deinit(&p);
}

static void test_refused(void)
{
	struct place p;

	place_init(&p);
	check_case("a refused form, and the same good one again");
	write_file(&p, "a.yaml", MAP("a", "one"));
	place_open(&p);
	expect(&p, "put a from a.yaml:1\nsynced\n");
	write_file(&p, "a.yaml", MAP("a", "1"));
	expect(&p, "refuse a {ConfigMap default/a: data.k: 'a number' is not text; put it in quotes; this form of the object is "
		   "refused; the last good one, if any, keeps serving}\n");
	write_file(&p, "a.yaml", MAP("a", "one"));
	expect(&p, "put a from a.yaml:1\n");
	place_deinit(&p);
}

static void test_duplicates(void)
{
	struct place p;
	char want[400];

	place_init(&p);
	check_case("the first by path wins, the other is a problem");
	write_file(&p, "b.yaml", MAP("a", "one"));
	place_open(&p);
	expect(&p, "put a from b.yaml:1\nsynced\n");
	write_file(&p, "a.yaml", MAP("a", "two"));
	snprintf(want, sizeof(want),
		"put a from a.yaml:1\nproblems of duplicates of ConfigMap default/a {file %s/b.yaml:1: 'ConfigMap default/a' is not the "
		"only object of this name; the one in %s/a.yaml:1 is used: take one of them out}\n",
		p.dir, p.dir);
	expect(&p, want);
	remove_file(&p, "a.yaml");
	expect(&p, "put a from b.yaml:1\nproblems of duplicates of ConfigMap default/a\n");
	place_deinit(&p);
}

/* A ConfigMap as the kubelet mounts it: files are links into ..data, which is swapped. */
static void test_mounted(void)
{
	struct place p;

	place_init(&p);
	check_case("a swap of ..data");
	make_dir(&p, "..1");
	make_dir(&p, "..2");
	write_file(&p, "..1/a.yaml", MAP("a", "one"));
	write_file(&p, "..2/a.yaml", MAP("a", "two"));
	link_file(&p, "..1", "..data");
	link_file(&p, "..data/a.yaml", "a.yaml");
	place_open(&p);
	expect(&p, "put a from a.yaml:1\nsynced\n");
	link_file(&p, "..2", "..data_tmp");
	rename_file(&p, "..data_tmp", "..data");
	expect(&p, "put a from a.yaml:1\n");
	check_case("a link back up is not followed");
	link_file(&p, ".", "loop");
	write_file(&p, "b.yaml", MAP("b", "one"));
	expect(&p, "put b from b.yaml:1\n");
	place_deinit(&p);
}

int main(void)
{
	test_load();
	test_load_once();
	test_edits();
	test_broken();
	test_refused();
	test_duplicates();
	test_mounted();
	return check_done();
}
