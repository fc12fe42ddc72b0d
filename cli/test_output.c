/* Rows as table, JSON and YAML. */
#include "check.h"
#include "output.h"

static const struct column columns[] = {
	{"NAME", "name", false}, {"N", "n", false}, {"LIST", "list", false}, {"MORE", "more", true}, {0}};

/* A long cell is cut on a terminal alone. */
static void test_cut(void)
{
	static const char *const name = "a name of more than sixty letters, which is more than a narrow table has room for";

	for (int is_terminal = 0; is_terminal < 2; is_terminal++) {
		struct output out = {.is_terminal = is_terminal};
		json_t *rows = json_pack("[{s:s,s:i}]", "name", name, "n", 1);

		check_case(is_terminal ? "cut on a terminal" : "whole in a pipe");
		output_rows(&out, rows, columns);
		CHECK_INT(str_find_str(buf_str(&out.text), str_from(name)) < out.text.len, !is_terminal);
		CHECK_INT(str_find_str(buf_str(&out.text), STR("…")) < out.text.len, is_terminal);
		json_decref(rows);
		output_deinit(&out);
	}
}

int main(void)
{
	static const struct {
		const char *name;
		enum output_format format;
		const char *rows, *want;
	} cases[] = {
		{"table", OUTPUT_TABLE, "[{\"name\":\"a\",\"n\":12,\"list\":[\"x\",\"y\"],\"more\":\"m\"},{\"name\":\"long\"}]",
			"NAME   N    LIST\na      12   x,y\nlong   -    -\n"},
		{"wide", OUTPUT_WIDE, "[{\"name\":\"a\",\"n\":1,\"more\":true}]",
			"NAME   N   LIST   MORE\na      1   -      yes\n"},
		{"umlauts count as one letter", OUTPUT_TABLE, "[{\"name\":\"ä\",\"n\":1}]", "NAME   N   LIST\nä      1   -\n"},
		{"control bytes are escaped", OUTPUT_TABLE, "[{\"name\":\"a\\u001b[31m\",\"n\":1}]",
			"NAME        N   LIST\na\\x1b[31m   1   -\n"},
		{"json", OUTPUT_JSON, "[{\"name\":\"a\"}]", "[\n  {\n    \"name\": \"a\"\n  }\n]\n"},
		{"yaml quotes what is no text", OUTPUT_YAML, "[{\"name\":\"true\",\"n\":1,\"list\":[\"12\",\"b\"]}]",
			"- name: \"true\"\n  \"n\": 1\n  list:\n  - \"12\"\n  - b\n"},
		{"empty json", OUTPUT_JSON, "[]", "[]\n"},
		{"empty table", OUTPUT_TABLE, "[]", "NAME   N   LIST\n"},
	};

	for (size_t i = 0; i < CHECK_COUNT(cases); i++) {
		struct output out = {.format = cases[i].format};
		json_t *rows = json_loads(cases[i].rows, 0, NULL);

		check_case(cases[i].name);
		output_rows(&out, rows, columns);
		CHECK_STR(buf_str(&out.text), str_from(cases[i].want));
		json_decref(rows);
		output_deinit(&out);
	}
	test_cut();
	return check_done();
}
