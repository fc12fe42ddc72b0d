/* Ends of calls as outcomes, outcomes as problems. */
#include "kubewrite.h"

#include "answer.h"

enum { MESSAGE_BYTES = 300 };

enum feed_outcome kubewrite_outcome(const struct kubeapi_result *r, struct buf *message)
{
	bool is_fine = r->status >= 200 && r->status < 300;
	unsigned code = is_fine ? 0 : status_of_bytes(r->body, message);

	if (r->error)
		buf_printf(message, "%s%s", message->len ? "; " : "", r->why);
	return feed_outcome_of(r->error, is_fine ? 200 : r->status, code, false);
}

void kubewrite_problem(const struct kubewrite *what, enum feed_outcome outcome, struct str message, struct problems *out)
{
	struct buf field = {0}, rule = {0}, fix = {0}, effect = {0};

	rule_add_object(&what->rule, &field);
	buf_printf(&rule, "%s, but %s", what->does, feed_outcome_text(outcome));
	if (message.len) {
		buf_add(&rule, STR(": "));
		buf_add_escaped(&rule, str_first(message, MESSAGE_BYTES));
	}
	if (outcome == FEED_FORBIDDEN) {
		buf_add(&fix, STR("it needs "));
		rule_add(&what->rule, &fix);
	}
	buf_printf(&effect, "%s%s", what->effect, what->is_last ? "" : "; it is tried again");
	problems_add(out,
		&(struct problem){
			.severity = SEVERITY_FAULT,
			.object = STR("Kubernetes API"),
			.field = buf_str(&field),
			.rule = buf_str(&rule),
			.fix = buf_str(&fix),
			.effect = buf_str(&effect),
		});
	buf_deinit(&field);
	buf_deinit(&rule);
	buf_deinit(&fix);
	buf_deinit(&effect);
}
