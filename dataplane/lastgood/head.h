#ifndef LASTGOOD_HEAD_H
#define LASTGOOD_HEAD_H
/* What is in a last good file before its Snapshot: how much of the cluster is in that. Both are one message to who reads them as one. */
#include "buf.h"
#include "str.h"
#include "version.h"

/* Appends the head; nothing for a version that says nothing. */
void head_add(const struct version *v, struct buf *out);
/* What follows the head. Without one (an older file) `out` says nothing. */
struct str head_read(struct str plain, struct version *out);

#endif
