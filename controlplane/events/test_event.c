/* Events as bytes (N7). */
#include "event.h"

#include <stdlib.h>

#include "check.h"

static const struct event base = {.kind = KIND_INGRESS, .namespace_ = {"shop", 4}, .name = {"web", 3}, .uid = {"u1", 2}, .version = {"7", 1},
	.reason = "Rejected", .is_warning = true, .text = {"Ingress shop/web: no", 20}};

static void check_json(json_t *json, const char *want)
{
	char *text = json_dumps(json, JSON_COMPACT | JSON_SORT_KEYS);

	CHECK_STR(str_from(text), str_from(want));
	free(text);
	json_decref(json);
}

static void test_bodies(void)
{
	struct event bare = base;
	json_t *whole;

	check_case("an Event");
	check_json(event_make(&base, STR("web.1"), STR("pod_1"), 1, 1795514400123),
		"{\"apiVersion\":\"v1\",\"count\":1,\"firstTimestamp\":\"2026-11-24T10:00:00Z\",\"involvedObject\":{\"apiVersion\":"
		"\"networking.k8s.io/v1\",\"kind\":\"Ingress\",\"name\":\"web\",\"namespace\":\"shop\",\"resourceVersion\":\"7\",\"uid\":\"u1\"},"
		"\"kind\":\"Event\",\"lastTimestamp\":\"2026-11-24T10:00:00Z\",\"message\":\"Ingress shop/web: no\",\"metadata\":{\"name\":\"web.1\","
		"\"namespace\":\"shop\"},\"reason\":\"Rejected\",\"reportingComponent\":\"weirlock-controller\",\"reportingInstance\":\"pod_1\","
		"\"source\":{\"component\":\"weirlock-controller\"},\"type\":\"Warning\"}");
	check_case("of an object that could not be read");
	bare.uid = bare.version = STR("");
	bare.is_warning = false;
	whole = event_make(&bare, STR("web.1"), STR("p"), 1, 0);
	CHECK_STR(str_from(json_string_value(json_object_get(whole, "type"))), STR("Normal"));
	check_json(json_incref(json_object_get(whole, "involvedObject")),
		"{\"apiVersion\":\"networking.k8s.io/v1\",\"kind\":\"Ingress\",\"name\":\"web\",\"namespace\":\"shop\"}");
	json_decref(whole);
	check_case("again");
	check_json(event_again(3, 1795514400123), "{\"count\":3,\"lastTimestamp\":\"2026-11-24T10:00:00Z\"}");
	check_json(event_again(0, 1795514400123), "{\"lastTimestamp\":\"2026-11-24T10:00:00Z\"}");
}

/* A text that is too long is cut between characters. */
static void test_long(void)
{
	struct event e = base;
	struct buf text = {0};
	json_t *json;

	check_case("a long text");
	for (size_t i = 0; i < 999; i++)
		buf_add_char(&text, 'x');
	buf_add(&text, STR("\xc3\xa9more"));
	e.text = buf_str(&text);
	json = event_make(&e, STR("n"), STR("p"), 1, 0);
	CHECK_INT(json_string_length(json_object_get(json, "message")), 999);
	json_decref(json);
	buf_deinit(&text);
}

static void name_of(const struct event *e, const char *salt, struct buf *out)
{
	buf_clear(out);
	event_add_name(e, str_from(salt), out);
}

static void test_names(void)
{
	struct buf first = {0}, other = {0}, longest = {0};
	struct event e = base;

	check_case("names");
	name_of(&base, "", &first);
	CHECK_INT(first.len, 3 + 1 + 16);
	name_of(&e, "", &other);
	CHECK_STR(buf_str(&other), buf_str(&first));
	e.version = STR("8"); /* the same thing of a later form */
	name_of(&e, "", &other);
	CHECK_STR(buf_str(&other), buf_str(&first));
	name_of(&e, "pod", &other);
	CHECK(!str_eq(buf_str(&other), buf_str(&first)));
	e.text = STR("something else");
	name_of(&e, "", &other);
	CHECK(!str_eq(buf_str(&other), buf_str(&first)));
	e = base;
	e.uid = STR("u2"); /* deleted, and made again */
	name_of(&e, "", &other);
	CHECK(!str_eq(buf_str(&other), buf_str(&first)));
	for (size_t i = 0; i < 253; i++)
		buf_add_char(&longest, i == 229 ? '-' : 'a');
	e.name = buf_str(&longest);
	name_of(&e, "", &other);
	CHECK(object_is_name(buf_str(&other)));
	buf_deinit(&first);
	buf_deinit(&other);
	buf_deinit(&longest);
}

int main(void)
{
	test_bodies();
	test_long();
	test_names();
	return check_done();
}
