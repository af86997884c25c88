// launch: the last steps between Steward's spawn and a worker's own program.
//
//   launch [-n FILES] [-p NICE] [-u ACCOUNT] [-d FOLDER] [-e FD] -- PROGRAM [ARGUMENT ...]
//
// It runs in the session that the spawn made, with the worker's environment and descriptors: 0 /dev/null, 1 and 2 the
// output, 3 the listening socket. It sets the limit of open files (-n), the nice
// value that it starts with (-p), the account with its groups (-u), the
// folder (-d) and LISTEN_PID, looks PROGRAM up in PATH, and executes it with its absolute path as argv[0]: Python takes another
// installation's prefix otherwise. What fails is written as one line to FD (-e), which is close-on-exec: its end
// without a line tells that the program has been executed.

#define _GNU_SOURCE

#include <errno.h>
#include <fcntl.h>
#include <grp.h>
#include <limits.h>
#include <pwd.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <unistd.h>

static int report = 2;

static void fail(const char *what, const char *subject, int error) {
    dprintf(report, "%s %s: %s\n", what, subject, strerror(error));
    _exit(127);
}

static void limit_files(const char *text) {
    char *end;
    errno = 0;
    unsigned long files = strtoul(text, &end, 10);
    if (errno || *end || end == text) fail("number of open files", text, EINVAL);
    struct rlimit limit = {.rlim_cur = files, .rlim_max = files};
    if (setrlimit(RLIMIT_NOFILE, &limit) < 0) fail("limit of open files", text, errno);
}

// Where sessions are scheduled as groups (sched(7), "The autogroup feature"), only the group's value counts.
static void be_nice(const char *value) {
    if (setpriority(PRIO_PROCESS, 0, atoi(value)) < 0) fail("nice value", value, errno);
    int group = open("/proc/self/autogroup", O_WRONLY | O_CLOEXEC);
    if (group < 0) return;
    if (write(group, value, strlen(value)) < 0) errno = 0;  // A kernel that refuses leaves the start as it is.
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
static const char *find(const char *program) {
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

int main(int argc, char *argv[]) {
    const char *account = NULL;
    const char *files = NULL;
    const char *nice_value = NULL;
    const char *folder = NULL;
    int option;
    while ((option = getopt(argc, argv, "+n:p:u:d:e:")) != -1) {
        switch (option) {
        case 'n': files = optarg; break;
        case 'p': nice_value = optarg; break;
        case 'u': account = optarg; break;
        case 'd': folder = optarg; break;
        case 'e': report = atoi(optarg); break;
        default: _exit(2);
        }
    }
    if (optind >= argc) {
        fputs("usage: launch [-n FILES] [-p NICE] [-u ACCOUNT] [-d FOLDER] [-e FD] -- PROGRAM [ARGUMENT ...]\n", stderr);
        return 2;
    }
    if (report > 2) fcntl(report, F_SETFD, FD_CLOEXEC);
    if (files) limit_files(files);
    if (nice_value) be_nice(nice_value);
    if (account) become(account);
    if (folder && chdir(folder) < 0) fail("folder", folder, errno);
    char pid[16];
    snprintf(pid, sizeof pid, "%d", (int)getpid());
    setenv("LISTEN_PID", pid, 1);
    argv[optind] = (char *)find(argv[optind]);
    execv(argv[optind], argv + optind);
    fail("cannot execute", argv[optind], errno);
}
