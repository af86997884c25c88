// The do-nothing worker of the benchmark, the same under every supervisor.
//
// It proves that it runs by one datagram "USER PID NANOSECONDS" to the socket $BENCH_SOCKET, then waits for its end.
// The time is taken before anything else is done: how fast the benchmark reads does not matter.
//
// It knows its user by the name of its folder or, where it was given a vassal file NAME.ini, by that name.

#include <errno.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <time.h>
#include <unistd.h>

static void fail(const char *what) {
    fprintf(stderr, "worker: %s: %s\n", what, strerror(errno));
    exit(1);
}

static const char *user_name(int argc, char *argv[]) {
    static char folder[PATH_MAX];
    char *end = strrchr(argv[argc - 1], '.');
    if (end && strcmp(end, ".ini") == 0) {
        *end = '\0';
        return argv[argc - 1];
    }
    if (!getcwd(folder, sizeof folder)) fail("folder");
    return strrchr(folder, '/') + 1;
}

int main(int argc, char *argv[]) {
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);

    const char *path = getenv("BENCH_SOCKET");
    struct sockaddr_un address = {.sun_family = AF_UNIX};
    if (!path || strlen(path) >= sizeof address.sun_path) {
        errno = EINVAL;
        fail("BENCH_SOCKET");
    }
    strcpy(address.sun_path, path);

    char text[128];
    int size = snprintf(text, sizeof text, "%s %d %lld", user_name(argc, argv), (int)getpid(),
                        now.tv_sec * 1000000000LL + now.tv_nsec);
    int socket_fd = socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0);
    if (socket_fd < 0) fail("socket");
    if (sendto(socket_fd, text, size, 0, (struct sockaddr *)&address, sizeof address) != size) fail("sendto");
    close(socket_fd);
    for (;;) pause();
}
