/* Obeys the table: one Ingress in, typed values out, one problem for each annotation that is not obeyed as written. */
#include "annotation.h"

#include "mem.h"
#include "opt.h"

enum { MAX_WRITTEN = 64 * 1024 }; /* bytes of one annotation that are looked at for blocked words */

const struct annotation_row *annotation_find(struct str name, bool is_own)
{
	for (size_t i = 0; i < annotation_count(); i++) {
		if (annotation_rows[i].is_own == is_own && str_eq(str_from(annotation_rows[i].name), name))
			return &annotation_rows[i];
	}
	return NULL;
}

const struct annotation *annotation_get(const struct annotation_values *v, enum annotation_id id)
{
	for (size_t i = 0; i < v->n; i++) {
		if (v->items[i].id == id)
			return &v->items[i];
	}
	return NULL;
}

void annotation_values_deinit(struct annotation_values *v)
{
	arena_deinit(&v->arena);
	memset(v, 0, sizeof(*v));
}

/* One Ingress, and where its values and problems go. */
struct reading {
	const struct object *ingress;
	const struct annotation_options *options;
	struct annotation_values *out;
	struct problems *problems;
};

static void complain(const struct reading *r, enum severity severity, const struct pair *p, struct str rule, const char *fix,
	const char *effect)
{
	problems_add(r->problems, &(struct problem){.severity = severity, .object = r->ingress->key, .field = p->name,
		.value = p->value, .rule = rule, .fix = str_from(fix), .effect = str_from(effect)});
}

/* The value does not matter: it is the annotation itself. */
static void complain_name(const struct reading *r, enum severity severity, const struct pair *p, const char *rule, const char *fix,
	const char *effect)
{
	problems_add(r->problems, &(struct problem){.severity = severity, .object = r->ingress->key, .field = p->name,
		.rule = str_from(rule), .fix = str_from(fix), .effect = str_from(effect)});
}

static const char rejected_effect[] = "the Ingress is not taken; its last good form, if there is one, keeps serving";
static const char denied_effect[] = "the paths of the Ingress answer 503";

static void keep_first(struct str *kept, struct str name)
{
	if (kept->len == 0)
		*kept = name;
}

static void add_value(const struct reading *r, enum annotation_id id, const struct pair *p, const struct value *v)
{
	r->out->items[r->out->n++] = (struct annotation){id, *v, p->name, p->value};
}

static void refuse_value(const struct reading *r, enum annotation_id id, const struct pair *p)
{
	const struct annotation_row *row = &annotation_rows[id];
	struct buf rule = {0}, effect = {0};

	value_describe(&row->rule, &rule);
	switch (row->on_bad) {
	case BAD_FALLBACK:
		if (strcmp(row->default_text, "ConfigMap") == 0)
			buf_printf(&effect, "the value of the ConfigMap is used");
		else if (row->default_text[0])
			buf_printf(&effect, "the default '%s' is used", row->default_text);
		else
			buf_printf(&effect, "it is as if the annotation were not there");
		break;
	case BAD_FALSE:
		buf_printf(&effect, "it counts as false");
		add_value(r, id, p, &(struct value){0});
		break;
	case BAD_STRICT:
		buf_printf(&effect, "it counts as '%.*s'", (int)str_find(str_from(row->rule.words), '|'), row->rule.words);
		add_value(r, id, p, &(struct value){0});
		break;
	case BAD_DENY:
		buf_printf(&effect, "%s", denied_effect);
		keep_first(&r->out->denied_by, p->name);
		break;
	case BAD_REJECT:
		buf_printf(&effect, "%s", rejected_effect);
		keep_first(&r->out->rejected_by, p->name);
		break;
	}
	complain(r, SEVERITY_FAULT, p, buf_str(&rule), value_fix(&row->rule), buf_cstr(&effect));
	buf_deinit(&rule);
	buf_deinit(&effect);
}

/* An empty text counts as unset, but for lists that protect (an empty list would admit everybody or nobody) and BAD_FALSE. */
static bool is_unset(const struct annotation_row *row, struct str text)
{
	if (text.len > 0 || row->on_bad == BAD_FALSE)
		return false;
	return row->on_bad != BAD_DENY || strcmp(row->name, "whitelist-source-range") == 0;
}

/* Annotations that reach the proxies, which do not act on these values yet. */
static void complain_idle(const struct reading *r, enum annotation_id id, const struct pair *p)
{
	static const struct {
		enum annotation_id id;
		const char *value, *effect; /* value "": all but `harmless` */
		const char *harmless;
	} idle[] = {
		{ANNOTATION_BACKEND_PROTOCOL, "FCGI", "requests are answered 502", ""},
	};
	struct str value = str_trim(p->value);

	for (size_t i = 0; i < sizeof(idle) / sizeof(idle[0]); i++) {
		bool is_meant = idle[i].value[0] ? str_eq_nocase(value, str_from(idle[i].value))
						 : !str_eq(value, str_from(idle[i].harmless));

		if (idle[i].id == id && is_meant)
			complain(r, SEVERITY_WARN, p, STR("served yet"), "take it out, or leave it for a later release",
				idle[i].effect);
	}
}

static void read_served(const struct reading *r, enum annotation_id id, const struct pair *p)
{
	const struct annotation_row *row = &annotation_rows[id];
	struct value v;

	if (is_unset(row, p->value))
		return;
	if (!value_parse(&row->rule, p->value, &r->out->arena, &v) || (row->on_bad == BAD_DENY && v.n == 0)) {
		refuse_value(r, id, p);
		return;
	}
	add_value(r, id, p, &v);
	complain_idle(r, id, p);
}

static const char *risk_text(enum annotation_risk risk)
{
	static const char *const texts[] = {"Low", "Medium", "High", "Critical"};

	return texts[risk];
}

static void reject_risky(const struct reading *r, const struct annotation_row *row, const struct pair *p)
{
	struct buf rule = {0};
	struct buf fix = {0};

	buf_printf(&rule, "its risk is %s, and annotations-risk-level takes %s at most", risk_text(row->risk),
		risk_text(r->options->max_risk));
	if (row->status == STATUS_NOT_APPLICABLE)
		buf_printf(&fix, "take it out: %s", row->doc);
	else
		buf_printf(&fix, "take it out, or have annotations-risk-level raised in the ConfigMap");
	complain_name(r, SEVERITY_FAULT, p, buf_cstr(&rule), buf_cstr(&fix), rejected_effect);
	keep_first(&r->out->rejected_by, p->name);
	buf_deinit(&rule);
	buf_deinit(&fix);
}

static void deny_unenforced(const struct reading *r, const struct pair *p)
{
	if (p->value.len == 0)
		return;
	keep_first(&r->out->denied_by, p->name);
	complain_name(r, SEVERITY_FAULT, p, "it protects and is not enforced yet, so nobody gets through",
		"take it out if these paths may be open", denied_effect);
}

/* The known name that is most like `bare` under the same prefix, or NULL. */
static const char *nearest(struct str bare, bool is_own)
{
	const char **names = mem_calloc(annotation_count() + 1, sizeof(*names));
	char *word = mem_strdup(str_first(bare, 128));
	const char *near;
	size_t n = 0;

	for (size_t i = 0; i < annotation_count(); i++) {
		if (annotation_rows[i].is_own == is_own)
			names[n++] = annotation_rows[i].name;
	}
	near = opt_nearest(word, names);
	mem_free(word);
	mem_free(names);
	return near;
}

static void complain_unknown(const struct reading *r, struct str bare, bool is_own, const struct pair *p)
{
	const struct annotation_row *elsewhere = annotation_find(bare, !is_own);
	struct str own = STR(ANNOTATION_OWN_PREFIX);
	const char *near = nearest(bare, is_own);
	struct buf fix = {0};

	if (elsewhere)
		buf_printf(&fix, "did you mean %.*s/%s?", STR_ARG(is_own ? r->options->prefix : own), elsewhere->name);
	else if (near)
		buf_printf(&fix, "did you mean %s?", near);
	else
		buf_printf(&fix, "take it out");
	complain_name(r, SEVERITY_WARN, p, "no such annotation", buf_cstr(&fix), "it has no effect");
	buf_deinit(&fix);
}

/* annotation-value-word-blocklist: one hit keeps the whole Ingress out. */
static bool has_blocked_word(const struct reading *r, const struct pair *p)
{
	struct str text = str_first(p->value, MAX_WRITTEN);

	for (size_t i = 0; i < r->options->n_blocklist; i++) {
		struct buf rule = {0};

		if (str_find_str(text, r->options->blocklist[i]) == text.len)
			continue;
		buf_printf(&rule, "a text without '%.*s' (annotation-value-word-blocklist)",
			STR_ARG(r->options->blocklist[i]));
		complain(r, SEVERITY_FAULT, p, buf_str(&rule), "write it without this word", rejected_effect);
		keep_first(&r->out->rejected_by, p->name);
		buf_deinit(&rule);
		return true;
	}
	return false;
}

static void read_annotation(const struct reading *r, struct str bare, bool is_own, const struct pair *p)
{
	const struct annotation_row *row = annotation_find(bare, is_own);

	if (has_blocked_word(r, p))
		return;
	if (!row) {
		complain_unknown(r, bare, is_own, p);
		return;
	}
	if (row->risk > r->options->max_risk) {
		reject_risky(r, row, p);
		return;
	}
	switch (row->status) {
	case STATUS_SERVED:
		read_served(r, (enum annotation_id)(row - annotation_rows), p);
		return;
	case STATUS_NOT_YET:
		complain_name(r, SEVERITY_WARN, p, "known, and not served yet", "take it out, or leave it for a later release",
			"it has no effect yet");
		return;
	case STATUS_DENIES:
		deny_unenforced(r, p);
		return;
	case STATUS_NOT_APPLICABLE:
		complain_name(r, SEVERITY_WARN, p, row->doc, "take it out", "it has no effect");
		return;
	}
}

/* The annotation's name without `prefix` and the slash; "" when it stands under another one. */
static struct str name_under(struct str name, struct str prefix)
{
	if (name.len > prefix.len && str_starts_with(name, prefix) && name.ptr[prefix.len] == '/')
		return str_from_index(name, prefix.len + 1);
	return STR("");
}

void annotation_parse(const struct object *ingress, const struct annotation_options *options, struct annotation_values *out,
	struct problems *problems)
{
	struct reading r = {ingress, options, out, problems};

	memset(out, 0, sizeof(*out));
	out->arena.block_size = 512; /* most Ingresses have few annotations, and there are many Ingresses */
	if (ingress->n_annotations > 0)
		out->items = arena_alloc(&out->arena, ingress->n_annotations * sizeof(*out->items));
	for (size_t i = 0; i < ingress->n_annotations; i++) {
		const struct pair *p = &ingress->annotations[i];
		struct str theirs = name_under(p->name, options->prefix), own = name_under(p->name, STR(ANNOTATION_OWN_PREFIX));

		/* an options prefix that is ours too: the name says which is meant */
		if (own.len && (!theirs.len || annotation_find(own, true)))
			read_annotation(&r, own, true, p);
		else if (theirs.len)
			read_annotation(&r, theirs, false, p);
	}
}

void annotation_document(struct buf *out)
{
	static const char *const scopes[] = {"path", "host", "backend", "Ingress"};
	static const char *const bads[] = {"falls back", "counts as false", "counts as the first", "paths answer 503", "Ingress is not taken"};

	buf_printf(out, "| annotation | acts on | tier | status | risk | default | value | bad value | meaning |\n"
			"| --- | --- | --- | --- | --- | --- | --- | --- | --- |\n");
	for (size_t i = 0; i < annotation_count(); i++) {
		const struct annotation_row *row = &annotation_rows[i];
		bool is_served = row->status == STATUS_SERVED;

		buf_printf(out, "| `%s%s` | %s | %s | %s | %s | %s | ", row->is_own ? ANNOTATION_OWN_PREFIX "/" : "",
			row->name, scopes[row->scope], value_tier_text(row->tier), value_status_text(row->status), risk_text(row->risk), row->default_text);
		if (is_served)
			value_describe(&row->rule, out);
		buf_printf(out, " | %s | %s |\n", is_served ? bads[row->on_bad] : "", row->doc);
	}
}
