/* Leadership, and what hangs on it. */
#include "writes.h"

#include <openssl/rand.h>
#include <stdlib.h>

#include "arena.h"
#include "leader.h"
#include "mem.h"
#include "value.h"

enum { TTL_S = 30, IDENTITY_BYTES = 4 };

struct writes {
	struct kubeapi *api;
	struct leader *leader; /* NULL with --disable-leader-election */
	struct buf identity;
	source_event_fn *on_event;
	void *owner;
};

/* --------------------------------------------------------------------------------------------------------- options */

static bool read_ttl(struct writes_options *o, struct buf *error)
{
	const struct value_rule rule = {.type = VALUE_DURATION, .min = 3000, .max = 3600 * 1000};
	struct arena arena = {0};
	struct value value = {.number = TTL_S * 1000};
	bool is_good = !o->election_ttl || value_parse(&rule, str_from(o->election_ttl), &arena, &value);

	arena_deinit(&arena);
	if (!is_good || value.number % 1000) {
		buf_printf(error, "--election-ttl: '%s' is not a duration of whole seconds from 3s to 1h; write 30s", o->election_ttl);
		return false;
	}
	o->ttl_s = (unsigned)(value.number / 1000);
	return true;
}

/* What the API server would take as a name. */
static bool check_name(const char *option, const char *name, struct buf *error)
{
	struct buf path = {0};
	struct str namespace_, base;
	bool is_good;

	buf_printf(&path, "x/%s", name ? name : "x");
	is_good = value_ref(buf_str(&path), &namespace_, &base);
	if (!is_good)
		buf_printf(error, "--%s: '%s' is not a name; write lower-case letters, digits, '-' and '.'", option, name);
	buf_deinit(&path);
	return is_good;
}

/* What is of the API server alone and was given all the same. */
static const char *first_of_api(const struct writes_options *o)
{
	return o->election_id ? "election-id" : o->election_ttl ? "election-ttl" : NULL;
}

bool writes_check(struct writes_options *o, bool has_api, struct buf *error)
{
	if (!has_api && first_of_api(o)) {
		buf_printf(error, "--%s: nothing is written with --manifests; leave it out", first_of_api(o));
		return false;
	}
	return read_ttl(o, error) && check_name("election-id", o->election_id, error) &&
		check_name("pod-namespace", o->pod_namespace, error);
}

/* ------------------------------------------------------------------------------------------------------ leadership */

static void on_change(void *owner, bool leads)
{
	(void)owner;
	(void)leads;
}

static void on_problems(void *owner, struct str origin, const struct problems *problems)
{
	struct writes *w = owner;

	w->on_event(w->owner, &(struct source_event){.type = SOURCE_PROBLEMS, .origin = origin, .problems = problems});
}

/* Two processes with one name, a pod's container that was started again among them, are two. */
static void make_identity(const struct writes_options *o, struct buf *out)
{
	unsigned char random[IDENTITY_BYTES];

	if (RAND_bytes(random, sizeof(random)) != 1)
		abort();
	buf_printf(out, "%s_", o->pod_name ? o->pod_name : o->name);
	buf_add_hex(out, str_of(random, sizeof(random)));
}

static struct leader *open_leader(uv_loop_t *loop, struct writes *w, const struct writes_options *o)
{
	const struct leader_options options = {
		.namespace_ = o->pod_namespace ? str_from(o->pod_namespace) : kubeapi_namespace(w->api),
		.name = str_from(o->election_id ? o->election_id : "ingress-controller-leader"),
		.identity = buf_str(&w->identity),
		.ttl_s = o->ttl_s,
	};

	return leader_open(loop, w->api, &options, &(struct leader_hooks){w, on_change, on_problems});
}

/* -------------------------------------------------------------------------------------------------- open and close */

struct writes *writes_open(uv_loop_t *loop, struct kubeapi *api, const struct writes_options *o, source_event_fn *on_event,
	void *owner)
{
	struct writes *w = mem_zalloc(sizeof(*w));

	w->api = api;
	w->on_event = on_event;
	w->owner = owner;
	make_identity(o, &w->identity);
	if (!o->disable_leader_election)
		w->leader = open_leader(loop, w, o);
	return w;
}

struct str writes_leader(const struct writes *w)
{
	return w->leader ? leader_holder(w->leader) : STR("");
}

void writes_metrics(const struct writes *w, struct buf *out)
{
	if (w->leader)
		leader_metrics(w->leader, out);
}

static void on_leader_closed(void *owner)
{
	struct writes *w = owner;

	kubeapi_close(w->api, NULL, NULL);
	buf_deinit(&w->identity);
	mem_free(w);
}

void writes_close(struct writes *w)
{
	if (w->leader)
		leader_close(w->leader, on_leader_closed, w);
	else
		on_leader_closed(w);
}
