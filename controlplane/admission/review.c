/* What is asked, what is said to it, and the JSON on both sides. */
#include "review.h"

#include <jansson.h>

enum { MAX_UID = 128, MAX_TOLD = 10 };

static struct str text_of(json_t *json, const char *name)
{
	json_t *member = json_object_get(json, name);

	return json_is_string(member) ? str_of(json_string_value(member), json_string_length(member)) : STR("");
}

static bool is_text(json_t *json, const char *name, const char *text)
{
	return str_eq(text_of(json, name), str_from(text));
}

/* -------------------------------------------------------------------------------------------------------- the answer */

struct saying {
	struct problems problems; /* faults and warnings */
	size_t n_faults;
};

static void add_line(const struct problem *p, bool with_effect, struct buf *out)
{
	struct problem told = *p;

	if (!with_effect) /* of one that is denied, nothing is served */
		told.effect = STR("");
	problem_text(&told, out);
}

static void add_message(const struct saying *s, struct buf *out)
{
	size_t n = 0;

	for (size_t i = 0; i < s->problems.n && n < MAX_TOLD; i++) {
		if (s->problems.items[i].severity != SEVERITY_FAULT)
			continue;
		if (n++)
			buf_add_char(out, '\n');
		add_line(&s->problems.items[i], false, out);
	}
	if (s->n_faults > n)
		buf_printf(out, "\nand %zu more", s->n_faults - n);
}

static void add_warnings(const struct saying *s, struct buf *out)
{
	size_t n = 0;

	for (size_t i = 0; i < s->problems.n && n < MAX_TOLD; i++) {
		struct buf line = {0};

		if (s->problems.items[i].severity != SEVERITY_WARN)
			continue;
		add_line(&s->problems.items[i], true, &line);
		buf_add(out, n++ ? STR(",") : STR(",\"warnings\":["));
		buf_add_json(out, buf_str(&line));
		buf_deinit(&line);
	}
	if (n)
		buf_add_char(out, ']');
}

static enum review_result write_answer(const struct saying *s, struct str uid, struct buf *out)
{
	struct buf message = {0};

	buf_add(out, STR("{\"apiVersion\":\"admission.k8s.io/v1\",\"kind\":\"AdmissionReview\",\"response\":{\"uid\":"));
	buf_add_json(out, uid);
	buf_printf(out, ",\"allowed\":%s", s->n_faults ? "false" : "true");
	if (s->n_faults) {
		add_message(s, &message);
		buf_add(out, STR(",\"status\":{\"code\":400,\"reason\":\"BadRequest\",\"message\":"));
		buf_add_json(out, buf_str(&message));
		buf_add_char(out, '}');
		buf_deinit(&message);
	}
	add_warnings(s, out);
	buf_add(out, STR("}}\n"));
	return s->n_faults ? REVIEW_DENIED : REVIEW_ALLOWED;
}

/* ------------------------------------------------------------------------------------------------------ the question */

/*
 * The object as one that is younger than all others: of two that exclude each other it has the problem, so it hears of each
 * (N10). NULL when it cannot be read.
 */
static struct object *read_object(json_t *json, struct problems *problems)
{
	bool is_other;
	struct object *o = object_from_json(json, STR("the object"), problems, &is_other);

	if (o)
		o->created_s = INT64_MAX;
	return o;
}

/* As much of an Ingress as its class needs: so another controller's may be of any size and form. */
static json_t *without_rules(json_t *json)
{
	json_t *meta = json_object_get(json, "metadata"), *spec = json_object_get(json, "spec"), *annotations = json_object();
	json_t *class = json_object_get(json_object_get(meta, "annotations"), "kubernetes.io/ingress.class");

	if (class)
		json_object_set(annotations, "kubernetes.io/ingress.class", class);
	return json_pack("{s:s, s:s, s:{s:O*, s:O*, s:o}, s:{s:O*, s:{s:{s:s, s:{s:i}}}}}", "apiVersion", "networking.k8s.io/v1",
		"kind", "Ingress", "metadata", "name", json_object_get(meta, "name"), "namespace", json_object_get(meta, "namespace"),
		"annotations", annotations, "spec", "ingressClassName", json_object_get(spec, "ingressClassName"), "defaultBackend",
		"service", "name", "a", "port", "number", 1);
}

static bool is_ours(struct store *store, const struct reconcile_options *options, json_t *json)
{
	struct problems unread = {0};
	json_t *small = without_rules(json);
	struct object *o = small ? read_object(small, &unread) : NULL;
	bool is = o && reconcile_takes(store, options, o);

	object_unref(&o);
	json_decref(small);
	problems_deinit(&unread);
	return is;
}

static bool is_known(const struct problem *p, const struct problems *before)
{
	for (size_t i = 0; i < before->n; i++) {
		const struct problem *b = &before->items[i];

		/* places in the spec move when something before them comes or goes */
		if (str_eq(p->rule, b->rule) && str_eq(p->value, b->value) &&
			(str_eq(p->field, b->field) || (str_starts_with(p->field, STR("spec.")) && str_starts_with(b->field, STR("spec.")))))
			return true;
	}
	return false;
}

/* Faults that stood before are told, and deny nothing. */
static void forgive(struct saying *s, struct store *store, const struct reconcile_options *options, json_t *json_before)
{
	struct problems before = {0};
	struct object *o = json_is_object(json_before) ? read_object(json_before, &before) : NULL;

	if (o)
		reconcile_review(store, options, o, &before);
	for (size_t i = 0; i < s->problems.n; i++) {
		struct problem *p = &s->problems.items[i];

		if (p->severity != SEVERITY_FAULT || !is_known(p, &before))
			continue;
		p->severity = SEVERITY_WARN;
		s->n_faults--;
	}
	object_unref(&o);
	problems_deinit(&before);
}

static void judge(struct saying *s, struct store *store, const struct reconcile_options *options, json_t *request)
{
	json_t *json = json_object_get(request, "object");
	struct object *o = read_object(json, &s->problems);

	if (o)
		reconcile_review(store, options, o, &s->problems);
	for (size_t i = 0; i < s->problems.n; i++)
		s->n_faults += s->problems.items[i].severity == SEVERITY_FAULT;
	if (s->n_faults && is_text(request, "operation", "UPDATE"))
		forgive(s, store, options, json_object_get(request, "oldObject"));
	object_unref(&o);
}

static bool is_to_be_judged(struct store *store, const struct reconcile_options *options, json_t *request)
{
	json_t *kind = json_object_get(request, "kind"), *object = json_object_get(request, "object");

	return is_text(kind, "group", "networking.k8s.io") && is_text(kind, "version", "v1") && is_text(kind, "kind", "Ingress") &&
		!text_of(request, "subResource").len &&
		(is_text(request, "operation", "CREATE") || is_text(request, "operation", "UPDATE")) && json_is_object(object) &&
		!text_of(json_object_get(object, "metadata"), "deletionTimestamp").len && is_ours(store, options, object);
}

static const char *why_bad(json_t *root, json_t *request)
{
	struct str uid = text_of(request, "uid");

	if (!is_text(root, "apiVersion", "admission.k8s.io/v1") || !is_text(root, "kind", "AdmissionReview"))
		return "this is no AdmissionReview of admission.k8s.io/v1 (admissionReviewVersions: [v1])";
	if (!json_is_object(request))
		return "the AdmissionReview has no request";
	return !uid.len || uid.len > MAX_UID ? "the request's uid is needed, of at most 128 bytes" : NULL;
}

enum review_result review_answer(
	struct store *store, const struct reconcile_options *options, struct str body, struct buf *out)
{
	struct saying s = {0};
	json_error_t error;
	json_t *root = body.len ? json_loadb(body.ptr, body.len, 0, &error) : NULL, *request = json_object_get(root, "request");
	const char *why = root ? why_bad(root, request) : "the body is no JSON";
	enum review_result result = REVIEW_BAD;

	if (why) {
		buf_printf(out, "%s\n", why);
	} else {
		if (is_to_be_judged(store, options, request))
			judge(&s, store, options, request);
		result = write_answer(&s, text_of(request, "uid"), out);
	}
	problems_deinit(&s.problems);
	json_decref(root);
	return result;
}
