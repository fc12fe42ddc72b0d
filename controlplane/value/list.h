#ifndef VALUE_LIST_H
#define VALUE_LIST_H
/* Values of several parts: see value.h for what each accepts. */
#include "value.h"

bool list_choice(const struct value_rule *rule, struct str text, struct value *out);
bool list_words(const struct value_rule *rule, struct str text, struct value *out);
bool list_items(const struct value_rule *rule, struct str text, struct arena *arena, struct value *out);
bool list_cidrs(const struct value_rule *rule, struct str text, struct arena *arena, struct value *out);

#endif
