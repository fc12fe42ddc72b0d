/*
 * The API server as a source, against a double that does what a real one seldom does: half a line, 410 in mid-watch, 403, 429,
 * 500, a connection cut, silence, a page too many. What matters is what the reader of the events sees.
 */
#include "kube.h"

#include <stdio.h>
#include <unistd.h>

#include "check.h"
#include "clock.h"
#include "double.h"

enum { MAX_ITEMS = 2000, MAX_WATCHES = 64 };

struct item {
	char plural[24], namespace_[24], name[24];
	unsigned version, content;
	bool is_there;
};

/* The cluster as the double has it, and how it misbehaves. */
static struct item items[MAX_ITEMS];
static size_t n_items;
static unsigned version = 100, forgotten; /* versions up to this one are gone */
static struct {
	struct double_conn *conn;
	char plural[24], name[24];
} watches[MAX_WATCHES];
static size_t n_watches;
static const char *sick_plural; /* all calls for it get: */
static unsigned sick_status;
static unsigned n_lists, n_pages, n_watch_calls;
static bool expire_continue;

static uv_loop_t loop;
static struct double_server server;
static struct kubeapi *api;
static struct kube *kube;
static struct buf seen; /* events, one a word */
static unsigned n_listed, n_synced;
static bool is_closed, wants_secrets;
static unsigned n_secrets;
static const struct str both[] = {{"Secret a/one", 12}, {"Secret a/two", 12}};
static struct problems told;
static char config_path[64], token_path[80];

/* ------------------------------------------------------------------------------------------------------- the double */

static void add_object(const struct item *it, struct buf *out)
{
	buf_printf(out, "{\"metadata\":{\"name\":\"%s\",\"namespace\":\"%s\",\"resourceVersion\":\"%u\",\"labels\":{\"content\":\"%u\"}}", it->name,
		it->namespace_, it->version, it->content);
	if (strcmp(it->plural, "ingressclasses") == 0)
		buf_add(out, STR(",\"spec\":{\"controller\":\"k8s.io/ingress-nginx\"}"));
	if (strcmp(it->plural, "endpointslices") == 0)
		buf_add(out, STR(",\"addressType\":\"IPv4\",\"endpoints\":[]"));
	if (strcmp(it->plural, "ingresses") == 0)
		buf_printf(out, ",\"spec\":{\"rules\":[{\"host\":%s}]}", it->content == 666 ? "666" : "\"a.test\"");
	buf_add_char(out, '}');
}

static const char *head_of(const char *plural)
{
	static const struct {
		const char *plural, *head;
	} heads[] = {
		{"ingresses", "\"apiVersion\":\"networking.k8s.io/v1\",\"kind\":\"Ingress\","},
		{"ingressclasses", "\"apiVersion\":\"networking.k8s.io/v1\",\"kind\":\"IngressClass\","},
		{"endpointslices", "\"apiVersion\":\"discovery.k8s.io/v1\",\"kind\":\"EndpointSlice\","},
		{"services", "\"apiVersion\":\"v1\",\"kind\":\"Service\","},
		{"secrets", "\"apiVersion\":\"v1\",\"kind\":\"Secret\","},
		{"configmaps", "\"apiVersion\":\"v1\",\"kind\":\"ConfigMap\","},
		{"namespaces", "\"apiVersion\":\"v1\",\"kind\":\"Namespace\","},
	};

	for (size_t i = 0; i < sizeof(heads) / sizeof(heads[0]); i++) {
		if (strcmp(plural, heads[i].plural) == 0)
			return heads[i].head;
	}
	abort();
}

struct asked {
	char plural[24], namespace_[24], name[24];
	bool is_watch;
	uint64_t version, limit, from;
};

static struct str query_of(struct str query, const char *name)
{
	struct str piece;

	while (str_next(&query, '&', &piece)) {
		size_t equals = str_find(piece, '=');

		if (str_eq(str_first(piece, equals), str_from(name)))
			return str_from_index(piece, equals + 1);
	}
	return STR("");
}

static void copy(char *out, struct str text)
{
	snprintf(out, 24, "%.*s", STR_ARG(text));
}

static void read_path(struct str path, struct asked *out)
{
	struct str query = str_from_index(path, str_find(path, '?') + 1), name = query_of(query, "fieldSelector");
	size_t at;

	*out = (struct asked){.limit = 500};
	path = str_first(path, str_find(path, '?'));
	copy(out->plural, str_from_index(path, str_rfind(path, '/') + 1));
	at = str_find_str(path, STR("/namespaces/"));
	path = str_from_index(path, at + strlen("/namespaces/"));
	copy(out->namespace_, str_first(path, str_find(path, '/')));
	copy(out->name, str_from_index(name, strlen("metadata.name%3D")));
	out->is_watch = query_of(query, "watch").len > 0;
	str_to_u64(query_of(query, "resourceVersion"), UINT64_MAX, &out->version);
	str_to_u64(query_of(query, "limit"), UINT64_MAX, &out->limit);
	str_to_u64(query_of(query, "continue"), UINT64_MAX, &out->from);
}

static bool is_asked(const struct asked *a, const struct item *it)
{
	return it->is_there && strcmp(a->plural, it->plural) == 0 && (!a->name[0] || strcmp(a->name, it->name) == 0) &&
		(!a->namespace_[0] || strcmp(a->namespace_, it->namespace_) == 0);
}

static void answer_list(struct double_conn *c, const struct asked *a)
{
	struct buf out = {0}, rest = {0};
	size_t n = 0, i;

	n_lists += a->from == 0;
	n_pages++;
	if (a->from && expire_continue) {
		expire_continue = false;
		double_answer(c, 410, "", "{\"kind\":\"Status\",\"code\":410,\"reason\":\"Expired\"}");
		return;
	}
	buf_add(&out, STR("{\"items\":["));
	for (i = (size_t)a->from; i < n_items && n < a->limit; i++) {
		if (!is_asked(a, &items[i]))
			continue;
		if (n++)
			buf_add_char(&out, ',');
		add_object(&items[i], &out);
	}
	while (i < n_items && !is_asked(a, &items[i]))
		i++;
	if (i < n_items)
		buf_printf(&rest, ",\"continue\":\"%zu\"", i);
	buf_printf(&out, "],\"metadata\":{\"resourceVersion\":\"%u\"%s}}", version, buf_cstr(&rest));
	double_answer(c, 200, "", buf_cstr(&out));
	buf_deinit(&out);
	buf_deinit(&rest);
}

static void answer_watch(struct double_conn *c, const struct asked *a)
{
	n_watch_calls++;
	double_begin(c);
	if (a->version < forgotten) {
		double_chunk(c, "{\"type\":\"ERROR\",\"object\":{\"kind\":\"Status\",\"code\":410,\"reason\":\"Expired\"}}\n");
		double_last_chunk(c);
		return;
	}
	if (n_watches == MAX_WATCHES)
		abort();
	watches[n_watches].conn = c;
	memcpy(watches[n_watches].plural, a->plural, sizeof(a->plural));
	memcpy(watches[n_watches++].name, a->name, sizeof(a->name));
}

static void on_request(void *owner, struct double_conn *c)
{
	struct asked a;

	(void)owner;
	read_path(buf_str(&c->path), &a);
	if (sick_plural && strcmp(a.plural, sick_plural) == 0)
		double_answer(c, sick_status, "", sick_status == 403 ? "{\"kind\":\"Status\",\"code\":403,\"message\":\"no, says RBAC\"}" : "");
	else if (a.is_watch)
		answer_watch(c, &a);
	else
		answer_list(c, &a);
}

/* To all watches of a kind. */
static void send_to(const char *plural, const char *name, const char *text)
{
	for (size_t i = 0; i < n_watches; i++) {
		if (watches[i].conn->is_open && strcmp(watches[i].plural, plural) == 0 &&
			(!watches[i].name[0] || strcmp(watches[i].name, name) == 0))
			double_chunk(watches[i].conn, text);
	}
}

static struct item *find(const char *plural, const char *namespace_, const char *name)
{
	for (size_t i = 0; i < n_items; i++) {
		if (strcmp(items[i].plural, plural) == 0 && strcmp(items[i].namespace_, namespace_) == 0 && strcmp(items[i].name, name) == 0)
			return &items[i];
	}
	return NULL;
}

static void make_event(const char *type, const struct item *it, struct buf *out)
{
	struct buf object = {0};

	add_object(it, &object);
	buf_printf(out, "{\"type\":\"%s\",\"object\":{%s%s}\n", type, head_of(it->plural), buf_cstr(&object) + 1);
	buf_deinit(&object);
}

/* Written, and told to those who watch unless `is_silent`. */
static void put(const char *plural, const char *namespace_, const char *name, unsigned content, bool is_silent)
{
	struct item *it = find(plural, namespace_, name);
	struct buf line = {0};

	if (!it) {
		it = &items[n_items++];
		copy(it->plural, str_from(plural));
		copy(it->namespace_, str_from(namespace_));
		copy(it->name, str_from(name));
	}
	it->is_there = true;
	it->content = content;
	it->version = ++version;
	make_event("MODIFIED", it, &line);
	if (!is_silent)
		send_to(plural, name, buf_cstr(&line));
	buf_deinit(&line);
}

static void del(const char *plural, const char *namespace_, const char *name, bool is_silent)
{
	struct item *it = find(plural, namespace_, name);
	struct buf line = {0};

	it->is_there = false;
	it->version = ++version;
	make_event("DELETED", it, &line);
	if (!is_silent)
		send_to(plural, name, buf_cstr(&line));
	buf_deinit(&line);
}

/* As when the API server is killed: all streams are torn. */
static void tear(void)
{
	for (size_t i = 0; i < n_watches; i++)
		double_end(watches[i].conn);
	n_watches = 0;
}

/* ------------------------------------------------------------------------------------------------------- the reader */

static void on_event(void *owner, const struct source_event *e)
{
	static const char *const words[] = {"put", "del", "refuse", "problems", "listed", "synced", "status"};
	enum object_kind kind = e->object ? e->object->kind : e->kind;
	struct str name = e->object ? e->object->name : e->name;

	(void)owner;
	if (e->type == SOURCE_PROBLEMS) {
		problems_clear(&told);
		problems_add_all(&told, e->problems);
		buf_printf(&seen, "%s ", e->problems->n ? "trouble" : "good");
		return;
	}
	n_listed += e->type == SOURCE_LISTED;
	if (e->type == SOURCE_LISTED && wants_secrets) { /* as the controller does: what comes by name comes before SYNCED */
		kube_want(kube, STR("Ingress a/web"), both, 2);
		kube_want(kube, STR("Ingress a/shop"), both, 1);
	}
	n_secrets += e->type == SOURCE_PUT && kind == KIND_SECRET;
	if (e->type == SOURCE_SYNCED)
		CHECK_INT(n_secrets, wants_secrets ? 2 : 0);
	n_synced += e->type == SOURCE_SYNCED;
	if (e->type == SOURCE_LISTED || e->type == SOURCE_SYNCED)
		buf_printf(&seen, "%s ", words[e->type]);
	else
		buf_printf(&seen, "%s-%.*s-%.*s ", words[e->type], STR_ARG(object_kind_text(kind)), STR_ARG(name));
}

static void on_tick(uv_timer_t *timer)
{
	(void)timer;
}

/* Turns the loop until the text was seen; then forgets what was seen. False after 20 s. */
static bool until_seen(const char *text)
{
	uint64_t end_ms = clock_mono_ms() + 20000;
	uv_timer_t timer;
	bool is_seen;

	uv_timer_init(&loop, &timer);
	uv_timer_start(&timer, on_tick, 5, 5);
	do {
		uv_run(&loop, UV_RUN_ONCE);
		is_seen = str_find_str(buf_str(&seen), str_from(text)) < seen.len;
	} while (!is_seen && clock_mono_ms() < end_ms);
	uv_close((uv_handle_t *)&timer, NULL);
	uv_run(&loop, UV_RUN_NOWAIT);
	if (!is_seen)
		CHECK_STR(buf_str(&seen), str_from(text));
	buf_clear(&seen);
	return is_seen;
}

static bool until_watched(size_t n)
{
	uint64_t end_ms = clock_mono_ms() + 20000;
	uv_timer_t timer;

	uv_timer_init(&loop, &timer);
	uv_timer_start(&timer, on_tick, 5, 5);
	while (n_watches < n && clock_mono_ms() < end_ms)
		uv_run(&loop, UV_RUN_ONCE);
	uv_close((uv_handle_t *)&timer, NULL);
	uv_run(&loop, UV_RUN_NOWAIT);
	return CHECK(n_watches >= n);
}

static void open_kube(const struct kube_options *options)
{
	struct buf error = {0};

	double_open(&server, &loop, 0, on_request, NULL);
	double_kubeconfig(&server, config_path, token_path);
	CHECK(kubeapi_open(&loop, &(struct kubeapi_options){.kubeconfig = config_path}, &error, &api));
	kube = kube_open(&loop, api, options, on_event, NULL);
	n_secrets = n_listed = n_synced = n_lists = n_pages = n_watch_calls = 0;
	is_closed = false;
	buf_deinit(&error);
}

static void on_closed(void *owner)
{
	(void)owner;
	is_closed = true;
}

static void close_kube(void)
{
	kube_close(kube, on_closed);
	kubeapi_close(api, NULL, NULL);
	double_close(&server);
	uv_run(&loop, UV_RUN_DEFAULT);
	CHECK(is_closed);
	double_free(&server);
	buf_clear(&seen);
	problems_clear(&told);
	n_items = n_watches = 0;
	forgotten = 0;
	sick_plural = NULL;
}

static void base_cluster(void)
{
	put("ingressclasses", "", "nginx", 1, true);
	put("services", "a", "web", 1, true);
	put("endpointslices", "a", "web-1", 1, true);
	put("ingresses", "a", "web", 1, true);
}

/* --------------------------------------------------------------------------------------------------------- the cases */

static void test_life(void)
{
	check_case("list, watch, change, delete");
	base_cluster();
	open_kube(&(struct kube_options){0});
	until_seen("listed synced ");
	until_watched(4);
	put("ingresses", "a", "web", 2, false);
	until_seen("put-Ingress-web ");
	put("ingresses", "a", "web", 2, false); /* a new version of the same content is no news */
	put("ingresses", "a", "shop", 1, false);
	until_seen("put-Ingress-shop ");
	CHECK_STR(buf_str(&seen), STR(""));
	put("ingresses", "a", "shop", 666, false); /* what cannot be read is told as such */
	until_seen("refuse-Ingress-shop ");
	del("ingresses", "a", "shop", false);
	until_seen("del-Ingress-shop ");
	CHECK_INT(n_synced, 1);

	check_case("half a line, then a cut: nothing is lost, nothing comes twice");
	put("ingresses", "a", "web", 3, true);
	send_to("ingresses", "web", "{\"type\":\"MODIFIED\",\"object\":{\"meta");
	del("services", "a", "web", true); /* missed by the watch that is cut; the version is not known to be forgotten … */
	forgotten = version + 1;           /* … until now: 410, a list */
	version += 2;
	tear();
	until_seen("del-Service-web ");
	CHECK_INT(n_synced, 1);
	until_watched(4);
	put("ingresses", "a", "web", 4, false);
	until_seen("put-Ingress-web ");

	check_case("a garbled line: the watch is begun again");
	n_watch_calls = 0;
	send_to("ingresses", "", "nonsense\n");
	put("ingresses", "a", "web", 5, true);
	put("ingresses", "a", "web", 6, false); /* after it: not believed on the old watch */
	until_watched(5);
	CHECK_STR(buf_str(&seen), STR(""));
	CHECK_INT(n_watch_calls, 1);
	put("ingresses", "a", "web", 7, false);
	until_seen("put-Ingress-web ");
	close_kube();
}

static void test_expired(void)
{
	check_case("ERROR 410 in mid-watch: a list, and what is served stays");
	base_cluster();
	open_kube(&(struct kube_options){0});
	until_seen("synced ");
	until_watched(4);
	put("ingresses", "a", "new", 1, true);
	del("ingresses", "a", "web", true);
	n_lists = 0;
	send_to("ingresses", "", "{\"type\":\"ERROR\",\"object\":{\"kind\":\"Status\",\"code\":410,\"reason\":\"Expired\"}}\n");
	until_seen("put-Ingress-new del-Ingress-web ");
	CHECK_INT(n_lists, 1);
	close_kube();
}

static void test_pages(void)
{
	char name[24];

	check_case("pages, one of which expires");
	base_cluster();
	for (unsigned i = 0; i < 1000; i++) {
		snprintf(name, sizeof(name), "s%u", i);
		put("endpointslices", "a", name, 1, true);
	}
	expire_continue = true;
	open_kube(&(struct kube_options){.page = 100});
	until_seen("synced ");
	CHECK(n_pages >= 3 + 1 + 1 + 11);
	for (unsigned i = 0; i < 1000; i += 100) {
		snprintf(name, sizeof(name), "s%u", i);
		CHECK(find("endpointslices", "a", name) != NULL);
	}
	close_kube();
}

static void test_forbidden(void)
{
	check_case("403 on what is needed: nothing is published, the rule is named");
	base_cluster();
	sick_plural = "endpointslices";
	sick_status = 403;
	open_kube(&(struct kube_options){0});
	until_seen("trouble ");
	CHECK_INT(n_synced, 0);
	CHECK_INT(told.n, 1);
	CHECK_STR(told.items[0].field, STR("endpointslices.discovery.k8s.io"));
	CHECK_STR(told.items[0].rule, STR("list and watch are to work, but it is forbidden (403): no, says RBAC"));
	CHECK_STR(told.items[0].fix,
		STR("it needs a ClusterRole with apiGroups [\"discovery.k8s.io\"], resources [\"endpointslices\"], verbs [\"list\", "
		    "\"watch\"], bound to the controller's ServiceAccount"));
	sick_plural = NULL;
	until_seen("synced ");
	CHECK_INT(n_synced, 1);

	check_case("403 later: what is known stays, and it is seen when it is granted again");
	until_watched(4);
	sick_plural = "services";
	tear();
	until_seen("trouble ");
	until_watched(3);
	put("ingresses", "a", "web", 9, false);
	until_seen("put-Ingress-web ");
	put("services", "a", "web", 2, true);
	sick_plural = NULL;
	until_seen("put-Service-web good ");
	close_kube();

	check_case("403 on classes: on without");
	base_cluster();
	sick_plural = "ingressclasses";
	open_kube(&(struct kube_options){0});
	until_seen("synced ");
	CHECK_INT(told.n, 1);
	close_kube();
}

static void test_refused(unsigned status)
{
	base_cluster();
	sick_plural = "ingresses";
	sick_status = status;
	open_kube(&(struct kube_options){0});
	until_seen("trouble ");
	CHECK_INT(n_synced, 0);
	sick_plural = NULL;
	until_seen("synced ");
	close_kube();
}

static void test_restart(void)
{
	uint16_t port;

	check_case("the server goes away and comes back elsewhere in time");
	base_cluster();
	open_kube(&(struct kube_options){0});
	until_seen("synced ");
	until_watched(4);
	port = server.port;
	double_close(&server);
	n_watches = 0;
	n_lists = 0;
	until_seen("trouble ");
	double_free(&server);
	double_open(&server, &loop, port, on_request, NULL);
	until_seen("good ");
	until_watched(4);
	CHECK_INT(n_lists, 0); /* the version is known still: no list */
	put("ingresses", "a", "web", 5, false);
	until_seen("put-Ingress-web ");
	close_kube();
}

static void test_silent(void)
{
	check_case("a silent watch is begun again");
	base_cluster();
	open_kube(&(struct kube_options){.silence_s = 1});
	until_seen("synced ");
	until_watched(4);
	n_watches = 0; /* nothing comes on the old ones any more */
	n_watch_calls = 0;
	until_watched(4);
	put("ingresses", "a", "web", 6, false);
	until_seen("put-Ingress-web ");
	CHECK(n_watch_calls >= 4);
	close_kube();
}

static void test_wants(void)
{
	const struct str none[] = {STR("Secret a/missing")};

	check_case("by name: only what is wanted, and only as long");
	base_cluster();
	put("secrets", "a", "one", 1, true);
	put("secrets", "a", "two", 1, true);
	put("secrets", "a", "other", 1, true);
	put("configmaps", "c", "settings", 1, true);
	put("configmaps", "c", "other", 1, true);
	wants_secrets = true;
	open_kube(&(struct kube_options){.configmap = STR("c/settings")});
	until_seen("synced ");
	CHECK_INT(n_synced, 1);
	wants_secrets = false;
	CHECK(!kube_is_settling(kube));
	kube_want(kube, STR("Ingress a/web"), none, 1);
	until_seen("del-Secret-two ");
	CHECK_STR(buf_str(&seen), STR("")); /* "one" is wanted by the other */
	until_watched(7);
	put("secrets", "a", "one", 2, false);
	until_seen("put-Secret-one ");

	check_case("a Secret that is lost keeps serving, with a problem");
	del("secrets", "a", "one", false);
	until_seen("refuse-Secret-one ");
	put("secrets", "a", "one", 2, false);
	until_seen("put-Secret-one ");
	del("secrets", "a", "one", false);
	until_seen("refuse-Secret-one ");
	kube_want(kube, STR("Ingress a/shop"), NULL, 0);
	until_seen("del-Secret-one ");
	put("secrets", "a", "missing", 1, false);
	until_seen("put-Secret-missing ");
	close_kube();
}

static void test_namespaces(void)
{
	const struct str names[] = {STR("a"), STR("b")};

	check_case("some namespaces, and the default backend of another");
	base_cluster();
	put("ingresses", "b", "in-b", 1, true);
	put("ingresses", "c", "in-c", 1, true);
	put("services", "d", "fallback", 1, true);
	open_kube(&(struct kube_options){.namespaces = names, .n_namespaces = 2, .default_backend = STR("d/fallback")});
	until_seen("put-Service-fallback ");
	until_watched(9);
	CHECK_INT(n_synced, 1);
	put("ingresses", "c", "in-c", 2, true);
	CHECK(str_find_str(buf_str(&seen), STR("in-c")) == seen.len);
	close_kube();

	check_case("namespaces by a selector come and go");
	base_cluster();
	put("ingresses", "b", "in-b", 1, true);
	put("namespaces", "", "a", 1, true);
	open_kube(&(struct kube_options){.namespace_selector = STR("serve=yes")});
	until_seen("synced ");
	until_watched(5);
	put("namespaces", "", "b", 1, false);
	until_seen("put-Ingress-in-b ");
	until_watched(8);
	del("namespaces", "", "a", false);
	until_seen("del-Ingress-web ");
	CHECK(str_find_str(buf_str(&seen), STR("Namespace")) == seen.len);
	close_kube();

	check_case("namespaces for their labels: all of them, and none comes or goes with one");
	base_cluster();
	put("namespaces", "", "a", 1, true);
	open_kube(&(struct kube_options){.wants_namespaces = true});
	until_seen("put-Namespace-a ");
	until_watched(5);
	put("namespaces", "", "b", 1, false);
	until_seen("put-Namespace-b ");
	del("namespaces", "", "a", false);
	until_seen("del-Namespace-a ");
	CHECK(str_find_str(buf_str(&seen), STR("del-Ingress")) == seen.len);
	close_kube();
}

int main(void)
{
	FILE *f;

	snprintf(config_path, sizeof(config_path), "/tmp/weirlock-test-kube-%d", (int)getpid());
	snprintf(token_path, sizeof(token_path), "%s.token", config_path);
	f = fopen(token_path, "w");
	fputs("t", f);
	fclose(f);
	uv_loop_init(&loop);
	test_life();
	test_expired();
	test_pages();
	test_forbidden();
	check_case("429");
	test_refused(429);
	check_case("500");
	test_refused(500);
	test_restart();
	test_silent();
	test_wants();
	test_namespaces();
	CHECK_INT(uv_loop_close(&loop), 0);
	buf_deinit(&seen);
	problems_deinit(&told);
	unlink(config_path);
	unlink(token_path);
	return check_done();
}
