/* What changes between two values, and that keys never show. */
#include <stdlib.h>

#include "check.h"
#include "diff.h"
#include "render.h"

static void test_values(void)
{
	static const struct {
		const char *name, *before, *after, *want;
	} cases[] = {
		{"same", "{\"a\":1}", "{\"a\":1}", "[]"},
		{"changed", "{\"a\":{\"b\":1}}", "{\"a\":{\"b\":2}}", "[{\"field\":\"a.b\",\"before\":1,\"after\":2}]"},
		{"new field", "{}", "{\"a\":1}", "[{\"field\":\"a\",\"after\":1}]"},
		{"gone field", "{\"a\":1}", "{}", "[{\"field\":\"a\",\"before\":1}]"},
		{"route by path and type", "{\"routes\":[{\"path\":\"/\",\"path_type\":\"exact\",\"backend\":\"x\"}]}",
			"{\"routes\":[{\"path\":\"/n\"},{\"path\":\"/\",\"path_type\":\"exact\",\"backend\":\"y\"}]}",
			"[{\"field\":\"routes[/ exact].backend\",\"before\":\"x\",\"after\":\"y\"},"
			"{\"field\":\"routes[/n]\",\"after\":{\"path\":\"/n\"}}]"},
		{"endpoint by address", "{\"endpoints\":[{\"ip\":\"1.1.1.1\",\"port\":80}]}",
			"{\"endpoints\":[{\"ip\":\"1.1.1.2\",\"port\":80}]}",
			"[{\"field\":\"endpoints[1.1.1.1:80]\",\"before\":{\"ip\":\"1.1.1.1\",\"port\":80}},"
			"{\"field\":\"endpoints[1.1.1.2:80]\",\"after\":{\"ip\":\"1.1.1.2\",\"port\":80}}]"},
		{"order only", "{\"names\":[\"a\",\"b\"]}", "{\"names\":[\"b\",\"a\"]}",
			"[{\"field\":\"names\",\"before\":[\"a\",\"b\"],\"after\":[\"b\",\"a\"]}]"},
	};

	for (size_t i = 0; i < CHECK_COUNT(cases); i++) {
		json_t *before = json_loads(cases[i].before, 0, NULL), *after = json_loads(cases[i].after, 0, NULL);
		json_t *rows = json_array(), *want = json_loads(cases[i].want, 0, NULL);
		char *got;

		check_case(cases[i].name);
		diff_values(before, after, "", rows);
		got = json_dumps(rows, JSON_COMPACT);
		if (!CHECK(json_equal(rows, want)))
			CHECK_STR(str_from(got), str_from(cases[i].want));
		free(got);
		json_decref(before);
		json_decref(after);
		json_decref(rows);
		json_decref(want);
	}
}

static void test_render(void)
{
	Weirlock__V1__Certificate c = WEIRLOCK__V1__CERTIFICATE__INIT;
	Weirlock__V1__Endpoint e = WEIRLOCK__V1__ENDPOINT__INIT;
	uint8_t key[] = "-----BEGIN PRIVATE KEY-----", ip[] = {10, 0, 0, 1};
	json_t *json;

	check_case("a private key is never rendered");
	c.key_pem.data = key;
	c.key_pem.len = sizeof(key) - 1;
	json = render_message(&c.base, true);
	CHECK(!json_object_get(json, "key_pem"));
	json_decref(json);
	check_case("addresses and enums as text");
	e.ip.data = ip;
	e.ip.len = 4;
	e.state = WEIRLOCK__V1__ENDPOINT_STATE__ENDPOINT_TERMINATING;
	json = render_message(&e.base, false);
	CHECK_STR(str_from(json_string_value(json_object_get(json, "ip"))), STR("10.0.0.1"));
	CHECK_STR(str_from(json_string_value(json_object_get(json, "state"))), STR("terminating"));
	json_decref(json);
	check_case("bytes that are not UTF-8");
	json = render_text(STR("a\xff"));
	CHECK_STR(str_from(json_string_value(json)), STR("a\\xff"));
	json_decref(json);
}

int main(void)
{
	test_values();
	test_render();
	return check_done();
}
