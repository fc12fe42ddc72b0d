#ifndef OBJECT_NAME_H
#define OBJECT_NAME_H
/* Objects as people name them on a command line. */
#include <stdbool.h>

#include "buf.h"

/*
 * "ingress/shop/web" as "Ingress shop/web"; without a namespace it is of `namespace_` (NULL: "default"). Kinds by the names
 * that kubectl knows, in any case. False with a line in `error`, and `out` as before.
 */
bool object_name_parse(const char *word, const char *namespace_, struct buf *out, struct buf *error);

#endif
