#ifndef CLIENT_H
#define CLIENT_H
/* For wait.c: what a program that asks once wants to know sooner than a proxy does. */
#include "rpc.h"

/* Connections tried in vain since the last one that came about. */
uint64_t client_connect_errors(const struct rpc_client *client);

#endif
