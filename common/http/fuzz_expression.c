/*
 * Whatever text a user writes and whatever a client sends: compiling and evaluating stay inside both, and give the same
 * value twice. The expression comes first, then a line end, then a query, a line end, and field lines.
 */
#include <assert.h>

#include "expression.h"

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t len);

enum { N_FIELDS = 16 };

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t len)
{
	struct str rest = str_of(bytes, len), text = {0}, line;
	struct http_field fields[N_FIELDS];
	struct http_head head = {.fields = fields};
	struct http_facts facts = {.head = &head};
	struct arena arena = {0};
	struct http_expression e;
	struct buf one, two;

	str_next(&rest, '\n', &text);
	str_next(&rest, '\n', &head.query);
	facts.path = head.target = head.query;
	while (head.n_fields < N_FIELDS && str_next(&rest, '\n', &line)) {
		size_t colon = str_find(line, ':');

		fields[head.n_fields].name = str_first(line, colon);
		fields[head.n_fields].value = str_trim(str_from_index(line, colon + 1));
		fields[head.n_fields].id = (uint8_t)http_field_id(fields[head.n_fields].name);
		head.n_fields++;
	}
	buf_init(&one, 4096);
	buf_init(&two, 4096);
	http_expression_compile(text, &arena, &e);
	assert(http_expression_write(&e, &facts, &one) == http_expression_write(&e, &facts, &two));
	assert(str_eq(buf_str(&one), buf_str(&two)));
	buf_deinit(&one);
	buf_deinit(&two);
	arena_deinit(&arena);
	return 0;
}
