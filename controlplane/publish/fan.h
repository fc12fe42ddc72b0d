#ifndef FAN_H
#define FAN_H
/*
 * News for many proxies, some of them in each turn of the loop: in between, whatever else the loop has to do goes on, calls of other
 * proxies and acknowledgements among it. Whoever stands last this time does not the next: a walk goes on from where it is.
 */
#include <stdbool.h>
#include <uv.h>

struct publish;
struct proxy;

enum { FAN_A_TURN = 64 };

struct fan {
	uv_idle_t idle;
	struct publish *publish;
	bool (*serve)(struct proxy *proxy); /* true: something was sent */
	struct proxy *next;                 /* NULL: from the beginning */
	size_t n_left;                      /* to be looked at; 0: no walk is on */
};

void fan_init(struct fan *f, struct publish *p, uv_loop_t *loop, bool (*serve)(struct proxy *proxy));
/* There may be news for every proxy: the first ones get it now. */
void fan_out(struct fan *f);
/* The proxy is about to be freed. */
void fan_forget(struct fan *f, const struct proxy *proxy);
bool fan_is_out(const struct fan *f);

#endif
