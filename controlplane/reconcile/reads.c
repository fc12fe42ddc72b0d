/* What a part reads of the cluster beyond what the store sees by itself, so that a change of it builds the part again. */
#include "pass.h"

#include "mem.h"

void pass_note(struct reconcile *pass, struct str key)
{
	struct reads *r = pass->reads;

	if (!r || (r->n && str_eq(r->keys[r->n - 1], key)))
		return;
	r->keys = mem_grow(r->keys, &r->cap, r->n + 1, sizeof(*r->keys));
	r->keys[r->n++] = arena_str(&r->arena, key);
}

const struct object *pass_object(struct reconcile *pass, enum object_kind kind, struct str namespace_, struct str name)
{
	struct buf key = {0};

	if (pass->reads) {
		object_key(kind, namespace_, name, &key);
		pass_note(pass, buf_str(&key));
		buf_deinit(&key);
	}
	return store_get(pass->untracked, kind, namespace_, name);
}

struct object_list pass_host(struct reconcile *pass, struct str host)
{
	struct buf key = {0};

	if (pass->reads) {
		buf_printf(&key, "Host %.*s", STR_ARG(host));
		pass_note(pass, buf_str(&key));
		buf_deinit(&key);
	}
	return store_host_ingresses(pass->untracked, host);
}

void reads_clear(struct reads *r)
{
	arena_reset(&r->arena);
	r->n = 0;
}

void reads_deinit(struct reads *r)
{
	arena_deinit(&r->arena);
	mem_free(r->keys);
	*r = (struct reads){0};
}
