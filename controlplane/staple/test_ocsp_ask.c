/* Which addresses a URL of somebody's certificate may lead to. */
#include "ocsp_ask.h"
#include "check.h"

int main(void)
{
	static const struct {
		const char *to, *allowed;
		bool may;
	} cases[] = {
		{"1.1.1.1:80", "", true},
		{"1.1.1.1:443", "", true},
		{"1.1.1.1:8080", "", false},
		{"1.1.1.1:22", "", false},
		{"1.1.1.1:8080", "1.0.0.0/8", true},
		{"127.0.0.1:80", "", false},
		{"127.0.0.1:8888", "127.0.0.0/8", true},
		{"10.96.0.1:443", "", false},
		{"10.96.0.1:80", "10.97.0.0/16", false},
		{"10.96.0.1:80", "10.96.0.0/16", true},
		{"169.254.169.254:80", "", false},
		{"100.100.0.1:80", "", false},
		{"172.31.255.255:80", "", false},
		{"172.32.0.1:80", "", true},
		{"192.168.1.1:80", "", false},
		{"198.19.0.1:80", "", false},
		{"0.0.0.0:80", "", false},
		{"224.0.0.1:80", "", false},
		{"255.255.255.255:80", "", false},
		{"[::1]:80", "", false},
		{"[::]:80", "", false},
		{"[::ffff:10.0.0.1]:80", "", false},
		{"[::10.0.0.1]:80", "", false},
		{"[64:ff9b::a00:1]:80", "", false},
		{"[2002:a00:1::1]:80", "", false},
		{"[fd00::1]:80", "", false},
		{"[fd00::1]:80", "fd00::/8", true},
		{"[fe80::1]:80", "", false},
		{"[ff02::1]:80", "", false},
		{"[2606:4700::1111]:80", "", true},
		{"[2606:4700::1111]:81", "", false},
	};

	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		struct addr to;
		struct cidr allowed;
		bool has_one = cases[i].allowed[0] != '\0';

		check_case(cases[i].to);
		CHECK(addr_parse_host_port(str_from(cases[i].to), &to));
		CHECK(!has_one || cidr_parse(str_from(cases[i].allowed), &allowed, NULL));
		CHECK(ask_may(&to, &allowed, has_one) == cases[i].may);
	}
	return check_done();
}
