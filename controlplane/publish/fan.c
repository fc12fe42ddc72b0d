#include "fan.h"

#include "mem.h"
#include "proxies.h"

static void walk(struct fan *f)
{
	for (unsigned n = 0; f->n_left && n < FAN_A_TURN; f->n_left--) {
		struct proxy *proxy = f->next ? f->next : f->publish->proxies;

		if (!proxy) {
			f->n_left = 0;
			break;
		}
		f->next = proxy->next;
		n += f->serve(proxy);
	}
	if (!f->n_left)
		uv_idle_stop(&f->idle);
}

static void on_turn(uv_idle_t *idle)
{
	walk(container_of(idle, struct fan, idle));
}

void fan_init(struct fan *f, struct publish *p, uv_loop_t *loop, bool (*serve)(struct proxy *proxy))
{
	*f = (struct fan){.publish = p, .serve = serve};
	uv_idle_init(loop, &f->idle);
}

void fan_out(struct fan *f)
{
	bool was_out = fan_is_out(f);

	f->n_left = f->publish->n_proxies;
	if (was_out || !f->n_left) /* that walk goes on, with what is newest, and once around from here */
		return;
	uv_idle_start(&f->idle, on_turn);
	walk(f);
}

void fan_forget(struct fan *f, const struct proxy *proxy)
{
	if (f->next == proxy)
		f->next = proxy->next;
}

bool fan_is_out(const struct fan *f)
{
	return f->n_left != 0;
}
