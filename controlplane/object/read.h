#ifndef OBJECT_READ_H
#define OBJECT_READ_H
/*
 * Reading typed fields out of JSON. A field that is absent or null is left as it was; a field of the wrong type or beyond
 * its bounds adds a problem and spoils the object: the API server would never have accepted it, so nothing of it is served.
 */
#include <jansson.h>
#include <stdbool.h>

#include "object.h"

/* Where a value is, as a list from the leaf up; made into text only when something is wrong. */
struct at {
	const struct at *up;
	const char *name; /* NULL: an item of an array */
	size_t index;
};

struct reader {
	struct object *object; /* its arena holds what is read */
	struct problems *problems;
	bool is_bad;
};

enum { MAX_NAME = 253, MAX_HOST = 253, MAX_PATH = 4096, MAX_TEXT = 1024 };
enum { MAX_RULES = 1000, MAX_PATHS = 10000, MAX_ENDPOINTS = 1000, MAX_PORTS = 1000, MAX_ITEMS = 1000 };
enum { MAX_ANNOTATION_BYTES = 256 * 1024, MAX_DATA_BYTES = 1024 * 1024 };

/* Adds the problem and spoils the object. `value`, `rule` and `fix` may be empty. */
void read_bad(struct reader *r, const struct at *at, struct str value, const char *rule, const char *fix);
/* A short form of any value, for problems: scalars as written, "{…}" and "[…]" otherwise. Borrowed from `json` or static. */
struct str read_as_text(json_t *json);
/* The bytes of a JSON string; borrowed from `json`. */
struct str read_bytes(json_t *json);

/* A member of an object: NULL when absent or null. `json` may be NULL. */
json_t *read_member(json_t *json, const char *name);
/* The same, of type object or array; a wrong type is a problem. For arrays, more than `max` items are one too. */
json_t *read_object(struct reader *r, const struct at *at, json_t *json, const char *name);
json_t *read_array(struct reader *r, const struct at *at, json_t *json, const char *name, size_t max);
/*
 * Text without control bytes, at most `max` bytes, copied to the arena. False when it is absent or bad.
 */
bool read_text(struct reader *r, const struct at *at, json_t *json, const char *name, size_t max, struct str *out);
/* Items of an array, each text. */
void read_texts(struct reader *r, const struct at *at, json_t *json, const char *name, size_t max_items, size_t max,
	struct str **out, size_t *n);
bool read_bool(struct reader *r, const struct at *at, json_t *json, const char *name, bool *out);
/* 1 to 65535. */
bool read_port(struct reader *r, const struct at *at, json_t *json, const char *name, uint16_t *out);
/* Text that is needed: absent or empty is a problem, with `fix`. */
bool read_needed_text(struct reader *r, const struct at *at, json_t *json, const char *name, size_t max, const char *fix,
	struct str *out);

/* Room for n items, zeroed, in the object's arena; NULL for none. */
void *read_room(struct reader *r, size_t n, size_t item_size);
/* A map of text to text, sorted by name, all bytes counted against `max_bytes`. */
void read_pairs(struct reader *r, const struct at *at, json_t *json, size_t max_bytes, struct pair **out, size_t *n);
void read_sort_pairs(struct pair *pairs, size_t n);

/*
 * status.loadBalancer.ingress: what others have written decides nothing, so what makes no sense there is passed over. Never a
 * problem.
 */
void read_balancer(struct reader *r, json_t *json, struct published **out, size_t *n);

/* metadata, and one function a kind; `json` is the whole object. */
void read_metadata(struct reader *r, json_t *json);
void read_ingress(struct reader *r, json_t *json);
void read_ingress_class(struct reader *r, json_t *json);
void read_service(struct reader *r, json_t *json);
void read_endpoint_slice(struct reader *r, json_t *json);
void read_secret(struct reader *r, json_t *json);
void read_config_map(struct reader *r, json_t *json);

#endif
