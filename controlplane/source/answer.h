#ifndef SOURCE_ANSWER_H
#define SOURCE_ANSWER_H
/* What the API server says, from bytes: pages of lists, events of watches, and its reasons. No I/O. */
#include <jansson.h>
#include <stdbool.h>

#include "object.h"
#include "str.h"

/* One page of a list. Each of `items` is told its kind and apiVersion, which lists leave out. Texts borrow from `root`. */
struct page {
	json_t *root, *items;
	struct str version;
	struct str go_on; /* the continue token; "" on the last page */
};
bool page_read(struct str bytes, enum object_kind kind, struct page *out);
void page_end(struct page *page);

enum event_type { EVENT_PUT, EVENT_DELETE, EVENT_BOOKMARK, EVENT_ERROR };
struct event {
	json_t *root, *object;
	enum event_type type;
	struct str version; /* of the object; "" of an error */
	unsigned code;      /* of an error */
};
/* One line of a watch. False: it is none; nothing to be freed then. */
bool event_read(struct str line, struct event *out);
void event_end(struct event *event);

/* Its resourceVersion; 0 if it has none that is a number. */
uint64_t version_of_json(json_t *object);

/* The code of a Status, 0 if it is none; its message is appended. */
unsigned status_of_json(json_t *json, struct buf *message);
unsigned status_of_bytes(struct str bytes, struct buf *message);

#endif
