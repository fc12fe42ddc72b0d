#ifndef FORMAT_H
#define FORMAT_H
/* How one variable is written, and the table of those that exist. Private to the room. */
#include "accesslog.h"

/* Where values go: escaped, cut when the line would be too long. */
struct value_writer {
	struct buf *out;
	enum accesslog_escape escape;
	size_t value_max; /* bytes of one value */
	bool is_empty;    /* nothing was written for this variable yet */
};

void value_add(struct value_writer *w, struct str value);
void value_add_u64(struct value_writer *w, uint64_t n);
/* "0.123": seconds from microseconds. */
void value_add_seconds(struct value_writer *w, uint64_t us);

/* `arg` is what follows the prefix of http_, sent_http_, arg_ and cookie_; else empty. Writes nothing for "-". */
typedef void variable_fn(struct value_writer *w, const struct accesslog_record *r, struct str arg);

struct variable {
	struct str name;    /* ends with '_' for the ones that take an argument */
	variable_fn *write;
	bool takes_arg;
	bool is_number;     /* JSON needs no quotes */
};

/* The row for `name`, and what follows its prefix; NULL if there is none. */
const struct variable *variable_find(struct str name, struct str *arg);

#endif
