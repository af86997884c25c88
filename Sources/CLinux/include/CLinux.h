// What Linux offers and Swift's Glibc module does not export, because that module is built without _GNU_SOURCE.
//
// Every function answers as its system call does: -1 with errno set is a failure. Every descriptor that one of them
// makes is close-on-exec. No policy lives here.

#ifndef CLINUX_H
#define CLINUX_H

#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

// epoll(7)

enum {
    CLINUX_READABLE = 1 << 0,  // EPOLLIN
    CLINUX_WRITABLE = 1 << 1,  // EPOLLOUT
    CLINUX_HANGUP = 1 << 2,    // EPOLLHUP or EPOLLERR: reported whether asked for or not
};

struct clinux_ready {
    uint64_t token;
    uint32_t readiness;
};

int clinux_epoll_create(void);
int clinux_epoll_add(int epoll, int fd, uint32_t interest, uint64_t token);
int clinux_epoll_modify(int epoll, int fd, uint32_t interest, uint64_t token);
int clinux_epoll_remove(int epoll, int fd);
// A timeout of -1 waits for ever.
int clinux_epoll_wait(int epoll, struct clinux_ready *ready, int capacity, int timeout_ms);

// Signals

// Blocks the given signals for the calling thread and answers a descriptor from which they are read: signalfd(2).
int clinux_signal_open(const int *signals, int count);
// The next pending signal's number, or -1 with EAGAIN.
int clinux_signal_read(int fd);

// Processes

// Starts `path` in a session of its own with the descriptors fds[0], fds[1] … as its 0, 1 …, an empty signal mask and
// default dispositions; no other close-on-exec descriptor reaches it. Answers 0 or an errno value: posix_spawn(3).
int clinux_spawn(pid_t *pid, const char *path, char *const argv[], char *const envp[], const int *fds, int count);
// As clinux_spawn, but the child, and what it makes with CLONE_PARENT (clone(2)), are children of a thread that exists for
// nothing else. Orphans come to the first thread, so that its list of children (proc(5)) names them and few others.
int clinux_spawn_apart(pid_t *pid, const char *path, char *const argv[], char *const envp[], const int *fds, int count);
int clinux_pidfd_open(pid_t pid);
int clinux_pidfd_signal(int pidfd, int signal);
// How the child ended: its exit code, or minus the signal's number. Answers -1 with errno when it has not.
// With `keep` it stays a zombie, so that its id cannot be given to another process yet.
int clinux_wait(pid_t pid, int keep, int *status);
// The same by a pidfd (P_PIDFD of waitid(2)): never another process that was given its id since.
int clinux_wait_pidfd(int pidfd, int keep, int *status);

// Whether and how a process ended that is not a child: PIDFD_GET_INFO of ioctl_pidfd(2), Linux 6.15. Answers 1 with the
// status as clinux_wait tells it, 0 where it is not known (yet).
int clinux_pidfd_exit(int pidfd, int *status);
// A copy of another process's descriptor: pidfd_getfd(2), for root or with the rights of ptrace(2).
int clinux_pidfd_getfd(int pidfd, int fd);

// Orphaned descendants become children of this process: PR_SET_CHILD_SUBREAPER of prctl(2).
int clinux_become_subreaper(void);

// Whether this process may take a nice value back: with CAP_SYS_NICE and CAP_SYS_ADMIN (capabilities(7)), or where it was
// given the right by RLIMIT_NICE (getrlimit(2)).
int clinux_may_renice(void);
// Sets the nice value of every thread of a process group, and of the group that the kernel schedules its session as
// (sched(7), "The autogroup feature").
void clinux_renice_group(pid_t leader, int value);

// Sockets and pipes: non-blocking, except for the end of a pipe that a worker writes to

int clinux_pipe(int fds[2]);
// In bytes: F_GETPIPE_SZ of fcntl(2). Where an account has many pipes, its new ones hold less than 64 KiB (pipe(7)).
int clinux_pipe_capacity(int fd);
int clinux_socketpair(int fds[2]);
// Keeps the bounds of what is sent: SOCK_SEQPACKET.
int clinux_packet_socketpair(int fds[2]);
// Of the family AF_UNIX; a stream unless `datagram`.
int clinux_unix_socket(int datagram);
// Never waits: O_NONBLOCK belongs to the open file description (fcntl(2)), so a worker that shares the socket may have
// made it blocking for every process.
int clinux_accept(int fd);
int clinux_peer(int fd, pid_t *pid, uid_t *uid, gid_t *gid);
// Whether the peer had this group when it connected, its own or a supplementary one: 1 or 0, or -1 with errno.
int clinux_peer_has_group(int fd, gid_t group);
// Each datagram that arrives on fd names its sender: SO_PASSCRED of unix(7).
int clinux_want_credentials(int fd);
ssize_t clinux_receive_datagram(int fd, void *buffer, size_t size, pid_t *pid);
// Sends bytes and, with the first of them, copies of `count` descriptors, 16 at most: SCM_RIGHTS of unix(7).
ssize_t clinux_send(int fd, const void *bytes, size_t size, const int *descriptors, int count);
// Receives bytes and at most `capacity` descriptors; *count tells how many came. The last one is -1 where one was sent
// for which this process has no room.
ssize_t clinux_receive(int fd, void *buffer, size_t size, int *descriptors, int capacity, int *count);

#endif
