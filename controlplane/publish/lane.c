/* A lane is set, and hands what is to be served to its proxies. */
#include "lane.h"

#include "log.h"
#include "mem.h"
#include "operate.h"
#include "proxies.h"

enum { BLOBS_KEPT = 8, BLOB_BYTES_KEPT = 64 * 1024 * 1024 };

#define PROXY_URI "spiffe://weirlock/proxy/"

void lane_init(struct lane *l, struct publish *p, size_t index, const struct publish_pool *pool)
{
	l->publish = p;
	l->index = index;
	l->name = mem_strdup(str_from(pool->name));
	l->what = mem_strdup(str_from(pool->what ? pool->what : ""));
	l->history = history_create(p->options.history_limit);
	l->pushes = blobs_create(BLOBS_KEPT, BLOB_BYTES_KEPT);
	l->has_own_archive = !pool->archive;
	l->archive = pool->archive ? pool->archive : archive_create(p->options.history_limit, 0);
}

void lane_deinit(struct lane *l)
{
	operate_pin_deinit(l);
	roll_deinit(&l->roll);
	ways_forget(&l->ways);
	snapshot_unref(&l->current);
	history_destroy(l->history);
	blobs_destroy(l->pushes);
	if (l->has_own_archive)
		archive_destroy(l->archive);
	mem_free(l->name);
	mem_free(l->what);
}

bool lane_serve(struct lane *l, struct snapshot *s)
{
	struct publish *p = l->publish;
	char id[16];

	if (l->current && content_id_eq(&l->current->id, &s->id))
		return false;
	history_add(l->history, s); /* false: it is what was tried last */
	ways_forget(&l->ways);
	snapshot_unref(&l->current);
	l->current = snapshot_ref(s);
	log_info("publish", "snapshot id=%s resources=%zu put=%u drop=%u pool=%s proxies=%zu", content_id_text(&s->id, id),
		content_count(s->content), s->n_put, s->n_drop, l->name, publish_count(l));
	operate_built(l);
	fan_out(&p->fan);
	return true;
}

bool lane_set(struct lane *l, struct snapshot *live)
{
	const struct snapshot *tried = l->roll.next;
	struct snapshot *s;
	bool is_new;

	archive_add(l->archive, live);
	s = roll_choose(l, operate_choose(l, live));
	is_new = lane_serve(l, s);
	snapshot_unref(&s);
	return is_new || l->roll.next != tried;
}

struct lane *lane_find(struct publish *p, struct str pool)
{
	for (size_t i = 0; i < p->n_lanes; i++) {
		if (str_eq(str_from(p->lanes[i].name), pool))
			return &p->lanes[i];
	}
	return NULL;
}

struct str lane_pool_of(const char *identity)
{
	struct str uri = str_from(identity);

	return str_starts_with(uri, STR(PROXY_URI)) ? str_from_index(uri, sizeof(PROXY_URI) - 1) : STR(PUBLISH_DEFAULT_POOL);
}

struct lane *lane_of_identity(struct publish *p, const char *identity)
{
	return lane_find(p, lane_pool_of(identity));
}
