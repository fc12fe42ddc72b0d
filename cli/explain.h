#ifndef EXPLAIN_H
#define EXPLAIN_H
/* weirctl explain: what the two questions share. */
#include "asked.h"
#include "command.h"
#include "view.h"

/* Ports of our own end: a live proxy's, else 80 and 443. Nothing is printed when a proxy does not say. */
void explain_ports(struct target *t, uint16_t *http_port, uint16_t *https_port);

int explain_request(struct command_line *line, const char *url);
int explain_client_ip(struct command_line *line);

/* Prints `title` and `rows` as a table; nothing for no rows. For the table formats. */
void explain_table(struct output *out, const char *title, json_t *rows, const struct column *columns);
/* What the TLVs of the PROXY header say, if there are any. */
void explain_print_proxy_header(struct output *out, json_t *root);
/* explain_print.c: the whole answer of explain request, in the format of `out`. */
void explain_print_request(struct output *out, const struct view *v, json_t *root);

#endif
