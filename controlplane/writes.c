/* Leadership, and what hangs on it. */
#include "writes.h"

#include <openssl/rand.h>
#include <stdlib.h>
#include <string.h>

#include "address.h"
#include "arena.h"
#include "events.h"
#include "mem.h"
#include "news.h"
#include "pool.h"
#include "status.h"
#include "value.h"

#define PROXY_SELECTOR "app.kubernetes.io/name=weirlock,app.kubernetes.io/component=proxy"

enum { TTL_S = 30, IDENTITY_BYTES = 4, PREFIX_MAX = 200 };
enum { IDENTITY_LIFE_S = 90 * 86400, CA_LIFE_S = 1095 * 86400, LIFE_MAX_S = 3650 * 86400, LIFE_MIN_S = 5 };

struct writes {
	struct writes_place place;
	struct writes_options options;
	struct buf identity;
	struct leader *leader; /* NULL before writes_begin, and with --disable-leader-election */
	struct status *status; /* NULL with --update-status=false */
	struct events *events; /* NULL with --disable-leader-election */
	struct channel *channel; /* NULL without --channel-secrets */
	struct news news;
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

/* A time to live in whole seconds. */
static bool read_life(const char *option, const char *text, int64_t *out_s, struct buf *error)
{
	const struct value_rule rule = {.type = VALUE_DURATION, .min = LIFE_MIN_S * 1000, .max = INT64_MAX};
	struct arena arena = {0};
	struct value value = {.number = *out_s * 1000};
	bool is_good = !text || value_parse(&rule, str_from(text), &arena, &value);

	arena_deinit(&arena);
	if (!is_good || value.number / 1000 > LIFE_MAX_S) {
		buf_printf(error, "--%s: '%s' is not a duration from 5s to 87600h; write 2160h", option, text);
		return false;
	}
	*out_s = value.number / 1000;
	return true;
}

static bool check_channel(struct writes_options *o, struct buf *error)
{
	struct plan_times *t = &o->channel_times;

	*t = (struct plan_times){.identity_s = IDENTITY_LIFE_S, .ca_s = CA_LIFE_S};
	if (o->channel_secrets && (!object_is_name(str_from(o->channel_secrets)) || strlen(o->channel_secrets) > PREFIX_MAX)) {
		buf_printf(error, "--channel-secrets: '%s' is not the beginning of names; write weirlock-channel", o->channel_secrets);
		return false;
	}
	if (!read_life("channel-identity-life", o->channel_identity_life, &t->identity_s, error) ||
		!read_life("channel-ca-life", o->channel_ca_life, &t->ca_s, error))
		return false;
	if (t->ca_s < 4 * t->identity_s) {
		buf_add(error, STR("--channel-ca-life: a CA must live four times as long as identities, or more; see --channel-identity-life"));
		return false;
	}
	t->overlap_s = plan_overlap_s(t->ca_s);
	return true;
}

/* Of "POOL=WHAT" the pool, with `*word` being WHAT; any other word is of the first. */
static size_t take_pool(const struct pools *pools, struct str *word)
{
	size_t equals = str_find(*word, '=');

	for (size_t i = 0; i < pools->n && equals < word->len; i++) {
		if (str_eq(str_first(*word, equals), str_from(pools->items[i].name))) {
			*word = str_from_index(*word, equals + 1);
			return i;
		}
	}
	return 0;
}

static bool read_services(struct writes_options *o, const struct pools *pools, struct buf *error)
{
	for (size_t i = 0; i < o->publish_service.n; i++) {
		struct str word = str_from(o->publish_service.items[i]), namespace_, name;
		size_t pool = take_pool(pools, &word);

		if (!value_ref(word, &namespace_, &name)) {
			buf_printf(error, "--publish-service: '%s' is not NAMESPACE/NAME, nor POOL=NAMESPACE/NAME of a pool of --pool",
				o->publish_service.items[i]);
			return false;
		}
		o->publish[pool].service = word;
	}
	return true;
}

static bool read_addresses(struct writes_options *o, const struct pools *pools, struct buf *error)
{
	for (size_t i = 0; i < o->publish_status_address.n; i++) {
		struct str word = str_from(o->publish_status_address.items[i]), bad = STR("");
		size_t pool = take_pool(pools, &word);
		struct addresses list = {0};
		bool is_good = addresses_add_list(&list, word, &bad);

		if (!is_good)
			buf_printf(error, "--publish-status-address: '%.*s' is neither an IP address nor a host name; write 203.0.113.1,lb.example.com",
				STR_ARG(bad));
		else if (!list.n)
			buf_add(error, STR("--publish-status-address: is empty; write 203.0.113.1,lb.example.com, or leave it out"));
		is_good = is_good && list.n;
		addresses_deinit(&list);
		if (!is_good)
			return false;
		o->publish[pool].addresses = word;
	}
	return true;
}

static bool read_selectors(struct writes_options *o, const struct pools *pools, struct buf *error)
{
	struct arena arena = {0};
	struct selector selector;
	bool is_good = true;
	const char *why;

	for (size_t i = 0; i < o->proxy_selector.n && is_good; i++) {
		struct str word = str_from(o->proxy_selector.items[i]);
		size_t pool = take_pool(pools, &word);

		is_good = selector_parse(word, &arena, &selector, &why);
		if (!is_good)
			buf_printf(error, "--proxy-selector: '%s': %s", o->proxy_selector.items[i], why);
		o->publish[pool].selector = word;
	}
	arena_deinit(&arena);
	return is_good;
}

static void list_service(struct writes_options *o, struct str service)
{
	for (size_t i = 0; i < o->n_publish_services; i++) {
		if (str_eq(o->publish_services[i], service))
			return;
	}
	o->publish_services[o->n_publish_services++] = service;
}

static bool check_status(struct writes_options *o, const struct pools *pools, struct buf *error)
{
	o->publish[0].selector = STR(PROXY_SELECTOR);
	if (!read_services(o, pools, error) || !read_addresses(o, pools, error) || !read_selectors(o, pools, error))
		return false;
	for (size_t i = 0; i < pools->n; i++) {
		if (o->publish[i].service.len && o->publish[i].addresses.len) {
			buf_add(error, STR("--publish-service and --publish-status-address: give one of them"));
			return false;
		}
		if (o->publish[i].service.len)
			list_service(o, o->publish[i].service);
	}
	return true;
}

static bool check_name(const char *option, const char *name, struct buf *error)
{
	if (!name || object_is_name(str_from(name)))
		return true;
	buf_printf(error, "--%s: '%s' is not a name; write lower-case letters, digits, '-' and '.'", option, name);
	return false;
}

/* What is of the API server alone and was given all the same. */
static const char *first_of_api(const struct writes_options *o)
{
	const struct {
		const char *name, *value;
	} options[] = {{"election-id", o->election_id}, {"election-ttl", o->election_ttl}, {"publish-service", o->publish_service.items[0]},
		{"publish-status-address", o->publish_status_address.items[0]}, {"proxy-selector", o->proxy_selector.items[0]},
		{"channel-secrets", o->channel_secrets}};

	for (size_t i = 0; i < sizeof(options) / sizeof(options[0]); i++) {
		if (options[i].value)
			return options[i].name;
	}
	return NULL;
}

bool writes_check(struct writes_options *o, const struct pools *pools, bool has_api, struct buf *error)
{
	if (!has_api && first_of_api(o)) {
		buf_printf(error, "--%s: nothing is written with --manifests; leave it out", first_of_api(o));
		return false;
	}
	return read_ttl(o, error) && check_status(o, pools, error) && check_channel(o, error) && check_name("election-id", o->election_id, error) &&
		check_name("pod-namespace", o->pod_namespace, error);
}

/* ------------------------------------------------------------------------------------------------------ leadership */

static void tell(struct writes *w, const struct problem *p, bool is_standing)
{
	struct buf text = {0};
	struct event event;

	if (w->events && w->leader && leader_leads(w->leader) && news_of_problem(&w->news, p, is_standing, &text, &event))
		events_tell(w->events, &event);
	buf_deinit(&text);
}

static void on_change(void *owner, bool leads)
{
	struct writes *w = owner;

	if (w->status)
		status_lead(w->status);
	if (w->channel)
		channel_lead(w->channel);
	if (!leads && w->events)
		events_drop(w->events);
	for (size_t i = 0; leads && i < w->place.told->n; i++)
		tell(w, &w->place.told->items[i], true);
}

static bool leads(void *owner)
{
	struct writes *w = owner;

	return w->leader && leader_leads(w->leader);
}

static uint64_t pools_of(void *owner, struct str namespace_, struct str name)
{
	struct writes *w = owner;
	const struct object *ingress = store_get(w->place.store, KIND_INGRESS, namespace_, name);

	return ingress && reconcile_takes(w->place.store, w->place.reconcile, ingress)
		? reconcile_pools_of_ingress(w->place.store, w->place.reconcile, ingress)
		: 0;
}

static void on_problems(void *owner, struct str origin, const struct problems *problems)
{
	struct writes *w = owner;

	w->place.on_event(w->place.owner, &(struct source_event){.type = SOURCE_PROBLEMS, .origin = origin, .problems = problems});
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

static struct str own_namespace(const struct writes_options *o, const struct kubeapi *api)
{
	return o->pod_namespace ? str_from(o->pod_namespace) : kubeapi_namespace(api);
}

static struct leader *open_leader(const struct writes_options *o, struct str identity, uv_loop_t *loop, struct kubeapi *api,
	const struct leader_hooks *hooks)
{
	const struct leader_options options = {
		.namespace_ = own_namespace(o, api),
		.name = str_from(o->election_id ? o->election_id : "ingress-controller-leader"),
		.identity = identity,
		.ttl_s = o->ttl_s,
	};

	return o->disable_leader_election ? NULL : leader_open(loop, api, &options, hooks);
}

struct leader *writes_open_leader(const struct writes_options *o, uv_loop_t *loop, struct kubeapi *api, const struct leader_hooks *hooks)
{
	struct buf identity = {0};
	struct leader *leader;

	make_identity(o, &identity);
	leader = open_leader(o, buf_str(&identity), loop, api, hooks);
	buf_deinit(&identity);
	return leader;
}

struct channel *writes_open_channel(const struct writes_options *o, const struct pools *pools, uv_loop_t *loop, struct kubeapi *api,
	const char *directory, const struct channel_hooks *hooks)
{
	const struct channel_options options = {own_namespace(o, api), str_from(o->channel_secrets), directory, o->channel_times, pools};

	return channel_open(loop, api, &options, hooks);
}

static struct events *open_events(struct writes *w)
{
	const struct events_options options = {buf_str(&w->identity), w->place.reconcile->n_watch_namespaces == 0};

	return events_open(w->place.loop, w->place.api, &options, &(struct events_hooks){w, leads, on_problems});
}

static struct status *open_status(struct writes *w)
{
	const struct writes_options *o = &w->options;
	struct status_options options = {
		.n_pools = w->place.reconcile->pools->n,
		.namespace_ = own_namespace(o, w->place.api),
		.pod = str_from(o->pod_name),
		.wants_internal = o->report_node_internal_ip_address,
		.clears_on_shutdown = o->update_status_on_shutdown,
		.is_cluster_wide = w->place.reconcile->n_watch_namespaces == 0,
	};

	memcpy(options.publish, o->publish, sizeof(options.publish));
	return status_open(w->place.loop, w->place.api, &options, &(struct status_hooks){w, leads, pools_of, on_problems});
}

/* -------------------------------------------------------------------------------------------------- open and close */

struct writes *writes_open(const struct writes_place *place, const struct writes_options *options)
{
	struct writes *w = mem_zalloc(sizeof(*w));

	w->place = *place;
	w->options = *options;
	make_identity(options, &w->identity);
	if (options->update_status && !options->disable_leader_election) /* N6 */
		w->status = open_status(w);
	if (!options->disable_leader_election)
		w->events = open_events(w);
	if (options->channel_secrets)
		w->channel = writes_open_channel(&w->options, place->reconcile->pools, place->loop, place->api, place->identity,
			&(struct channel_hooks){w, leads, on_problems, NULL});
	w->news = (struct news){place->store, place->intake, place->reconcile};
	return w;
}

void writes_take(struct writes *w, const struct source_event *e)
{
	struct event event;

	if (w->status)
		status_take(w->status, e);
	if (w->events && !w->options.disable_sync_events && leads(w) && news_of_change(&w->news, e, &event))
		events_tell(w->events, &event);
}

void writes_tell(struct writes *w, const struct problem *p)
{
	tell(w, p, false);
}

void writes_begin(struct writes *w)
{
	w->leader = open_leader(&w->options, buf_str(&w->identity), w->place.loop, w->place.api,
		&(struct leader_hooks){w, on_change, on_problems});
}

struct str writes_leader(const struct writes *w)
{
	return w->leader ? leader_holder(w->leader) : STR("");
}

void writes_metrics(const struct writes *w, struct buf *out)
{
	if (w->leader)
		leader_metrics(w->leader, out);
	if (w->status)
		status_metrics(w->status, out);
	if (w->events)
		events_metrics(w->events, out);
}

static void on_leader_closed(void *owner)
{
	struct writes *w = owner;

	kubeapi_close(w->place.api, NULL, NULL);
	buf_deinit(&w->identity);
	mem_free(w);
}

static void on_events_closed(void *owner)
{
	struct writes *w = owner;

	w->events = NULL; /* the Lease may still be lost, and that is told */
	if (w->leader)
		leader_close(w->leader, on_leader_closed, w);
	else
		on_leader_closed(w);
}

static void on_status_closed(void *owner)
{
	struct writes *w = owner;

	w->status = NULL; /* likewise */
	if (w->events)
		events_close(w->events, on_events_closed, w);
	else
		on_events_closed(w);
}

static void on_channel_closed(void *owner)
{
	struct writes *w = owner;

	w->channel = NULL;
	if (w->status)
		status_close(w->status, on_status_closed, w);
	else
		on_status_closed(w);
}

/* What only the leader does comes before it is the leader no more. */
void writes_close(struct writes *w)
{
	if (w->channel)
		channel_close(w->channel, on_channel_closed, w);
	else
		on_channel_closed(w);
}
