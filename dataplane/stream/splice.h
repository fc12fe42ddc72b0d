#ifndef SPLICE_H
#define SPLICE_H
/* Bytes from one plain stream to another through a pipe of the kernel: none of them is copied or seen. */
#include "stream.h"

struct splice_pipe {
	int in, out;  /* its ends: to write to, to read from */
	size_t len;   /* bytes that wait in it */
};

/* 0 or a negative errno. */
int splice_open(struct splice_pipe *p);
void splice_close(struct splice_pipe *p);
/* Whether bytes of it may be spliced. */
bool splice_suits(const struct stream *s);
/* At most `most` bytes into the empty pipe: how many, 0 for nothing now, UV_EOF, or a negative errno. */
ssize_t splice_from(struct stream *s, struct splice_pipe *p, size_t most);
/* What waits in the pipe: how many bytes were taken, or a negative errno. */
ssize_t splice_to(struct stream *s, struct splice_pipe *p);

#endif
