// launch: makes the workers' processes for master.
//
// A process that makes another one copies its own table of descriptors. Master's table has several for each user,
// launch's has a few, whatever the number of users. So master sends launch a packet for each start, over fd 3. The
// process that launch makes is a sibling of launch, a child of master (CLONE_PARENT of clone(2)): master waits for it.
//
//   request   number (8 bytes), limit of core dumps (8, all ones for none), limit of open files (4), nice value (4),
//             words of the command (4), environment variables (4); then strings that end with a zero: account (or
//             none), folder, the words, the variables; with it the output and the listening socket
//   answers   number (8), process (4), errno (4), start time (8). With a process: it exists, its pidfd comes with the
//             answer, and its start time is as in /proc/PID/stat (proc(5)), or 0 where that is not known. With an errno:
//             it could not be made. With neither: the account is being looked up, the process follows.
//   execution number (8), all ones (4), zero (4), zero (8), then why the program was not executed; nothing where it was
//
// A thread takes a packet, makes the process, and sleeps until that has executed its program (CLONE_VFORK); until then
// the process uses the thread's memory (CLONE_VM). So no memory is copied, and the end of a start needs no descriptor
// of its own. Whenever a thread takes a packet and no other one waits for the next, it adds one: a start that waits,
// for a disk or for the table of accounts, delays no other. Threads of which there are too many afterwards end.
//
// The new process itself answers, before it does anything else: a process that master has not been told of never runs
// a program, even if launch or master dies. Then it takes its descriptors, sets its limits, nice value, account, folder
// and LISTEN_PID, looks the program up in PATH, and executes it with its absolute path as argv[0], because Python
// otherwise takes the prefix of another installation. It makes system calls and nothing else: the locks of the C
// library may be held by other threads. For the same reason the thread looks up the account.
//
// Limits are open files and core dumps (RLIMIT_NOFILE, RLIMIT_CORE, soft and hard) and the nice value (0 to 19, so
// that no worker is preferred to the processes that watch over it). The account is set with its groups. The
// environment holds what the plan says and nothing else. By default there are no core dumps, because one would lie in
// the user's folder, with all secrets of the worker in it. All of this is part of the plan's fingerprint, so a change
// swaps the worker. An account of uid 0 is refused: by pathwatch, which resolves the name where master is root and
// tells the place in the file, and by launch in any case.
//
// When the process has changed its account, other processes of that account may send it signals until it executes its
// program. They cannot read or write the memory that it shares with launch: a change of the account makes that memory
// undumpable (PR_SET_DUMPABLE, prctl(2)), so ptrace(2) and /proc refuse it, and no core of it is written. The kernel
// does so unless fs.suid_dumpable (proc(5)) says otherwise: with 2 launch does it itself, with 1 it refuses the start.
//
// A malformed packet costs that start. launch ends when the other end of its channel is closed.

#define _GNU_SOURCE

#include <errno.h>
#include <fcntl.h>
#include <grp.h>
#include <limits.h>
#include <pthread.h>
#include <pwd.h>
#include <sched.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>

enum {
    CHANNEL = 3,
    // Of a packet: a socket takes no longer one by default (net.core.wmem_default).
    LONGEST = 128 * 1024,
    // Of unwanted descriptors: SCM_MAX_FD of the kernel.
    MOST_DESCRIPTORS = 253,
    // Each one sleeps while a start waits. When all of them do, master replaces launch.
    MOST_THREADS = 1000,
    MOST_WAITING = 8,
    // LISTEN_PID, and HOME, USER and LOGNAME of the account.
    OWN_VARIABLES = 4,
    STACK = 64 * 1024,
};

enum { OUTPUT, LISTENER, DESCRIPTORS };

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
    uint64_t start_time;
};

struct account {
    uid_t uid;
    gid_t gid;
    int count, capacity;
    gid_t *groups;
    char entry[16 * 1024];
    char home[PATH_MAX + 8], user[NAME_MAX + 16], logname[NAME_MAX + 16];
};

// Why a program was not executed; an errno value, or 0 where there is none.
struct failure {
    const char *what;
    const char *subject;
    int error;
};

// What a thread needs for a start. The strings lie in the packet.
struct start {
    struct request request;
    const char *name;
    const char *folder;
    char **command;
    char **environment;
    char *path;
    int descriptors[DESCRIPTORS];
    struct failure failure;
    // In clock ticks since the boot: just before the process was made.
    uint64_t made_at;
    // Whether the process has come as far as execve(2).
    int has_arrived;
    struct account account;
    char program[PATH_MAX];
    char listen_pid[32];
    char packet[LONGEST];
    char control[CMSG_SPACE(MOST_DESCRIPTORS * sizeof(int))];
    _Alignas(16) char stack[STACK];
};

static int tell(uint64_t number, pid_t pid, int error, int pidfd, uint64_t start_time) {
    struct answer answer = {.number = number, .pid = pid, .error = error, .start_time = start_time};
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

// As the kernel counts the start time of a process: by CLOCK_BOOTTIME, 100 a second (USER_HZ).
static uint64_t ticks(void) {
    struct timespec now;
    clock_gettime(CLOCK_BOOTTIME, &now);
    return (uint64_t)now.tv_sec * 100 + (uint64_t)now.tv_nsec / 10000000;
}

// MARK: in the new process

static _Noreturn void fail(struct start *start, const char *what, const char *subject, int error) {
    start->failure = (struct failure){what, subject, error};
    _exit(127);
}

static void limit(struct start *start, __rlimit_resource_t resource, rlim_t value, const char *name) {
    struct rlimit limit = {.rlim_cur = value, .rlim_max = value};
    if (setrlimit(resource, &limit) < 0) fail(start, "limit of", name, errno);
}

// Where sessions are scheduled as groups (sched(7), "The autogroup feature"), only the group's value counts.
static void be_nice(struct start *start, int value) {
    if (setpriority(PRIO_PROCESS, 0, value) < 0) fail(start, "nice", "value", errno);
    int group = open("/proc/self/autogroup", O_WRONLY | O_CLOEXEC);
    if (group < 0) return;
    char text[16];
    // A kernel that refuses leaves the start as it is.
    if (write(group, text, (size_t)snprintf(text, sizeof text, "%d", value)) < 0) errno = 0;
    close(group);
}

// By system calls: those of the C library would change the account of launch's threads, too (nptl(7)).
static void become(struct start *start) {
    const struct account *account = &start->account;
    sigset_t all, none;
    sigfillset(&all);
    sigemptyset(&none);
    if (syscall(SYS_setgroups, account->count, account->groups) < 0)
        fail(start, "groups of account", start->name, errno);
    if (syscall(SYS_setresgid, account->gid, account->gid, account->gid) < 0)
        fail(start, "group of account", start->name, errno);
    // A signal that dumps a core must not come before this.
    sigprocmask(SIG_SETMASK, &all, NULL);
    if (syscall(SYS_setresuid, account->uid, account->uid, account->uid) < 0)
        fail(start, "account", start->name, errno);
    if (prctl(PR_SET_DUMPABLE, 0, 0, 0, 0) < 0) fail(start, "memory", "of launch", errno);
    sigprocmask(SIG_SETMASK, &none, NULL);
}

// Makes the path of a program without a slash absolute: the first file of that name in PATH that may be executed.
static void find(struct start *start) {
    const char *program = start->command[0];
    if (strchr(program, '/')) return;
    for (const char *folder = start->path; folder && *folder;) {
        const char *end = strchrnul(folder, ':');
        int size = snprintf(start->program, sizeof start->program, "%.*s/%s", (int)(end - folder), folder, program);
        if (size > 0 && (size_t)size < sizeof start->program && access(start->program, X_OK) == 0) {
            start->command[0] = start->program;
            return;
        }
        folder = *end ? end + 1 : end;
    }
    fail(start, "program", program, ENOENT);
}

static void take(struct start *start, int descriptor, int number) {
    if (dup2(start->descriptors[descriptor], number) < 0) fail(start, "descriptor", "of the worker", errno);
}

static _Noreturn void execute(struct start *start) {
    if (start->failure.what) _exit(127);
    take(start, OUTPUT, STDOUT_FILENO);
    take(start, OUTPUT, STDERR_FILENO);
    take(start, LISTENER, CHANNEL);
    // Those of other starts: this one may wait for long before it executes its program. Linux 5.9.
    if (syscall(SYS_close_range, CHANNEL + 1, ~0U, 0) < 0) fail(start, "descriptors", "of other starts", errno);
    limit(start, RLIMIT_NOFILE, start->request.files, "open files");
    // All ones is RLIM_INFINITY.
    limit(start, RLIMIT_CORE, start->request.core, "core dumps");
    if (start->request.nice) be_nice(start, start->request.nice);
    if (*start->name) become(start);
    if (chdir(start->folder) < 0) fail(start, "folder", start->folder, errno);
    find(start);
    start->has_arrived = 1;
    execve(start->command[0], start->command, start->environment);
    fail(start, "cannot execute", start->command[0], errno);
}

// Of a session of its own before master can signal that.
static int begin(void *argument) {
    struct start *start = argument;
    uint64_t now = ticks();
    pid_t pid = getpid();
    setsid();
    int pidfd = (int)syscall(SYS_pidfd_open, pid, 0);
    // Without a pidfd its end would go unseen.
    if (pidfd < 0) {
        tell(start->request.number, 0, errno, -1, 0);
        _exit(127);
    }
    // Where the tick is the same before and after, it is the one that the kernel has noted. To read it costs more, and
    // the entry of /proc makes the end of the process dearer, too.
    uint64_t start_time = now == start->made_at ? now : 0;
    if (tell(start->request.number, pid, 0, pidfd, start_time) < 0) _exit(127);
    snprintf(start->listen_pid, sizeof start->listen_pid, "LISTEN_PID=%d", (int)pid);
    execute(start);
}

// MARK: a thread of launch

// Sets a variable ("NAME=value"), in place of one that has the name already.
static void set(struct start *start, char *variable) {
    size_t name = (size_t)(strchr(variable, '=') - variable) + 1;
    char **place = start->environment;
    while (*place && strncmp(*place, variable, name)) place++;
    *place = variable;
}

// Whether a change of the account would leave the memory that the process shares with launch open to the account.
static int is_memory_open(void) {
    char value = '0';
    int file = open("/proc/sys/fs/suid_dumpable", O_RDONLY | O_CLOEXEC);
    if (file >= 0) {
        if (read(file, &value, 1) < 0) value = '1';
        close(file);
    }
    return value == '1';
}

// Looks the account up, which may wait for another machine, and answers what is wrong with it.
static struct failure look_up(struct start *start) {
    struct account *account = &start->account;
    struct passwd entry, *found;
    int error = getpwnam_r(start->name, &entry, account->entry, sizeof account->entry, &found);
    if (!found) return (struct failure){"account", start->name, error ? error : ENOENT};
    if (entry.pw_uid == 0) return (struct failure){"account", start->name, EPERM};
    if (is_memory_open()) return (struct failure){"account", "must not see launch's memory: fs.suid_dumpable is 1", 0};
    account->uid = entry.pw_uid;
    account->gid = entry.pw_gid;
    for (;;) {
        account->count = account->capacity;
        if (getgrouplist(start->name, entry.pw_gid, account->groups, &account->count) >= 0) break;
        // It has told how many there are; NGROUPS_MAX is 65536.
        int capacity = account->count > account->capacity ? account->count : 2 * account->capacity + 16;
        gid_t *groups = capacity <= NGROUPS_MAX ? realloc(account->groups, (size_t)capacity * sizeof *groups) : NULL;
        if (!groups) return (struct failure){"groups of account", start->name, E2BIG};
        account->groups = groups;
        account->capacity = capacity;
    }
    snprintf(account->home, sizeof account->home, "HOME=%s", entry.pw_dir);
    snprintf(account->user, sizeof account->user, "USER=%s", start->name);
    snprintf(account->logname, sizeof account->logname, "LOGNAME=%s", start->name);
    set(start, account->home);
    set(start, account->user);
    set(start, account->logname);
    return (struct failure){0};
}

// Tells what came of the program, after the process itself has told of itself.
static void conclude(const struct start *start) {
    struct {
        struct answer answer;
        char text[512];
    } end = {.answer = {.number = start->request.number, .pid = -1}};
    const struct failure *failure = &start->failure;
    int size = 0;
    if (failure->what)
        size = snprintf(
            end.text, sizeof end.text, "%s %s%s%s", failure->what, failure->subject, failure->error ? ": " : "",
            failure->error ? strerror(failure->error) : "");
    if (size >= (int)sizeof end.text) size = sizeof end.text - 1;
    ssize_t sent;
    do sent = send(CHANNEL, &end, sizeof end.answer + (size_t)size, MSG_NOSIGNAL);
    while (sent < 0 && errno == EINTR);
}

// Makes the process, and waits until it has executed its program or ended.
static int run(struct start *start) {
    // The room for all pointers at once: the words, the variables with launch's own, and a zero at the end of each.
    size_t words = start->request.words, variables = start->request.variables;
    char **room = calloc(words + variables + OWN_VARIABLES + 2, sizeof *room);
    if (!room) return ENOMEM;
    start->command = room;
    start->environment = room + words + 1;
    char *string = (char *)start->folder;
    for (size_t i = 0; i < words; i++) start->command[i] = string += strlen(string) + 1;
    start->path = NULL;
    for (size_t i = 0; i < variables; i++) {
        start->environment[i] = string += strlen(string) + 1;
        if (!strncmp(string, "PATH=", 5)) start->path = string + 5;
    }
    snprintf(start->listen_pid, sizeof start->listen_pid, "LISTEN_PID=");
    set(start, start->listen_pid);
    start->failure = (struct failure){0};
    start->has_arrived = 0;
    if (*start->name) {
        tell(start->request.number, 0, 0, -1, 0);
        start->failure = look_up(start);
    }
    start->made_at = ticks();
    // The signal at its end is launch's own: SIGCHLD.
    int pid = clone(begin, start->stack + STACK, CLONE_PARENT | CLONE_VM | CLONE_VFORK, start);
    int error = pid < 0 ? errno : 0;
    if (!start->failure.what && !start->has_arrived)
        start->failure = (struct failure){"the process", "ended before its program was executed", 0};
    free(room);
    return error;
}

// Finds the parts of a packet. Answers 0 or an errno value.
static int parse(struct start *start, size_t size) {
    const struct request *request = &start->request;
    const char *packet = start->packet;
    if (size < sizeof *request + 1 || packet[size - 1]) return EBADMSG;
    const char *strings = packet + sizeof *request;
    uint64_t zeros = 0;
    for (const char *c = strings; c < packet + size; c++) zeros += !*c;
    if (request->words < 1 || zeros != 2 + (uint64_t)request->words + request->variables) return EBADMSG;
    start->name = strings;
    start->folder = start->name + strlen(start->name) + 1;
    // The first word.
    const char *program = start->folder + strlen(start->folder) + 1;
    if (!*program) return EBADMSG;
    // A variable has a name.
    const char *string = program;
    for (uint32_t i = 0; i < request->words; i++) string += strlen(string) + 1;
    for (uint32_t i = 0; i < request->variables; i++, string += strlen(string) + 1) {
        if (!strchr(string, '=')) return EBADMSG;
    }
    return 0;
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

static void serve(struct start *start, size_t size, struct msghdr *message) {
    for (int i = 0; i < DESCRIPTORS; i++) start->descriptors[i] = -1;
    memset(&start->request, 0, sizeof start->request);
    memcpy(&start->request, start->packet, size < sizeof start->request ? size : sizeof start->request);
    int error = accept_descriptors(start, message);
    if (!error) error = message->msg_flags & MSG_TRUNC ? EMSGSIZE : parse(start, size);
    if (!error) error = run(start);
    for (int i = 0; i < DESCRIPTORS; i++) {
        if (start->descriptors[i] >= 0) close(start->descriptors[i]);
    }
    if (error) tell(start->request.number, 0, error, -1, 0);
    else conclude(start);
}

static atomic_int threads = 1;
static atomic_int waiting;

static void *work(void *is_first);

static void add_thread(void) {
    pthread_t thread;
    if (atomic_fetch_add(&threads, 1) < MOST_THREADS && pthread_create(&thread, NULL, work, NULL) == 0)
        pthread_detach(thread);
    else atomic_fetch_sub(&threads, 1);
}

static void *work(void *is_first) {
    struct start *start = calloc(1, sizeof *start);
    while (start && (is_first || atomic_load(&waiting) < MOST_WAITING)) {
        struct iovec part = {.iov_base = start->packet, .iov_len = sizeof start->packet};
        struct msghdr message = {
            .msg_iov = &part,
            .msg_iovlen = 1,
            .msg_control = start->control,
            .msg_controllen = sizeof start->control};
        atomic_fetch_add(&waiting, 1);
        ssize_t size = recvmsg(CHANNEL, &message, MSG_CMSG_CLOEXEC);
        int error = errno;
        if (atomic_fetch_sub(&waiting, 1) == 1 && size > 0) add_thread();
        if (size > 0) serve(start, (size_t)size, &message);
        else if (size == 0 || error != EINTR) _exit(0);
    }
    if (start) free(start->account.groups);
    free(start);
    atomic_fetch_sub(&threads, 1);
    return NULL;
}

int main(void) {
    // Master's end never waits, this one does.
    if (fcntl(CHANNEL, F_SETFL, 0) < 0) {
        fputs("launch: is started by master, which sends it the starts\n", stderr);
        return 2;
    }
    static int is_first;
    work(&is_first);
    return 1;
}
