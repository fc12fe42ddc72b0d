#include "check.h"
#include "mem.h"
#include "store.h"

/* Single quotes stand for double ones. Owned. */
static struct object *object_of(const char *text)
{
	struct buf b = {0};
	struct problems problems = {0};
	json_error_t error;
	json_t *json;
	bool is_other;
	struct object *o;

	for (; *text; text++)
		buf_add_char(&b, *text == '\'' ? '"' : *text);
	json = json_loadb(b.ptr, b.len, 0, &error);
	o = object_from_json(json, STR("file test"), &problems, &is_other);
	CHECK(o != NULL);
	json_decref(json);
	buf_deinit(&b);
	problems_deinit(&problems);
	return o;
}

static struct object *ingress(const char *name, const char *created, const char *host, const char *service)
{
	struct buf b = {0};
	struct object *o;

	buf_printf(&b,
		"{'apiVersion':'networking.k8s.io/v1','kind':'Ingress','metadata':{'name':'%s','creationTimestamp':'%s'},"
		"'spec':{'tls':[{'secretName':'cert'}],'rules':[{'host':'%s','http':{'paths':[{'path':'/','backend':"
		"{'service':{'name':'%s','port':{'number':80}}}}]}}]}}",
		name, created, host, service);
	o = object_of(buf_cstr(&b));
	buf_deinit(&b);
	return o;
}

static struct object *service(const char *name, int port)
{
	struct buf b = {0};
	struct object *o;

	buf_printf(&b, "{'apiVersion':'v1','kind':'Service','metadata':{'name':'%s'},'spec':{'ports':[{'port':%d}]}}", name, port);
	o = object_of(buf_cstr(&b));
	buf_deinit(&b);
	return o;
}

static struct object *slice(const char *name, const char *of, const char *address)
{
	struct buf b = {0};
	struct object *o;

	buf_printf(&b,
		"{'apiVersion':'discovery.k8s.io/v1','kind':'EndpointSlice','metadata':{'name':'%s','labels':"
		"{'kubernetes.io/service-name':'%s'}},'addressType':'IPv4','endpoints':[{'addresses':['%s']}]}",
		name, of, address);
	o = object_of(buf_cstr(&b));
	buf_deinit(&b);
	return o;
}

static void add_names(struct buf *b, const char *title, const struct str *names, size_t n)
{
	for (size_t i = 0; i < n; i++)
		buf_printf(b, "%s%s %.*s", b->len ? ", " : "", title, STR_ARG(names[i]));
}

/* Takes the changes and compares their text: "everything, host a, service n/s, endpoints n/s". */
static void check_changes(struct store *s, const char *want)
{
	struct arena arena = {0};
	struct store_changes c;
	struct buf b = {0};
	bool is_structural;

	CHECK_INT(store_has_changes(s, &is_structural), *want != '\0');
	CHECK_INT(store_take_changes(s, &arena, &c), *want != '\0');
	if (c.everything)
		buf_printf(&b, "everything%s%.*s", c.everything_by.len ? " by " : "", STR_ARG(c.everything_by));
	add_names(&b, "host", c.hosts, c.n_hosts);
	add_names(&b, "service", c.services, c.n_services);
	add_names(&b, "endpoints", c.endpoints, c.n_endpoints);
	CHECK_STR(buf_str(&b), str_from(want));
	CHECK_INT(is_structural, c.everything || c.n_hosts || c.n_services);
	buf_deinit(&b);
	arena_deinit(&arena);
}

static void check_list(struct object_list list, const char *want)
{
	struct buf b = {0};

	for (size_t i = 0; i < list.n; i++)
		buf_printf(&b, "%s%.*s", i ? " " : "", STR_ARG(list.items[i]->name));
	CHECK_STR(buf_str(&b), str_from(want));
	buf_deinit(&b);
}

#define OLD "2020-01-01T00:00:00Z"
#define NEW "2021-01-01T00:00:00Z"

static void test_order(void)
{
	struct store *s = store_create();

	check_case("C9: the oldest first, ties by name descending");
	store_put(s, ingress("a", NEW, "h", "web"), NULL);
	store_put(s, ingress("b", OLD, "h", "web"), NULL);
	store_put(s, ingress("c", OLD, "H", "web"), NULL);
	store_put(s, ingress("d", OLD, "other", "web2"), NULL);
	check_list(store_list(s, KIND_INGRESS), "d c b a");
	check_list(store_host_ingresses(s, STR("h")), "c b a");
	check_list(store_service_ingresses(s, STR("default"), STR("web")), "c b a");
	check_case("an Ingress made anew is young again");
	store_put(s, ingress("d", "2022-01-01T00:00:00Z", "h", "web"), NULL);
	check_list(store_host_ingresses(s, STR("h")), "c b a d");
	CHECK_INT(store_hosts(s).n, 1);
	CHECK_STR(store_hosts(s).names[0], STR("h"));
	check_case("other kinds by name");
	store_put(s, service("z", 1), NULL);
	store_put(s, service("y", 1), NULL);
	check_list(store_list(s, KIND_SERVICE), "y z");
	store_put(s, slice("web-2", "web", "10.0.0.2"), NULL);
	store_put(s, slice("web-1", "web", "10.0.0.1"), NULL);
	check_list(store_slices(s, STR("default"), STR("web")), "web-1 web-2");
	store_delete(s, KIND_ENDPOINT_SLICE, STR("default"), STR("web-1"));
	check_list(store_slices(s, STR("default"), STR("web")), "web-2");
	check_list(store_slices(s, STR("default"), STR("none")), "");
	store_destroy(s);
}

static void test_changes(void)
{
	struct store *s = store_create();
	struct str reads[] = {STR("ConfigMap default/errors"), STR("Host www.b")};
	struct str all[] = {STR("ConfigMap default/settings")};

	check_case("nothing yet");
	check_changes(s, "");
	check_case("an Ingress touches its hosts and Services");
	CHECK(store_put(s, ingress("a", OLD, "A", "web"), NULL));
	check_changes(s, "host a, service default/web");
	check_case("the same again touches nothing");
	CHECK(!store_put(s, ingress("a", OLD, "A", "web"), NULL));
	check_changes(s, "");
	check_case("a moved Ingress touches both hosts");
	store_put(s, ingress("a", OLD, "b", "web2"), NULL);
	check_changes(s, "host a, host b, service default/web, service default/web2");
	CHECK_INT(store_hosts(s).n, 1);
	check_case("a Service touches the hosts that use it");
	store_put(s, service("web2", 80), NULL);
	check_changes(s, "host b, service default/web2");
	store_put(s, service("unused", 80), NULL);
	check_changes(s, "service default/unused");
	check_case("a slice touches endpoints alone");
	store_put(s, slice("x", "web2", "10.0.0.1"), NULL);
	check_changes(s, "endpoints default/web2");
	check_case("a slice that changes sides touches both Services");
	store_put(s, slice("x", "web3", "10.0.0.1"), NULL);
	check_changes(s, "endpoints default/web2, endpoints default/web3");
	check_case("a Service that changes with its slices is listed once");
	store_put(s, slice("x", "web2", "10.0.0.1"), NULL);
	store_put(s, service("web2", 81), NULL);
	check_changes(s, "host b, service default/web2, endpoints default/web3");
	check_case("a tls Secret touches the hosts of its Ingresses");
	store_put(s, object_of("{'apiVersion':'v1','kind':'Secret','metadata':{'name':'cert'}}"), NULL);
	check_changes(s, "host b");
	check_case("what a reader noted touches it");
	store_set_reads(s, STR("b"), reads, 2);
	store_put(s, object_of("{'apiVersion':'v1','kind':'ConfigMap','metadata':{'name':'errors'}}"), NULL);
	check_changes(s, "host b");
	store_put(s, ingress("w", OLD, "www.b", "web"), NULL);
	check_changes(s, "host b, host www.b, service default/web");
	check_case("what it no longer reads does not");
	store_set_reads(s, STR("b"), reads, 1);
	store_delete(s, KIND_INGRESS, STR("default"), STR("w"));
	check_changes(s, "host www.b, service default/web");
	check_case("what all depend on touches everything");
	store_set_reads(s, STORE_EVERYTHING, all, 1);
	store_put(s, object_of("{'apiVersion':'v1','kind':'ConfigMap','metadata':{'name':'settings'}}"), NULL);
	check_changes(s, "everything by ConfigMap default/settings");
	store_put(s, object_of("{'apiVersion':'networking.k8s.io/v1','kind':'IngressClass','metadata':{'name':'c'}}"), NULL);
	check_changes(s, "everything");
	store_put(s, object_of("{'apiVersion':'v1','kind':'ConfigMap','metadata':{'name':'settings'},'data':{'a':'1'}}"), NULL);
	store_put(s, object_of("{'apiVersion':'v1','kind':'ConfigMap','metadata':{'name':'settings'},'data':{'a':'2'}}"), NULL);
	check_changes(s, "everything by ConfigMap default/settings");
	store_put(s, object_of("{'apiVersion':'v1','kind':'ConfigMap','metadata':{'name':'settings'},'data':{'a':'3'}}"), NULL);
	store_put(s, object_of("{'apiVersion':'networking.k8s.io/v1','kind':'IngressClass','metadata':{'name':'d'}}"), NULL);
	store_put(s, object_of("{'apiVersion':'v1','kind':'ConfigMap','metadata':{'name':'settings'},'data':{'a':'4'}}"), NULL);
	check_changes(s, "everything");
	check_case("a deleted Ingress leaves its host to be dropped");
	CHECK(store_delete(s, KIND_INGRESS, STR("default"), STR("a")));
	CHECK(!store_delete(s, KIND_INGRESS, STR("default"), STR("a")));
	check_changes(s, "host b, service default/web2");
	CHECK_INT(store_hosts(s).n, 0);
	store_destroy(s);
}

/* What slices alone touch can be had before the rest. */
static void test_endpoints_first(void)
{
	struct store *s = store_create();
	struct arena arena = {0};
	struct str *services;
	size_t n;

	check_case("endpoints before the rest");
	store_put(s, service("web", 1), NULL);
	store_put(s, slice("web-1", "web", "10.0.0.1"), NULL);
	store_put(s, slice("other-1", "other", "10.0.0.2"), NULL);
	CHECK(store_take_endpoints(s, &arena, &services, &n));
	CHECK_INT(n, 1);
	CHECK_STR(services[0], STR("default/other"));
	CHECK(!store_take_endpoints(s, &arena, &services, &n));
	check_changes(s, "service default/web");
	store_touch(s, STR("ConfigMap default/c"));
	store_set_reads(s, STORE_EVERYTHING, &STR("ConfigMap default/c"), 1);
	store_touch(s, STR("ConfigMap default/c"));
	store_put(s, slice("other-1", "other", "10.0.0.3"), NULL);
	CHECK(!store_take_endpoints(s, &arena, &services, &n));
	check_changes(s, "everything by ConfigMap default/c, endpoints default/other");
	arena_deinit(&arena);
	store_destroy(s);
}

static void test_default_server(void)
{
	struct store *s = store_create();

	check_case("B6, B8: no host, and no rules, are the default server");
	store_put(s, ingress("a", OLD, "", "web"), NULL);
	store_put(s, object_of("{'apiVersion':'networking.k8s.io/v1','kind':'Ingress','metadata':{'name':'all'},"
			       "'spec':{'defaultBackend':{'service':{'name':'d','port':{'name':'x'}}}}}"),
		NULL);
	check_changes(s, "host _, service default/d, service default/web");
	check_list(store_host_ingresses(s, STR("_")), "all a");
	store_destroy(s);
}

static void test_refusal(void)
{
	struct store *s = store_create();
	struct problems why = {0}, out = {0};
	struct str none = STR(""), ns = STR("default");
	unsigned long version;

	check_case("a refused form leaves the last good one in place");
	problems_add(&why, &(struct problem){.object = STR("Ingress default/a"), .field = STR("spec")});
	store_put(s, ingress("a", OLD, "h", "web"), NULL);
	check_changes(s, "host h, service default/web");
	version = store_problems_version(s);
	CHECK(store_refuse(s, KIND_INGRESS, ns, STR("a"), &why));
	CHECK(!store_refuse(s, KIND_INGRESS, ns, STR("a"), &why));
	CHECK(store_problems_version(s) != version);
	check_changes(s, "");
	CHECK(store_get(s, KIND_INGRESS, ns, STR("a")) != NULL);
	CHECK(store_is_refused(s, KIND_INGRESS, ns, STR("a")));
	check_case("one that never was good is not seen");
	CHECK(store_refuse(s, KIND_INGRESS, ns, STR("b"), &why));
	CHECK(store_get(s, KIND_INGRESS, ns, STR("b")) == NULL);
	check_list(store_list(s, KIND_INGRESS), "a");
	check_case("problems of origins and notes are listed too, without duplicates");
	CHECK(store_set_origin_problems(s, STR("file x"), &why));
	CHECK(!store_set_origin_problems(s, STR("file x"), &why));
	problems_clear(&why);
	problems_add(&why, &(struct problem){.object = STR("Service default/s"), .field = STR("note")});
	CHECK(store_put(s, service("s", 1), &why));
	CHECK(!store_put(s, service("s", 1), &why));
	store_problems(s, &out);
	CHECK_INT(out.n, 2);
	check_case("a good form clears the refusal");
	CHECK(store_put(s, ingress("a", OLD, "h", "web"), NULL));
	CHECK(!store_is_refused(s, KIND_INGRESS, ns, STR("a")));
	CHECK(store_delete(s, KIND_INGRESS, ns, STR("b")));
	CHECK(store_set_origin_problems(s, STR("file x"), NULL));
	CHECK(store_put(s, service("s", 1), NULL));
	problems_clear(&out);
	store_problems(s, &out);
	CHECK_INT(out.n, 0);
	check_case("lookups that find nothing");
	CHECK(store_get(s, KIND_SECRET, ns, none) == NULL);
	CHECK(store_get_path(s, KIND_SERVICE, STR("default/s")) != NULL);
	CHECK(store_get_path(s, KIND_SERVICE, STR("s")) == NULL);
	problems_deinit(&why);
	problems_deinit(&out);
	store_destroy(s);
}

/* Many events in an order of their own; the lists must come out sorted and complete. */
static void test_many(void)
{
	struct store *s = store_create();
	unsigned random = 1;
	char name[32], host[32];

	check_case("many");
	for (int i = 0; i < 3000; i++) {
		random = random * 1103515245u + 12345u;
		snprintf(name, sizeof(name), "n%u", random >> 16 & 255);
		snprintf(host, sizeof(host), "h%u", random >> 8 & 31);
		if (random >> 28 & 1)
			store_delete(s, KIND_INGRESS, STR("default"), str_from(name));
		else
			store_put(s, ingress(name, random >> 29 & 1 ? OLD : NEW, host, "web"), NULL);
		if (i % 7 == 0)
			store_list(s, KIND_INGRESS);
	}
	{
		struct object_list list = store_list(s, KIND_INGRESS);
		struct host_list hosts = store_hosts(s);
		size_t n = 0;

		CHECK(list.n > 20);
		for (size_t i = 1; i < list.n; i++)
			CHECK(list.items[i - 1]->created_s < list.items[i]->created_s ||
				(list.items[i - 1]->created_s == list.items[i]->created_s &&
					str_cmp(list.items[i - 1]->name, list.items[i]->name) > 0));
		for (size_t i = 0; i < hosts.n; i++) {
			CHECK(i == 0 || str_cmp(hosts.names[i - 1], hosts.names[i]) < 0);
			n += store_host_ingresses(s, hosts.names[i]).n;
		}
		CHECK_INT(n, list.n);
		CHECK_INT(store_service_ingresses(s, STR("default"), STR("web")).n, list.n);
	}
	store_destroy(s);
}

static void check_seen(const struct store *s, const char *name, uint64_t want)
{
	uint64_t seq = 0;

	CHECK_INT(store_seen(s, KIND_INGRESS, STR("default"), str_from(name), &seq), want != 0);
	CHECK_INT(seq, want);
}

static void test_seen(void)
{
	struct store *s = store_create();
	struct problems why = {0};

	check_case("every change of an object has its place in the row of all");
	problems_add(&why, &(struct problem){.object = STR("Ingress default/a"), .rule = STR("good")});
	store_put(s, ingress("a", OLD, "h", "web"), NULL);
	store_put(s, ingress("b", OLD, "h", "web"), NULL);
	check_seen(s, "a", 1);
	check_seen(s, "b", 2);
	CHECK_INT(store_seq(s), 2);
	store_put(s, ingress("a", OLD, "h", "web"), NULL); /* as it was */
	check_seen(s, "a", 1);
	store_put(s, ingress("a", OLD, "i", "web"), NULL);
	check_seen(s, "a", 3);
	store_refuse(s, KIND_INGRESS, STR("default"), STR("a"), &why);
	check_seen(s, "a", 4);
	store_refuse(s, KIND_INGRESS, STR("default"), STR("a"), &why); /* known */
	check_seen(s, "a", 4);
	store_put(s, ingress("a", OLD, "i", "web"), NULL); /* the last good form again */
	check_seen(s, "a", 5);
	store_refuse(s, KIND_INGRESS, STR("default"), STR("never"), &why);
	check_seen(s, "never", 6);
	store_delete(s, KIND_INGRESS, STR("default"), STR("a"));
	check_seen(s, "a", 0);
	CHECK_INT(store_seq(s), 7);
	store_destroy(s);
	problems_deinit(&why);
}

int main(void)
{
	test_seen();
	test_order();
	test_changes();
	test_endpoints_first();
	test_default_server();
	test_refusal();
	test_many();
	return check_done();
}
