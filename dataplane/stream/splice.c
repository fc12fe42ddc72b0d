/* splice(2) between the sockets of two streams, with their readiness kept as reads and writes keep it. */
#include "splice.h"

#include <assert.h>
#include <errno.h>
#include <fcntl.h>
#include <unistd.h>

#include "stream_private.h"

enum { PIPE_BYTES = 1024 * 1024 }; /* the default, 64 KiB, is what one copy costs less than */

int splice_open(struct splice_pipe *p)
{
	int ends[2];

	if (pipe2(ends, O_NONBLOCK | O_CLOEXEC) != 0)
		return -errno;
	*p = (struct splice_pipe){.in = ends[1], .out = ends[0]};
	(void)fcntl(p->in, F_SETPIPE_SZ, PIPE_BYTES); /* where it may not be that large, it works as it is */
	return 0;
}

void splice_close(struct splice_pipe *p)
{
	close(p->in);
	close(p->out);
}

bool splice_suits(const struct stream *s)
{
	return s->state == STATE_OPEN && !s->ssl;
}

/* Fewer bytes than asked say nothing of the socket: the pipe may be full of small ones. */
ssize_t splice_from(struct stream *s, struct splice_pipe *p, size_t most)
{
	ssize_t n;

	assert(splice_suits(s) && !p->len);
	do
		n = splice(s->fd, NULL, p->in, NULL, most, SPLICE_F_NONBLOCK | SPLICE_F_MOVE);
	while (n < 0 && errno == EINTR);
	if (n > 0) {
		p->len = (size_t)n;
		return n;
	}
	if (n == 0)
		return UV_EOF;
	if (errno != EAGAIN)
		return -errno;
	stream_note_empty(s);
	return 0;
}

ssize_t splice_to(struct stream *s, struct splice_pipe *p)
{
	size_t size = p->len;
	ssize_t n;

	assert(splice_suits(s));
	do
		n = splice(p->out, NULL, s->fd, NULL, size, SPLICE_F_NONBLOCK | SPLICE_F_MOVE);
	while (n < 0 && errno == EINTR);
	n = stream_note_sent(s, n, size);
	if (n > 0)
		p->len -= (size_t)n;
	return n;
}
