#include "check.h"
#include "settings.h"

static struct object *make_map(struct pair *data, size_t n)
{
	static struct object map;

	map = (struct object){.kind = KIND_CONFIG_MAP, .key = STR("ConfigMap ingress/controller")};
	map.config_map.data = data;
	map.config_map.n_data = n;
	return &map;
}

static struct pair pair(const char *name, const char *value)
{
	return (struct pair){str_from(name), str_from(value)};
}

/* Every key of the census is there once, whatever its case, and says something. */
static void test_table(void)
{
	static const char *const some[] = {"proxy-read-timeout", "PROXY-Read-Timeout", "main-snippet", "use-gzip",
		"otel-sampler", "Resolver", "jaeger-endpoint", "variables-hash-max-size", "forwarded-for-proxy-protocol-header"};
	struct buf text = {0};

	check_case("table");
	CHECK(settings_count() >= 235);
	for (size_t i = 0; i < settings_count(); i++) {
		CHECK(settings_find(str_from(settings_rows[i].name)) == &settings_rows[i]);
		CHECK(strlen(settings_rows[i].doc) > 5);
	}
	for (size_t i = 0; i < CHECK_COUNT(some); i++)
		CHECK(settings_find(str_from(some[i])) != NULL);
	settings_document(&text);
	CHECK(str_find_str(buf_str(&text), STR("| `ssl-redirect` | core | served | true | true or false |")) < text.len);
	buf_deinit(&text);
}

static void test_defaults(void)
{
	struct setting_values v;
	struct problems problems = {0};

	check_case("defaults (G1, F1, A3)");
	settings_parse(NULL, NULL, &v, &problems);
	CHECK_INT(problems.n, 0);
	CHECK_INT(v.items[SETTING_PROXY_CONNECT_TIMEOUT].value.number, 5000);
	CHECK_INT(v.items[SETTING_PROXY_BODY_SIZE].value.number, 1 << 20);
	CHECK_INT(v.items[SETTING_PROXY_REAL_IP_CIDR].value.n, 0);
	CHECK_INT(v.items[SETTING_LARGE_CLIENT_HEADER_BUFFERS].value.count, 4);
	CHECK(v.items[SETTING_SSL_REDIRECT].value.flag && !v.items[SETTING_SSL_REDIRECT].is_set);
	CHECK_INT(v.items[SETTING_WORKER_SHUTDOWN_TIMEOUT].value.number, 240000);
	CHECK_STR(v.items[SETTING_HTTP_REDIRECT_CODE].value.text, STR("308"));
	settings_deinit(&v);
	problems_deinit(&problems);
}

/* One key and what becomes of it: an empty `effect` is no problem. */
static void test_keys(void)
{
	static const struct {
		const char *name, *value, *effect, *fix;
	} cases[] = {
		{"proxy-read-timeout", "90", "", ""},
		{"proxy-read-timeout", "60s", "the default '60' is used", "without a unit"},
		{"proxy-read-timeout", "010", "read the way", "leading 0"},
		{"proxy-read-timeout", "0", "the default '60' is used", "seconds"},
		{"Proxy-Real-IP-CIDR", "10.0.0.0/8,::1", "", ""},
		{"proxy-real-ip-cidr", "10.0.0.0/8,nonsense", "the items that are right are used", "networks"},
		{"proxy-real-ip-cidr", "nonsense", "the items that are right are used", "networks"},
		{"whitelist-source-range", "10.0.0.0/99", "the items that are right are used", "networks"},
		{"proxy-real-ip-cidr", "", "", ""},
		{"use-forwarded-headers", "on", "the default 'false' is used", "\"true\""},
		{"use-forwarded-headers", "", "", ""},
		{"ssl-protocols", "TLSv1.3", "", ""},
		{"ssl-protocols", "SSLv3 TLSv1.2", "the default", "words"},
		{"ssl-ciphers", "ECDHE-RSA-AES128-GCM-SHA256", "", ""},
		{"ssl-ciphers", "NO-SUCH-CIPHER", "the default", ""},
		{"ssl-ciphers", "auto", "the default", ""},
		{"ssl-ecdh-curve", "auto", "", ""},
		{"ssl-ecdh-curve", "X25519:prime256v1", "", ""},
		{"ssl-ecdh-curve", "nonsense", "the default 'auto' is used", ""},
		{"http-redirect-code", "303", "the default '308' is used", "words"},
		{"main-snippet", "load_module x;", "it has no effect", "take it out"},
		{"use-gzip", "true", "it has no effect yet", ""},
		{"use-forwarded-header", "true", "it has no effect", "did you mean use-forwarded-headers?"},
		{"zzzzzzzzzz", "1", "it has no effect", "take it out"},
		{"ssl-buffer-size", "64k", "the default '4k' is used", ""},
		{"log-format-upstream", "a\nb", "as if the key were not there", ""},
	};

	for (size_t i = 0; i < CHECK_COUNT(cases); i++) {
		struct pair data[1] = {pair(cases[i].name, cases[i].value)};
		struct setting_values v;
		struct problems problems = {0};

		check_case(cases[i].value);
		settings_parse(make_map(data, 1), NULL, &v, &problems);
		CHECK_INT(problems.n, cases[i].effect[0] != '\0');
		if (problems.n == 1) {
			const struct problem *p = problems.items;

			CHECK(str_find_str(p->effect, str_from(cases[i].effect)) < p->effect.len);
			CHECK(p->fix.len > 0 && (!cases[i].fix[0] || str_find_str(p->fix, str_from(cases[i].fix)) < p->fix.len));
			CHECK(p->rule.len > 0);
			CHECK_STR(p->field, str_from(cases[i].name));
			CHECK_STR(p->object, STR("ConfigMap ingress/controller"));
		}
		settings_deinit(&v);
		problems_deinit(&problems);
	}
}

static void test_last_good(void)
{
	struct pair good[2] = {pair("keep-alive", "10"), pair("proxy-read-timeout", "90")};
	struct pair bad[2] = {pair("keep-alive", "0x14"), pair("proxy-read-timeout", "soon")};
	struct setting_values first, second, third;
	struct problems problems = {0};

	check_case("a bad value keeps the last good one, other keys load");
	settings_parse(make_map(good, 2), NULL, &first, &problems);
	CHECK_INT(problems.n, 0);
	settings_parse(make_map(bad, 2), &first, &second, &problems);
	settings_deinit(&first);
	CHECK_INT(problems.n, 1);
	CHECK_INT(second.items[SETTING_PROXY_READ_TIMEOUT].value.number, 90000);
	CHECK_INT(second.items[SETTING_KEEP_ALIVE].value.number, 20000);
	settings_parse(make_map(bad, 2), &second, &third, &problems);
	CHECK_INT(third.items[SETTING_PROXY_READ_TIMEOUT].value.number, 90000);
	settings_deinit(&second);
	settings_deinit(&third);
	problems_deinit(&problems);
}

static void test_bad_networks(void)
{
	struct pair data[1] = {pair("proxy-real-ip-cidr", "10.0.0.0/8, x, unix:, 10.0.0.1/40")};
	struct setting_values v;
	struct problems problems = {0};

	check_case("a bad network never makes the proxy believe more");
	settings_parse(make_map(data, 1), NULL, &v, &problems);
	CHECK_INT(v.items[SETTING_PROXY_REAL_IP_CIDR].value.n, 1);
	CHECK_INT(v.items[SETTING_PROXY_REAL_IP_CIDR].value.cidrs[0].prefix, 8);
	CHECK_INT(problems.n, 2); /* one for each that is wrong; unix: is not (A13) */
	CHECK_STR(problems.items[0].value, STR("x"));
	CHECK_STR(problems.items[1].value, STR("10.0.0.1/40"));
	settings_deinit(&v);
	problems_deinit(&problems);
}

static void test_case_twice(void)
{
	struct pair data[2] = {pair("Keep-Alive", "10"), pair("keep-alive", "20")};
	struct setting_values v;
	struct problems problems = {0};

	check_case("two spellings of a key");
	settings_parse(make_map(data, 2), NULL, &v, &problems);
	CHECK_INT(v.items[SETTING_KEEP_ALIVE].value.number, 20000);
	CHECK_INT(problems.n, 1);
	settings_deinit(&v);
	problems_deinit(&problems);
}

int main(void)
{
	test_table();
	test_defaults();
	test_keys();
	test_last_good();
	test_bad_networks();
	test_case_twice();
	return check_done();
}
