/* Ends of calls as outcomes, outcomes as problems. */
#include "kubewrite.h"

#include "answer.h"

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
	struct buf field = {0}, needs = {0}, effect = {0};

	rule_add_object(&what->rule, &field);
	rule_add(&what->rule, &needs);
	buf_printf(&effect, "%s%s", what->effect, what->is_last ? "" : "; it is tried again");
	trouble_add(
		&(struct trouble){
			.field = buf_str(&field),
			.does = what->does,
			.outcome = outcome,
			.message = message,
			.needs = buf_str(&needs),
			.effect = buf_str(&effect),
		},
		out);
	buf_deinit(&field);
	buf_deinit(&needs);
	buf_deinit(&effect);
}
