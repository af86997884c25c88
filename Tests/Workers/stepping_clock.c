// A wall clock that is a day fast in one second and a day slow in the next: for LD_PRELOAD (ld.so(8)).
//
// The monotonic clock, and what the kernel does by any clock, stay as they are.

#define _GNU_SOURCE

#include <sys/syscall.h>
#include <sys/time.h>
#include <time.h>
#include <unistd.h>

static const time_t day = 24 * 60 * 60;

static struct timespec now(void) {
    struct timespec wall = {0}, steady = {0};
    syscall(SYS_clock_gettime, CLOCK_REALTIME, &wall);
    syscall(SYS_clock_gettime, CLOCK_MONOTONIC, &steady);
    wall.tv_sec += steady.tv_sec % 2 ? day : -day;
    return wall;
}

int clock_gettime(clockid_t clock, struct timespec *time) {
    if (clock != CLOCK_REALTIME && clock != CLOCK_REALTIME_COARSE) return (int)syscall(SYS_clock_gettime, clock, time);
    *time = now();
    return 0;
}

int gettimeofday(struct timeval *restrict time, void *restrict zone) {
    (void)zone;
    struct timespec wall = now();
    time->tv_sec = wall.tv_sec;
    time->tv_usec = wall.tv_nsec / 1000;
    return 0;
}

time_t time(time_t *result) {
    time_t seconds = now().tv_sec;
    if (result) *result = seconds;
    return seconds;
}
