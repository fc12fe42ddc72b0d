/* Proxies spread, a controller that goes moves its own proxies alone, and who failed comes last until it is time again. */
#include <stdio.h>
#include <string.h>

#include "candidates.h"
#include "check.h"

enum { PROXIES = 1000 };

static const char *const three[] = {"tcp://10.0.0.1:7443", "tcp://10.0.0.2:7443", "tcp://10.0.0.3:7443"};

static int first_of(const char *name, size_t n)
{
	struct candidates c = {0};
	const struct candidate *best;
	int which = -1;

	candidates_set(&c, name, 0, three, n);
	best = candidates_next(&c, NULL, 0, 1);
	for (size_t i = 0; i < n; i++)
		which = !strcmp(best->url, three[i]) ? (int)i : which;
	candidates_deinit(&c);
	return which;
}

static void test_spread(void)
{
	int counts[3] = {0}, n_moved = 0, n_needless = 0;

	check_case("a thousand proxies of a Deployment over three controllers, and over the two that are left");
	for (int i = 0; i < PROXIES; i++) {
		char name[64];
		int of_three, of_two;

		snprintf(name, sizeof(name), "weirlock-proxy-7f9c4b-%05d", i);
		of_three = first_of(name, 3);
		of_two = first_of(name, 2);
		counts[of_three]++;
		n_moved += of_three == 2 && of_two != 2;
		n_needless += of_three != 2 && of_two != of_three;
	}
	for (int i = 0; i < 3; i++)
		CHECK(counts[i] > PROXIES / 4 && counts[i] < PROXIES * 5 / 12);
	CHECK_INT(n_moved, counts[2]);
	CHECK_INT(n_needless, 0);
}

static const char *next(const struct candidates *c, const char *held, uint64_t now_ms)
{
	const struct candidate *one = candidates_next(c, &held, 1, now_ms);

	return one ? one->url : NULL;
}

#define CHECK_URL(got, want) CHECK_STR(str_from(got), str_from(want))

static void test_next(void)
{
	struct candidates c = {0};
	char first[32], second[32], third[32];

	check_case("in order, but for who is held, and who failed comes last until it is time again");
	CHECK(!next(&c, NULL, 1));
	candidates_set(&c, "p1", 0, three, 3);
	snprintf(first, sizeof(first), "%s", c.items[0].url);
	snprintf(second, sizeof(second), "%s", c.items[1].url);
	snprintf(third, sizeof(third), "%s", c.items[2].url);
	CHECK_URL(next(&c, NULL, 1), first);
	CHECK_URL(next(&c, first, 1), second);
	candidates_failed(&c, second, 1000);
	CHECK_URL(next(&c, first, 1001), third);
	candidates_failed(&c, third, 2000);
	CHECK_URL(next(&c, first, 2001), second); /* all failed: the one of longest ago */
	candidates_failed(&c, second, 3000);
	CHECK_URL(next(&c, first, 3001), third);
	CHECK_URL(next(&c, first, 3001 + CANDIDATE_AGAIN_MS), second);
	candidates_well(&c, second);
	CHECK_URL(next(&c, first, 3001), second);
	CHECK(candidates_is_better(&c, first, second));
	CHECK(!candidates_is_better(&c, second, first));
	CHECK(candidates_is_better(&c, third, "tcp://nobody:1"));

	check_case("a name that stands for others now: who stays is remembered, another place is left alone");
	candidates_failed(&c, first, 5000);
	candidates_set(&c, "p1", 1, (const char *const[]){"ipc://x"}, 1);
	candidates_set(&c, "p1", 0, (const char *const[]){first, first, "tcp://10.0.0.9:7443"}, 3);
	CHECK_INT(c.n, 3);
	CHECK(candidates_has(&c, "ipc://x") && candidates_has(&c, "tcp://10.0.0.9:7443") && !candidates_has(&c, second));
	CHECK(strcmp(next(&c, NULL, 5001), first) != 0);
	candidates_deinit(&c);
}

int main(void)
{
	test_spread();
	test_next();
	return check_done();
}
