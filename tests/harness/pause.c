// The first process of a pod, and of the machine that runs them: it holds their namespaces, buries who died in them, and ends
// when it is told to. Linked statically, it is an image by itself.
#include <signal.h>
#include <stddef.h>
#include <sys/wait.h>
#include <unistd.h>

static void end(int number)
{
	(void)number;
	_exit(0);
}

static void bury(int number)
{
	(void)number;
	while (waitpid(-1, NULL, WNOHANG) > 0)
		;
}

int main(void)
{
	struct sigaction on_end = {.sa_handler = end}, on_death = {.sa_handler = bury, .sa_flags = SA_NOCLDSTOP};
	sigaction(SIGINT, &on_end, NULL);
	sigaction(SIGTERM, &on_end, NULL);
	sigaction(SIGCHLD, &on_death, NULL);
	for (;;)
		pause();
}
