// launch: makes the workers' processes for master.
//
// A process that makes another one copies its own table of descriptors. Master's table has several for each user,
// launch's has seven, whatever the number of users. So master sends launch a packet for each start, over fd 3. The
// process that launch makes is a sibling of launch, a child of master (CLONE_PARENT of clone(2)): master waits for it.
//
//   request   number (8 bytes), limit of core dumps (8, all ones for none), limit of open files (4), nice value (4),
//             words of the command (4), environment variables (4); then strings that end with a zero: account (or
//             none), folder, the words, the variables; with it the output, the listening socket, and the pipe that
//             tells of the execution
//   answer    number (8), process (4), errno (4); with it a pidfd, unless there is an errno
//
// The new process itself answers, before it does anything else: a process that master has not been told of never runs
// a program, even if launch or master dies. Then it sets its limits, nice value, account, folder and LISTEN_PID, looks
// the program up in PATH, and executes it with its absolute path as argv[0], because Python otherwise takes the prefix
// of another installation. An error is written as one line to the pipe, which is close-on-exec: if the pipe ends
// without a line, the program has been executed. Everything that may wait, for a disk or for the table of accounts,
// happens in the new process and not in launch.
//
// Limits are open files and core dumps (RLIMIT_NOFILE, RLIMIT_CORE, soft and hard) and the nice value (0 to 19, so
// that no worker is preferred to the processes that watch over it). The account is set with its groups. The
// environment holds what the plan says and nothing else. By default there are no core dumps, because one would lie in
// the user's folder, with all secrets of the worker in it. All of this is part of the plan's fingerprint, so a change
// swaps the worker. An account of uid 0 is refused: by pathwatch, which resolves the name where master is root and
// tells the place in the file, and by launch in any case.
//
// A malformed packet costs that start. launch ends when the other end of its channel is closed.

#define _GNU_SOURCE

#include <errno.h>
#include <fcntl.h>
#include <grp.h>
#include <limits.h>
#include <pwd.h>
#include <sched.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <unistd.h>

enum {
    CHANNEL = 3,
    // Of a packet: a socket takes no longer one by default (net.core.wmem_default).
    LONGEST = 128 * 1024,
    // Of unwanted descriptors: SCM_MAX_FD of the kernel.
    MOST_DESCRIPTORS = 253,
};

enum { OUTPUT, LISTENER, EXECUTION, DESCRIPTORS };

struct request {
    uint64_t number;
    uint64_t core;
    uint32_t files;
    int32_t nice;
    uint32_t words;
    uint32_t variables;
};

struct answer {
    uint64_t number;
    int32_t pid;
    int32_t error;
};

// What a request asks for; its strings lie in the packet.
struct start {
    struct request request;
    const char *account;
    const char *folder;
    const char *strings;
    int descriptors[DESCRIPTORS];
};

static int report = 2;

// MARK: in the new process

static void fail(const char *what, const char *subject, int error) {
    dprintf(report, "%s %s: %s\n", what, subject, strerror(error));
    _exit(127);
}

static void limit(__rlimit_resource_t resource, rlim_t value, const char *name) {
    struct rlimit limit = {.rlim_cur = value, .rlim_max = value};
    if (setrlimit(resource, &limit) < 0) fail("limit of", name, errno);
}

// Where sessions are scheduled as groups (sched(7), "The autogroup feature"), only the group's value counts.
static void be_nice(int value) {
    if (setpriority(PRIO_PROCESS, 0, value) < 0) fail("nice", "value", errno);
    int group = open("/proc/self/autogroup", O_WRONLY | O_CLOEXEC);
    if (group < 0) return;
    char text[16];
    // A kernel that refuses leaves the start as it is.
    if (write(group, text, (size_t)snprintf(text, sizeof text, "%d", value)) < 0) errno = 0;
    close(group);
}

static void become(const char *account) {
    errno = 0;
    struct passwd *entry = getpwnam(account);
    if (!entry) fail("account", account, errno ? errno : ENOENT);
    if (entry->pw_uid == 0) fail("account", account, EPERM);
    if (initgroups(account, entry->pw_gid) < 0) fail("groups of account", account, errno);
    if (setgid(entry->pw_gid) < 0) fail("group of account", account, errno);
    if (setuid(entry->pw_uid) < 0) fail("account", account, errno);
    setenv("HOME", entry->pw_dir, 1);
    setenv("USER", account, 1);
    setenv("LOGNAME", account, 1);
}

// The absolute path of `program`, as execvp(3) would find it.
static char *find(char *program) {
    static char path[PATH_MAX];
    if (strchr(program, '/')) return program;
    const char *folders = getenv("PATH");
    for (const char *folder = folders; folder && *folder;) {
        const char *end = strchrnul(folder, ':');
        int size = snprintf(path, sizeof path, "%.*s/%s", (int)(end - folder), folder, program);
        if (size > 0 && (size_t)size < sizeof path && access(path, X_OK) == 0) return path;
        folder = *end ? end + 1 : end;
    }
    fail("program", program, ENOENT);
    return NULL;
}

// `count` strings that follow one another, as an array; *strings is moved behind them.
static char **list(const char **strings, uint32_t count) {
    char **array = calloc((size_t)count + 1, sizeof *array);
    if (!array) fail("memory", "for the command", ENOMEM);
    for (uint32_t i = 0; i < count; i++) {
        array[i] = (char *)*strings;
        *strings += strlen(*strings) + 1;
    }
    return array;
}

static void take(int descriptor, int number) {
    if (dup2(descriptor, number) < 0) fail("descriptor", "of the worker", errno);
}

static void execute(const struct start *start) {
    report = start->descriptors[EXECUTION];
    take(start->descriptors[OUTPUT], STDOUT_FILENO);
    take(start->descriptors[OUTPUT], STDERR_FILENO);
    take(start->descriptors[LISTENER], CHANNEL);
    const char *strings = start->strings;
    char **command = list(&strings, start->request.words);
    environ = list(&strings, start->request.variables);
    limit(RLIMIT_NOFILE, start->request.files, "open files");
    // All ones is RLIM_INFINITY.
    limit(RLIMIT_CORE, start->request.core, "core dumps");
    if (start->request.nice) be_nice(start->request.nice);
    if (*start->account) become(start->account);
    if (chdir(start->folder) < 0) fail("folder", start->folder, errno);
    char pid[16];
    snprintf(pid, sizeof pid, "%d", (int)getpid());
    setenv("LISTEN_PID", pid, 1);
    command[0] = find(command[0]);
    execv(command[0], command);
    fail("cannot execute", command[0], errno);
}

// MARK: the channel

static int tell(uint64_t number, pid_t pid, int error, int pidfd) {
    struct answer answer = {.number = number, .pid = pid, .error = error};
    char control[CMSG_SPACE(sizeof pidfd)] = {0};
    struct iovec part = {.iov_base = &answer, .iov_len = sizeof answer};
    struct msghdr message = {.msg_iov = &part, .msg_iovlen = 1};
    if (pidfd >= 0) {
        message.msg_control = control;
        message.msg_controllen = sizeof control;
        struct cmsghdr *c = CMSG_FIRSTHDR(&message);
        c->cmsg_level = SOL_SOCKET;
        c->cmsg_type = SCM_RIGHTS;
        c->cmsg_len = CMSG_LEN(sizeof pidfd);
        memcpy(CMSG_DATA(c), &pidfd, sizeof pidfd);
    }
    ssize_t sent;
    do sent = sendmsg(CHANNEL, &message, MSG_NOSIGNAL);
    while (sent < 0 && errno == EINTR);
    return sent < 0 ? -1 : 0;
}

// The new process: of a session of its own before master can signal that.
static void begin(const struct start *start) {
    pid_t pid = getpid();
    setsid();
    int pidfd = (int)syscall(SYS_pidfd_open, pid, 0);
    // Without a pidfd its end would go unseen.
    if (pidfd < 0) {
        tell(start->request.number, 0, errno, -1);
        _exit(127);
    }
    if (tell(start->request.number, pid, 0, pidfd) < 0) _exit(127);
    execute(start);
}

// Finds the parts of a packet. Answers 0 or an errno value.
static int parse(struct start *start, const char *packet, size_t size) {
    if (size < sizeof start->request + 1 || packet[size - 1]) return EBADMSG;
    const char *strings = packet + sizeof start->request;
    uint64_t zeros = 0;
    for (const char *c = strings; c < packet + size; c++) zeros += !*c;
    const struct request *request = &start->request;
    if (request->words < 1 || zeros != 2 + (uint64_t)request->words + request->variables) return EBADMSG;
    start->account = strings;
    start->folder = start->account + strlen(start->account) + 1;
    start->strings = start->folder + strlen(start->folder) + 1;
    return *start->strings ? 0 : EBADMSG;
}

// Takes the descriptors that came with a packet; those of an unexpected number are closed. Answers 0 or an errno value.
static int accept_descriptors(struct start *start, struct msghdr *message) {
    size_t count = 0;
    for (struct cmsghdr *c = CMSG_FIRSTHDR(message); c; c = CMSG_NXTHDR(message, c)) {
        if (c->cmsg_level != SOL_SOCKET || c->cmsg_type != SCM_RIGHTS) continue;
        size_t came = (c->cmsg_len - CMSG_LEN(0)) / sizeof(int);
        for (size_t i = 0; i < came; i++) {
            int descriptor;
            memcpy(&descriptor, CMSG_DATA(c) + i * sizeof descriptor, sizeof descriptor);
            if (count < DESCRIPTORS) start->descriptors[count] = descriptor;
            else close(descriptor);
            count++;
        }
    }
    // The kernel leaves out those for which there is no room in the table.
    if (message->msg_flags & MSG_CTRUNC) return EMFILE;
    return count == DESCRIPTORS ? 0 : EBADMSG;
}

static void serve(struct start *start, const char *packet, size_t size, struct msghdr *message) {
    for (int i = 0; i < DESCRIPTORS; i++) start->descriptors[i] = -1;
    memset(&start->request, 0, sizeof start->request);
    memcpy(&start->request, packet, size < sizeof start->request ? size : sizeof start->request);
    int error = accept_descriptors(start, message);
    if (!error) error = message->msg_flags & MSG_TRUNC ? EMSGSIZE : parse(start, packet, size);
    if (!error) {
        // The signal at its end is launch's own: SIGCHLD. Memory is copied, not shared, as with fork(2).
        long pid = syscall(SYS_clone, CLONE_PARENT, NULL, NULL, NULL, NULL);
        if (pid == 0) begin(start);
        if (pid < 0) error = errno;
    }
    if (error) tell(start->request.number, 0, error, -1);
    for (int i = 0; i < DESCRIPTORS; i++) {
        if (start->descriptors[i] >= 0) close(start->descriptors[i]);
    }
}

int main(void) {
    static char packet[LONGEST];
    static char control[CMSG_SPACE(MOST_DESCRIPTORS * sizeof(int))];
    // Master's end never waits, this one does.
    if (fcntl(CHANNEL, F_SETFL, 0) < 0) {
        fputs("launch: is started by master, which sends it the starts\n", stderr);
        return 2;
    }
    for (;;) {
        struct start start;
        struct iovec part = {.iov_base = packet, .iov_len = sizeof packet};
        struct msghdr message = {
            .msg_iov = &part, .msg_iovlen = 1, .msg_control = control, .msg_controllen = sizeof control};
        ssize_t size = recvmsg(CHANNEL, &message, MSG_CMSG_CLOEXEC);
        if (size > 0) serve(&start, packet, (size_t)size, &message);
        else if (size == 0 || errno != EINTR) return 0;
    }
}
