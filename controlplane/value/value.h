#ifndef VALUE_H
#define VALUE_H
/*
 * One typed value from the text a user wrote in an annotation or a ConfigMap key. `annotation` and `settings` hold a table
 * of rules each; this room obeys a rule: strictly, once, without side effects. Nothing leaves it with a control byte in it.
 */
#include <stdbool.h>
#include <stdint.h>

#include "addr.h"
#include "arena.h"
#include "buf.h"
#include "str.h"

enum value_type {
	VALUE_BOOL,     /* flag; 1 t T TRUE true True and 0 f F FALSE false False */
	VALUE_INT,      /* number; see value_rule.is_base0 */
	VALUE_SECONDS,  /* number in milliseconds; whole seconds, no unit; bounds in seconds */
	VALUE_TIME,     /* number in milliseconds; nginx time: ms s m h d w M y, combined, bare is seconds */
	VALUE_DURATION, /* number in milliseconds; Go: ms s m h with a unit, "1m30s"; "0" alone */
	VALUE_SIZE,     /* number in bytes; k and m. value_rule.words: one word that is 0, whatever the bounds; NULL: none */
	VALUE_OFFSET,   /* number in bytes; k, m and g */
	VALUE_BUFFERS,  /* count and number: "4 8k" */
	VALUE_CHOICE,   /* number: index in value_rule.words; text: the word as the table spells it */
	VALUE_WORDS,    /* number: bits by index in value_rule.words; blanks between words */
	VALUE_TEXT,     /* text; value_rule.words: what may stand in it besides letters and digits, NULL: anything */
	VALUE_TOKEN,    /* text: a header name */
	VALUE_REF,      /* text: "namespace/name" */
	VALUE_LIST,     /* items, n: split at commas, trimmed, gaps dropped; words as for VALUE_TEXT */
	VALUE_TOKENS,   /* items, n: header names */
	VALUE_CIDRS,    /* cidrs, n: sorted, without duplicates; value_rule.words: what may stand among them and is passed over */
};

struct value_rule {
	enum value_type type;
	const char *words;  /* see the types; words are split by '|' */
	/* In the unit that the user writes; sizes in bytes, times other than SECONDS in ms. Of VALUE_TEXT: max bytes, 0 is 4096. */
	int64_t min, max;
	bool is_base0;      /* Go's base-0 integers: 0x10, 0o10, 010 (octal), 1_000; empty is 0 */
	bool ignores_case;  /* of VALUE_CHOICE */
	bool takes_b;       /* a size may end in b, for bytes */
};

struct value {
	bool flag;
	int64_t number;
	unsigned count;
	struct str text;
	struct str *items;
	struct cidr *cidrs;
	size_t n;
	const char *odd; /* accepted, yet probably not what was meant: why (static); else NULL */
};

/* How many users have it: the order in which names are served (COMPAT). */
enum value_tier { TIER_CORE, TIER_COMMON, TIER_RARE, TIER_NONE };
const char *value_tier_text(enum value_tier tier);

/* What becomes of a known name. */
enum value_status {
	STATUS_SERVED,
	STATUS_NOT_YET,        /* read past with a warning */
	STATUS_DENIES,         /* protects something and is not enforced yet: what it protects is refused, never left open */
	STATUS_NOT_APPLICABLE, /* has no meaning here; the row says why */
};
const char *value_status_text(enum value_status status);

/* False when `text` breaks the rule; `*out` is then untouched. What `out` points to lives in `arena`. */
bool value_parse(const struct value_rule *rule, struct str text, struct arena *arena, struct value *out);
/* What the rule allows, for problems and documentation: "a whole number of seconds from 1 to 2147483". */
void value_describe(const struct value_rule *rule, struct buf *out);
/* An example of how to write it: "write 60, without a unit". Static. */
const char *value_fix(const struct value_rule *rule);

/* Parts that others need too. */
/* What is wrong with one item of a list of networks (static), or NULL. An empty item is not wrong. */
const char *value_bad_network(const struct value_rule *rule, struct str item);
bool value_bool(struct str text, bool *out);
/* No byte below 0x20 and no DEL. */
bool value_is_printable(struct str text);
/* A header name (RFC 9110 token). */
bool value_is_token(struct str text);
/* Letters, digits and what stands in `punctuation` only. */
bool value_has_only(struct str text, const char *punctuation);
/* "namespace/name", both names that Kubernetes would take. */
bool value_ref(struct str text, struct str *namespace_, struct str *name);

#endif
