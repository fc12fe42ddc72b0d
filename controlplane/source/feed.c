/* One table of what follows what, and the back-off. */
#include "feed.h"

#include <errno.h>
#include <stdlib.h>

enum { FIRST_WAIT_MS = 200, MAX_WAIT_MS = 10 * 1000, REFUSED_WAIT_MS = 1000, MAX_REFUSED_WAIT_MS = 30 * 1000, MAX_WISH_S = 60 };
enum { LASTING = 3, LIST_AFTER = 3, LIST_AFTER_GARBLED = 2 };

enum feed_outcome feed_outcome_of(int error, unsigned status, unsigned code, bool is_garbled)
{
	unsigned said = code ? code : status;

	if (error == -EMSGSIZE)
		return FEED_TOO_LARGE;
	if (is_garbled)
		return FEED_GARBLED;
	switch (said == 200 ? 0 : said) {
	case 0:
		break;
	case 410:
		return FEED_EXPIRED;
	case 403:
		return FEED_FORBIDDEN;
	case 401:
		return FEED_UNAUTHORIZED;
	case 404:
		return FEED_NOT_FOUND;
	default:
		return FEED_REFUSED;
	}
	if (error == -ETIMEDOUT)
		return FEED_SILENT;
	return error ? FEED_LOST : FEED_FINE;
}

const char *feed_outcome_text(enum feed_outcome outcome)
{
	switch (outcome) {
	case FEED_FINE:
		return "it works";
	case FEED_EXPIRED:
		return "the version is too old (410)";
	case FEED_FORBIDDEN:
		return "it is forbidden (403)";
	case FEED_UNAUTHORIZED:
		return "the credentials are not taken (401)";
	case FEED_NOT_FOUND:
		return "the kind is not known (404)";
	case FEED_REFUSED:
		return "it is refused";
	case FEED_LOST:
		return "there is no whole answer";
	case FEED_SILENT:
		return "the server has gone silent";
	case FEED_TOO_LARGE:
		return "the answer is too large";
	case FEED_GARBLED:
		return "the answer is not what an API server says";
	}
	abort();
}

/* A second thought: half of the time is sure, half is chance, so that many do not come back at once. */
static unsigned back_off(unsigned n_failures, unsigned first_ms, unsigned max_ms, uint32_t chance)
{
	unsigned shift = n_failures > 1 ? n_failures - 1 : 0;
	unsigned ms = shift > 16 ? max_ms : first_ms << shift;

	if (ms > max_ms)
		ms = max_ms;
	return ms / 2 + chance % (ms / 2 + 1);
}

static unsigned wait_after(const struct feed_state *s, const struct feed_end *end, uint32_t chance)
{
	unsigned wish_ms = (end->retry_after_s > MAX_WISH_S ? MAX_WISH_S : end->retry_after_s) * 1000, ms;

	switch (end->outcome) {
	case FEED_FORBIDDEN:
	case FEED_UNAUTHORIZED:
	case FEED_NOT_FOUND:
		ms = back_off(s->n_failures, REFUSED_WAIT_MS, MAX_REFUSED_WAIT_MS, chance);
		break;
	case FEED_FINE:
	case FEED_EXPIRED:
	case FEED_REFUSED:
	case FEED_LOST:
	case FEED_SILENT:
	case FEED_TOO_LARGE:
	case FEED_GARBLED:
		ms = back_off(s->n_failures, FIRST_WAIT_MS, MAX_WAIT_MS, chance);
		break;
	default:
		abort();
	}
	return ms > wish_ms ? ms : wish_ms + chance % 1000;
}

static struct feed_next after_list(struct feed_state *s, const struct feed_end *end, uint32_t chance)
{
	if (end->outcome == FEED_FINE && !end->is_last_page)
		return (struct feed_next){FEED_LIST_ON, 0};
	if (end->outcome == FEED_FINE) { /* failures are forgotten when the watch has lived, or 410 and list would spin */
		s->is_listed = true;
		return (struct feed_next){FEED_WATCH, 0};
	}
	if (end->outcome == FEED_TOO_LARGE && s->limit > 1) {
		s->limit = s->limit > 4 ? s->limit / 4 : 1;
		return (struct feed_next){FEED_LIST, 0};
	}
	s->n_failures++;
	return (struct feed_next){FEED_LIST, wait_after(s, end, chance)};
}

/* What was the matter decides whether the last version is still good enough to go on from. */
static enum feed_step step_after_watch(const struct feed_state *s, enum feed_outcome outcome)
{
	switch (outcome) {
	case FEED_EXPIRED:
	case FEED_FORBIDDEN:
	case FEED_UNAUTHORIZED:
	case FEED_NOT_FOUND:
		return FEED_LIST; /* also to see that it is granted again */
	case FEED_REFUSED:
		return s->n_failures >= LIST_AFTER ? FEED_LIST : FEED_WATCH;
	case FEED_TOO_LARGE:
	case FEED_GARBLED:
		return s->n_failures >= LIST_AFTER_GARBLED ? FEED_LIST : FEED_WATCH;
	case FEED_FINE:
	case FEED_LOST:
	case FEED_SILENT:
		return FEED_WATCH;
	}
	abort();
}

static struct feed_next after_watch(struct feed_state *s, const struct feed_end *end, uint32_t chance)
{
	bool is_usual = end->outcome == FEED_FINE || end->outcome == FEED_LOST || end->outcome == FEED_SILENT ||
		end->outcome == FEED_EXPIRED;

	if (end->has_lived)
		s->n_failures = 0;
	if (end->has_lived && is_usual)
		return (struct feed_next){step_after_watch(s, end->outcome), 0};
	s->n_failures++;
	if (end->outcome == FEED_EXPIRED && s->n_failures == 1)
		return (struct feed_next){FEED_LIST, 0};
	return (struct feed_next){step_after_watch(s, end->outcome), wait_after(s, end, chance)};
}

struct feed_next feed_advance(struct feed_state *s, const struct feed_end *end, uint32_t chance)
{
	return end->was == FEED_WATCH ? after_watch(s, end, chance) : after_list(s, end, chance);
}

bool feed_is_trouble(const struct feed_state *s, enum feed_outcome outcome)
{
	switch (outcome) {
	case FEED_FORBIDDEN:
	case FEED_UNAUTHORIZED:
	case FEED_NOT_FOUND:
		return true;
	case FEED_FINE:
		return false;
	case FEED_EXPIRED:
	case FEED_REFUSED:
	case FEED_LOST:
	case FEED_SILENT:
	case FEED_TOO_LARGE:
	case FEED_GARBLED:
		return s->n_failures >= LASTING;
	}
	abort();
}
