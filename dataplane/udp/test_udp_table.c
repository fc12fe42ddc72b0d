/* Sessions are found by both addresses, never mixed, and make room in the order that SEMANTICS A50's bound needs. */
#include "check.h"
#include "udp_table.h"

static struct addr addr(unsigned n, uint16_t port)
{
	return (struct addr){.family = 4, .port = port, .ip = {10, (uint8_t)(n >> 16), (uint8_t)(n >> 8), (uint8_t)n}};
}

enum { MANY = 5000 };
static struct udp_entry entries[MANY];

static void fill(struct udp_table *t, unsigned n)
{
	for (unsigned i = 0; i < n; i++) {
		entries[i] = (struct udp_entry){.client = addr(i / 2, (uint16_t)(1000 + i % 2)), .local = addr(1, 53)};
		udp_table_add(t, &entries[i]);
	}
}

static void keys(void)
{
	struct udp_table t = {0};
	struct addr other = addr(2, 53), port = addr(1, 54), client = addr(0, 1000), v6 = {.family = 6, .port = 1000};

	check_case("one of two that differ in port, address, local address or family");
	CHECK(!udp_table_find(&t, &client, &other));
	fill(&t, MANY);
	CHECK_INT(t.n, MANY);
	for (unsigned i = 0; i < MANY; i++)
		CHECK(udp_table_find(&t, &entries[i].client, &entries[i].local) == &entries[i]);
	CHECK(!udp_table_find(&t, &client, &other) && !udp_table_find(&t, &client, &port));
	memcpy(v6.ip, client.ip, 4);
	CHECK(!udp_table_find(&t, &v6, &entries[0].local));
	for (unsigned i = 0; i < MANY; i += 3)
		udp_table_remove(&t, &entries[i]);
	for (unsigned i = 0; i < MANY; i++)
		CHECK(udp_table_find(&t, &entries[i].client, &entries[i].local) == (i % 3 ? &entries[i] : NULL));
	while (t.n)
		udp_table_remove(&t, udp_table_any(&t));
	CHECK(!udp_table_any(&t) && !udp_table_victim(&t));
	udp_table_deinit(&t);
}

static void order(void)
{
	struct udp_table t = {0};

	check_case("the longest silent one with a single datagram goes; who goes on stays");
	fill(&t, 4);
	CHECK(udp_table_victim(&t) == &entries[0]);
	udp_table_touch(&t, &entries[0]);
	CHECK(udp_table_victim(&t) == &entries[1]);
	udp_table_settle(&t, &entries[1]);
	CHECK(udp_table_victim(&t) == &entries[2]);
	udp_table_remove(&t, &entries[2]);
	CHECK(udp_table_victim(&t) == &entries[3]);
	udp_table_settle(&t, &entries[3]);
	udp_table_settle(&t, &entries[0]);
	udp_table_settle(&t, &entries[0]);
	CHECK(!udp_table_victim(&t) && udp_table_any(&t) == &entries[1]);
	udp_table_touch(&t, &entries[1]);
	CHECK(udp_table_any(&t) == &entries[3]);
	while (t.n)
		udp_table_remove(&t, udp_table_any(&t));
	udp_table_deinit(&t);
}

int main(void)
{
	keys();
	order();
	return check_done();
}
