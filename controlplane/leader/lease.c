/* As client-go writes it: a new holder counts as a transition, a released Lease has no holder and one second. */
#include "lease.h"

#include <stdio.h>

#include "clock.h"

static struct str text_of(json_t *json, const char *name)
{
	json_t *member = json_object_get(json, name);

	return json_is_string(member) ? str_of(json_string_value(member), json_string_length(member)) : STR("");
}

bool lease_read(json_t *json, struct lease *out)
{
	json_t *spec = json_object_get(json, "spec");
	json_int_t seconds = json_integer_value(json_object_get(spec, "leaseDurationSeconds"));

	if (!str_eq(text_of(json, "kind"), STR("Lease")))
		return false;
	out->version = text_of(json_object_get(json, "metadata"), "resourceVersion");
	out->holder = text_of(spec, "holderIdentity");
	out->duration_ms = seconds > 0 && seconds <= INT32_MAX ? (uint64_t)seconds * 1000 : 0;
	return out->version.len > 0;
}

/* A MicroTime has exactly six digits. */
static json_t *micro_time(uint64_t wall_ms)
{
	char text[CLOCK_TEXT_MAX], micro[CLOCK_TEXT_MAX + 4];
	struct str t = str_from(clock_rfc3339(wall_ms, text));

	snprintf(micro, sizeof(micro), "%.*s000Z", (int)(t.len - 1), t.ptr);
	return json_string(micro);
}

static json_t *blank(const struct lease_wish *w)
{
	return json_pack("{s:s,s:s,s:{s:s%,s:s%},s:{}}", "apiVersion", "coordination.k8s.io/v1", "kind", "Lease", "metadata", "name",
		w->name.ptr, w->name.len, "namespace", w->namespace_.ptr, w->namespace_.len, "spec");
}

/* What is not an object makes way. */
static json_t *spec_of(json_t *lease)
{
	json_t *spec = json_object_get(lease, "spec");

	if (json_is_object(spec))
		return spec;
	json_object_set_new(lease, "spec", json_object());
	return json_object_get(lease, "spec");
}

json_t *lease_make(json_t *seen, enum election_step step, const struct lease_wish *w)
{
	json_t *lease = seen ? json_deep_copy(seen) : blank(w), *spec = spec_of(lease);
	json_int_t transitions = json_integer_value(json_object_get(spec, "leaseTransitions"));
	bool is_release = step == ELECTION_RELEASE, is_new = step == ELECTION_TAKE || step == ELECTION_CREATE;

	json_object_set_new(spec, "holderIdentity",
		is_release ? json_string("") : json_stringn(w->holder.ptr, w->holder.len));
	json_object_set_new(spec, "leaseDurationSeconds", json_integer(is_release ? 1 : (json_int_t)(w->duration_ms / 1000)));
	json_object_set_new(spec, "renewTime", micro_time(w->wall_ms));
	if (is_new || is_release)
		json_object_set_new(spec, "acquireTime", micro_time(w->wall_ms));
	json_object_set_new(spec, "leaseTransitions", json_integer(transitions + (step == ELECTION_TAKE)));
	return lease;
}
