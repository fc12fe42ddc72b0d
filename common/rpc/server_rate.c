/* How much strangers may cost: of handshakes, of answers to them, of lines in the log. */
#include <stdio.h>
#include <string.h>

#include "clock.h"
#include "log.h"
#include "server.h"

enum {
	SAY_AGAIN_MS = 60 * 1000,
	HANDSHAKES_A_SECOND = 200, /* one costs about a millisecond */
	HANDSHAKES_BURST = 2048,
	COST = 1000,               /* of a handshake, in the budget */
	COST_OF_NOISE = 50         /* of one that is none: nothing was computed for it */
};

bool rate_allows(struct rate *r, unsigned limit, uint64_t now_ms)
{
	if (r->second != now_ms / 1000)
		*r = (struct rate){.second = now_ms / 1000, .n_over = r->n_over};
	if (r->n >= limit) {
		r->n_over++;
		return false;
	}
	r->n++;
	return true;
}

bool budget_allows(struct budget *b, uint64_t now_ms)
{
	uint64_t back = (now_ms - b->at_ms) * HANDSHAKES_A_SECOND;

	b->spent = back < b->spent ? b->spent - (unsigned)back : 0;
	b->at_ms = now_ms;
	return b->spent + COST <= HANDSHAKES_BURST * COST;
}

void budget_take(struct budget *b)
{
	b->spent += COST;
}

void budget_give_back(struct budget *b)
{
	b->spent -= b->spent < COST - COST_OF_NOISE ? b->spent : COST - COST_OF_NOISE;
}

/* The same line as the last one, before its time: it is only counted. */
static bool is_said(struct said *s, const char *text, uint64_t now_ms)
{
	bool is_same = strcmp(s->text, text) == 0;

	if (is_same && s->at_ms && now_ms - s->at_ms < SAY_AGAIN_MS) {
		s->n_again++;
		return true;
	}
	if (!is_same)
		s->n_again = 0;
	s->at_ms = now_ms;
	snprintf(s->text, sizeof(s->text), "%s", text);
	return false;
}

void warn_stranger(struct rpc_server *server, const char *what, const char *why)
{
	uint64_t now = clock_mono_ms();
	char text[sizeof(server->said.text)];
	unsigned n_again = server->said.n_again;

	snprintf(text, sizeof(text), "%s: %s", what, why);
	if (is_said(&server->said, text, now))
		return;
	if (!rate_allows(&server->warnings, 1, now)) {
		server->said = (struct said){0}; /* it was not said */
		return;
	}
	log_warn("rpc", "%s, not_logged=%u", text, server->warnings.n_over + n_again);
	server->warnings.n_over = server->said.n_again = 0;
}
