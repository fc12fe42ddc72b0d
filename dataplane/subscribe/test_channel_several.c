/*
 * Several controllers: one is watched and one held ready; whichever way the first one goes, the second is turned to at once and
 * sends nothing, since it has the same snapshot; and the first one is gone back to when it has been well for a while.
 */
#include <stdio.h>

#include "channel.h"
#include "mem.h"

static const ProtobufCServiceDescriptor *const inspect = &weirlock__v1__inspect__descriptor;

struct both {
	struct controller *a, *b;
	struct proxy *p;
};

static bool says_one(struct controller *c, const char *state)
{
	char line[96];

	snprintf(line, sizeof(line), "weirlock_controller_proxies{state=\"%s\",pool=\"default\"} 1", state);
	return controller_says(c, line);
}

static bool watches_a(void *data)
{
	struct both *both = data;

	return says_one(both->a, "synced") && says_one(both->b, "standby");
}

static bool watches_b(void *data)
{
	struct both *both = data;

	return says_one(both->b, "synced") && says_one(both->a, "standby");
}

static bool watches_either(void *data)
{
	return watches_a(data) || watches_b(data);
}

static bool is_synced_at_b(void *data)
{
	return says_one(((struct both *)data)->b, "synced");
}

static void start_pair(struct both *both, struct rpc_identity *controller, const char *a, const char *b)
{
	start_controller(both->a, controller, a);
	start_controller(both->b, controller, b);
	publish_hosts(both->a, 30, 100, 'a');
	publish_hosts(both->b, 30, 100, 'a');
}

/* `a` is the one that is watched from here on. */
static void start_both(struct both *both, struct rpc_identity *controller, struct rpc_identity *proxy)
{
	start_pair(both, controller, "tcp://127.0.0.1:0", "tcp://127.0.0.1:0");
	start_proxy(both->p, "p1", proxy, buf_cstr(&both->a->url), buf_cstr(&both->b->url));
	CHECK(wait_for(watches_either, both, 5000));
	if (watches_b(both)) {
		struct controller *a = both->a;

		both->a = both->b;
		both->b = a;
	}
	CHECK_INT(both->p->n_applied, 1);
}

static void stop_both(struct both *both)
{
	stop_proxy(both->p);
	stop_controller(both->a);
	stop_controller(both->b);
	buf_deinit(&both->a->url);
	buf_deinit(&both->b->url);
}

/* What the one that is not watched says of it. False: it has no report yet, or an older one. */
static bool shows_standby(const Weirlock__V1__StatusResponse *status, const struct both *both)
{
	const Weirlock__V1__ProxyStatus *shown = status->n_proxies == 1 ? status->proxies[0] : NULL;

	return shown && shown->state == WEIRLOCK__V1__PROXY_STATE__PROXY_STANDBY && !shown->behind_ms && shown->report &&
		str_eq(str_from(shown->report->watches), str_from(both->a->name)) &&
		str_eq(str_from(shown->report->standby), str_from(both->b->name));
}

static void check_status(struct both *both, struct rpc_identity *operator_)
{
	struct rpc_client *client = open_client(buf_cstr(&both->b->url), operator_, 0, NULL);
	bool is_shown = false;

	for (unsigned i = 0; i < 1000 && !is_shown; i++) {
		struct asked asked;

		CHECK_INT(ask(client, inspect, "Status", NULL, &asked), RPC_OK);
		is_shown = shows_standby((const void *)asked.answer, both);
		asked_deinit(&asked);
	}
	CHECK(is_shown);
	close_client(client);
}

static bool is_standby_of_new(void *data)
{
	struct both *both = data;
	struct pair pair = {both->a, both->p};

	return serves_current(&pair) && watches_a(both);
}

static void test_turns(struct rpc_identity *controller, struct rpc_identity *proxy, struct rpc_identity *operator_)
{
	struct controller one = {.name = "one"}, two = {.name = "two"};
	struct proxy p;
	struct both both = {&one, &two, &p};
	char *url;

	check_case("one is watched, one held ready; what is applied is told to both");
	start_both(&both, controller, proxy);
	check_status(&both, operator_);
	publish_hosts(both.a, 30, 100, 'b');
	publish_hosts(both.b, 30, 100, 'b');
	CHECK(wait_for(is_standby_of_new, &both, 5000));
	CHECK_INT(p.n_applied, 2);

	check_case("the watched one is gone: the other one at once, and it sends nothing");
	stop_controller(both.a);
	CHECK(wait_for(is_synced_at_b, &both, 2000));
	CHECK_INT(p.n_applied, 2);
	CHECK(controller_says(both.b, "weirlock_controller_pushes_total 0"));
	CHECK(proxy_says(&p, "weirlock_controller_failovers_total 1"));

	check_case("it comes back: held ready, then gone back to");
	url = mem_strdup(buf_str(&both.a->url));
	start_controller(both.a, controller, url);
	publish_hosts(both.a, 30, 100, 'b');
	CHECK(wait_for(watches_b, &both, 5000));
	CHECK(wait_for(watches_a, &both, 10000));
	CHECK_INT(p.n_applied, 2);

	check_case("it leaves: its proxies go where they are told, and nothing is sent");
	publish_leave(both.a->publish);
	CHECK(wait_for(is_synced_at_b, &both, 5000));
	CHECK_INT(p.n_applied, 2);
	CHECK(controller_says(both.b, "weirlock_controller_pushes_total 0"));
	stop_both(&both);
	mem_free(url);
}

static void set_version(struct controller *c, uint64_t epoch, uint64_t slices)
{
	version_raise(&c->held, MARK_EPOCH, epoch);
	version_raise(&c->seen, MARK_EPOCH, epoch);
	c->held.marks[MARK_ENDPOINT_SLICE] = c->seen.marks[MARK_ENDPOINT_SLICE] = slices;
}

static bool serves_b(void *data)
{
	struct both *both = data;
	struct pair pair = {both->b, both->p};

	return serves_current(&pair);
}

static bool is_held_at_b(void *data)
{
	return controller_says(((struct both *)data)->b, "weirlock_controller_held_proxies 1");
}

static bool was_sent_away(void *data)
{
	struct buf out = {0};
	bool is_new;

	subscribe_metrics(((struct both *)data)->p->subscribe, &out);
	is_new = str_find_str(buf_str(&out), STR("weirlock_controller_unfit_total 0")) == out.len;
	buf_deinit(&out);
	return is_new;
}

/* CHANNEL 4.4, acceptance 3: the one with the older cluster is first in line. */
static void test_behind(struct rpc_identity *controller, struct rpc_identity *proxy)
{
	struct controller one = {.name = "one", .hold_ms = 300}, two = {.name = "two", .hold_ms = 300};
	struct proxy p;
	struct both both = {&one, &two, &p};
	char *url;

	check_case("one is further than the other, which is turned to: nothing is taken from that, and it says so");
	set_version(&one, 0, 100);
	set_version(&two, 0, 100);
	start_both(&both, controller, proxy);
	set_version(both.a, 0, 105);
	publish_hosts(both.a, 30, 100, 'b');
	CHECK(wait_for(is_standby_of_new, &both, 5000));
	url = mem_strdup(buf_str(&both.a->url));
	stop_controller(both.a);
	CHECK(wait_for(is_held_at_b, &both, 5000));
	CHECK(wait_for(was_sent_away, &both, 5000));
	CHECK_INT(p.n_applied, 2);

	check_case("it has caught up in part: no");
	set_version(both.b, 0, 103);
	publish_hosts(both.b, 30, 100, 'c');
	CHECK(wait_for(is_held_at_b, &both, 5000));
	CHECK_INT(p.n_applied, 2);

	check_case("it has caught up: at once");
	set_version(both.b, 0, 106);
	CHECK(wait_for(serves_b, &both, 5000));
	CHECK_INT(p.n_applied, 3);
	CHECK(controller_says(both.b, "weirlock_controller_held_proxies 0"));

	check_case("the same id needs no looking");
	set_version(both.a, 0, 90);
	start_controller(both.a, controller, url);
	publish_hosts(both.a, 30, 100, 'c');
	CHECK(wait_for(watches_a, &both, 10000));
	CHECK_INT(p.n_applied, 3);

	check_case("the cluster was restored: with a larger epoch the older state is taken");
	publish_hosts(both.b, 30, 100, 'd');
	set_version(both.b, 1, 50);
	stop_controller(both.a);
	CHECK(wait_for(serves_b, &both, 5000));
	CHECK_INT(p.n_applied, 4);
	stop_proxy(&p);
	stop_controller(both.b);
	buf_deinit(&one.url);
	buf_deinit(&two.url);
	mem_free(url);
}

/* Both URLs are of one controller. */
static void test_same(struct rpc_identity *controller, struct rpc_identity *proxy)
{
	struct controller one = {.name = "one"};
	struct buf second = {0}, error = {0};
	struct proxy p;
	struct pair pair = {&one, &p};

	check_case("two URLs of one controller are one session");
	start_controller(&one, controller, "tcp://127.0.0.1:0");
	CHECK_INT(rpc_server_listen(one.server, "tcp://127.0.0.1:0", &second, &error), 0);
	publish_hosts(&one, 3, 100, 'a');
	start_proxy(&p, "p1", proxy, buf_cstr(&one.url), buf_cstr(&second));
	CHECK(wait_for(serves_current, &pair, 5000) && wait_for(is_acked, &pair, 5000));
	publish_hosts(&one, 3, 100, 'b');
	CHECK(wait_for(serves_current, &pair, 5000) && wait_for(is_acked, &pair, 5000));
	CHECK(says_one(&one, "synced") && controller_says(&one, "weirlock_controller_proxies{state=\"standby\",pool=\"default\"} 0"));
	CHECK_INT(p.n_applied, 2);
	stop_proxy(&p);
	stop_controller(&one);
	buf_deinit(&one.url);
	buf_deinit(&second);
	buf_deinit(&error);
}

/* A change that proxies refuse: one of them is asked, and the others never hear of it. */
static bool has_taken_back(void *data)
{
	return controller_says(data, "weirlock_controller_rollouts_total{result=\"taken_back\",pool=\"default\"} 1");
}

static bool all_serve(void *data)
{
	struct proxy *all = data;

	for (unsigned i = 0; i < 3; i++) {
		if (all[i].n_applied != 2)
			return false;
	}
	return true;
}

static void test_refused_canary(struct rpc_identity *controller, struct rpc_identity *proxy)
{
	static const char *const names[] = {"p1", "p2", "p3"};
	struct controller one = {.name = "one", .canary_hold_ms = 200};
	struct proxy all[3];
	unsigned n_refused = 0, n_applied = 0;

	check_case("a change that is refused by the first proxy goes to no other");
	start_controller(&one, controller, "tcp://127.0.0.1:0");
	publish_hosts(&one, 30, 100, 'a');
	for (unsigned i = 0; i < 3; i++) {
		struct pair pair = {&one, &all[i]};

		start_proxy(&all[i], names[i], proxy, buf_cstr(&one.url), NULL);
		CHECK(wait_for(serves_current, &pair, 5000));
		all[i].refuses = true;
	}
	publish_hosts(&one, 30, 100, 'b');
	CHECK(wait_for(has_taken_back, &one, 10000));
	for (unsigned i = 0; i < 3; i++) {
		n_refused += all[i].n_refused;
		n_applied += all[i].n_applied;
		all[i].refuses = false;
	}
	CHECK_INT(n_refused, 1);
	CHECK_INT(n_applied, 3);
	CHECK(controller_says(&one, "weirlock_controller_quarantined{pool=\"default\"} 1"));

	check_case("and when it is changed, it is tried again, and goes to all");
	publish_hosts(&one, 30, 100, 'c');
	CHECK(wait_for(all_serve, all, 20000));
	CHECK(controller_says(&one, "weirlock_controller_quarantined{pool=\"default\"} 0"));
	for (unsigned i = 0; i < 3; i++)
		stop_proxy(&all[i]);
	stop_controller(&one);
	buf_deinit(&one.url);
}

int main(int argc, char **argv)
{
	struct identities ids;

	if (argc < 2) {
		fprintf(stderr, "usage: test_channel_several PATH-OF-deploy/identity\n");
		return 2;
	}
	channel_begin(&ids, argv[1]);
	test_turns(ids.controller, ids.proxy, ids.operator_);
	test_behind(ids.controller, ids.proxy);
	test_same(ids.controller, ids.proxy);
	test_refused_canary(ids.controller, ids.proxy);
	return channel_end(&ids);
}
