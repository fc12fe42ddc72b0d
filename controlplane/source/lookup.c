/* A list of calls, so that all of them can be ended. */
#include "lookup.h"

#include "answer.h"
#include "mem.h"
#include "where.h"

enum { ANSWER_MAX = 8 * 1024 * 1024, SILENCE_S = 10 };

struct lookup {
	struct lookup *next;
	struct lookups *all;
	enum object_kind kind;
	struct kubeapi_call *call;
	lookup_fn *done;
	void *owner;
};

struct lookups {
	struct kubeapi *api;
	struct lookup *first;
};

struct lookups *lookups_create(struct kubeapi *api)
{
	struct lookups *l = mem_zalloc(sizeof(*l));

	l->api = api;
	return l;
}

static void take_out(struct lookup *one)
{
	struct lookup **place = &one->all->first;

	while (*place != one)
		place = &(*place)->next;
	*place = one->next;
}

static void on_answer(void *owner, const struct kubeapi_result *r)
{
	struct lookup *one = owner;
	struct page page;
	struct buf why = {0};

	take_out(one);
	if (r->error || r->status != 200) {
		buf_printf(&why, "the API server says %u", r->status);
		if (r->error)
			buf_printf(&why, "; %s", r->why);
		one->done(one->owner, NULL, buf_cstr(&why));
	} else if (!page_read(r->body, one->kind, &page)) {
		one->done(one->owner, NULL, "the answer is not what an API server says");
	} else {
		json_t *object = json_array_get(page.items, 0);

		one->done(one->owner, object, object ? "" : "there is no such object");
		page_end(&page);
	}
	buf_deinit(&why);
	mem_free(one);
}

void lookups_start(struct lookups *l, enum object_kind kind, struct str namespace_, struct str name, lookup_fn *done, void *owner)
{
	const struct scope scope = {.kind = kind, .namespace_ = namespace_, .name = name};
	struct lookup *one = mem_zalloc(sizeof(*one));
	struct buf path = {0};

	*one = (struct lookup){.next = l->first, .all = l, .kind = kind, .done = done, .owner = owner};
	l->first = one;
	scope_add_path(&scope, &path);
	one->call = kubeapi_start(l->api,
		&(struct kubeapi_request){.path = buf_str(&path), .max_bytes = ANSWER_MAX, .silence_s = SILENCE_S, .on_done = on_answer,
			.owner = one});
	buf_deinit(&path);
}

void lookups_destroy(struct lookups *l)
{
	if (!l)
		return;
	while (l->first) {
		struct lookup *one = l->first;

		take_out(one);
		kubeapi_cancel(one->call);
		one->done(one->owner, NULL, "the controller stops");
		mem_free(one);
	}
	mem_free(l);
}
