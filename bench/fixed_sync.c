/* Preloaded, it makes every fsync and fdatasync cost one millisecond and do nothing else. On a
   tmpfs, where a sync costs nothing, that gives a disk that is the same on every machine and at
   every hour. */
#define _GNU_SOURCE
#include <sys/prctl.h>
#include <time.h>

static int wait_one_millisecond(void)
{
    static __thread int precise;
    if (!precise) {
        prctl(PR_SET_TIMERSLACK, 1UL); /* nanoseconds; the default of 50 us would be 5 % */
        precise = 1;
    }
    struct timespec end;
    clock_gettime(CLOCK_MONOTONIC, &end);
    end.tv_nsec += 1000000;
    if (end.tv_nsec >= 1000000000) {
        end.tv_nsec -= 1000000000;
        end.tv_sec += 1;
    }
    while (clock_nanosleep(CLOCK_MONOTONIC, TIMER_ABSTIME, &end, 0) != 0) {
    }
    return 0;
}

int fsync(int file)
{
    (void)file;
    return wait_one_millisecond();
}

int fdatasync(int file)
{
    (void)file;
    return wait_one_millisecond();
}
