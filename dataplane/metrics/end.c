/* The words of the end reasons, and the limits behind them. */
#include "end.h"

#include <assert.h>

#define ROW(id, word, is_fault, doc) [id] = {{word, sizeof(word) - 1}, doc, is_fault},
static const struct {
	struct str word;
	const char *doc;
	bool is_fault;
} ends[END_COUNT] = {END_REASONS(ROW)};

#define LIMIT(id, key) [id] = {key, sizeof(key) - 1},
static const struct str limits[END_COUNT] = {END_LIMITS(LIMIT)};

struct str end_word(enum end_reason reason)
{
	assert(reason < END_COUNT);
	return ends[reason].word;
}

const char *end_doc(enum end_reason reason)
{
	assert(reason < END_COUNT);
	return ends[reason].doc;
}

bool end_is_fault(enum end_reason reason)
{
	assert(reason < END_COUNT);
	return ends[reason].is_fault;
}

struct str end_limit(enum end_reason reason)
{
	assert(reason < END_COUNT);
	return limits[reason];
}
