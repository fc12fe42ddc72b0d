#ifndef SERVER_NAMES_H
#define SERVER_NAMES_H
/* What a handshake asks about a server name, answered from the tables of a generation (F1, F3, F5, F9). Private to config. */
#include "host_table.h"
#include "ways.h"

/*
 * For tls_contexts_set_names. Holds references to what it is asked from, for a handshake may outlive the generation. `clients` are
 * of client_tls.
 */
struct tls_names server_names(struct host_table *hosts, struct object_list *certificates, struct ways *clients);

#endif
