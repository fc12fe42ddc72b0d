#ifndef DOCUMENT_H
#define DOCUMENT_H
/* The documents of a YAML text as JSON values, read as kubectl reads them. No I/O. */
#include <jansson.h>
#include <stdbool.h>
#include <stddef.h>

#include "str.h"

enum { DOCUMENT_MAX_DEPTH = 64, DOCUMENT_MAX_ALIASED = 1000000 };

/* One document. `json` is borrowed for the call; `line` is that of the first byte, `item_lines` those of a List's items. */
typedef void document_fn(void *owner, json_t *json, size_t line, const size_t *item_lines, size_t n_item_lines);
/*
 * Calls `each` for every document; lines count from `line`. `yes`, `0x10` and `~` unquoted are no text. Bounds: 64 levels, a
 * million values through aliases. False: `*bad_line` and `*why` (a static text) say where and what.
 */
bool yaml_read(struct str bytes, size_t line, document_fn *each, void *owner, size_t *bad_line, const char **why);
/* A plain scalar by the core schema of YAML 1.1, as kubectl has it. NULL when it has no JSON form (.inf, .nan). Owned. */
json_t *scalar_resolve(struct str text);

#endif
