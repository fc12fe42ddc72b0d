#ifndef SETTINGS_H
#define SETTINGS_H
/*
 * The keys of the settings ConfigMap: one table row each, and the parser that obeys it. Every key that ingress-nginx ever
 * had is known by name, so that none is passed over in silence. Names match whatever their case.
 */
#include "arena.h"
#include "buf.h"
#include "object.h"
#include "problem.h"
#include "settings_table.h"
#include "value.h"

#define SETTING_ENUM(id, name, tier, default_, doc, ...) SETTING_##id,
enum setting_id { SETTINGS(SETTING_ENUM) SETTING_COUNT };

struct setting_row {
	const char *name;
	enum value_tier tier;
	enum value_status status;
	const char *default_text; /* obeys `rule`; "" for what is unset by default */
	const char *doc;          /* one sentence; for STATUS_NOT_APPLICABLE why */
	struct value_rule rule;   /* of served ones only */
};
/* Rows by enum setting_id first, then the names without effect. */
extern const struct setting_row settings_rows[];
size_t settings_count(void);
/* By name, in any case; NULL if unknown. */
const struct setting_row *settings_find(struct str name);

struct setting {
	struct value value;
	struct str written; /* as the user wrote it; "" for a default */
	bool is_set;        /* by the ConfigMap, now or in its last good form */
};
struct setting_values {
	struct arena arena;
	struct str object;  /* "ConfigMap ingress/controller", or "" when there is none */
	struct setting items[SETTING_COUNT];
};

/* Its value is never shown: not in problems, not as an origin. */
bool setting_is_secret(enum setting_id id);

/*
 * Reads every key. `config_map` may be NULL: all defaults. A bad value keeps what `last` (may be NULL) has for the key, else
 * the default; each key that has no effect as written gives one problem. `out` is initialised here.
 */
void settings_parse(const struct object *config_map, const struct setting_values *last, struct setting_values *out,
	struct problems *problems);
void settings_deinit(struct setting_values *v);

/* A table of all keys: name, tier, status, default, what is allowed, what it does. Markdown. */
void settings_document(struct buf *out);

#endif
