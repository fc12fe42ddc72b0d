/* What is written into the status of Ingresses, when, and by whom (N5), against a double of the API server. */
#include "status.h"

#include <jansson.h>
#include <stdlib.h>

#include "check.h"
#include "double.h"
#include "object.h"

static uv_loop_t loop;
static struct double_server server;
static struct kubeapi *api;
static struct status *status;
static bool is_leader, is_closed;
static struct buf written;    /* "a/web={…} " for each patch */
static unsigned n_patches, n_lists;
static struct str sick_path;  /* calls for what has this in its path get: */
static unsigned sick_status;
static bool has_other_pod;
static struct buf told;       /* the last problems */
static struct double_client client;

/* ------------------------------------------------------------------------------------------------------- the double */

#define POD(name, node, labels)                                                                                        \
	"{\"metadata\":{\"name\":\"" name "\",\"labels\":{" labels "}},\"spec\":{\"nodeName\":\"" node                 \
	"\"},\"status\":{\"phase\":\"Running\",\"conditions\":[{\"type\":\"Ready\",\"status\":\"True\"}]}}"
#define OURS "\"app\":\"w\",\"pod-template-hash\":\"1\""

static const char *answer_of(struct str path)
{
	if (str_eq(path, STR("/api/v1/namespaces/ns/pods/me")))
		return POD("me", "n1", OURS);
	if (str_eq(path, STR("/api/v1/namespaces/ns/pods?labelSelector=app%3Dw")))
		return has_other_pod ? "{\"items\":[" POD("me", "n1", OURS) "," POD("you", "n1", OURS) "]}" : "{\"items\":[" POD("me", "n1", OURS) "]}";
	if (str_eq(path, STR("/api/v1/namespaces/ns/pods?labelSelector=role%3Dproxy")))
		return "{\"items\":[" POD("p1", "n1", "") "," POD("p2", "n2", "") "," POD("p3", "n1", "") "]}";
	if (str_eq(path, STR("/api/v1/nodes/n1")))
		return "{\"status\":{\"addresses\":[{\"type\":\"InternalIP\",\"address\":\"10.0.0.1\"},{\"type\":\"ExternalIP\",\"address\":\"203.0.113.1\"}]}}";
	if (str_eq(path, STR("/api/v1/nodes/n2")))
		return "{\"status\":{\"addresses\":[{\"type\":\"InternalIP\",\"address\":\"10.0.0.2\"}]}}";
	return NULL;
}

static void on_patch(struct double_conn *c)
{
	struct str rest = str_from_index(buf_str(&c->path), strlen("/apis/networking.k8s.io/v1/namespaces/"));
	struct str namespace_ = str_first(rest, str_find(rest, '/')), name;

	rest = str_from_index(rest, namespace_.len + strlen("/ingresses/"));
	name = str_first(rest, str_find(rest, '/'));
	CHECK_STR(str_from_index(rest, name.len), STR("/status"));
	n_patches++;
	buf_printf(&written, "%.*s/%.*s=%s ", STR_ARG(namespace_), STR_ARG(name), buf_cstr(&c->body));
	double_answer(c, 200, "", "{}");
}

static void on_request(void *owner, struct double_conn *c)
{
	struct str path = buf_str(&c->path);
	bool is_patch = str_eq(buf_str(&c->method), STR("PATCH"));
	struct buf refusal = {0};
	const char *answer;

	(void)owner;
	if (sick_path.len && str_find_str(path, sick_path) < path.len) {
		buf_printf(&refusal, "{\"kind\":\"Status\",\"code\":%u,\"message\":\"no\"}", sick_status);
		double_answer(c, sick_status, "", buf_cstr(&refusal));
		buf_deinit(&refusal);
		n_patches += is_patch;
		return;
	}
	if (is_patch) {
		on_patch(c);
		return;
	}
	n_lists++;
	answer = answer_of(path);
	if (CHECK(answer != NULL))
		double_answer(c, 200, "", answer);
	else
		fprintf(stderr, "asked for %.*s\n", STR_ARG(path));
}

/* ------------------------------------------------------------------------------------------------------------ running */

static bool leads(void *owner)
{
	(void)owner;
	return is_leader;
}

/* Of namespace "theirs" none is ours; "edge", "both" and "quiet" are of other pools. */
static uint64_t pools_of(void *owner, struct str namespace_, struct str name)
{
	(void)owner;
	(void)name;
	if (str_eq(namespace_, STR("edge")))
		return pool_bit(1);
	if (str_eq(namespace_, STR("both")))
		return pool_bit(0) | pool_bit(1) | pool_bit(2);
	if (str_eq(namespace_, STR("quiet")))
		return pool_bit(2);
	return str_eq(namespace_, STR("theirs")) ? 0 : pool_bit(0);
}

static void on_problems(void *owner, struct str origin, const struct problems *problems)
{
	(void)owner;
	(void)origin;
	buf_clear(&told);
	for (size_t i = 0; i < problems->n; i++)
		problem_text(&problems->items[i], &told);
}

static void begin(const char *name, const struct status_options *more)
{
	struct status_options options = *more;

	check_case(name);
	options.namespace_ = STR("ns");
	options.publish[0].selector = STR("role=proxy");
	options.n_pools = options.n_pools ? options.n_pools : 1;
	is_leader = is_closed = has_other_pod = false;
	n_patches = n_lists = 0;
	sick_path = STR("");
	buf_clear(&written);
	buf_clear(&told);
	api = double_begin_all(&server, &loop, on_request, &client);
	status = status_open(&loop, api, &options, &(struct status_hooks){NULL, leads, pools_of, on_problems});
}

#define UNTIL(claim)                        \
	while (!(claim))                    \
	uv_run(&loop, UV_RUN_ONCE)

static void finish(void)
{
	status_close(status, double_set_true, &is_closed);
	UNTIL(is_closed);
	CHECK(double_end_all(&server, api));
}

static void tell(enum source_event_type type, const char *json_text)
{
	static const struct problems none;
	struct problems problems = {0};
	json_t *json = json_loads(json_text, 0, NULL);
	bool is_other;
	struct object *object = object_from_json(json, STR(""), &problems, &is_other);
	struct source_event e = {.type = type, .object = object, .problems = &none};

	CHECK(object != NULL);
	if (type == SOURCE_DELETE)
		e = (struct source_event){SOURCE_DELETE, NULL, object->kind, object->namespace_, object->name, STR(""), &none};
	status_take(status, &e);
	object_unref(&object);
	problems_deinit(&problems);
	json_decref(json);
}

#define INGRESS(namespace_, name, ingress)                                                                                      \
	"{\"apiVersion\":\"networking.k8s.io/v1\",\"kind\":\"Ingress\",\"metadata\":{\"namespace\":\"" namespace_ "\",\"name\":\"" name \
	"\"},\"spec\":{\"rules\":[{\"host\":\"a\"}]},\"status\":{\"loadBalancer\":{\"ingress\":[" ingress "]}}}"
#define SERVICE(ip)                                                                                                    \
	"{\"apiVersion\":\"v1\",\"kind\":\"Service\",\"metadata\":{\"namespace\":\"lb\",\"name\":\"proxies\"},\"spec\":{\"type\":" \
	"\"LoadBalancer\"},\"status\":{\"loadBalancer\":{\"ingress\":[" ip "]}}}"
#define IP(ip) "{\"ip\":\"" ip "\"}"
#define BODY(items) "{\"status\":{\"loadBalancer\":{\"ingress\":" items "}}}"

static void lead(bool does)
{
	is_leader = does;
	status_lead(status);
}

static bool is_written(const char *want)
{
	return str_eq(buf_str(&written), str_from(want));
}

static void test_list(void)
{
	begin("a list of addresses", &(struct status_options){.publish = {{.addresses = STR("203.0.113.1,lb.example.com")}}});
	tell(SOURCE_PUT, INGRESS("a", "web", ""));
	tell(SOURCE_PUT, INGRESS("theirs", "web", ""));
	tell(SOURCE_PUT, INGRESS("a", "same", IP("203.0.113.1") ",{\"hostname\":\"lb.example.com\"}"));
	double_idle(&loop);
	CHECK_INT(n_patches, 0); /* nobody leads */
	lead(true);
	UNTIL(written.len);
	double_idle(&loop);
	CHECK(is_written("a/web=" BODY("[{\"hostname\":\"lb.example.com\"},{\"ip\":\"203.0.113.1\"}]") " "));
	/* its own event, then one of somebody who writes something else, then an Ingress that is new */
	buf_clear(&written);
	tell(SOURCE_STATUS, INGRESS("a", "web", IP("203.0.113.1") ",{\"hostname\":\"lb.example.com\"}"));
	double_idle(&loop);
	CHECK(is_written(""));
	tell(SOURCE_STATUS, INGRESS("a", "web", IP("198.51.100.1")));
	UNTIL(written.len);
	buf_clear(&written);
	tell(SOURCE_PUT, INGRESS("b", "new", ""));
	UNTIL(written.len);
	CHECK(is_written("b/new=" BODY("[{\"hostname\":\"lb.example.com\"},{\"ip\":\"203.0.113.1\"}]") " "));
	/* leads no more */
	buf_clear(&written);
	lead(false);
	tell(SOURCE_PUT, INGRESS("b", "newer", ""));
	double_idle(&loop);
	CHECK(is_written(""));
	finish();
	CHECK(is_written(""));
}

static void test_service(void)
{
	begin("a Service", &(struct status_options){.publish = {{.service = STR("lb/proxies")}}, .clears_on_shutdown = true});
	tell(SOURCE_PUT, INGRESS("a", "web", IP("198.51.100.1")));
	lead(true);
	CHECK_STR(buf_str(&told), STR("--publish-service: 'lb/proxies' is not the NAMESPACE/NAME of a Service that is there; create it, or name "
				      "another one; the status of Ingresses is left as it is"));
	double_idle(&loop);
	CHECK(is_written("")); /* nothing known is not nothing published */
	tell(SOURCE_PUT, SERVICE(IP("203.0.113.1")));
	UNTIL(written.len);
	CHECK(is_written("a/web=" BODY("[{\"ip\":\"203.0.113.1\"}]") " "));
	CHECK_STR(buf_str(&told), STR(""));
	buf_clear(&written);
	tell(SOURCE_STATUS, SERVICE(IP("203.0.113.2")));
	UNTIL(written.len);
	CHECK(is_written("a/web=" BODY("[{\"ip\":\"203.0.113.2\"}]") " "));
	buf_clear(&written);
	tell(SOURCE_STATUS, SERVICE(""));
	UNTIL(written.len);
	CHECK(is_written("a/web=" BODY("null") " "));
	buf_clear(&written);
	tell(SOURCE_DELETE, SERVICE(""));
	CHECK(told.len > 0);
	tell(SOURCE_PUT, INGRESS("a", "theirs-before", IP("198.51.100.7"))); /* nothing known is not nothing published */
	double_idle(&loop);
	finish();
	CHECK(is_written(""));
}

static void test_pools(void)
{
	begin("each pool its own; who has several has all of theirs; where nothing is published nothing is written",
		&(struct status_options){
			.publish = {{.addresses = STR("203.0.113.1")}, {.service = STR("lb/proxies")}, {{0}}}, .n_pools = 3, .clears_on_shutdown = true});
	tell(SOURCE_PUT, INGRESS("a", "web", ""));
	tell(SOURCE_PUT, INGRESS("quiet", "web", IP("198.51.100.1")));
	tell(SOURCE_PUT, INGRESS("edge", "web", ""));
	tell(SOURCE_PUT, INGRESS("both", "web", IP("203.0.113.1")));
	lead(true);
	UNTIL(written.len);
	double_idle(&loop);
	CHECK(is_written("a/web=" BODY("[{\"ip\":\"203.0.113.1\"}]") " ")); /* of the other pool nothing is known yet */
	CHECK(told.len > 0);
	buf_clear(&written);
	tell(SOURCE_PUT, SERVICE(IP("203.0.113.2")));
	UNTIL(n_patches == 3);
	double_idle(&loop);
	CHECK(str_find_str(buf_str(&written), STR("edge/web=" BODY("[{\"ip\":\"203.0.113.2\"}]"))) < written.len);
	CHECK(str_find_str(buf_str(&written), STR("both/web=" BODY("[{\"ip\":\"203.0.113.1\"},{\"ip\":\"203.0.113.2\"}]"))) < written.len);
	CHECK_STR(buf_str(&told), STR(""));
	finish(); /* one address a pool: cleared */
	CHECK_INT(n_patches, 6);
	CHECK(str_find_str(buf_str(&written), STR("both/web=" BODY("null"))) < written.len);
	CHECK(str_find_str(buf_str(&written), STR("quiet")) == written.len);
}

static void test_nodes(void)
{
	begin("the Nodes of the proxies", &(struct status_options){0});
	tell(SOURCE_PUT, INGRESS("a", "web", ""));
	lead(true);
	UNTIL(written.len);
	CHECK(is_written("a/web=" BODY("[{\"ip\":\"10.0.0.2\"},{\"ip\":\"203.0.113.1\"}]") " "));
	CHECK_INT(n_lists, 3); /* each Node once */
	finish();
	begin("their internal addresses", &(struct status_options){.wants_internal = true});
	tell(SOURCE_PUT, INGRESS("a", "web", ""));
	lead(true);
	UNTIL(written.len);
	CHECK(is_written("a/web=" BODY("[{\"ip\":\"10.0.0.1\"},{\"ip\":\"10.0.0.2\"}]") " "));
	finish();
	begin("Nodes that may not be read", &(struct status_options){0});
	sick_path = STR("/nodes/");
	sick_status = 403;
	tell(SOURCE_PUT, INGRESS("a", "web", IP("198.51.100.1")));
	lead(true);
	UNTIL(told.len);
	CHECK(str_find_str(buf_str(&told), STR("a ClusterRole with apiGroups [\"\"], resources [\"nodes\"], verbs [\"get\"]")) < told.len);
	double_idle(&loop);
	CHECK(is_written(""));
	finish();
}

static void test_refusals(void)
{
	begin("forbidden in one namespace: told, asked once a round, others go on",
		&(struct status_options){.publish = {{.addresses = STR("203.0.113.1")}}});
	sick_path = STR("/namespaces/a/ingresses");
	sick_status = 403;
	tell(SOURCE_PUT, INGRESS("a", "one", ""));
	lead(true);
	UNTIL(told.len);
	CHECK_STR(buf_str(&told),
		STR("Kubernetes API: ingresses/status.networking.k8s.io in namespace a: the status of Ingresses is to be written, but it is "
		    "forbidden (403): no; it needs a Role in namespace a with apiGroups [\"networking.k8s.io\"], resources [\"ingresses/status\"], "
		    "verbs [\"patch\"], bound to the controller's ServiceAccount; they are served, and their status is left as it is; it is tried "
		    "again"));
	tell(SOURCE_PUT, INGRESS("a", "two", ""));
	tell(SOURCE_PUT, INGRESS("b", "web", ""));
	UNTIL(written.len);
	double_idle(&loop);
	CHECK_INT(n_patches, 2);
	finish();

	begin("a server that has no time: tried again", &(struct status_options){.publish = {{.addresses = STR("203.0.113.1")}}});
	sick_path = STR("/ingresses/");
	sick_status = 503;
	tell(SOURCE_PUT, INGRESS("a", "web", ""));
	lead(true);
	UNTIL(n_patches == 3);
	UNTIL(told.len);
	sick_path = STR("");
	UNTIL(written.len && !told.len);
	CHECK(is_written("a/web=" BODY("[{\"ip\":\"203.0.113.1\"}]") " "));
	finish();

	begin("one that is not taken holds up nobody", &(struct status_options){.publish = {{.addresses = STR("203.0.113.1")}}});
	sick_path = STR("/ingresses/bad");
	sick_status = 422;
	tell(SOURCE_PUT, INGRESS("a", "bad", ""));
	tell(SOURCE_PUT, INGRESS("a", "good", ""));
	lead(true);
	UNTIL(written.len && n_patches == 2);
	double_idle(&loop);
	CHECK_INT(n_patches, 2);
	finish();
}

static void stop_with(const char *name, const struct status_options *options, bool leads_then, bool has_other, const char *want)
{
	begin(name, options);
	has_other_pod = has_other;
	tell(SOURCE_PUT, INGRESS("a", "web", ""));
	tell(SOURCE_PUT, INGRESS("theirs", "web", IP("198.51.100.1")));
	lead(true);
	UNTIL(written.len);
	double_idle(&loop);
	buf_clear(&written);
	is_leader = leads_then;
	finish();
	CHECK_STR(buf_str(&written), str_from(want));
}

static void test_clearing(void)
{
	const struct status_options one = {.publish = {{.addresses = STR("203.0.113.1")}}, .clears_on_shutdown = true};
	struct status_options in_pod = one, two = one, off = one;

	in_pod.pod = STR("me");
	two.publish[0].addresses = STR("203.0.113.1,203.0.113.2");
	off.clears_on_shutdown = false;
	stop_with("stopped: cleared", &one, true, false, "a/web=" BODY("null") " ");
	stop_with("the last pod", &in_pod, true, false, "a/web=" BODY("null") " ");
	stop_with("another pod runs", &in_pod, true, true, "");
	stop_with("two addresses", &two, true, false, "");
	stop_with("switched off", &off, true, false, "");
	stop_with("not the leader", &one, false, false, "");
}

static void test_stops_while_sick(void)
{
	begin("pods cannot be listed at the end: left as it is",
		&(struct status_options){.publish = {{.addresses = STR("203.0.113.1")}}, .clears_on_shutdown = true, .pod = STR("me")});
	tell(SOURCE_PUT, INGRESS("a", "web", ""));
	lead(true);
	UNTIL(written.len);
	double_idle(&loop);
	buf_clear(&written);
	sick_path = STR("/pods/");
	sick_status = 403;
	finish();
	CHECK(is_written(""));
}

int main(void)
{
	double_client_init(&client, "status");
	test_list();
	test_service();
	test_pools();
	test_nodes();
	test_refusals();
	test_clearing();
	test_stops_while_sick();
	double_client_deinit(&client);
	buf_deinit(&written);
	buf_deinit(&told);
	return check_done();
}
