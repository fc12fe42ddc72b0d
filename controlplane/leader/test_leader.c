/*
 * Leadership against a double of the API server (N6): taken, kept, lost, given back, and what is said when it does not work.
 * The double has one Lease and obeys resourceVersion.
 */
#include "leader.h"

#include <jansson.h>
#include <stdlib.h>

#include "check.h"
#include "clock.h"
#include "double.h"

enum { TTL_S = 2 };

static uv_loop_t loop;
static struct double_server server;
static struct kubeapi *api;
static struct leader *leader;
static json_t *lease;         /* NULL: there is none */
static unsigned version;
static unsigned sick_status;  /* all calls get it; 1: no answer at all */
static unsigned n_puts;
static struct buf changes;    /* "+" and "-" */
static struct buf told;       /* the last problems */
static bool is_closed;
static struct double_client client;

/* ------------------------------------------------------------------------------------------------------- the double */

static void answer_json(struct double_conn *c, unsigned status, json_t *json)
{
	char *text = json_dumps(json, JSON_COMPACT);

	double_answer(c, status, "", text);
	free(text);
}

static void refuse(struct double_conn *c, unsigned status)
{
	struct buf body = {0};

	buf_printf(&body, "{\"kind\":\"Status\",\"code\":%u,\"message\":\"no %u\"}", status, status);
	double_answer(c, status, "", buf_cstr(&body));
	buf_deinit(&body);
}

static const char *version_of(json_t *json)
{
	return json_string_value(json_object_get(json_object_get(json, "metadata"), "resourceVersion"));
}

/* Takes `json`. */
static void store(json_t *json)
{
	char text[16];

	snprintf(text, sizeof(text), "%u", ++version);
	json_object_set_new(json_object_get(json, "metadata"), "resourceVersion", json_string(text));
	json_decref(lease);
	lease = json;
}

static void store_held_by(const char *holder)
{
	store(json_pack("{s:s,s:s,s:{s:s,s:s},s:{s:s,s:i,s:i}}", "apiVersion", "coordination.k8s.io/v1", "kind", "Lease", "metadata", "name",
		"lead", "namespace", "ns", "spec", "holderIdentity", holder, "leaseDurationSeconds", TTL_S, "leaseTransitions", 3));
}

static void on_write(struct double_conn *c, bool is_post)
{
	json_t *sent = json_loadb(c->body.ptr, c->body.len, 0, NULL);

	CHECK(sent != NULL);
	if (is_post ? lease != NULL : lease && strcmp(version_of(sent), version_of(lease)) != 0) {
		refuse(c, 409);
		json_decref(sent);
	} else if (!is_post && !lease) {
		refuse(c, 404);
		json_decref(sent);
	} else {
		n_puts += !is_post;
		store(sent);
		answer_json(c, is_post ? 201 : 200, lease);
	}
}

static void on_request(void *owner, struct double_conn *c)
{
	bool is_post = str_eq(buf_str(&c->method), STR("POST"));

	(void)owner;
	CHECK_STR(buf_str(&c->path), is_post ? STR("/apis/coordination.k8s.io/v1/namespaces/ns/leases")
					     : STR("/apis/coordination.k8s.io/v1/namespaces/ns/leases/lead"));
	if (sick_status == 1)
		return;
	if (sick_status)
		refuse(c, sick_status);
	else if (is_post || str_eq(buf_str(&c->method), STR("PUT")))
		on_write(c, is_post);
	else if (lease)
		answer_json(c, 200, lease);
	else
		refuse(c, 404);
}

/* ------------------------------------------------------------------------------------------------------------ running */

static void on_change(void *owner, bool leads)
{
	(void)owner;
	buf_add_char(&changes, leads ? '+' : '-');
}

static void on_problems(void *owner, struct str origin, const struct problems *problems)
{
	(void)owner;
	CHECK_STR(origin, STR("Kubernetes API leases"));
	buf_clear(&told);
	for (size_t i = 0; i < problems->n; i++)
		problem_text(&problems->items[i], &told);
}

static void begin(const char *name)
{
	const struct leader_options options = {STR("ns"), STR("lead"), STR("me"), TTL_S};
	const struct leader_hooks hooks = {NULL, on_change, on_problems};

	check_case(name);
	json_decref(lease);
	lease = NULL;
	version = n_puts = sick_status = 0;
	buf_clear(&changes);
	buf_clear(&told);
	is_closed = false;
	api = double_begin_all(&server, &loop, on_request, &client);
	leader = leader_open(&loop, api, &options, &hooks);
}

/* Until the claim holds; no limit but the test's own. */
#define UNTIL(claim)                                  \
	do                                            \
		uv_run(&loop, UV_RUN_ONCE);           \
	while (!(claim))

static void finish(void)
{
	leader_close(leader, double_set_true, &is_closed);
	UNTIL(is_closed);
	CHECK(double_end_all(&server, api));
}

static struct str holder_of_lease(void)
{
	return str_from(json_string_value(json_object_get(json_object_get(lease, "spec"), "holderIdentity")));
}

static bool is_changes(const char *want)
{
	return str_eq(buf_str(&changes), str_from(want));
}

static void test_made_kept_released(void)
{
	begin("made, kept, given back");
	UNTIL(is_changes("+"));
	CHECK(leader_leads(leader));
	CHECK_STR(leader_holder(leader), STR("me"));
	UNTIL(n_puts >= 3);
	CHECK(is_changes("+"));
	finish();
	CHECK_STR(holder_of_lease(), STR(""));
	CHECK(is_changes("+"));
}

static void test_taken_when_over(void)
{
	uint64_t start_ms;

	begin("taken when its time is over, not before");
	store_held_by("you");
	start_ms = clock_mono_ms();
	UNTIL(is_changes("+"));
	CHECK(clock_mono_ms() - start_ms >= TTL_S * 1000);
	CHECK_STR(holder_of_lease(), STR("me"));
	CHECK_INT(json_integer_value(json_object_get(json_object_get(lease, "spec"), "leaseTransitions")), 4);
	finish();
}

static void test_taken_from_us(void)
{
	begin("taken from us: down at the next renewal, and it is left alone at the end");
	UNTIL(is_changes("+"));
	store_held_by("you");
	UNTIL(is_changes("+-"));
	CHECK_STR(leader_holder(leader), STR("you"));
	finish();
	CHECK_STR(holder_of_lease(), STR("you"));
}

static void test_silent(void)
{
	uint64_t start_ms;

	begin("no answer: down before anybody may take it, and up again");
	UNTIL(n_puts >= 1 && is_changes("+"));
	start_ms = clock_mono_ms();
	sick_status = 1;
	UNTIL(is_changes("+-"));
	CHECK(clock_mono_ms() - start_ms < TTL_S * 1000);
	CHECK(!leader_leads(leader));
	sick_status = 0;
	UNTIL(is_changes("+-+"));
	CHECK_STR(buf_str(&told), STR(""));
	finish();
}

static void test_forbidden(void)
{
	begin("forbidden: the rule is named, until it is granted");
	sick_status = 403;
	UNTIL(told.len);
	CHECK_STR(buf_str(&told),
		STR("Kubernetes API: leases.coordination.k8s.io in namespace ns: the Lease by which one controller leads is to be read and "
		    "kept, but it is forbidden (403): no 403; it needs a Role in namespace ns with apiGroups [\"coordination.k8s.io\"], resources "
		    "[\"leases\"], verbs [\"get\", \"create\", \"update\"], bound to the controller's ServiceAccount; this controller serves, but "
		    "writes no status and no Events; it is tried again"));
	CHECK(is_changes(""));
	sick_status = 0;
	UNTIL(is_changes("+"));
	CHECK_STR(buf_str(&told), STR(""));
	finish();
}

static void test_stops_while_silent(void)
{
	begin("stopped while nobody answers: it ends all the same");
	UNTIL(is_changes("+"));
	sick_status = 1;
	finish();
	CHECK_STR(holder_of_lease(), STR("me"));
}

static void test_stops_at_once(void)
{
	begin("stopped before it began");
	finish();
	CHECK(lease == NULL);
}

int main(void)
{
	double_client_init(&client, "leader");
	test_made_kept_released();
	test_taken_when_over();
	test_taken_from_us();
	test_silent();
	test_forbidden();
	test_stops_while_silent();
	test_stops_at_once();
	double_client_deinit(&client);
	json_decref(lease);
	buf_deinit(&changes);
	buf_deinit(&told);
	return check_done();
}
