/* One snapshot: a content set, its id, and where its values came from. */
#include "snapshot.h"

#include "mem.h"

struct snapshot *snapshot_create(struct content *content, uint64_t built_ms)
{
	struct snapshot *s = mem_zalloc(sizeof(*s));

	s->refs = 1;
	s->content = content;
	s->id = content_id(content);
	s->built_ms = built_ms;
	return s;
}

void snapshot_set_origins(struct snapshot *s, struct origins *origins)
{
	origins_unref(&s->origins);
	s->origins = origins_ref(origins);
}

void snapshot_forget_origins(struct snapshot *s)
{
	origins_unref(&s->origins);
}

struct snapshot *snapshot_ref(struct snapshot *s)
{
	s->refs++;
	return s;
}

void snapshot_unref(struct snapshot **s)
{
	struct snapshot *gone = *s;

	*s = NULL;
	if (!gone || --gone->refs)
		return;
	content_destroy(gone->content);
	origins_unref(&gone->origins);
	mem_free(gone);
}
