#ifndef PARSE_H
#define PARSE_H
/* What every parser of outside bytes returns. */
enum parse_result {
	PARSE_DONE, /* the output is filled */
	PARSE_MORE, /* a valid prefix: call again with more */
	PARSE_BAD,  /* never valid; a static reason is given */
};
#endif
