/* Who is behind whom, and that what travels is what is new. */
#include "check.h"
#include "version.h"

#define V(...) {.marks = {__VA_ARGS__}}

static const struct {
	const char *name;
	struct version seen, held;
	bool is_behind;
	enum version_mark which;
} cases[] = {
	{"nothing is held", V([MARK_INGRESS] = 5), V(0), false, 0},
	{"as far", V([MARK_INGRESS] = 5), V([MARK_INGRESS] = 5), false, 0},
	{"further", V([MARK_INGRESS] = 6, [MARK_SECRET] = 2), V([MARK_INGRESS] = 5, [MARK_SECRET] = 2), false, 0},
	{"behind in one kind, before in another", V([MARK_INGRESS] = 9, [MARK_ENDPOINT_SLICE] = 4),
		V([MARK_INGRESS] = 5, [MARK_ENDPOINT_SLICE] = 5), true, MARK_ENDPOINT_SLICE},
	{"a kind that is not looked at", V([MARK_INGRESS] = 9), V([MARK_INGRESS] = 5, [MARK_NAMESPACE] = 8), false, 0},
	{"from the API server to manifests", V([MARK_MANIFESTS] = 9), V([MARK_INGRESS] = 5), false, 0},
	{"older manifests", V([MARK_MANIFESTS] = 9), V([MARK_MANIFESTS] = 10), true, MARK_MANIFESTS},
	{"a cluster that was restored, and nobody said so", V([MARK_INGRESS] = 3), V([MARK_INGRESS] = 500), true, MARK_INGRESS},
	{"and somebody did", V([MARK_EPOCH] = 1, [MARK_INGRESS] = 3), V([MARK_INGRESS] = 500), false, 0},
	{"but not to this one", V([MARK_INGRESS] = 600), V([MARK_EPOCH] = 1, [MARK_INGRESS] = 3), true, MARK_EPOCH},
};

static void test_behind(void)
{
	for (size_t i = 0; i < CHECK_COUNT(cases); i++) {
		enum version_mark which;

		check_case(cases[i].name);
		CHECK_INT(version_is_behind(&cases[i].seen, &cases[i].held, &which), cases[i].is_behind);
		if (cases[i].is_behind)
			CHECK_INT(which, cases[i].which);
	}
}

/* What came of `news` for who holds `held`. */
static void check_taken(const struct version *v, struct version held, size_t n_marks)
{
	struct arena arena = {0};
	Weirlock__V1__Version *news = version_news(v, &held, &arena);
	struct version more;
	enum version_mark which;

	CHECK_INT(news ? news->n_watermarks : 0, n_marks);
	version_read(news, &more);
	version_take(&held, &more);
	CHECK(!version_is_behind(&held, v, &which));
	arena_deinit(&arena);
}

static void test_news(void)
{
	const struct version v = V([MARK_INGRESS] = 5, [MARK_ENDPOINT_SLICE] = 7), restored = V([MARK_EPOCH] = 1, [MARK_INGRESS] = 2);
	struct version held = v, more = V([MARK_INGRESS] = 4, [MARK_SECRET] = 9);

	check_case("all to who knows nothing, what changed to who knows the rest, nothing to who knows all");
	check_taken(&v, (struct version){0}, 2);
	check_taken(&v, (struct version)V([MARK_INGRESS] = 5, [MARK_ENDPOINT_SLICE] = 6), 1);
	check_taken(&v, v, 0);

	check_case("what is held never goes down, but when the cluster was restored");
	version_take(&held, &more);
	CHECK_INT(held.marks[MARK_INGRESS], 5);
	CHECK_INT(held.marks[MARK_SECRET], 9);
	check_taken(&restored, held, 1);
	version_take(&held, &restored);
	CHECK_INT(held.marks[MARK_INGRESS], 2);
	CHECK_INT(held.marks[MARK_SECRET], 0);
	version_take(&held, &v); /* of the time before */
	CHECK_INT(held.marks[MARK_INGRESS], 2);

	check_case("what a later version sends is passed over");
	Weirlock__V1__Watermark unknown = WEIRLOCK__V1__WATERMARK__INIT, *marks[] = {&unknown};
	Weirlock__V1__Version m = WEIRLOCK__V1__VERSION__INIT;

	unknown.kind = 1000;
	unknown.resource_version = 7;
	m.watermarks = marks;
	m.n_watermarks = 1;
	version_read(&m, &more);
	for (unsigned i = 0; i < MARK_COUNT; i++)
		CHECK_INT(more.marks[i], 0);
}

int main(void)
{
	test_behind();
	test_news();
	return check_done();
}
