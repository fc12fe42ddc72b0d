#include <stdlib.h>

#include "check.h"
#include "manifest.h"

/* Every document as "LINE:JSON", one a line, keys sorted. */
static void on_json(void *owner, json_t *json, size_t line)
{
	struct buf *out = owner;
	char *text = json_dumps(json, JSON_ENCODE_ANY | JSON_SORT_KEYS | JSON_COMPACT);

	buf_printf(out, "%zu:%s\n", line, text);
	free(text);
}

static void read_all(const char *path, struct str bytes, struct buf *out, struct buf *bad)
{
	struct problems problems = {0};
	bool is_good = manifest_read(bytes, str_from(path), on_json, out, &problems);

	CHECK_INT(is_good, problems.n == 0);
	for (size_t i = 0; i < problems.n; i++) {
		problem_text(&problems.items[i], bad);
		buf_add_char(bad, '\n');
	}
	problems_deinit(&problems);
}

static void test_documents(void)
{
	static const struct {
		const char *name, *path, *in, *want, *bad;
	} cases[] = {
		{"plain scalars", "a.yaml",
			"a: [1, -2, +3, 0x10, 010, 1_000, 1.5, 1e3, true, yes, Off, ~, null, '', x, 1.2.3, -, 0b11, 9223372036854775807]",
			"1:{\"a\":[1,-2,3,16,8,1000,1.5,1000.0,true,true,false,null,null,\"\",\"x\",\"1.2.3\",\"-\",3,9223372036854775807]}\n",
			""},
		{"quoted scalars stay text", "a.yaml", "a: ['1', \"true\", !!str 5, ! 6]\nb: |\n  1\n",
			"1:{\"a\":[\"1\",\"true\",\"5\",\"6\"],\"b\":\"1\\n\"}\n", ""},
		{"times are text", "a.yaml", "t: 2024-01-01T00:00:00Z", "1:{\"t\":\"2024-01-01T00:00:00Z\"}\n", ""},
		{"keys become text", "a.yaml", "80: a\ntrue: b\n", "1:{\"80\":\"a\",\"true\":\"b\"}\n", ""},
		{"documents and their lines", "a.yaml", "# c\n---\na: 1\n---\n\n---  # x\nb: 2\n...\n", "3:{\"a\":1}\n7:{\"b\":2}\n", ""},
		{"a directive", "a.yaml", "%YAML 1.1\n---\na: 1\n", "3:{\"a\":1}\n", ""},
		{"line ends of Windows", "a.yaml", "a: 1\r\n---\r\nb: 2\r\n", "1:{\"a\":1}\n3:{\"b\":2}\n", ""},
		{"a byte order mark", "a.yaml", "\xef\xbb\xbf" "a: 1", "1:{\"a\":1}\n", ""},
		{"nothing", "a.yaml", "", "", ""},
		{"comments alone", "a.yaml", "# a\n---\n# b\n", "", ""},
		{"a bad document between good ones", "a.yaml", "a: 1\n---\nb: [1\nc: }\n---\nd: 2\n", "1:{\"a\":1}\n6:{\"d\":2}\n",
			"file a.yaml:4: cannot be read: "},
		{"a key twice", "a.yaml", "a: 1\nb:\n  c: 1\n  c: 2\n", "",
			"file a.yaml:4: cannot be read: the same key is given twice"},
		{"a tab for indentation", "a.yaml", "a:\n\tb: 1\n", "", "file a.yaml:2: cannot be read: "},
		{"no JSON form", "a.yaml", "a: .nan", "", "file a.yaml:1: cannot be read: no text"},
		{"an anchor and its alias", "a.yaml", "a: &x {b: 1}\nc: *x\n", "1:{\"a\":{\"b\":1},\"c\":{\"b\":1}}\n", ""},
		{"a merge", "a.yaml", "a: &x {b: 1, c: 2}\nd: {<<: *x, b: 3}\n",
			"1:{\"a\":{\"b\":1,\"c\":2},\"d\":{\"b\":3,\"c\":2}}\n", ""},
		{"an alias within its anchor", "a.yaml", "a: &x [*x]", "",
			"file a.yaml:1: cannot be read: an alias needs an anchor that ends before it"},
		{"an alias of another document", "a.yaml", "a: &x 1\n---\nb: *x\n", "1:{\"a\":1}\n",
			"file a.yaml:3: cannot be read: an alias needs"},
		{"a List", "a.yaml", "apiVersion: v1\nkind: List\nitems:\n- kind: A\n- kind: B\n  x: [1, {z: 2}]\n",
			"4:{\"kind\":\"A\"}\n5:{\"kind\":\"B\",\"x\":[1,{\"z\":2}]}\n", ""},
		{"a list of the API", "a.json", "{\"kind\":\"AList\",\"apiVersion\":\"v1\",\"items\":[{\"a\":1}]}",
			"1:{\"a\":1,\"apiVersion\":\"v1\",\"kind\":\"A\"}\n", ""},
		{"an empty List", "a.yaml", "kind: List\nitems: null\n", "", ""},
		{"JSON values in a row", "a.json", "{\"a\":1}\n\n{\"b\":2}\n", "1:{\"a\":1}\n3:{\"b\":2}\n", ""},
		{"JSON in a YAML file", "a.yaml", "{\"a\": 1,\n\t\"b\": 2}", "1:{\"a\":1,\"b\":2}\n", ""},
		{"flow YAML that is no JSON", "a.yaml", "{a: 1}", "1:{\"a\":1}\n", ""},
		{"bad JSON", "a.json", "{\"a\":1}\n{\"b\":}", "1:{\"a\":1}\n", "file a.json:2: cannot be read: "},
		{"a JSON key twice", "a.json", "{\"a\":1,\"a\":2}", "", "file a.json:1: cannot be read: duplicate"},
	};

	for (size_t i = 0; i < CHECK_COUNT(cases); i++) {
		struct buf out = {0}, bad = {0};
		struct str want_bad = str_from(cases[i].bad);

		check_case(cases[i].name);
		read_all(cases[i].path, str_from(cases[i].in), &out, &bad);
		CHECK_STR(buf_str(&out), str_from(cases[i].want));
		CHECK_STR(str_first(buf_str(&bad), want_bad.len), want_bad);
		CHECK_INT(bad.len > 0, want_bad.len > 0);
		buf_deinit(&out);
		buf_deinit(&bad);
	}
}

/* Every prefix of a file is read without harm, and what is before the cut is not lost. */
static void test_prefixes(void)
{
	struct str whole = STR("a: &x [1, 'two', {b: *y}]\n---\nkind: List\nitems: [{c: \"\\u263a\"}]\n---\n{\"d\": [1, 2]}\n");

	check_case("every prefix");
	for (size_t n = 0; n <= whole.len; n++) {
		struct buf out = {0}, bad = {0};

		read_all("a.yaml", str_first(whole, n), &out, &bad);
		read_all("a.json", str_first(whole, n), &out, &bad);
		CHECK(n < whole.len || str_find_str(buf_str(&out), STR("6:{\"d\":[1,2]}")) < out.len);
		buf_deinit(&out);
		buf_deinit(&bad);
	}
}

static void check_refused(const char *name, const char *path, struct buf *in, const char *why)
{
	struct buf out = {0}, bad = {0};

	check_case(name);
	read_all(path, buf_str(in), &out, &bad);
	CHECK(str_find_str(buf_str(&bad), str_from(why)) < bad.len);
	CHECK_INT(out.len, 0);
	buf_deinit(&out);
	buf_deinit(&bad);
	buf_clear(in);
}

static void test_bounds(void)
{
	struct buf in = {0};

	for (int i = 0; i < 65; i++)
		buf_add_char(&in, '[');
	check_refused("deep YAML", "a.yaml", &in, "64 levels");
	for (int i = 0; i < 100000; i++)
		buf_add_char(&in, '[');
	check_refused("deep JSON", "a.json", &in, "64 levels");
	buf_add(&in, STR("a0: &a0 [x, x, x, x, x, x, x, x, x, x]\n"));
	for (int i = 1; i < 20; i++) {
		buf_printf(&in, "a%d: &a%d [", i, i);
		for (int j = 0; j < 10; j++)
			buf_printf(&in, "%s*a%d", j ? ", " : "", i - 1);
		buf_add(&in, STR("]\n"));
	}
	check_refused("a billion laughs", "a.yaml", &in, "a million values");
	buf_add(&in, STR("a0: &a0 [x]\n"));
	for (int i = 1; i < 100; i++)
		buf_printf(&in, "a%d: &a%d [*a%d]\n", i, i, i - 1);
	check_refused("deep by aliases", "a.yaml", &in, "64 levels");
	buf_deinit(&in);
}

int main(void)
{
	test_documents();
	test_prefixes();
	test_bounds();
	return check_done();
}
