/* Small after quiet, large in a run: two sizes and nothing between, for one step is all that clients notice. */
#include "record_size.h"

static uint32_t run_at(const struct record_size *r, uint64_t now_ms)
{
	return now_ms - r->last_ms < RECORD_IDLE_MS ? r->run : 0;
}

size_t record_size_next(const struct record_size *r, uint64_t now_ms)
{
	return run_at(r, now_ms) < RECORD_SMALL_RUN ? RECORD_SMALL : RECORD_MAX;
}

void record_size_sent(struct record_size *r, size_t bytes, uint64_t now_ms)
{
	uint32_t run = run_at(r, now_ms);

	r->run = bytes < RECORD_SMALL_RUN - run ? run + (uint32_t)bytes : RECORD_SMALL_RUN;
	r->last_ms = now_ms;
}
