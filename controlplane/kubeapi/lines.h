#ifndef KUBEAPI_LINES_H
#define KUBEAPI_LINES_H
/* A stream of bytes taken apart into lines. No byte is looked at twice, however it was cut; no I/O. */
#include <stdbool.h>

#include "buf.h"
#include "str.h"

struct lines {
	struct buf rest; /* of a line whose end has not come; its cap bounds every line */
};

/* `line` without its end; borrowed for the call. False: no more of this, please. */
typedef bool lines_fn(void *owner, struct str line);

enum lines_result { LINES_MORE, LINES_STOPPED, LINES_TOO_LONG };

void lines_init(struct lines *l, size_t max_line_bytes);
void lines_deinit(struct lines *l);
enum lines_result lines_take(struct lines *l, struct str bytes, lines_fn *each, void *owner);

#endif
