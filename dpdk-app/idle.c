#include "dpdk-app/idle.h"

#include <errno.h>
#include <linux/futex.h>
#include <sched.h>
#include <sys/epoll.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>

#include <rte_cycles.h>
#include <rte_pause.h>

#include "io/prompt.h"

#define PAUSE_ROUNDS 64u
#define YIELD_ROUNDS 64u
#define SLEEP_US_MIN 50u
#define SLEEP_US_MAX 500u
#define EPOLL_US     1000u
#define EVENTS_MAX   8

int idle_init(struct idle *i, enum idle_mode mode)
{
    i->mode = mode;
    i->rounds = 0;
    i->sleep_us = SLEEP_US_MIN;
    i->epoll_fd = -1;
    i->fds_are_all = false;
    i->slept = 0;
    atomic_store(&i->asleep, 0);
    if (mode == IDLE_BUSY)
        return 0;
    prompt_thread();
    return prctl(PR_SET_TIMERSLACK, 1, 0, 0, 0) < 0 ? -errno : 0;
}

void idle_close(struct idle *i)
{
    if (i->epoll_fd >= 0)
        close(i->epoll_fd);
    i->epoll_fd = -1;
}

int idle_watch(struct idle *i, int fd)
{
    struct epoll_event ev = {.events = EPOLLIN, .data.fd = fd};

    if (i->mode == IDLE_BUSY)
        return 0;
    if (i->epoll_fd < 0)
        i->epoll_fd = epoll_create1(EPOLL_CLOEXEC);
    if (i->epoll_fd < 0 || epoll_ctl(i->epoll_fd, EPOLL_CTL_ADD, fd, &ev) < 0)
        return -errno;
    return 0;
}

static void sleep_us(struct idle *i, uint32_t us)
{
    struct timespec t = {.tv_nsec = us * 1000L};
    struct epoll_event ev[EVENTS_MAX];

    if (i->epoll_fd >= 0 && i->fds_are_all)
        epoll_pwait2(i->epoll_fd, ev, EVENTS_MAX, &t, NULL);
    else
        syscall(SYS_futex, &i->asleep, FUTEX_WAIT_PRIVATE, 1, &t, NULL, 0);
}

// What comes after this is either seen in the next round, or ends the sleep behind it.
static void announce(struct idle *i)
{
    atomic_store(&i->asleep, 1);
}

static bool is_announced(const struct idle *i)
{
    return atomic_load_explicit(&i->asleep, memory_order_relaxed);
}

void idle_wake(struct idle *i)
{
    atomic_thread_fence(memory_order_seq_cst);
    if (!is_announced(i))
        return;
    atomic_store_explicit(&i->asleep, 0, memory_order_relaxed);
    syscall(SYS_futex, &i->asleep, FUTEX_WAKE_PRIVATE, 1, NULL, NULL, 0);
}

void idle_step(struct idle *i, bool worked, uint64_t now, uint64_t until)
{
    if (worked) {
        i->rounds = 0;
        i->sleep_us = SLEEP_US_MIN;
        if (is_announced(i))
            atomic_store_explicit(&i->asleep, 0, memory_order_relaxed);
        return;
    }
    if (i->mode == IDLE_BUSY || i->rounds < PAUSE_ROUNDS) {
        i->rounds++;
        rte_pause();
        return;
    }
    if (i->rounds < PAUSE_ROUNDS + YIELD_ROUNDS) {
        if (++i->rounds == PAUSE_ROUNDS + YIELD_ROUNDS)
            announce(i);
        sched_yield();
        return;
    }
    if (!is_announced(i)) { // it was woken, for nothing that this round found
        announce(i);
        return;
    }
    uint32_t us = i->fds_are_all ? EPOLL_US : i->sleep_us;
    if (until != 0) {
        uint64_t left_us = until > now ? (until - now) * 1000000 / rte_get_tsc_hz() : 0;

        if (left_us < us)
            us = (uint32_t)left_us;
    }
    if (us == 0) {
        rte_pause();
        return;
    }
    sleep_us(i, us);
    i->slept += rte_rdtsc() - now;
    i->sleep_us = i->sleep_us * 2 > SLEEP_US_MAX ? SLEEP_US_MAX : i->sleep_us * 2;
}
