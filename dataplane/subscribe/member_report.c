/* What each controller is told, every few seconds: counters, what is served, who is watched and who would be turned to. */
#include "clock.h"
#include "state.h"

enum {
	STANDBY_REPORT_MS = 3000, /* at most: it must be known to be there */
	REPORT_TIMEOUT_MS = 5000
};

char *member_name(const struct member *m)
{
	return m->name && *m->name ? m->name : m->url;
}

void members_fill_report(struct subscribe *s, const struct member *to, Weirlock__V1__ReportRequest *out)
{
	const struct member *standby = members_standby(s);
	static char none[] = "";

	out->is_standby = to && to != s->active;
	out->watches = none;
	out->standby = none;
	if (s->active)
		out->watches = member_name(s->active);
	if (standby)
		out->standby = member_name(standby);
}

static void on_reported(void *data, enum rpc_status status, struct str message, const ProtobufCMessage *response)
{
	struct member *m = data;

	(void)message;
	(void)response;
	m->is_reporting = false;
	if (m->s->is_closing || m == m->s->active || m->step != MEMBER_READY)
		return; /* the next one is due anyway, and Watch has its own clock */
	if (status == RPC_DEADLINE_EXCEEDED)
		rpc_client_reconnect(m->client, "the controller is silent");
	else if (status == RPC_FAILED_PRECONDITION)
		member_pause(m, RETRY_MS); /* it has forgotten who we are */
}

void member_report(struct member *m, uint64_t now)
{
	struct subscribe *s = m->s;
	Weirlock__V1__ReportRequest request;
	struct content_id id = {{0}};
	uint32_t every_ms = s->options.report_ms;

	fill_report(s, &request);
	members_fill_report(s, m, &request);
	if (s->content) {
		id = content_id(s->content);
		request.applied_id = data_of(str_of(id.bytes, sizeof(id.bytes)));
	}
	m->is_reporting = true;
	m->wants_report = false;
	m->report_due_ms = now + (m != s->active && every_ms < STANDBY_REPORT_MS ? every_ms * 3 / 2 : every_ms);
	rpc_client_call(m->client, &weirlock__v1__control__descriptor, "Report", &request.base, REPORT_TIMEOUT_MS, on_reported, m);
}
