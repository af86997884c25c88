#define _GNU_SOURCE

#include "CLinux.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/capability.h>
#include <pthread.h>
#include <signal.h>
#include <spawn.h>
#include <stdio.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/ioctl.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/signalfd.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

static uint32_t epoll_events(uint32_t interest) {
    return (interest & CLINUX_READABLE ? EPOLLIN : 0u) | (interest & CLINUX_WRITABLE ? EPOLLOUT : 0u);
}

int clinux_epoll_create(void) { return epoll_create1(EPOLL_CLOEXEC); }

static int control(int epoll, int operation, int fd, uint32_t interest, uint64_t token) {
    struct epoll_event event = {.events = epoll_events(interest), .data.u64 = token};
    return epoll_ctl(epoll, operation, fd, &event);
}

int clinux_epoll_add(int epoll, int fd, uint32_t interest, uint64_t token) {
    return control(epoll, EPOLL_CTL_ADD, fd, interest, token);
}

int clinux_epoll_modify(int epoll, int fd, uint32_t interest, uint64_t token) {
    return control(epoll, EPOLL_CTL_MOD, fd, interest, token);
}

int clinux_epoll_remove(int epoll, int fd) { return epoll_ctl(epoll, EPOLL_CTL_DEL, fd, NULL); }

int clinux_epoll_wait(int epoll, struct clinux_ready *ready, int capacity, int timeout_ms) {
    struct epoll_event events[256];
    if (capacity > 256) capacity = 256;
    int count = epoll_wait(epoll, events, capacity, timeout_ms);
    for (int i = 0; i < count; i++) {
        uint32_t seen = events[i].events;
        ready[i].token = events[i].data.u64;
        ready[i].readiness = (seen & EPOLLIN ? CLINUX_READABLE : 0u) | (seen & EPOLLOUT ? CLINUX_WRITABLE : 0u) |
                             (seen & (EPOLLHUP | EPOLLERR) ? CLINUX_HANGUP : 0u);
    }
    return count;
}

int clinux_signal_open(const int *signals, int count) {
    sigset_t set;
    sigemptyset(&set);
    for (int i = 0; i < count; i++) sigaddset(&set, signals[i]);
    if (sigprocmask(SIG_BLOCK, &set, NULL) < 0) return -1;
    return signalfd(-1, &set, SFD_CLOEXEC | SFD_NONBLOCK);
}

int clinux_signal_read(int fd) {
    struct signalfd_siginfo info;
    ssize_t size = read(fd, &info, sizeof info);
    if (size == (ssize_t)sizeof info) return (int)info.ssi_signo;
    if (size >= 0) errno = EAGAIN;
    return -1;
}

int clinux_spawn(pid_t *pid, const char *path, char *const argv[], char *const envp[], const int *fds, int count) {
    posix_spawn_file_actions_t actions;
    posix_spawnattr_t attributes;
    sigset_t none, all;
    sigemptyset(&none);
    sigfillset(&all);
    int error = posix_spawn_file_actions_init(&actions);
    if (error) return error;
    error = posix_spawnattr_init(&attributes);
    if (error) {
        posix_spawn_file_actions_destroy(&actions);
        return error;
    }
    posix_spawnattr_setflags(&attributes, POSIX_SPAWN_SETSIGMASK | POSIX_SPAWN_SETSIGDEF | POSIX_SPAWN_SETSID);
    posix_spawnattr_setsigmask(&attributes, &none);
    posix_spawnattr_setsigdefault(&attributes, &all);
    // A source that lies among the targets is lifted above them first, or an earlier dup2 would overwrite it.
    int lifted[16];
    int lifts = 0;
    for (int i = 0; i < count && !error; i++) {
        int source = fds[i];
        if (source < count && source != i) {
            source = lifts < 16 ? fcntl(source, F_DUPFD_CLOEXEC, count) : -1;
            if (source < 0) error = errno;
            else lifted[lifts++] = source;
        }
        if (!error) error = posix_spawn_file_actions_adddup2(&actions, source, i);
    }
    if (!error) error = posix_spawn(pid, path, &actions, &attributes, argv, envp);
    for (int i = 0; i < lifts; i++) close(lifted[i]);
    posix_spawnattr_destroy(&attributes);
    posix_spawn_file_actions_destroy(&actions);
    return error;
}

struct spawn {
    pid_t *pid;
    const char *path;
    char *const *argv;
    char *const *envp;
    const int *fds;
    int count;
    int error;
    int is_done;
};

static pthread_mutex_t apart = PTHREAD_MUTEX_INITIALIZER;
static pthread_cond_t apart_changed = PTHREAD_COND_INITIALIZER;
static struct spawn *apart_request;
static int apart_lives;

// It must not end: its children would go to another thread.
static void *live_apart(void *nothing) {
    pthread_mutex_lock(&apart);
    for (;;) {
        while (!apart_request) pthread_cond_wait(&apart_changed, &apart);
        struct spawn *s = apart_request;
        s->error = clinux_spawn(s->pid, s->path, s->argv, s->envp, s->fds, s->count);
        s->is_done = 1;
        apart_request = NULL;
        pthread_cond_broadcast(&apart_changed);
    }
    return nothing;
}

static int begin_apart(void) {
    if (apart_lives) return 0;
    sigset_t all, before;
    pthread_t thread;
    sigfillset(&all);
    pthread_sigmask(SIG_SETMASK, &all, &before);
    int error = pthread_create(&thread, NULL, live_apart, NULL);
    pthread_sigmask(SIG_SETMASK, &before, NULL);
    if (error) return error;
    pthread_detach(thread);
    apart_lives = 1;
    return 0;
}

int clinux_spawn_apart(pid_t *pid, const char *path, char *const argv[], char *const envp[], const int *fds, int count) {
    struct spawn spawn = {.pid = pid, .path = path, .argv = argv, .envp = envp, .fds = fds, .count = count};
    pthread_mutex_lock(&apart);
    spawn.error = begin_apart();
    if (!spawn.error) {
        while (apart_request) pthread_cond_wait(&apart_changed, &apart);
        apart_request = &spawn;
        pthread_cond_broadcast(&apart_changed);
        while (!spawn.is_done) pthread_cond_wait(&apart_changed, &apart);
    }
    pthread_mutex_unlock(&apart);
    return spawn.error;
}

int clinux_pidfd_open(pid_t pid) { return (int)syscall(SYS_pidfd_open, pid, 0); }

int clinux_pidfd_signal(int pidfd, int signal) {
    return (int)syscall(SYS_pidfd_send_signal, pidfd, signal, NULL, 0);
}

static int wait_for(int type, id_t id, int keep, int *status) {
    siginfo_t info = {0};
    if (waitid((idtype_t)type, id, &info, WEXITED | WNOHANG | (keep ? WNOWAIT : 0)) < 0) return -1;
    if (info.si_pid == 0) {
        errno = EAGAIN;
        return -1;
    }
    *status = info.si_code == CLD_EXITED ? info.si_status : -info.si_status;
    return 0;
}

int clinux_wait(pid_t pid, int keep, int *status) { return wait_for(P_PID, (id_t)pid, keep, status); }

// 3 is P_PIDFD, which older headers lack.
int clinux_wait_pidfd(int pidfd, int keep, int *status) { return wait_for(3, (id_t)pidfd, keep, status); }

// The first version of struct pidfd_info (linux/pidfd.h), which older kernel headers lack.
struct exit_info {
    uint64_t mask;
    uint64_t cgroup;
    uint32_t identity[11];
    int32_t exit_code;
};

int clinux_pidfd_exit(int pidfd, int *status) {
    const uint64_t wanted = 1u << 3;  // PIDFD_INFO_EXIT
    struct exit_info info = {.mask = wanted};
    if (ioctl(pidfd, _IOWR(0xFF, 11, struct exit_info), &info) < 0 || !(info.mask & wanted)) return 0;
    *status = WIFSIGNALED(info.exit_code) ? -WTERMSIG(info.exit_code) : WEXITSTATUS(info.exit_code);
    return 1;
}

int clinux_pidfd_getfd(int pidfd, int fd) { return (int)syscall(SYS_pidfd_getfd, pidfd, fd, 0); }

int clinux_become_subreaper(void) { return prctl(PR_SET_CHILD_SUBREAPER, 1, 0, 0, 0); }

int clinux_may_renice(void) {
    // Root need not have them: a service manager may have taken them away. Without the second, the kernel takes only ten
    // values a second for a session's group.
    const uint32_t needed = 1u << CAP_SYS_NICE | 1u << CAP_SYS_ADMIN;
    struct __user_cap_header_struct header = {.version = _LINUX_CAPABILITY_VERSION_3};
    struct __user_cap_data_struct sets[_LINUX_CAPABILITY_U32S_3];
    if (syscall(SYS_capget, &header, sets) == 0 && (sets[0].effective & needed) == needed) return 1;
    struct rlimit limit;
    // The limit counts from 20 downwards: 20 allows a nice value of 0.
    return getrlimit(RLIMIT_NICE, &limit) == 0 && limit.rlim_cur >= 20;
}

void clinux_renice_group(pid_t leader, int value) {
    setpriority(PRIO_PGRP, (id_t)leader, value);
    char path[64];
    snprintf(path, sizeof path, "/proc/%d/autogroup", (int)leader);
    int group = open(path, O_WRONLY | O_CLOEXEC);
    if (group < 0) return;
    int size = snprintf(path, sizeof path, "%d", value);
    if (write(group, path, (size_t)size) < 0) errno = 0;
    close(group);
}

int clinux_pipe(int fds[2]) { return pipe2(fds, O_CLOEXEC); }

int clinux_pipe_capacity(int fd) { return fcntl(fd, F_GETPIPE_SZ); }

int clinux_socketpair(int fds[2]) { return socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0, fds); }

int clinux_packet_socketpair(int fds[2]) {
    return socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC | SOCK_NONBLOCK, 0, fds);
}

int clinux_unix_socket(int datagram) {
    return socket(AF_UNIX, (datagram ? SOCK_DGRAM : SOCK_STREAM) | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
}

int clinux_accept(int fd) {
    int flags = fcntl(fd, F_GETFL);
    if (flags >= 0 && !(flags & O_NONBLOCK)) fcntl(fd, F_SETFL, flags | O_NONBLOCK);
    return accept4(fd, NULL, NULL, SOCK_CLOEXEC | SOCK_NONBLOCK);
}

int clinux_peer(int fd, pid_t *pid, uid_t *uid, gid_t *gid) {
    struct ucred peer;
    socklen_t size = sizeof peer;
    if (getsockopt(fd, SOL_SOCKET, SO_PEERCRED, &peer, &size) < 0) return -1;
    *pid = peer.pid;
    *uid = peer.uid;
    *gid = peer.gid;
    return 0;
}

int clinux_peer_has_group(int fd, gid_t group) {
    struct ucred peer;
    socklen_t size = sizeof peer;
    if (getsockopt(fd, SOL_SOCKET, SO_PEERCRED, &peer, &size) < 0) return -1;
    if (peer.gid == group) return 1;
    // NGROUPS_MAX of the kernel.
    static gid_t groups[65536];
    size = sizeof groups;
    if (getsockopt(fd, SOL_SOCKET, SO_PEERGROUPS, groups, &size) < 0) return -1;
    for (size_t i = 0; i < size / sizeof *groups; i++) {
        if (groups[i] == group) return 1;
    }
    return 0;
}

int clinux_want_credentials(int fd) {
    int on = 1;
    return setsockopt(fd, SOL_SOCKET, SO_PASSCRED, &on, sizeof on);
}

ssize_t clinux_receive_datagram(int fd, void *buffer, size_t size, pid_t *pid) {
    char control[CMSG_SPACE(sizeof(struct ucred)) + CMSG_SPACE(16 * sizeof(int))];
    struct iovec part = {.iov_base = buffer, .iov_len = size};
    struct msghdr message = {
        .msg_iov = &part, .msg_iovlen = 1, .msg_control = control, .msg_controllen = sizeof control};
    *pid = 0;
    ssize_t received = recvmsg(fd, &message, MSG_CMSG_CLOEXEC | MSG_DONTWAIT);
    if (received < 0) return received;
    for (struct cmsghdr *c = CMSG_FIRSTHDR(&message); c; c = CMSG_NXTHDR(&message, c)) {
        if (c->cmsg_level != SOL_SOCKET) continue;
        if (c->cmsg_type == SCM_CREDENTIALS) {
            struct ucred sender;
            memcpy(&sender, CMSG_DATA(c), sizeof sender);
            *pid = sender.pid;
        } else if (c->cmsg_type == SCM_RIGHTS) {
            // No descriptors were asked for: kept open, they would let any sender exhaust ours.
            size_t count = (c->cmsg_len - CMSG_LEN(0)) / sizeof(int);
            for (size_t i = 0; i < count; i++) {
                int unwanted;
                memcpy(&unwanted, CMSG_DATA(c) + i * sizeof(int), sizeof unwanted);
                close(unwanted);
            }
        }
    }
    return received;
}

ssize_t clinux_send(int fd, const void *bytes, size_t size, const int *descriptors, int count) {
    char control[CMSG_SPACE(16 * sizeof(int))];
    struct iovec part = {.iov_base = (void *)bytes, .iov_len = size};
    struct msghdr message = {.msg_iov = &part, .msg_iovlen = 1};
    if (count > 16) {
        errno = EINVAL;
        return -1;
    }
    if (count > 0) {
        size_t length = (size_t)count * sizeof(int);
        memset(control, 0, sizeof control);
        message.msg_control = control;
        message.msg_controllen = CMSG_SPACE(length);
        struct cmsghdr *c = CMSG_FIRSTHDR(&message);
        c->cmsg_level = SOL_SOCKET;
        c->cmsg_type = SCM_RIGHTS;
        c->cmsg_len = CMSG_LEN(length);
        memcpy(CMSG_DATA(c), descriptors, length);
    }
    return sendmsg(fd, &message, MSG_NOSIGNAL | MSG_DONTWAIT);
}

ssize_t clinux_receive(int fd, void *buffer, size_t size, int *descriptors, int capacity, int *count) {
    char control[CMSG_SPACE(16 * sizeof(int))];
    struct iovec part = {.iov_base = buffer, .iov_len = size};
    struct msghdr message = {
        .msg_iov = &part, .msg_iovlen = 1, .msg_control = control, .msg_controllen = sizeof control};
    *count = 0;
    ssize_t received = recvmsg(fd, &message, MSG_CMSG_CLOEXEC | MSG_DONTWAIT);
    if (received < 0) return received;
    for (struct cmsghdr *c = CMSG_FIRSTHDR(&message); c; c = CMSG_NXTHDR(&message, c)) {
        if (c->cmsg_level != SOL_SOCKET || c->cmsg_type != SCM_RIGHTS) continue;
        size_t sent = (c->cmsg_len - CMSG_LEN(0)) / sizeof(int);
        for (size_t i = 0; i < sent; i++) {
            int descriptor;
            memcpy(&descriptor, CMSG_DATA(c) + i * sizeof(int), sizeof descriptor);
            if (*count < capacity) descriptors[(*count)++] = descriptor;
            else close(descriptor);
        }
    }
    if (message.msg_flags & MSG_CTRUNC && *count < capacity) descriptors[(*count)++] = -1;
    return received;
}
