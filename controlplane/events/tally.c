/* A map with a bound, and a bucket that fills by itself. */
#include "tally.h"

#include "mem.h"

struct tally_entry {
	unsigned count;
	uint64_t written_ms;
};

static void forget_all(struct tally *t)
{
	size_t cursor = 0;
	void *entry;

	while (map_next(&t->told, &cursor, NULL, &entry))
		mem_free(entry);
	map_deinit(&t->told);
}

void tally_deinit(struct tally *t)
{
	forget_all(t);
}

unsigned tally_tell(struct tally *t, struct str key, uint64_t now_ms)
{
	struct tally_entry *e = map_get(&t->told, key);

	if (!e) {
		if (t->told.n >= TALLY_KEYS) /* what is told again then has the same name, and is not there twice */
			forget_all(t);
		e = mem_zalloc(sizeof(*e));
		map_put(&t->told, key, e);
	}
	e->count++;
	if (e->count > 1 && now_ms < e->written_ms + TALLY_AGAIN_MS)
		return 0;
	e->written_ms = now_ms;
	return e->count;
}

static void fill(struct tally *t, uint64_t now_ms)
{
	uint64_t most = (uint64_t)TALLY_BURST * 1000, more = (now_ms - t->tokens_ms) * TALLY_PER_S;

	if (!t->tokens_ms || t->tokens + more > most)
		t->tokens = most;
	else
		t->tokens += more;
	t->tokens_ms = now_ms;
}

bool tally_may_write(struct tally *t, uint64_t now_ms)
{
	fill(t, now_ms);
	if (t->tokens < 1000)
		return false;
	t->tokens -= 1000;
	return true;
}

uint64_t tally_wait_ms(struct tally *t, uint64_t now_ms)
{
	fill(t, now_ms);
	return t->tokens >= 1000 ? 0 : (1000 - t->tokens + TALLY_PER_S - 1) / TALLY_PER_S;
}
