/* Secrets through a lifetime: made, kept, renewed; a new CA is trusted by all before it signs, the old one as long as it lives. */
#include "plan.h"

#include "check.h"
#include "issue.h"

enum { START_S = 1800000000, IDENTITY_S = 900, CA_S = 9000, OVERLAP_S = 900 };
static const struct plan_times times = {IDENTITY_S, CA_S, OVERLAP_S};

static struct pools pools;
static size_t n_secrets;
static const char *why;

static unsigned plan(struct plan_content s[PLAN_SECRETS_MAX], int64_t after_s)
{
	size_t where;
	unsigned n = 0;

	for (size_t i = 0; i < n_secrets; i++)
		s[i].is_dirty = false;
	CHECK(plan_make(s, &pools, &times, START_S + after_s, &where, &why));
	for (size_t i = 0; i < n_secrets; i++)
		n += s[i].is_dirty;
	return n;
}

static unsigned n_trusted(const struct plan_content *c)
{
	struct str rest = buf_str(&c->fields[PLAN_CA_CRT]);
	unsigned n = 0;

	for (size_t at; (at = str_find_str(rest, STR("BEGIN CERTIFICATE"))) < rest.len; n++)
		rest = str_from_index(rest, at + 1);
	return n;
}

/* Whether a peer with the Secret of `a` takes the certificate of `b`. */
static bool trusts(const struct plan_content *a, const struct plan_content *b)
{
	struct str rest = buf_str(&a->fields[PLAN_CA_CRT]);
	size_t at;

	while ((at = str_find_str(rest, STR("-----BEGIN CERTIFICATE"))) < rest.len) {
		rest = str_from_index(rest, at);
		if (issue_is_by(buf_str(&b->fields[PLAN_TLS_CRT]), rest))
			return true;
		rest = str_from_index(rest, 1);
	}
	return false;
}

static void copy(const struct plan_content *from, struct plan_content *to)
{
	plan_content_deinit(to);
	for (size_t i = 0; i < PLAN_FIELDS; i++)
		buf_add(&to->fields[i], buf_str(&from->fields[i]));
}

static void test_first(void)
{
	struct plan_content s[PLAN_SECRETS_MAX] = {0};
	int64_t made_s, ends_s;

	check_case("all are made, and then kept");
	CHECK_INT(plan(s, 0), 4);
	CHECK_INT(plan(s, 0), 0);
	CHECK_INT(plan(s, IDENTITY_S * 2 / 3 - 1), 0);
	for (size_t i = PLAN_CONTROLLER; i < n_secrets; i++) {
		CHECK(issue_is_by(buf_str(&s[i].fields[PLAN_TLS_CRT]), buf_str(&s[PLAN_CA].fields[PLAN_TLS_CRT])));
		CHECK(issue_times(buf_str(&s[i].fields[PLAN_TLS_CRT]), &made_s, &ends_s));
		CHECK_INT(made_s, START_S);
		CHECK_INT(ends_s, START_S + IDENTITY_S);
		CHECK(s[i].fields[PLAN_SESSION_KEY].len == (i == PLAN_CONTROLLER ? 64 : 0));
	}
	check_case("one that is lost is made again");
	plan_content_deinit(&s[PLAN_PROXY]);
	CHECK_INT(plan(s, 1), 1);
	check_case("identities are renewed when a third is left");
	CHECK_INT(plan(s, IDENTITY_S * 2 / 3 + 1), 3);
	CHECK(!s[PLAN_CA].is_dirty);
	check_case("a CA that is lost: the old one is trusted still");
	plan_content_deinit(&s[PLAN_CA]);
	CHECK_INT(plan(s, IDENTITY_S), 4);
	CHECK_INT(n_trusted(&s[PLAN_PROXY]), 2);
	for (size_t i = 0; i < n_secrets; i++)
		plan_content_deinit(&s[i]);
}

static void take_pools(const char *word)
{
	struct buf error = {0};

	pools_deinit(&pools);
	CHECK(!word || pools_add(&pools, str_from(word), &error));
	CHECK(pools_finish(&pools, &error));
	n_secrets = plan_n_secrets(&pools);
	buf_deinit(&error);
}

/* A pool that comes gets an identity of its own, and the others keep theirs. */
static void test_pools(void)
{
	struct plan_content s[PLAN_SECRETS_MAX] = {0};
	struct buf name = {0};

	check_case("a pool that is new");
	CHECK_INT(plan(s, 0), 4);
	take_pools("edge=class:public");
	CHECK_INT(plan(s, 1), 1);
	CHECK(s[PLAN_PROXY + 1].is_dirty);
	CHECK(issue_is_by(buf_str(&s[PLAN_PROXY + 1].fields[PLAN_TLS_CRT]), buf_str(&s[PLAN_CA].fields[PLAN_TLS_CRT])));
	CHECK(!str_eq(buf_str(&s[PLAN_PROXY + 1].fields[PLAN_TLS_KEY]), buf_str(&s[PLAN_PROXY].fields[PLAN_TLS_KEY])));
	for (size_t i = 0; i < n_secrets; i++) {
		buf_add(&name, STR(" "));
		plan_add_name(&pools, i, &name);
		plan_content_deinit(&s[i]);
	}
	CHECK_STR(buf_str(&name), STR(" ca controller operator proxy proxy-edge"));
	buf_deinit(&name);
	take_pools(NULL);
}

static void test_others(void)
{
	struct plan_content s[PLAN_SECRETS_MAX] = {0};
	size_t where;

	check_case("what nobody of us made is not touched");
	s[PLAN_PROXY].is_there = true;
	CHECK(!plan_make(s, &pools, &times, START_S, &where, &why));
	CHECK_INT(where, PLAN_PROXY);
	for (size_t i = 0; i < n_secrets; i++) {
		CHECK(!s[i].is_dirty);
		plan_content_deinit(&s[i]);
	}
	check_case("a CA whose key is another's");
	plan(s, 0);
	buf_clear(&s[PLAN_CA].fields[PLAN_TLS_KEY]);
	plan_content_deinit(&s[PLAN_PROXY]);
	CHECK(!plan_make(s, &pools, &times, START_S, &where, &why));
	CHECK_INT(where, PLAN_CA);
	for (size_t i = 0; i < n_secrets; i++)
		plan_content_deinit(&s[i]);
}

/* Each has its Secret of now or the one before; they know each other all the same. */
static void test_lifetime(void)
{
	struct plan_content s[PLAN_SECRETS_MAX] = {0}, before[PLAN_SECRETS_MAX] = {0}, session = {0};
	unsigned n_ca = 0, most = 0, n_bad = 0;

	check_case("three lives of a CA, looked at each 300 s");
	plan(s, 0);
	copy(&s[PLAN_CONTROLLER], &session);
	for (int64_t at = 0; at < (int64_t)3 * CA_S; at += 300) {
		for (size_t i = 0; i < n_secrets; i++)
			copy(&s[i], &before[i]);
		plan(s, at);
		n_ca += !str_eq(buf_str(&s[PLAN_CA].fields[PLAN_TLS_CRT]), buf_str(&before[PLAN_CA].fields[PLAN_TLS_CRT]));
		most = n_trusted(&s[PLAN_PROXY]) > most ? n_trusted(&s[PLAN_PROXY]) : most;
		for (size_t i = PLAN_CONTROLLER; i < n_secrets; i++) {
			for (size_t j = PLAN_CONTROLLER; j < n_secrets; j++)
				n_bad += !trusts(&s[i], &s[j]) || !trusts(&before[i], &s[j]) || !trusts(&s[i], &before[j]);
		}
	}
	CHECK_INT(n_bad, 0);
	CHECK(n_ca >= 3 && n_ca <= 5);
	CHECK_INT(most, 2);
	CHECK_STR(buf_str(&s[PLAN_CONTROLLER].fields[PLAN_SESSION_KEY]), buf_str(&session.fields[PLAN_SESSION_KEY]));
	for (size_t i = 0; i < n_secrets; i++) {
		plan_content_deinit(&s[i]);
		plan_content_deinit(&before[i]);
	}
	plan_content_deinit(&session);
}

int main(void)
{
	take_pools(NULL);
	test_first();
	test_pools();
	test_others();
	test_lifetime();
	pools_deinit(&pools);
	return check_done();
}
