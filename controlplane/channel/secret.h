#ifndef CHANNEL_SECRET_H
#define CHANNEL_SECRET_H
/* A Secret of the channel as the API server has it, read and written. No I/O. */
#include <jansson.h>

#include "plan.h"

/* False: it is no Secret. What cannot be decoded is left out. */
bool secret_read(json_t *json, struct plan_content *out);
/* What is to be stored: all that others have put into `seen` (NULL: it is to be made) stays. Owned. */
json_t *secret_make(json_t *seen, struct str namespace_, struct str name, const struct plan_content *content);

#endif
