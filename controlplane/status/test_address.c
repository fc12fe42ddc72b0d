/* What is published, from each place (N5). */
#include "address.h"

#include <stdlib.h>

#include "check.h"

static struct addresses list;
static struct buf text;

static struct str as_text(void)
{
	buf_clear(&text);
	addresses_add_text(list.items, list.n, &text);
	return buf_str(&text);
}

static const struct {
	const char *name, *in, *want, *bad; /* bad: NULL is none */
} lists[] = {
	{"an address", "203.0.113.1", "203.0.113.1", NULL},
	{"a host name", "lb.example.com", "lb.example.com", NULL},
	{"host names first, sorted, without duplicates", "203.0.113.2, lb.b,2001:db8::1,203.0.113.2,lb.a", "lb.a lb.b 2001:db8::1 203.0.113.2",
		NULL},
	{"gaps", ",203.0.113.1,,", "203.0.113.1", NULL},
	{"a port", "203.0.113.1:80", "", "203.0.113.1:80"},
	{"upper case", "LB.example.com", "", "LB.example.com"},
	{"a wildcard", "203.0.113.1,*.example.com", "203.0.113.1", "*.example.com"},
};

static void test_lists(void)
{
	for (size_t i = 0; i < CHECK_COUNT(lists); i++) {
		struct str bad = STR("");

		check_case(lists[i].name);
		addresses_clear(&list);
		CHECK_INT(addresses_add_list(&list, str_from(lists[i].in), &bad), !lists[i].bad);
		CHECK_STR(bad, str_from(lists[i].bad));
		CHECK_STR(as_text(), str_from(lists[i].want));
	}
}

/* The object as the API server has it; the way through object_from_json is tested with it. */
#define SERVICE(spec, status) \
	"{\"apiVersion\":\"v1\",\"kind\":\"Service\",\"metadata\":{\"name\":\"s\"},\"spec\":{" spec "},\"status\":{" status "}}"
#define BALANCER(items) "\"loadBalancer\":{\"ingress\":[" items "]}"

static const struct {
	const char *name, *in;
	bool is_good;
	const char *want;
} services[] = {
	{"ExternalName", SERVICE("\"type\":\"ExternalName\",\"externalName\":\"lb.example.com\"", ""), true, "lb.example.com"},
	{"ClusterIP", SERVICE("\"type\":\"ClusterIP\",\"clusterIP\":\"10.96.0.7\",\"externalIPs\":[\"203.0.113.1\"]", ""), true, "10.96.0.7"},
	{"headless", SERVICE("\"clusterIP\":\"None\"", ""), false, ""},
	{"NodePort", SERVICE("\"type\":\"NodePort\",\"clusterIP\":\"10.96.0.7\"", ""), true, "10.96.0.7"},
	{"NodePort with externalIPs",
		SERVICE("\"type\":\"NodePort\",\"clusterIP\":\"10.96.0.7\",\"externalIPs\":[\"203.0.113.2\",\"203.0.113.1\"]", ""), true,
		"203.0.113.1 203.0.113.2"},
	{"LoadBalancer", SERVICE("\"type\":\"LoadBalancer\",\"clusterIP\":\"10.96.0.7\"", BALANCER("{\"ip\":\"203.0.113.9\",\"ipMode\":\"VIP\"}")),
		true, "203.0.113.9"},
	{"LoadBalancer with a host name", SERVICE("\"type\":\"LoadBalancer\"", BALANCER("{\"hostname\":\"x.elb.example.com\"}")), true,
		"x.elb.example.com"},
	{"LoadBalancer and externalIPs, one of them twice",
		SERVICE("\"type\":\"LoadBalancer\",\"externalIPs\":[\"203.0.113.9\",\"203.0.113.1\"]", BALANCER("{\"ip\":\"203.0.113.9\"}")), true,
		"203.0.113.1 203.0.113.9"},
	{"LoadBalancer that waits", SERVICE("\"type\":\"LoadBalancer\",\"clusterIP\":\"10.96.0.7\"", "\"loadBalancer\":{}"), true, ""},
	{"a status of no sense", SERVICE("\"type\":\"LoadBalancer\"", BALANCER("7,{\"ip\":8},{}")), true, ""},
};

static struct object *parse(const char *in)
{
	json_t *json = json_loads(in, 0, NULL);
	struct problems problems = {0};
	struct object *object;
	bool is_other;

	CHECK(json != NULL);
	object = object_from_json(json, STR(""), &problems, &is_other);
	CHECK_INT(problems.n, 0);
	problems_deinit(&problems);
	json_decref(json);
	return object;
}

static void test_services(void)
{
	for (size_t i = 0; i < CHECK_COUNT(services); i++) {
		struct object *object;
		const char *why = "";

		check_case(services[i].name);
		object = parse(services[i].in);
		addresses_clear(&list);
		CHECK_INT(addresses_add_service(&list, &object->service, &why), services[i].is_good);
		CHECK_STR(as_text(), str_from(services[i].want));
		CHECK_INT(*why != '\0', !services[i].is_good);
		object_unref(&object);
	}
}

#define NODE(items) "{\"status\":{\"addresses\":[" items "]}}"
#define ADDRESS(type, address) "{\"type\":\"" type "\",\"address\":\"" address "\"}"

static const struct {
	const char *name, *in;
	bool wants_internal;
	const char *want;
} nodes[] = {
	{"external", NODE(ADDRESS("InternalIP", "10.0.0.1") "," ADDRESS("ExternalIP", "203.0.113.1") "," ADDRESS("Hostname", "n")), false,
		"203.0.113.1"},
	{"internal alone", NODE(ADDRESS("InternalIP", "10.0.0.1") "," ADDRESS("InternalIP", "fd00::1")), false, "10.0.0.1"},
	{"internal is wanted", NODE(ADDRESS("InternalIP", "10.0.0.1") "," ADDRESS("ExternalIP", "203.0.113.1")), true, "10.0.0.1"},
	{"internal is wanted, and there is none", NODE(ADDRESS("ExternalIP", "203.0.113.1")), true, "203.0.113.1"},
	{"neither", NODE(ADDRESS("Hostname", "n")), false, ""},
	{"no Node", "{}", false, ""},
};

static void test_nodes(void)
{
	for (size_t i = 0; i < CHECK_COUNT(nodes); i++) {
		json_t *node = json_loads(nodes[i].in, 0, NULL);

		check_case(nodes[i].name);
		addresses_clear(&list);
		addresses_add_node(&list, node, nodes[i].wants_internal);
		CHECK_STR(as_text(), str_from(nodes[i].want));
		json_decref(node);
	}
}

static void check_patch(const char *in, const char *want)
{
	struct str bad;
	json_t *patch;
	char *dump;

	addresses_clear(&list);
	addresses_add_list(&list, str_from(in), &bad);
	patch = addresses_patch(list.items, list.n);
	dump = json_dumps(patch, JSON_COMPACT);
	CHECK_STR(str_from(dump), str_from(want));
	free(dump);
	json_decref(patch);
}

static void test_others_order(void)
{
	const struct published theirs[] = {{STR("203.0.113.2"), STR("")}, {STR(""), STR("lb")}, {STR("203.0.113.1"), STR("")}};

	check_case("what others wrote in another order is the same");
	buf_clear(&text);
	addresses_add_text(theirs, 3, &text);
	CHECK_STR(buf_str(&text), STR("lb 203.0.113.1 203.0.113.2"));
}

int main(void)
{
	test_lists();
	test_services();
	test_nodes();
	test_others_order();
	check_case("patches");
	check_patch("203.0.113.1,lb", "{\"status\":{\"loadBalancer\":{\"ingress\":[{\"hostname\":\"lb\"},{\"ip\":\"203.0.113.1\"}]}}}");
	check_patch("", "{\"status\":{\"loadBalancer\":{\"ingress\":null}}}");
	addresses_deinit(&list);
	buf_deinit(&text);
	return check_done();
}
