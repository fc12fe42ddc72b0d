#ifndef VALUE_NUMBER_H
#define VALUE_NUMBER_H
/* Numbers, times and sizes: see value.h for what each accepts. All are false for what they do not accept or does not fit. */
#include "value.h"

bool number_int(const struct value_rule *rule, struct str text, int64_t *out, const char **odd);
bool number_time_ms(struct str text, int64_t *out);
bool number_duration_ms(struct str text, int64_t *out);
bool number_size(const struct value_rule *rule, struct str text, int64_t *out);

#endif
