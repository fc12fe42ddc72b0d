#ifndef JUDGE_LIMITS_H
#define JUDGE_LIMITS_H
/* How large a request head may be, from the settings: what a connection refuses before there is a request to judge. */
#include "config.h"
#include "http1.h"

/* `n_fields` is the room for fields, `most_bytes` the room for a head. */
void judge_limits(const struct settings *s, size_t n_fields, size_t most_bytes, struct http1_limits *limits);

#endif
