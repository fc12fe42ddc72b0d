/* PCRE2 behind a small face. No JIT: a proxy never maps memory that is both writable and executable. */
#include "regex.h"

#include <stdint.h>
#include <stdio.h>

#define PCRE2_CODE_UNIT_WIDTH 8
#include <pcre2.h>

#include "mem.h"

/* A match of an honest rule takes tens of steps; this many end within about a millisecond. */
enum { MATCH_LIMIT = 20000, DEPTH_LIMIT = 1000, HEAP_LIMIT_KIB = 512, MAX_NEST = 50, NAME_MAX_LEN = 32 };

struct regex {
	pcre2_code *code;
	pcre2_match_context *limits;
};

static pcre2_compile_context *compile_limits(void)
{
	pcre2_compile_context *context = pcre2_compile_context_create(NULL);

	pcre2_set_parens_nest_limit(context, MAX_NEST);
	pcre2_set_max_pattern_length(context, REGEX_MAX_PATTERN);
	return context;
}

struct regex *regex_create(struct str pattern, const char **why)
{
	static _Thread_local char message[160];
	pcre2_compile_context *context = compile_limits();
	int error;
	PCRE2_SIZE offset;
	pcre2_code *code = pcre2_compile((PCRE2_SPTR)pattern.ptr, pattern.len,
		PCRE2_CASELESS | PCRE2_NEVER_UTF | PCRE2_NEVER_UCP | PCRE2_NEVER_BACKSLASH_C, &error, &offset, context);
	struct regex *r;

	pcre2_compile_context_free(context);
	if (!code) {
		PCRE2_UCHAR text[128];

		pcre2_get_error_message(error, text, sizeof(text));
		snprintf(message, sizeof(message), "%s at offset %zu", (const char *)text, (size_t)offset);
		*why = message;
		return NULL;
	}
	r = mem_zalloc(sizeof(*r));
	r->code = code;
	r->limits = pcre2_match_context_create(NULL);
	pcre2_set_match_limit(r->limits, MATCH_LIMIT);
	pcre2_set_depth_limit(r->limits, DEPTH_LIMIT);
	pcre2_set_heap_limit(r->limits, HEAP_LIMIT_KIB);
	return r;
}

void regex_destroy(struct regex *r)
{
	if (!r)
		return;
	pcre2_code_free(r->code);
	pcre2_match_context_free(r->limits);
	mem_free(r);
}

size_t regex_size(const struct regex *r)
{
	size_t size = 0;

	pcre2_pattern_info(r->code, PCRE2_INFO_SIZE, &size);
	return size;
}

static void keep_groups(const pcre2_match_data *data, int n, struct regex_groups *groups)
{
	const PCRE2_SIZE *ends = pcre2_get_ovector_pointer((pcre2_match_data *)(uintptr_t)data);

	*groups = (struct regex_groups){.n = n > 0 ? (unsigned)n : REGEX_GROUPS};
	for (unsigned i = 0; i < groups->n; i++) {
		/* \K and lookbehind can turn a match around; such a group counts as absent. */
		if (ends[2 * i] == PCRE2_UNSET || ends[2 * i] > ends[2 * i + 1])
			continue;
		groups->items[i].from = ends[2 * i];
		groups->items[i].to = ends[2 * i + 1];
		groups->items[i].is_set = true;
	}
}

static enum regex_result match(const struct regex *r, struct str subject, uint32_t options, struct regex_groups *groups)
{
	pcre2_match_data *data = pcre2_match_data_create(groups ? REGEX_GROUPS : 1, NULL);
	int n = pcre2_match(r->code, (PCRE2_SPTR)subject.ptr, subject.len, 0, options, data, r->limits);

	if (n >= 0 && groups)
		keep_groups(data, n, groups);
	pcre2_match_data_free(data);
	if (n >= 0)
		return REGEX_MATCH;
	return n == PCRE2_ERROR_NOMATCH ? REGEX_NO_MATCH : REGEX_GAVE_UP;
}

enum regex_result regex_match_start(const struct regex *r, struct str subject)
{
	return match(r, subject, PCRE2_ANCHORED, NULL);
}

enum regex_result regex_find(const struct regex *r, struct str subject, struct regex_groups *groups)
{
	return match(r, subject, 0, groups);
}

int regex_group_number(const struct regex *r, struct str name)
{
	char text[NAME_MAX_LEN + 1];
	int n;

	if (name.len > NAME_MAX_LEN)
		return -1;
	memcpy(text, name.ptr, name.len);
	text[name.len] = '\0';
	n = pcre2_substring_number_from_name(r->code, (PCRE2_SPTR)text);
	return n > 0 && n < REGEX_GROUPS ? n : -1;
}
