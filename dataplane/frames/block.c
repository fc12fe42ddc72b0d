/* Fields as they are decoded: kept one after another, and counted whether they are kept or not. */
#include "block.h"

#include "mem.h"

void http2_block_clear(struct http2_block *b)
{
	struct http2_block empty = {.text = b->text, .entries = b->entries, .cap = b->cap};

	buf_clear(&empty.text);
	*b = empty;
}

void http2_block_deinit(struct http2_block *b)
{
	buf_deinit(&b->text);
	mem_free(b->entries);
	*b = (struct http2_block){0};
}

struct http2_block *http2_block_take(struct http2_block **spare)
{
	struct http2_block *b = *spare;

	*spare = NULL;
	return b ? b : mem_zalloc(sizeof(*b));
}

void http2_block_give(struct http2_block **spare, struct http2_block **block)
{
	struct http2_block *b = *block;

	*block = NULL;
	if (!b)
		return;
	if (*spare) {
		http2_block_deinit(b);
		mem_free(b);
		return;
	}
	http2_block_clear(b);
	*spare = b;
}

bool http2_block_add(struct http2_block *b, const struct http2_limits *limits, struct str name, struct str value)
{
	struct http2_entry *e;

	b->cost += name.len + value.len + HTTP2_FIELD_COST;
	if (b->is_over || b->cost > limits->bytes || b->n == limits->n_fields) {
		b->is_over = true;
		return b->cost <= HTTP2_IN_VAIN * limits->bytes;
	}
	b->entries = mem_grow(b->entries, &b->cap, b->n + 1, sizeof(*b->entries));
	e = &b->entries[b->n++];
	e->name_at = (uint32_t)b->text.len;
	e->name_len = (uint32_t)name.len;
	buf_add(&b->text, name);
	e->value_at = (uint32_t)b->text.len;
	e->value_len = (uint32_t)value.len;
	buf_add(&b->text, value);
	return true;
}
