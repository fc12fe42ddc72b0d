#ifndef OUTPUT_H
#define OUTPUT_H
/*
 * How weirctl prints. A command builds rows once, as JSON objects with the same keys; -o decides whether they come out as a
 * table, as JSON or as YAML. stdout is the answer, stderr the log.
 */
#include <jansson.h>
#include <stdbool.h>

#include "buf.h"

enum output_format { OUTPUT_TABLE, OUTPUT_WIDE, OUTPUT_JSON, OUTPUT_YAML };

struct output {
	enum output_format format;
	bool has_color;
	bool is_terminal; /* long cells of a narrow table are cut for eyes, never for a pipe */
	struct buf text; /* what will be printed */
};

struct column {
	const char *title; /* "SNAPSHOT"; NULL ends the list */
	const char *key;   /* of the row */
	bool is_wide;      /* only with -o wide */
};

/* False for a word that is no format. */
bool output_format_parse(struct str word, enum output_format *out);
/* Adds `rows` (borrowed, an array of objects). Lists in a cell are joined by commas, absent values are "-". */
void output_rows(struct output *out, json_t *rows, const struct column *columns);
/* Adds a line in the table formats only. */
void output_note(struct output *out, const char *format, ...) __attribute__((format(printf, 2, 3)));
/* Writes to stdout and forgets. False when stdout cannot take it. */
bool output_flush(struct output *out);
void output_deinit(struct output *out);

#endif
