/* CHANNEL 4.8: so many of the proxies in a turn of the loop, all of them in the end, and nobody is always the last. */
#include "check.h"
#include "proxies.h"

enum { N = 1000 };

static struct publish publish;
static struct proxy proxies[N];
static unsigned served[N], n_served;
static size_t first, last;

static bool serve(struct proxy *proxy)
{
	last = (size_t)(proxy - proxies);
	if (!n_served)
		first = last;
	n_served++;
	served[last]++;
	return true;
}

static bool has_none(struct proxy *proxy)
{
	serve(proxy);
	return false;
}

static void begin(bool (*fn)(struct proxy *proxy), uv_loop_t *loop)
{
	publish = (struct publish){.proxies = proxies, .n_proxies = N};
	for (size_t i = 0; i < N; i++) {
		proxies[i] = (struct proxy){.next = i + 1 < N ? &proxies[i + 1] : NULL};
		served[i] = 0;
	}
	n_served = 0;
	fan_init(&publish.fan, &publish, loop, fn);
}

static void end(uv_loop_t *loop)
{
	uv_close((uv_handle_t *)&publish.fan.idle, NULL);
	uv_run(loop, UV_RUN_DEFAULT);
}

/* Turns until no walk is on; each serves at most so many. */
static unsigned turn(uv_loop_t *loop, unsigned most)
{
	unsigned n = 0;

	for (; fan_is_out(&publish.fan) && n < 10 * N; n++) {
		unsigned before = n_served;

		uv_run(loop, UV_RUN_NOWAIT);
		CHECK(n_served - before <= most);
	}
	return n;
}

static void test_slices(uv_loop_t *loop)
{
	check_case("a turn has a bound, and all are served once");
	begin(serve, loop);
	fan_out(&publish.fan);
	CHECK_INT(n_served, FAN_A_TURN); /* the first ones at once */
	CHECK_INT(turn(loop, FAN_A_TURN), (N + FAN_A_TURN - 1) / FAN_A_TURN - 1);
	CHECK_INT(n_served, N);
	for (size_t i = 0; i < N; i++)
		CHECK_INT(served[i], 1);
	CHECK(!uv_loop_alive(loop)); /* nothing spins */

	check_case("who needs nothing costs no part of a turn");
	end(loop);
	begin(has_none, loop);
	fan_out(&publish.fan);
	CHECK(!fan_is_out(&publish.fan));
	CHECK_INT(n_served, N);
	end(loop);
}

static void test_news_meanwhile(uv_loop_t *loop)
{
	check_case("news during a walk: it goes on, and once around from there");
	begin(serve, loop);
	fan_out(&publish.fan);
	uv_run(loop, UV_RUN_NOWAIT);
	CHECK_INT(n_served, 2 * FAN_A_TURN);
	n_served = 0;
	fan_out(&publish.fan);
	CHECK_INT(n_served, 0); /* not one more in this turn */
	turn(loop, FAN_A_TURN);
	CHECK_INT(n_served, N);
	CHECK_INT(first, 2 * FAN_A_TURN);
	CHECK_INT(last, 2 * FAN_A_TURN - 1);
	n_served = 0;
	fan_out(&publish.fan); /* the last one of before is not last again */
	turn(loop, FAN_A_TURN);
	CHECK_INT(first, 2 * FAN_A_TURN);
	end(loop);
}

static void test_leaving(uv_loop_t *loop)
{
	check_case("proxies that leave during a walk");
	begin(serve, loop);
	fan_out(&publish.fan);
	fan_forget(&publish.fan, &proxies[FAN_A_TURN]); /* the next one */
	proxies[FAN_A_TURN - 1].next = &proxies[FAN_A_TURN + 1];
	publish.n_proxies--;
	turn(loop, FAN_A_TURN);
	CHECK_INT(served[FAN_A_TURN], 0);
	CHECK_INT(served[FAN_A_TURN + 1], 1);
	CHECK_INT(served[N - 1], 1);

	check_case("all of them");
	fan_out(&publish.fan);
	publish.proxies = publish.fan.next = NULL;
	publish.n_proxies = 0;
	turn(loop, 0);
	fan_out(&publish.fan);
	CHECK(!fan_is_out(&publish.fan));
	end(loop);
}

int main(void)
{
	uv_loop_t *loop = uv_default_loop();

	test_slices(loop);
	test_news_meanwhile(loop);
	test_leaving(loop);
	uv_loop_close(loop);
	return check_done();
}
