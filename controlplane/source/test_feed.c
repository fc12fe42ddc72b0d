/* What a list-and-watch does next: each kind of end, in rows of ends. */
#include "feed.h"

#include <errno.h>

#include "check.h"

static const struct {
	const char *name;
	int error;
	unsigned status, code;
	bool is_garbled;
	enum feed_outcome want;
} outcomes[] = {
	{"fine", 0, 200, 0, false, FEED_FINE},
	{"410 as an event of a 200", 0, 200, 410, false, FEED_EXPIRED},
	{"410 as a status", 0, 410, 410, false, FEED_EXPIRED},
	{"410 counts though the stream was cut", -ECONNRESET, 200, 410, false, FEED_EXPIRED},
	{"cut", -ECONNRESET, 200, 0, false, FEED_LOST},
	{"no server", -ECONNREFUSED, 0, 0, false, FEED_LOST},
	{"silent", -ETIMEDOUT, 200, 0, false, FEED_SILENT},
	{"401", 0, 401, 401, false, FEED_UNAUTHORIZED},
	{"403 without a body", 0, 403, 0, false, FEED_FORBIDDEN},
	{"404", 0, 404, 404, false, FEED_NOT_FOUND},
	{"429", 0, 429, 0, false, FEED_REFUSED},
	{"500", 0, 500, 500, false, FEED_REFUSED},
	{"an error event other than 410", 0, 200, 500, false, FEED_REFUSED},
	{"garbled", 0, 200, 0, true, FEED_GARBLED},
	{"too large", -EMSGSIZE, 200, 0, false, FEED_TOO_LARGE},
};

#define MORE {FEED_LIST, FEED_FINE, false, false, 0}
#define LAST {FEED_LIST, FEED_FINE, true, false, 0}
#define LIST_END(outcome) {FEED_LIST, outcome, false, false, 0}
#define LIVED(outcome) {FEED_WATCH, outcome, false, true, 0}
#define SHORT(outcome) {FEED_WATCH, outcome, false, false, 0}

/* Chance is 0: the shortest wait, half of the full one. The last end's answer is looked at. */
static const struct {
	const char *name;
	struct feed_end ends[6];
	size_t n;
	struct feed_next want;
	unsigned limit;
	bool is_listed, is_trouble;
} rows[] = {
	{"a page of several", {MORE}, 1, {FEED_LIST_ON, 0}, 500, false, false},
	{"the last page", {MORE, LAST}, 2, {FEED_WATCH, 0}, 500, true, false},
	{"a watch ends as it should", {LAST, LIVED(FEED_FINE)}, 2, {FEED_WATCH, 0}, 500, true, false},
	{"a watch that ends at once, again and again, slows down", {LAST, SHORT(FEED_FINE), SHORT(FEED_FINE)}, 3, {FEED_WATCH, 200},
		500, true, false},
	{"a server that restarts: the watch is cut", {LAST, LIVED(FEED_LOST)}, 2, {FEED_WATCH, 0}, 500, true, false},
	{"… and nobody answers", {LAST, LIVED(FEED_LOST), SHORT(FEED_LOST)}, 3, {FEED_WATCH, 100}, 500, true, false},
	{"… for long", {LAST, SHORT(FEED_LOST), SHORT(FEED_LOST), SHORT(FEED_LOST)}, 4, {FEED_WATCH, 400}, 500, true, true},
	{"silence is no failure of a watch that lived", {LAST, LIVED(FEED_SILENT)}, 2, {FEED_WATCH, 0}, 500, true, false},
	{"410: list at once", {LAST, SHORT(FEED_EXPIRED)}, 2, {FEED_LIST, 0}, 500, true, false},
	{"410 right after the list does not spin", {LAST, SHORT(FEED_EXPIRED), LAST, SHORT(FEED_EXPIRED)}, 4, {FEED_LIST, 200}, 500,
		true, false},
	{"a watch that lived makes all good", {LAST, SHORT(FEED_EXPIRED), LAST, LIVED(FEED_FINE), SHORT(FEED_EXPIRED)}, 5,
		{FEED_LIST, 0}, 500, true, false},
	{"410 within a list begins again", {MORE, LIST_END(FEED_EXPIRED)}, 2, {FEED_LIST, 100}, 500, false, false},
	{"403 at the start", {LIST_END(FEED_FORBIDDEN)}, 1, {FEED_LIST, 500}, 500, false, true},
	{"403 for long", {LIST_END(FEED_FORBIDDEN), LIST_END(FEED_FORBIDDEN), LIST_END(FEED_FORBIDDEN), LIST_END(FEED_FORBIDDEN),
				 LIST_END(FEED_FORBIDDEN), LIST_END(FEED_FORBIDDEN)},
		6, {FEED_LIST, 15000}, 500, false, true},
	{"403 of a watch: a list will tell when it is granted", {LAST, LIVED(FEED_FORBIDDEN)}, 2, {FEED_LIST, 500}, 500, true, true},
	{"401", {LAST, SHORT(FEED_UNAUTHORIZED)}, 2, {FEED_LIST, 500}, 500, true, true},
	{"429 with a wish", {{FEED_LIST, FEED_REFUSED, false, false, 7}}, 1, {FEED_LIST, 7000}, 500, false, false},
	{"a wish has its bound", {{FEED_LIST, FEED_REFUSED, false, false, 4000}}, 1, {FEED_LIST, 60000}, 500, false, false},
	{"500 of a watch", {LAST, SHORT(FEED_REFUSED)}, 2, {FEED_WATCH, 100}, 500, true, false},
	{"500 of a watch three times", {LAST, SHORT(FEED_REFUSED), SHORT(FEED_REFUSED), SHORT(FEED_REFUSED)}, 4, {FEED_LIST, 400}, 500,
		true, true},
	{"one garbled line", {LAST, LIVED(FEED_GARBLED)}, 2, {FEED_WATCH, 100}, 500, true, false},
	{"two garbled lines", {LAST, SHORT(FEED_GARBLED), SHORT(FEED_GARBLED)}, 3, {FEED_LIST, 200}, 500, true, false},
	{"a page that is too large is asked for in smaller ones", {LIST_END(FEED_TOO_LARGE)}, 1, {FEED_LIST, 0}, 125, false, false},
	{"… down to one", {LIST_END(FEED_TOO_LARGE), LIST_END(FEED_TOO_LARGE), LIST_END(FEED_TOO_LARGE), LIST_END(FEED_TOO_LARGE),
				  LIST_END(FEED_TOO_LARGE)},
		5, {FEED_LIST, 100}, 1, false, false},
};

static void test_rows(void)
{
	for (size_t i = 0; i < CHECK_COUNT(rows); i++) {
		struct feed_state s = {.limit = 500};
		struct feed_next next = {0};

		check_case(rows[i].name);
		for (size_t j = 0; j < rows[i].n; j++)
			next = feed_advance(&s, &rows[i].ends[j], 0);
		CHECK_INT(next.step, rows[i].want.step);
		CHECK_INT(next.wait_ms, rows[i].want.wait_ms);
		CHECK_INT(s.limit, rows[i].limit);
		CHECK_INT(s.is_listed, rows[i].is_listed);
		CHECK_INT(feed_is_trouble(&s, rows[i].ends[rows[i].n - 1].outcome), rows[i].is_trouble);
	}
}

/* However long it lasts, whatever chance says: never at once, never longer than the bound. */
static void test_bounds(void)
{
	struct feed_state s = {.limit = 500};

	check_case("bounds");
	for (uint32_t i = 1; i < 100; i++) {
		struct feed_next next = feed_advance(&s, &(struct feed_end){.was = FEED_WATCH, .outcome = FEED_LOST}, i * 2654435761u);

		CHECK(next.wait_ms >= 100 && next.wait_ms <= 10000);
	}
}

int main(void)
{
	for (size_t i = 0; i < CHECK_COUNT(outcomes); i++) {
		check_case(outcomes[i].name);
		CHECK_INT(feed_outcome_of(outcomes[i].error, outcomes[i].status, outcomes[i].code, outcomes[i].is_garbled),
			outcomes[i].want);
	}
	test_rows();
	test_bounds();
	return check_done();
}
