/* Entries of the ConfigMap of TCP services (A50). */
#include "check.h"
#include "tcp.h"

static void values(void)
{
	static const struct {
		const char *value;
		const char *namespace_, *service, *name;
		uint16_t number;
		bool decodes, encodes;
	} good[] = {
		{"default/db:5432", "default", "db", "", 5432, false, false},
		{"a-b/c.d:pg", "a-b", "c.d", "pg", 0, false, false},
		{"default/db:5432:PROXY", "default", "db", "", 5432, true, false},
		{"default/db:5432:proxy:Proxy", "default", "db", "", 5432, true, true},
		{"default/db:5432::PROXY", "default", "db", "", 5432, false, true},
		{"default/db:5432::", "default", "db", "", 5432, false, false},
		{" default/db:5432 ", "default", "db", "", 5432, false, false},
		{"default/db:65535", "default", "db", "", 65535, false, false},
	};
	static const char *const bad[] = {"", ":", "db", "db:5432", "/db:1", "default/:1", "default/db", "default/db:", "default/db:0",
		"default/db:65536", "default/db:99999999999999999999", "default/db:-1", "default/db:pg sql", "default/db:1:PROXYX",
		"default/db:1:PROXY:yes", "default/db:1:PROXY:PROXY:", "default/db:1:PROXY:PROXY:PROXY", "a/b/c:1",
		"default/db:1:TLS", "default/d\nb:1"};

	for (size_t i = 0; i < sizeof(good) / sizeof(good[0]); i++) {
		struct tcp_entry e = {0};

		check_case(good[i].value);
		CHECK(tcp_parse_value(str_from(good[i].value), &e) == NULL);
		CHECK(str_eq(e.namespace_, str_from(good[i].namespace_)) && str_eq(e.service, str_from(good[i].service)));
		CHECK(e.target.number == good[i].number && str_eq(e.target.name, str_from(good[i].name)));
		CHECK(e.decodes_proxy == good[i].decodes && e.encodes_proxy == good[i].encodes);
	}
	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
		struct tcp_entry e = {.port = 7};

		check_case(bad[i]);
		CHECK(tcp_parse_value(str_from(bad[i]), &e) != NULL);
		CHECK(e.port == 7 && !e.service.len && !e.target.number);
	}
}

static void ports(void)
{
	CHECK(tcp_parse_port(STR("1")) == 1 && tcp_parse_port(STR("65535")) == 65535);
	CHECK(!tcp_parse_port(STR("0")) && !tcp_parse_port(STR("65536")) && !tcp_parse_port(STR("")) && !tcp_parse_port(STR("x")));
	CHECK(!tcp_parse_port(STR("09000")) && !tcp_parse_port(STR("9000 ")) && !tcp_parse_port(STR("-1")));
	CHECK(tcp_is_reserved(80) && tcp_is_reserved(443) && tcp_is_reserved(10254) && !tcp_is_reserved(5432));
}

int main(void)
{
	values();
	ports();
	return check_done();
}
