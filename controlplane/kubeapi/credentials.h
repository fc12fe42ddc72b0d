#ifndef KUBEAPI_CREDENTIALS_H
#define KUBEAPI_CREDENTIALS_H
/* Who we are to the API server. PEM texts and the token are read from their files again when those change. */
#include <stdbool.h>

#include "buf.h"
#include "str.h"

/* A value that stands in place or in a file. */
struct credential {
	struct buf file;  /* its path; "" when the value was given in place */
	struct buf value; /* wiped when it is replaced */
};
struct credentials {
	struct buf server;     /* "https://10.96.0.1:443", without a slash at the end */
	struct buf namespace_;
	struct credential ca, certificate, key, token;
	bool is_insecure;      /* no verification of the server; loopback only */
};
void credentials_deinit(struct credentials *c);

/*
 * Reads a kubeconfig's text: the context `context`, or its current one if NULL. Paths in it are relative to the file, whose
 * path is `file`. Values in files are not read yet. False, with a text in `error`.
 */
bool kubeconfig_read(struct str text, const char *file, const char *context, struct credentials *out, struct buf *error);
/* The pod's ServiceAccount in `directory`; host and port as the pod's environment has them. Nothing is read yet. */
void credentials_in_cluster(const char *directory, struct str host, struct str port, struct credentials *out);
/* Reads the values that stand in files. False, with a text in `error`: those that cannot be read are as they were. */
bool credentials_reload(struct credentials *c, bool *is_changed, struct buf *error);
/* Whether the server may be trusted with these: TLS and verification, or loopback. False with a text. */
bool credentials_check(const struct credentials *c, struct buf *error);
/* A small file, whole; a negative errno. */
int credentials_read_file(const char *path, struct buf *out);

#endif
