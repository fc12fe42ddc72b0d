/* source → intake → store → reconcile, once, without a loop. */
#include "manifests.h"

#include <stdlib.h>

#include "clock.h"
#include "command.h"
#include "config.h"
#include "content_wire.h"
#include "intake.h"
#include "mem.h"
#include "reconcile.h"
#include "snapshot.h"
#include "source.h"
#include "store.h"

static void on_event(void *owner, const struct source_event *event)
{
	intake_take(owner, event);
}

static void set_options(const struct target *t, struct reconcile_options *options)
{
	reconcile_options_init(options);
	if (t->ingress_class)
		options->ingress_class = str_from(t->ingress_class);
	if (t->configmap)
		options->configmap = str_from(t->configmap);
	options->now_s = (int64_t)(clock_wall_ms() / 1000);
}

static char *copy(struct str s)
{
	char *text = malloc(s.len + 1); /* freed by protobuf-c */

	if (!text)
		abort();
	memcpy(text, s.ptr, s.len);
	text[s.len] = '\0';
	return text;
}

static Weirlock__V1__Problem *problem_message(const struct problem *p)
{
	Weirlock__V1__Problem *m = malloc(sizeof(*m));

	if (!m)
		abort();
	weirlock__v1__problem__init(m);
	m->severity = p->severity == SEVERITY_FAULT ? WEIRLOCK__V1__SEVERITY__SEVERITY_ERROR
						    : WEIRLOCK__V1__SEVERITY__SEVERITY_WARNING;
	m->object = copy(p->object);
	m->field = copy(p->field);
	m->value = copy(p->value);
	m->rule = copy(p->rule);
	m->fix = copy(p->fix);
	m->effect = copy(p->effect);
	return m;
}

static Weirlock__V1__ProblemsResponse *problems_message(const struct problems *list)
{
	Weirlock__V1__ProblemsResponse *m = malloc(sizeof(*m));

	if (!m)
		abort();
	weirlock__v1__problems_response__init(m);
	m->problems = calloc(list->n + 1, sizeof(*m->problems));
	if (!m->problems)
		abort();
	for (size_t i = 0; i < list->n; i++)
		m->problems[m->n_problems++] = problem_message(&list->items[i]);
	return m;
}

/* The snapshot's origins as messages whose texts are borrowed from it. */
static Weirlock__V1__Origin **origin_messages(const struct snapshot *s, struct arena *arena, size_t *n)
{
	Weirlock__V1__Origin **list = arena_alloc(arena, (s->n_origins + 1) * sizeof(*list));

	*n = 0;
	for (size_t i = 0; i < s->n_origins; i++) {
		const struct provenance *p = &s->origins[i];
		Weirlock__V1__Provenance *value = arena_alloc(arena, sizeof(*value));
		Weirlock__V1__Origin *last = *n ? list[*n - 1] : NULL;

		if (!last || (uint32_t)last->ref->kind != p->kind || !str_eq(str_from(last->ref->name), p->name)) {
			last = arena_alloc(arena, sizeof(*last));
			weirlock__v1__origin__init(last);
			last->ref = arena_alloc(arena, sizeof(*last->ref));
			weirlock__v1__ref__init(last->ref);
			last->ref->kind = (Weirlock__V1__Kind)p->kind;
			last->ref->name = arena_alloc(arena, p->name.len + 1);
			memcpy(last->ref->name, arena_cstr(arena, p->name), p->name.len + 1);
			last->values = arena_alloc(arena, (s->n_origins - i) * sizeof(*last->values));
			list[(*n)++] = last;
		}
		weirlock__v1__provenance__init(value);
		value->field = (char *)(uintptr_t)arena_cstr(arena, p->field);
		value->object = (char *)(uintptr_t)arena_cstr(arena, p->object);
		value->key = (char *)(uintptr_t)arena_cstr(arena, p->key);
		value->value = (char *)(uintptr_t)arena_cstr(arena, p->value);
		last->values[last->n_values++] = value;
	}
	return list;
}

static int pack(const struct snapshot *s, struct buf *packed)
{
	struct content_pack_options options = {.built_ms = s->built_ms, .is_redacted = true};
	struct arena arena = {0};
	bool is_packed;

	options.origins = origin_messages(s, &arena, &options.n_origins);
	is_packed = content_pack(s->content, &options, packed);
	arena_deinit(&arena);
	return is_packed ? 0 : command_fail(EXIT_BAD_INPUT, "the snapshot is too large to print");
}

/* What the controller made must be what a proxy takes: a refusal here is a defect of ours, and is said as such. */
static void add_refusals(struct content *content, struct problems *problems)
{
	struct config_errors errors = {0};
	const struct generation *g = config_compile(content, NULL, &errors);

	for (size_t i = 0; !g && i < errors.n; i++)
		problems_add(problems, &(struct problem){.severity = SEVERITY_FAULT,
					       .object = errors.items[i].name,
					       .field = STR("resource"),
					       .rule = errors.items[i].reason,
					       .fix = STR("please report this: the controller made what the proxy refuses"),
					       .effect = STR("proxies keep their last good snapshot")});
	if (g)
		generation_unref(&g);
	config_errors_deinit(&errors);
}

int manifests_compile(struct target *t, struct buf *packed, Weirlock__V1__ProblemsResponse **problems)
{
	struct store *store = store_create();
	struct reconcile_options options;
	struct intake *intake = intake_create(store, &options);
	struct buf error = {0};
	struct problems found = {0};
	int status = 0;

	set_options(t, &options);
	if (source_files_load(t->manifests.items, t->manifests.n, on_event, intake, &error) != 0) {
		status = command_fail(EXIT_BAD_INPUT, "%s", buf_cstr(&error));
	} else {
		struct snapshot *s;

		intake_retry(intake);
		s = reconcile_build(store, &options, clock_wall_ms(), NULL, &found);
		store_problems(store, &found);
		add_refusals(s->content, &found);
		problems_sort(&found);
		if (packed)
			status = pack(s, packed);
		if (problems)
			*problems = problems_message(&found);
		snapshot_unref(&s);
	}
	problems_deinit(&found);
	intake_destroy(intake);
	store_destroy(store);
	buf_deinit(&error);
	return status;
}
