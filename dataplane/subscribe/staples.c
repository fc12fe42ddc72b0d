/*
 * OCSP answers travel beside the snapshots: they differ from controller to controller, and nothing waits for them. What was heard
 * stays good until it expires, whoever it came from.
 */
#include "clock.h"
#include "state.h"

enum { ASK_MS = 5000, EVERY_MS = 2000, UNKNOWN_MS = 60 * 1000 };

static void take(struct subscribe *s, const Weirlock__V1__StaplesResponse *m)
{
	for (size_t i = 0; i < m->n_staples; i++) {
		const Weirlock__V1__Staple *one = m->staples[i];

		s->options.staple(s->options.data, str_of((const char *)one->fingerprint.data, one->fingerprint.len),
			str_of((const char *)one->response.data, one->response.len), one->expires_s);
	}
	s->staples_epoch = m->epoch;
	s->staples_version = m->version;
	if (m->has_more)
		s->staples_due_ms = 0;
}

/* A controller of an earlier version knows no such call. */
static void on_staples(void *data, enum rpc_status status, struct str message, const ProtobufCMessage *response)
{
	struct subscribe *s = data;

	(void)message;
	s->is_asking_staples = false;
	if (s->is_closing)
		return;
	s->staples_due_ms = clock_mono_ms() + (status == RPC_UNIMPLEMENTED ? UNKNOWN_MS : EVERY_MS);
	if (status == RPC_OK)
		take(s, (const void *)response);
}

void staples_look(struct subscribe *s, uint64_t now)
{
	Weirlock__V1__StaplesRequest request = WEIRLOCK__V1__STAPLES_REQUEST__INIT;

	if (s->is_asking_staples || !s->active || !s->active->client || !s->options.staple || now < s->staples_due_ms ||
		!s->options.wants_staples(s->options.data))
		return;
	request.epoch = s->staples_epoch;
	request.version = s->staples_version;
	s->is_asking_staples = true;
	rpc_client_call(s->active->client, &weirlock__v1__control__descriptor, "Staples", &request.base, ASK_MS, on_staples, s);
}
