#ifndef SOURCE_MANIFEST_H
#define SOURCE_MANIFEST_H
/* The bytes of one manifest file: YAML or JSON, several documents, Lists taken apart. No I/O. */
#include <jansson.h>
#include <stdbool.h>
#include <stddef.h>

#include "object.h"
#include "problem.h"
#include "str.h"

enum { MANIFEST_MAX_BYTES = 64 * 1024 * 1024 };

/* One document, or one item of a List. `json` is borrowed for the call; `line` counts from 1. */
typedef void manifest_fn(void *owner, json_t *json, size_t line);

/*
 * Calls `each` for every document that can be read. One that cannot adds a problem with its line ("file PATH:LINE") and the
 * others proceed. Returns false when there was such a one: the file may hold more objects than were seen.
 * Documents are read as kubectl reads them: `yes`, `0x10` and `~` unquoted are no text. Bounds: 64 MiB a file, 64 levels,
 * a million values through aliases.
 */
bool manifest_read(struct str bytes, struct str path, manifest_fn *each, void *owner, struct problems *problems);

#endif
