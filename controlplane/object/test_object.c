#include "buf.h"
#include "check.h"
#include "object.h"

/* Single quotes stand for double ones, so that the tables can be read. */
static json_t *json_of(const char *text)
{
	struct buf b = {0};
	json_error_t error;
	json_t *json;

	for (; *text; text++)
		buf_add_char(&b, *text == '\'' ? '"' : *text);
	json = json_loadb(b.ptr, b.len, 0, &error);
	CHECK(json != NULL);
	buf_deinit(&b);
	return json;
}

static struct object *parse(const char *text, struct problems *problems, bool *is_other)
{
	json_t *json = json_of(text);
	struct object *o = object_from_json(json, STR("file a.yaml:1"), problems, is_other);

	json_decref(json);
	return o;
}

static struct object *parse_good(const char *text)
{
	struct problems problems = {0};
	bool is_other;
	struct object *o = parse(text, &problems, &is_other);

	CHECK(o != NULL);
	CHECK_INT(problems.n, 0);
	problems_deinit(&problems);
	return o;
}

#define INGRESS_HEAD "{'apiVersion':'networking.k8s.io/v1','kind':'Ingress','metadata':{'name':'web'},'spec':"
#define SERVICE_HEAD "{'apiVersion':'v1','kind':'Service','metadata':{'name':'web'},'spec':"
#define SLICE_HEAD "{'apiVersion':'discovery.k8s.io/v1','kind':'EndpointSlice','metadata':{'name':'web-x'},"
#define BACKEND "'backend':{'service':{'name':'web','port':{'number':80}}}"

/* What is refused, with the field that the problem names. */
static void test_refused(void)
{
	static const struct {
		const char *name, *json, *object, *field;
	} cases[] = {
		{"no object", "[1]", "file a.yaml:1", ""},
		{"no kind", "{'apiVersion':'v1'}", "file a.yaml:1", "kind"},
		{"no version", "{'kind':'Service'}", "file a.yaml:1", "apiVersion"},
		{"no name", "{'kind':'Service','apiVersion':'v1','metadata':{}}", "file a.yaml:1", "metadata.name"},
		{"old version", "{'kind':'Ingress','apiVersion':'extensions/v1beta1','metadata':{'name':'a'}}",
			"Ingress default/a", "apiVersion"},
		{"old class version", "{'kind':'IngressClass','apiVersion':'networking.k8s.io/v1beta1','metadata':{'name':'a'}}",
			"IngressClass a", "apiVersion"},
		{"bad name", "{'kind':'Service','apiVersion':'v1','metadata':{'name':'a/../b'}}", "Service default/a/../b",
			"metadata.name"},
		{"bad namespace", "{'kind':'Service','apiVersion':'v1','metadata':{'name':'a','namespace':'B'}}", "Service B/a",
			"metadata.namespace"},
		{"bad time", "{'kind':'ConfigMap','apiVersion':'v1','metadata':{'name':'a','creationTimestamp':'today'}}",
			"ConfigMap default/a", "metadata.creationTimestamp"},
		{"annotation without quotes",
			"{'kind':'ConfigMap','apiVersion':'v1','metadata':{'name':'a','annotations':{'x/y':false}}}",
			"ConfigMap default/a", "metadata.annotations.x/y"},
		{"datum without quotes", "{'kind':'ConfigMap','apiVersion':'v1','metadata':{'name':'a'},'data':{'k':60}}",
			"ConfigMap default/a", "data.k"},
		{"nothing in an Ingress", INGRESS_HEAD "{}}", "Ingress default/web", "spec"},
		{"spec of a wrong type", INGRESS_HEAD "3}", "Ingress default/web", "spec"},
		{"host with a port", INGRESS_HEAD "{'rules':[{'host':'a.example.com:80'}]}}", "Ingress default/web",
			"spec.rules[0].host"},
		{"host is an address", INGRESS_HEAD "{'rules':[{'host':'10.0.0.1'}]}}", "Ingress default/web",
			"spec.rules[0].host"},
		{"host with a star inside", INGRESS_HEAD "{'rules':[{'host':'a.*.com'}]}}", "Ingress default/web",
			"spec.rules[0].host"},
		{"host with an empty label", INGRESS_HEAD "{'rules':[{'host':'a..com'}]}}", "Ingress default/web",
			"spec.rules[0].host"},
		{"host with a line break", INGRESS_HEAD "{'rules':[{'host':'a\\n.com'}]}}", "Ingress default/web",
			"spec.rules[0].host"},
		{"path without slash", INGRESS_HEAD "{'rules':[{},{'http':{'paths':[{'path':'x'," BACKEND "}]}}]}}",
			"Ingress default/web", "spec.rules[1].http.paths[0].path"},
		{"path type", INGRESS_HEAD "{'rules':[{'http':{'paths':[{'pathType':'prefix'," BACKEND "}]}}]}}",
			"Ingress default/web", "spec.rules[0].http.paths[0].pathType"},
		{"path without backend", INGRESS_HEAD "{'rules':[{'http':{'paths':[{'path':'/'}]}}]}}", "Ingress default/web",
			"spec.rules[0].http.paths[0].backend"},
		{"port by name and number",
			INGRESS_HEAD "{'defaultBackend':{'service':{'name':'a','port':{'name':'b','number':1}}}}}",
			"Ingress default/web", "spec.defaultBackend.service.port"},
		{"no port", INGRESS_HEAD "{'defaultBackend':{'service':{'name':'a'}}}}", "Ingress default/web",
			"spec.defaultBackend.service.port"},
		{"port in quotes", INGRESS_HEAD "{'defaultBackend':{'service':{'name':'a','port':{'number':'80'}}}}}",
			"Ingress default/web", "spec.defaultBackend.service.port.number"},
		{"backend of old", INGRESS_HEAD "{'defaultBackend':{'serviceName':'a','servicePort':80}}}", "Ingress default/web",
			"spec.defaultBackend"},
		{"tls host", INGRESS_HEAD "{'rules':[{}],'tls':[{'hosts':['a b']}]}}", "Ingress default/web",
			"spec.tls[0].hosts[0]"},
		{"a slip in the kind", "{'kind':'Ingres','apiVersion':'networking.k8s.io/v1','metadata':{'name':'a'}}", "file a.yaml:1",
			"kind"},
		{"a kind in lower case", "{'kind':'service','apiVersion':'v1','metadata':{'name':'a'}}", "file a.yaml:1", "kind"},
		{"Service type", SERVICE_HEAD "{'type':'Cluster'}}", "Service default/web", "spec.type"},
		{"Service port 0", SERVICE_HEAD "{'ports':[{'port':0}]}}", "Service default/web", "spec.ports[0].port"},
		{"Service without port", SERVICE_HEAD "{'ports':[{'name':'a'}]}}", "Service default/web", "spec.ports[0].port"},
		{"Service port 65536", SERVICE_HEAD "{'ports':[{'port':65536}]}}", "Service default/web", "spec.ports[0].port"},
		{"target in quotes", SERVICE_HEAD "{'ports':[{'port':1,'targetPort':'80'}]}}", "Service default/web",
			"spec.ports[0].targetPort"},
		{"protocol", SERVICE_HEAD "{'ports':[{'port':1,'protocol':'tcp'}]}}", "Service default/web",
			"spec.ports[0].protocol"},
		{"no address type", SLICE_HEAD "'endpoints':[]}", "EndpointSlice default/web-x", "addressType"},
		{"address of the wrong family", SLICE_HEAD "'addressType':'IPv4','endpoints':[{'addresses':['::1']}]}",
			"EndpointSlice default/web-x", "endpoints[0].addresses[0]"},
		{"condition in quotes",
			SLICE_HEAD "'addressType':'IPv4','endpoints':[{'addresses':[],'conditions':{'ready':'true'}}]}",
			"EndpointSlice default/web-x", "endpoints[0].conditions.ready"},
		{"base64", "{'kind':'Secret','apiVersion':'v1','metadata':{'name':'s'},'data':{'k':'a secret'}}",
			"Secret default/s", "data.k"},
		{"base64 without padding", "{'kind':'Secret','apiVersion':'v1','metadata':{'name':'s'},'data':{'k':'YWI'}}",
			"Secret default/s", "data.k"},
		{"base64 after its end", "{'kind':'Secret','apiVersion':'v1','metadata':{'name':'s'},'data':{'k':'YQ==YQ=='}}",
			"Secret default/s", "data.k"},
	};

	for (size_t i = 0; i < CHECK_COUNT(cases); i++) {
		struct problems problems = {0};
		bool is_other = true;

		check_case(cases[i].name);
		CHECK(parse(cases[i].json, &problems, &is_other) == NULL);
		CHECK(!is_other);
		CHECK_INT(problems.n, 1);
		if (problems.n) {
			CHECK_STR(problems.items[0].object, str_from(cases[i].object));
			CHECK_STR(problems.items[0].field, str_from(cases[i].field));
			CHECK_INT(problems.items[0].severity, SEVERITY_FAULT);
			CHECK(str_find_str(problems.items[0].value, STR("a secret")) == problems.items[0].value.len);
		}
		problems_deinit(&problems);
	}
}

static void test_other(void)
{
	static const char *const cases[] = {
		"{'kind':'Deployment','apiVersion':'apps/v1','metadata':{'name':'a'}}",
		"{'kind':'NetworkPolicy','apiVersion':'networking.k8s.io/v1','metadata':{'name':'a'}}",
		"{'kind':'ServiceAccount','apiVersion':'v1','metadata':{'name':'a'}}",
		"{'kind':'ServiceCIDR','apiVersion':'networking.k8s.io/v1','metadata':{'name':'a'}}",
		"{'kind':'Node','apiVersion':'v1','metadata':{'name':'a'}}",
		"{'kind':'Service','apiVersion':'serving.knative.dev/v1','metadata':{'name':'a'}}",
		"{'kind':'Ingress','apiVersion':'config.openshift.io/v1','metadata':{'name':'a'}}",
	};

	for (size_t i = 0; i < CHECK_COUNT(cases); i++) {
		struct problems problems = {0};
		bool is_other = false;

		check_case(cases[i]);
		CHECK(parse(cases[i], &problems, &is_other) == NULL);
		CHECK(is_other);
		CHECK_INT(problems.n, 0);
		problems_deinit(&problems);
	}
}

static void test_ingress(void)
{
	/* As kubectl prints it: nulls, managedFields and status are there and mean nothing. */
	struct object *o = parse_good("{'apiVersion':'networking.k8s.io/v1','kind':'Ingress','metadata':{"
		"'annotations':{'b':'2','a':'1','kubectl.kubernetes.io/last-applied-configuration':'{}'},"
		"'creationTimestamp':'2024-05-01T10:00:00Z','managedFields':[{'manager':'x'}],'name':'web','namespace':'shop',"
		"'resourceVersion':'7','uid':'u-1','labels':null,'generation':3},'spec':{'ingressClassName':'nginx',"
		"'rules':[{'host':'a.example.com','http':{'paths':[{'path':'/x','pathType':'Exact'," BACKEND
		"},{'backend':{'resource':{'kind':'B','name':'c'}}}]}},{'host':'*.example.com'}],"
		"'tls':[{'hosts':['a.example.com'],'secretName':'cert'},{}]},'status':{'loadBalancer':{}}}");
	const struct ingress *in = &o->ingress;

	check_case("Ingress");
	CHECK_STR(o->key, STR("Ingress shop/web"));
	CHECK_STR(o->origin, STR("file a.yaml:1"));
	CHECK_INT(o->created_s, 1714557600);
	CHECK_INT(o->n_annotations, 2);
	CHECK_STR(*object_annotation(o, STR("a")), STR("1"));
	CHECK(object_annotation(o, STR("c")) == NULL);
	CHECK(in->has_class_name);
	CHECK_INT(in->n_rules, 2);
	CHECK_STR(in->rules[0].host, STR("a.example.com"));
	CHECK_INT(in->rules[0].n_paths, 2);
	CHECK_INT(in->rules[0].paths[0].type, PATH_EXACT);
	CHECK_STR(in->rules[0].paths[0].backend.service, STR("web"));
	CHECK_INT(in->rules[0].paths[0].backend.port.number, 80);
	CHECK_INT(in->rules[0].paths[1].type, PATH_IMPLEMENTATION_SPECIFIC);
	CHECK(in->rules[0].paths[1].backend.is_resource);
	CHECK_STR(in->rules[0].paths[1].path, STR(""));
	CHECK(!in->rules[1].has_http);
	CHECK_INT(in->n_tls, 2);
	CHECK_STR(in->tls[0].secret, STR("cert"));
	CHECK_STR(in->tls[0].hosts[0], STR("a.example.com"));
	CHECK(!in->default_backend.is_set);
	object_unref(&o);
	CHECK(o == NULL);
}

static void test_service(void)
{
	struct object *o = parse_good(SERVICE_HEAD "{'clusterIP':'None','ports':[{'name':'http','port':80,'targetPort':'web'},"
		"{'port':443,'targetPort':8443,'protocol':'UDP','appProtocol':'h2c'},{'port':1,'targetPort':0}]}}");

	check_case("Service");
	CHECK_STR(o->key, STR("Service default/web"));
	CHECK_INT(o->service.type, SERVICE_CLUSTER_IP);
	CHECK_STR(o->service.cluster_ip, STR("None"));
	CHECK_INT(o->service.n_ports, 3);
	CHECK_STR(o->service.ports[0].target.name, STR("web"));
	CHECK_STR(o->service.ports[0].protocol, STR("TCP"));
	CHECK_INT(o->service.ports[1].target.number, 8443);
	CHECK_STR(o->service.ports[1].protocol, STR("UDP"));
	CHECK_INT(o->service.ports[2].target.number, 0);
	object_unref(&o);
	o = parse_good(SERVICE_HEAD "{'type':'ExternalName','externalName':'db.example.com'}}");
	CHECK_INT(o->service.type, SERVICE_EXTERNAL_NAME);
	CHECK_STR(o->service.external_name, STR("db.example.com"));
	object_unref(&o);
}

static void test_slice(void)
{
	struct object *o = parse_good("{'apiVersion':'discovery.k8s.io/v1','kind':'EndpointSlice','metadata':{'name':'web-x',"
		"'labels':{'kubernetes.io/service-name':'web'}},'addressType':'IPv4','endpoints':["
		"{'addresses':['10.0.0.1'],'conditions':{'ready':true,'serving':null}},"
		"{'addresses':['10.0.0.2'],'conditions':{'ready':false,'serving':true,'terminating':true},'zone':'z1',"
		"'hints':{'forZones':[{'name':'z1'}]}},{'addresses':['10.0.0.3']},{'addresses':['10.0.0.4'],"
		"'conditions':{'ready':false}}],'ports':[{'name':'','port':8080,'protocol':'TCP'},{'name':null,'port':null}]}");
	const struct endpoint_slice *s = &o->endpoint_slice;

	check_case("EndpointSlice (H1)");
	CHECK_STR(s->service, STR("web"));
	CHECK_INT(s->n_endpoints, 4);
	CHECK(s->endpoints[0].is_ready && s->endpoints[0].is_serving && !s->endpoints[0].is_terminating);
	CHECK(!s->endpoints[1].is_ready && s->endpoints[1].is_serving && s->endpoints[1].is_terminating);
	CHECK_STR(s->endpoints[1].for_zones[0], STR("z1"));
	CHECK(s->endpoints[2].is_ready && s->endpoints[2].is_serving);
	CHECK(!s->endpoints[3].is_ready && !s->endpoints[3].is_serving);
	CHECK_INT(s->n_ports, 2);
	CHECK_INT(s->ports[0].port, 8080);
	CHECK(!s->ports[1].has_port);
	object_unref(&o);
}

static void test_data(void)
{
	struct object *o = parse_good("{'kind':'Secret','apiVersion':'v1','metadata':{'name':'s','namespace':'n'},"
		"'type':'kubernetes.io/tls','data':{'z':'AAE=','b':'aGVs\\nbG8=','e':''},'stringData':{'b':'plain','a':'x'}}");

	check_case("Secret");
	CHECK_STR(o->secret.type, STR("kubernetes.io/tls"));
	CHECK_INT(o->secret.n_data, 4);
	CHECK_STR(*pair_find(o->secret.data, 4, STR("z")), str_of("\0\1", 2));
	CHECK_STR(*pair_find(o->secret.data, 4, STR("b")), STR("plain"));
	CHECK_STR(*pair_find(o->secret.data, 4, STR("a")), STR("x"));
	CHECK_STR(*pair_find(o->secret.data, 4, STR("e")), STR(""));
	object_unref(&o);
	o = parse_good("{'kind':'Secret','apiVersion':'v1','metadata':{'name':'s'},'data':{'b':'aGVs\\nbG8='}}");
	CHECK_STR(*pair_find(o->secret.data, 1, STR("b")), STR("hello"));
	object_unref(&o);
	o = parse_good("{'kind':'ConfigMap','apiVersion':'v1','metadata':{'name':'c'},'data':{'k':'v\\nw'}}");
	check_case("ConfigMap");
	CHECK_STR(*pair_find(o->config_map.data, 1, STR("k")), STR("v\nw"));
	object_unref(&o);
	o = parse_good("{'kind':'IngressClass','apiVersion':'networking.k8s.io/v1','metadata':{'name':'nginx','annotations':"
		"{'ingressclass.kubernetes.io/is-default-class':'true'}},'spec':{'controller':'k8s.io/ingress-nginx'}}");
	check_case("IngressClass");
	CHECK_STR(o->key, STR("IngressClass nginx"));
	CHECK_STR(o->ingress_class.controller, STR("k8s.io/ingress-nginx"));
	CHECK(o->ingress_class.is_default);
	object_unref(&o);
}

/* Each differs from the one before it, and is equal to itself parsed again under another version and uid. */
static void test_equal(void)
{
	static const char *const forms[] = {
		INGRESS_HEAD "{'rules':[{'host':'a'}]}}",
		INGRESS_HEAD "{'rules':[{'host':'b'}]}}",
		INGRESS_HEAD "{'rules':[{'host':'b','http':{}}]}}",
		INGRESS_HEAD "{'rules':[{'host':'b','http':{'paths':[{'path':'/'," BACKEND "}]}}]}}",
		INGRESS_HEAD "{'rules':[{'host':'b','http':{'paths':[{'path':'/','pathType':'Exact'," BACKEND "}]}}]}}",
		INGRESS_HEAD "{'rules':[{'host':'b'}],'tls':[{'hosts':['b']}]}}",
		INGRESS_HEAD "{'rules':[{'host':'b'}],'tls':[{'hosts':['b'],'secretName':'s'}]}}",
		INGRESS_HEAD "{'rules':[{'host':'b'}],'ingressClassName':''}}",
		SERVICE_HEAD "{'ports':[{'port':1}]}}",
		SERVICE_HEAD "{'ports':[{'port':1,'targetPort':2}]}}",
		SERVICE_HEAD "{'ports':[{'port':1,'targetPort':'x'}]}}",
		SERVICE_HEAD "{'clusterIP':'10.0.0.1'}}",
		SLICE_HEAD "'addressType':'IPv4','endpoints':[{'addresses':['10.0.0.1']}]}",
		SLICE_HEAD "'addressType':'IPv4','endpoints':[{'addresses':['10.0.0.1'],'conditions':{'ready':false}}]}",
		SLICE_HEAD "'addressType':'IPv4','endpoints':[{'addresses':['10.0.0.2']}]}",
		SLICE_HEAD "'addressType':'IPv4','ports':[{'port':1}]}",
		SLICE_HEAD "'addressType':'IPv4','ports':[{'port':2}]}",
		"{'kind':'Secret','apiVersion':'v1','metadata':{'name':'s'},'data':{'k':'YQ=='}}",
		"{'kind':'Secret','apiVersion':'v1','metadata':{'name':'s'},'data':{'k':'Yg=='}}",
		"{'kind':'Secret','apiVersion':'v1','metadata':{'name':'s'},'type':'x'}",
		"{'kind':'Namespace','apiVersion':'v1','metadata':{'name':'s'}}",
		"{'kind':'Namespace','apiVersion':'v1','metadata':{'name':'s','labels':{'a':'b'}}}",
		"{'kind':'Namespace','apiVersion':'v1','metadata':{'name':'s','creationTimestamp':'2024-05-01T10:00:00Z'}}",
	};
	struct object *before = NULL;

	for (size_t i = 0; i < CHECK_COUNT(forms); i++) {
		json_t *json = json_of(forms[i]);
		struct problems problems = {0};
		bool is_other;
		struct object *a = object_from_json(json, STR("file a"), &problems, &is_other), *b;

		check_case(forms[i]);
		json_object_set_new(json_object_get(json, "metadata"), "uid", json_string("u"));
		json_object_set_new(json_object_get(json, "metadata"), "resourceVersion", json_string("9"));
		b = object_from_json(json, STR("file b"), &problems, &is_other);
		CHECK(a && b && object_equal(a, b));
		CHECK(!before || !object_equal(before, a));
		object_unref(&before);
		object_unref(&b);
		before = a;
		json_decref(json);
		problems_deinit(&problems);
	}
	object_unref(&before);
}

/* What a status says decides nothing: equal objects, other addresses (N5). */
static void test_addresses(void)
{
	static const char *const forms[] = {
		INGRESS_HEAD "{'rules':[{'host':'a'}]}}",
		INGRESS_HEAD "{'rules':[{'host':'a'}]},'status':{'loadBalancer':{'ingress':[{'ip':'203.0.113.1'}]}}}",
		INGRESS_HEAD "{'rules':[{'host':'a'}]},'status':{'loadBalancer':{'ingress':[{'hostname':'203.0.113.1'}]}}}",
		INGRESS_HEAD "{'rules':[{'host':'a'}]},'status':{'loadBalancer':{'ingress':[{'hostname':'lb'},7,{'ports':[]}]}}}",
		SERVICE_HEAD "{'type':'LoadBalancer'},'status':{'loadBalancer':{'ingress':[{'ip':'203.0.113.1','ipMode':'VIP'}]}}}",
		SERVICE_HEAD "{'type':'LoadBalancer'},'status':{'loadBalancer':{'ingress':[]}}}",
		SERVICE_HEAD "{'type':'LoadBalancer','externalIPs':['203.0.113.1']},'status':7}",
	};
	struct object *before = NULL;

	for (size_t i = 0; i < CHECK_COUNT(forms); i++) {
		struct object *now = parse_good(forms[i]);

		check_case(forms[i]);
		CHECK(object_addresses_equal(now, now));
		CHECK(!before || before->kind != now->kind || (object_equal(before, now) && !object_addresses_equal(before, now)));
		CHECK_INT(i == 3 ? now->ingress.n_balancer : 1, 1);
		object_unref(&before);
		before = now;
	}
	object_unref(&before);
}

static void test_bounds(void)
{
	struct buf b = {0};
	struct problems problems = {0};
	bool is_other;

	check_case("more rules than an object may have");
	buf_add(&b, STR(INGRESS_HEAD "{'rules':["));
	for (int i = 0; i < 1001; i++)
		buf_printf(&b, "%s{}", i ? "," : "");
	buf_add(&b, STR("]}}"));
	CHECK(parse(buf_cstr(&b), &problems, &is_other) == NULL);
	CHECK_INT(problems.n, 1);
	problems_clear(&problems);
	buf_clear(&b);
	check_case("more data than an object may have");
	buf_add(&b, STR("{'kind':'ConfigMap','apiVersion':'v1','metadata':{'name':'c'},'data':{'k':'"));
	for (int i = 0; i < 1024 * 1024; i++)
		buf_add_char(&b, 'x');
	buf_add(&b, STR("'}}"));
	CHECK(parse(buf_cstr(&b), &problems, &is_other) == NULL);
	CHECK_INT(problems.n, 1);
	buf_deinit(&b);
	problems_deinit(&problems);
}

int main(void)
{
	test_refused();
	test_other();
	test_ingress();
	test_service();
	test_slice();
	test_data();
	test_equal();
	test_addresses();
	test_bounds();
	return check_done();
}
