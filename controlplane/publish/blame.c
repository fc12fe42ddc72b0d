/*
 * Who wrote an object, field by field, and since when a host is as it is. The objects are asked for one by one, where they come
 * from; the answer is sent when the last one is told of.
 */
#include <string.h>

#include "mem.h"
#include "operate.h"

enum { OBJECTS_MAX = 32, OBJECT_NAME_MAX = 600, MANAGED_MAX = 256 * 1024 };

struct blaming {
	struct rpc_call *call; /* NULL: nobody waits any more */
	size_t n_open;         /* objects, and the one who asks */
	size_t n_bytes;        /* of managedFields so far */
	struct arena arena;
	Weirlock__V1__BlameResponse response;
};

/* One object that is asked for. */
struct asked {
	struct blaming *blaming;
	Weirlock__V1__BlamedObject *message;
};

static void end_one(struct blaming *b)
{
	if (--b->n_open)
		return;
	if (b->call)
		rpc_call_answer(b->call, &b->response.base);
	arena_deinit(&b->arena);
	mem_free(b);
}

static void on_found(void *owner, const struct publish_found *found)
{
	struct asked *asked = owner; /* in the arena */
	struct blaming *b = asked->blaming;
	Weirlock__V1__BlamedObject *m = asked->message;

	m->origin = arena_text(&b->arena, found->origin);
	m->resource_version = arena_text(&b->arena, found->resource_version);
	m->created_s = found->created_s;
	m->changed_ms = found->changed_ms;
	if (b->n_bytes + found->managed.len > MANAGED_MAX) {
		m->why_not = arena_text(&b->arena, STR("managedFields are too large"));
	} else {
		m->why_not = arena_text(&b->arena, found->why);
		m->managed_fields = arena_text(&b->arena, found->managed);
		b->n_bytes += found->managed.len;
	}
	end_one(b);
}

static void ask(struct operate *o, struct blaming *b, const char *object)
{
	struct asked *asked = arena_alloc(&b->arena, sizeof(*asked));
	const struct publish_options *options = &o->publish->options;

	*asked = (struct asked){b, arena_alloc(&b->arena, sizeof(*asked->message))};
	weirlock__v1__blamed_object__init(asked->message);
	asked->message->object = arena_text(&b->arena, str_from(object));
	b->response.objects[b->response.n_objects++] = asked->message;
	b->n_open++;
	if (options->look_up)
		options->look_up(options->data, str_from(asked->message->object), on_found, asked);
	else
		on_found(asked, &(struct publish_found){.why = STR("nobody can tell")});
}

/* The snapshot in which the host became what it is. */
static bool add_since_of(const struct archive *archive, struct blaming *b, const char *host)
{
	const struct archive_entry *e;
	size_t index;

	if (!archive_changed(archive, WEIRLOCK__V1__KIND__KIND_HOST, str_from(host), &index))
		return false;
	e = archive_at(archive, index);
	b->response.since_id.len = sizeof(e->id.bytes);
	b->response.since_id.data = arena_alloc(&b->arena, sizeof(e->id.bytes));
	memcpy(b->response.since_id.data, e->id.bytes, sizeof(e->id.bytes));
	b->response.since_ms = e->built_ms;
	b->response.is_oldest = !archive_at(archive, index + 1);
	return true;
}

/* In the pool that is named, or the first that serves it. */
static void add_since(struct operate *o, struct blaming *b, const Weirlock__V1__BlameRequest *request)
{
	const struct publish *p = o->publish;

	for (size_t i = 0; i < p->n_lanes; i++) {
		if ((!request->pool[0] || !strcmp(request->pool, p->lanes[i].name)) && add_since_of(p->lanes[i].archive, b, request->host))
			return;
	}
}

static void on_gone(void *data, struct rpc_call *call)
{
	struct blaming *b = data;

	(void)call;
	b->call = NULL;
}

void operate__blame(Weirlock__V1__Operate_Service *service, const Weirlock__V1__BlameRequest *request,
	Weirlock__V1__BlameResponse_Closure closure, void *closure_data)
{
	struct operate *o = container_of(service, struct operate, service);
	struct blaming *b;

	(void)closure;
	for (size_t i = 0; i < request->n_objects; i++) {
		if (request->n_objects > OBJECTS_MAX || strlen(request->objects[i]) > OBJECT_NAME_MAX) {
			rpc_call_fail(rpc_call_of(closure_data), RPC_INVALID_ARGUMENT, "at most %d objects can be asked for", OBJECTS_MAX);
			return;
		}
	}
	b = mem_zalloc(sizeof(*b));
	b->call = rpc_call_of(closure_data);
	b->n_open = 1;
	weirlock__v1__blame_response__init(&b->response);
	b->response.objects = arena_alloc(&b->arena, (request->n_objects + 1) * sizeof(*b->response.objects));
	rpc_call_hold(b->call, on_gone, b);
	add_since(o, b, request);
	for (size_t i = 0; i < request->n_objects; i++)
		ask(o, b, request->objects[i]);
	end_one(b);
}
