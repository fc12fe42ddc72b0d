/* Random lists against a plain search through the unprepared list. */
#include "cidrlist.h"

#include "check.h"

enum { N = 200, ROUNDS = 200 };

static uint64_t step(uint64_t *x)
{
	*x ^= *x << 13;
	*x ^= *x >> 7;
	*x ^= *x << 17;
	return *x;
}

/* Addresses from a small space, so that they meet often. */
static struct addr any_addr(uint64_t *x)
{
	struct addr a = {.family = step(x) % 3 ? 4 : 6};

	a.ip[0] = 10;
	a.ip[1] = (uint8_t)(step(x) % 4);
	a.ip[2] = (uint8_t)(step(x) % 4 * 64);
	a.ip[3] = (uint8_t)step(x);
	a.port = (uint16_t)step(x);
	return a;
}

static struct cidr any_cidr(uint64_t *x)
{
	struct cidr c = {.net = any_addr(x), .prefix = (uint8_t)(step(x) % 33)};

	c.net.port = 0;
	for (unsigned bit = c.prefix; bit < 32; bit++)
		c.net.ip[bit / 8] &= (uint8_t)~(0x80u >> bit % 8);
	return c;
}

static bool is_in_any(const struct cidr *items, size_t n, const struct addr *a)
{
	for (size_t i = 0; i < n; i++) {
		if (cidr_contains(&items[i], a))
			return true;
	}
	return false;
}

int main(void)
{
	uint64_t x = 88172645463325252u;

	check_case("empty");
	CHECK_INT(cidrlist_prepare(NULL, 0), 0);
	CHECK(!cidrlist_find(NULL, 0, &(struct addr){.family = 4}));
	check_case("like a plain search");
	for (unsigned round = 0; round < ROUNDS; round++) {
		struct cidr plain[N], prepared[N];
		size_t n = step(&x) % N, n_prepared;

		for (size_t i = 0; i < n; i++) {
			plain[i] = prepared[i] = any_cidr(&x);
			if (plain[i].prefix < 12) /* else one takes all */
				plain[i].prefix = prepared[i].prefix = 32;
		}
		n_prepared = cidrlist_prepare(prepared, n);
		CHECK(n_prepared <= n);
		for (unsigned i = 0; i < 200; i++) {
			struct addr a = any_addr(&x);
			const struct cidr *found = cidrlist_find(prepared, n_prepared, &a);

			CHECK_INT(found != NULL, is_in_any(plain, n, &a));
			CHECK(!found || cidr_contains(found, &a));
		}
	}
	return check_done();
}
