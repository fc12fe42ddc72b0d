/* Random lists against a plain search, and what a look-up costs at most. */
#include "cidrset.h"

#include "check.h"
#include "mem.h"

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

static void test_empty(void)
{
	struct cidrset set = {0};
	struct arena arena = {0};

	check_case("empty");
	CHECK(!cidrset_find(&set, &(struct addr){.family = 4}));
	cidrset_build(&set, NULL, 0, &arena);
	CHECK(!cidrset_find(&set, &(struct addr){.family = 6}));
	CHECK_INT(set.n, 0);
	arena_deinit(&arena);
}

static void test_random(uint64_t *x)
{
	check_case("like a plain search");
	for (unsigned round = 0; round < ROUNDS; round++) {
		struct cidr plain[N];
		size_t n = step(x) % N;
		struct arena arena = {0};
		struct cidrset set;

		for (size_t i = 0; i < n; i++) {
			plain[i] = any_cidr(x);
			if (plain[i].prefix < 12) /* else one takes all */
				plain[i].prefix = 32;
		}
		cidrset_build(&set, plain, n, &arena);
		CHECK(set.n <= n);
		for (unsigned i = 0; i < 200; i++) {
			struct addr a = any_addr(x);
			const struct cidr *found = cidrset_find(&set, &a);

			CHECK_INT(found != NULL, is_in_any(plain, n, &a));
			CHECK(!found || cidr_contains(found, &a));
		}
		arena_deinit(&arena);
	}
}

/* Each is "networks / address / the network that holds it, or -". */
static void test_table(void)
{
	static const struct {
		const char *name, *networks, *address, *found;
	} cases[] = {
		{"everything", "0.0.0.0/0", "8.8.8.8", "0.0.0.0/0"},
		{"A3 IPv6 is not in 0.0.0.0/0", "0.0.0.0/0", "2001:db8::1", "-"},
		{"everything of IPv6", "::/0", "2001:db8::1", "::/0"},
		{"A3 mapped addresses are IPv4", "10.0.0.0/8", "::ffff:10.1.2.3", "10.0.0.0/8"},
		{"one address", "10.1.2.3", "10.1.2.3", "10.1.2.3/32"},
		{"beside it", "10.1.2.3", "10.1.2.2", "-"},
		{"the first of a network", "10.1.128.0/17", "10.1.128.0", "10.1.128.0/17"},
		{"the last of a network", "10.1.128.0/17", "10.1.255.255", "10.1.128.0/17"},
		{"before it", "10.1.128.0/17", "10.1.127.255", "-"},
		{"after it", "10.1.128.0/17", "10.2.0.0", "-"},
		{"the widest counts", "10.1.0.0/16,10.0.0.0/8,10.1.2.0/24", "10.1.2.3", "10.0.0.0/8"},
		{"the same twice", "10.1.0.0/16,10.1.0.0/16", "10.1.2.3", "10.1.0.0/16"},
		{"both families", "::1,127.0.0.0/8", "::1", "::1/128"},
		{"odd prefix of IPv6", "2001:db8::/33", "2001:db8:7fff::1", "2001:db8::/33"},
		{"outside of it", "2001:db8::/33", "2001:db8:8000::1", "-"},
		{"one IPv6 address", "2001:db8::1", "2001:db8::2", "-"},
	};

	for (size_t i = 0; i < CHECK_COUNT(cases); i++) {
		struct str rest = str_from(cases[i].networks), piece;
		struct cidr plain[8];
		struct arena arena = {0};
		struct buf got = {0};
		const struct cidr *found;
		struct cidrset set;
		struct addr a;
		size_t n = 0;

		check_case(cases[i].name);
		while (str_next(&rest, ',', &piece))
			n += CHECK(cidr_parse(piece, &plain[n], NULL));
		cidrset_build(&set, plain, n, &arena);
		CHECK(addr_parse_ip(str_from(cases[i].address), &a));
		found = cidrset_find(&set, &a);
		if (found)
			cidr_add_text(&got, found);
		CHECK_STR(found ? buf_str(&got) : STR("-"), str_from(cases[i].found));
		buf_deinit(&got);
		arena_deinit(&arena);
	}
}

/* 10,000 networks ask for no more steps than 10. */
static void test_cost(uint64_t *x)
{
	enum { MANY = 10000 };
	struct cidr *items = mem_calloc(MANY, sizeof(*items));
	struct arena arena = {0};
	struct cidrset few, many;

	check_case("steps do not grow with the list");
	for (size_t i = 0; i < MANY; i++) {
		uint64_t bytes[2] = {step(x), step(x)};

		items[i].net.family = i % 2 ? 6 : 4;
		items[i].prefix = i % 2 ? 64 : 24;
		memcpy(items[i].net.ip, bytes, items[i].prefix / 8);
	}
	cidrset_build(&few, items, 10, &arena);
	cidrset_build(&many, items, MANY, &arena);
	CHECK_INT(few.depth4, 3);
	CHECK_INT(many.depth4, 3);
	CHECK_INT(few.depth6, 8);
	CHECK_INT(many.depth6, 8);
	for (size_t i = 0; i < MANY; i++)
		CHECK(cidrset_find(&many, &items[i].net) != NULL);
	arena_deinit(&arena);
	mem_free(items);
}

int main(void)
{
	uint64_t x = 88172645463325252u;

	test_empty();
	test_table();
	test_random(&x);
	test_cost(&x);
	return check_done();
}
