#include "arena.h"
#include "check.h"
#include "opt.h"

static struct {
	bool verbose;
	const char *listen;
	const char *format;
	unsigned workers;
	struct opt_list urls;
} given;

static const struct opt opts[] = {
	{"verbose", 'v', OPT_FLAG, &given.verbose, NULL, "Say more", 0, 0},
	{"listen", 0, OPT_TEXT, &given.listen, "ADDR:PORT", "Where to listen", 0, 0},
	{"output", 'o', OPT_CHOICE, &given.format, "table|json", "How to print", 0, 0},
	{"workers", 0, OPT_UINT, &given.workers, "N", "Threads", 1, 8},
	{"controller", 0, OPT_LIST, &given.urls, "URL", "Where the controller is", 0, 0},
	{0},
};
static const struct opt_program program = {"demo", "shows options", "demo [OPTIONS]", NULL, opts};

static struct arena arena; /* the words live as long as the results that borrow them */

static bool parse(const char *const *words, struct opt_list *rest, struct buf *error)
{
	char *argv[16];
	int argc = 0;

	buf_clear(error);
	for (; words[argc]; argc++)
		argv[argc] = memcpy(arena_alloc(&arena, strlen(words[argc]) + 1), words[argc], strlen(words[argc]) + 1);
	return opt_parse(&program, argc, argv, rest, error);
}

int main(void)
{
	static const struct {
		const char *words[8];
		const char *error; /* part of it, or NULL */
	} cases[] = {
		{{"demo", "-v", "--listen", "a:1", "--output=json", "--workers", "8"}, NULL},
		{{"demo", "-ojson"}, NULL},
		{{"demo", "--verbose=false"}, NULL},
		{{"demo", "--controller", "a", "--controller=b"}, NULL},
		{{"demo", "--workers", "9"}, "from 1 to 8"},
		{{"demo", "--workers", "x"}, "'x'"},
		{{"demo", "--ouptut", "json"}, "did you mean --output?"},
		{{"demo", "--output", "xml"}, "table|json"},
		{{"demo", "--listen"}, "needs a value: ADDR:PORT"},
		{{"demo", "word"}, "unexpected word 'word'"},
	};
	struct buf out = {0};
	struct opt_list rest = {0};

	for (size_t i = 0; i < CHECK_COUNT(cases); i++) {
		check_case(cases[i].words[1]);
		CHECK(parse(cases[i].words, NULL, &out) == !cases[i].error);
		if (cases[i].error)
			CHECK(str_find_str(buf_str(&out), str_from(cases[i].error)) < out.len);
	}
	check_case("values");
	CHECK_INT(given.urls.n, 2);
	CHECK_STR(str_from(given.urls.items[1]), STR("b"));
	CHECK_INT(given.workers, 8);
	CHECK(!given.verbose);
	check_case("words");
	CHECK(parse((const char *[]){"demo", "status", "--", "--x", NULL}, &rest, &out));
	CHECK_INT(rest.n, 2);
	buf_clear(&out);
	check_case("help");
	opt_help(&program, &out);
	CHECK(str_find_str(buf_str(&out), STR("-o, --output table|json")) < out.len);
	opt_man(&program, &out);
	CHECK(str_find_str(buf_str(&out), STR(".SH OPTIONS")) < out.len);
	buf_deinit(&out);
	arena_deinit(&arena);
	return check_done();
}
