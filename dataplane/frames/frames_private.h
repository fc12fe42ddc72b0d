#ifndef FRAMES_PRIVATE_H
#define FRAMES_PRIVATE_H
/* Rules for single fields (RFC 9113 8.2), the same for requests, responses and trailers. */
#include "block.h"

struct str block_name(const struct http2_block *b, size_t i);
struct str block_value(const struct http2_block *b, size_t i);
/* Each gives NULL, or why the message is malformed. */
const char *block_check_value(struct str value);
/* A29 beside it, as http1 has it. */
const char *block_check_name(struct str name, const struct http2_limits *limits, bool *is_dropped);
const char *block_check_connection_field(const struct http_field *field);

#endif
