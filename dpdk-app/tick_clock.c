#include "dpdk-app/tick_clock.h"

#include <time.h>

#include <rte_cycles.h>

#define NS_PER_S 1000000000
// Between two readings from which the rate of the TSC is learnt; EAL is not as wrong as 1 in
// RATE_ERROR.
#define LEARN_NS_MIN 50000000
#define LEARN_NS_MAX 2000000000
#define RATE_ERROR   200u

// Both clocks at one moment: of a few tries the one in which least time passed between them.
static void clocks_read(uint64_t *tsc, int64_t *ns)
{
    uint64_t best = UINT64_MAX;

    for (int i = 0; i < 5; i++) {
        struct timespec t;
        uint64_t before = rte_rdtsc();
        clock_gettime(CLOCK_REALTIME, &t);
        uint64_t passed = rte_rdtsc() - before;

        if (passed < best) {
            best = passed;
            *tsc = before + passed / 2;
            *ns = (int64_t)t.tv_sec * NS_PER_S + t.tv_nsec;
        }
    }
}

static void map_publish(struct tick_clock *c, uint64_t tsc, int64_t ns, uint64_t ns_per_tsc)
{
    uint32_t version = atomic_load_explicit(&c->version, memory_order_relaxed) + 1;
    struct tick_map *m = &c->map[version & 1];

    // A reader that still looks at this one sees the version move first.
    atomic_thread_fence(memory_order_release);
    atomic_store_explicit(&m->base_tsc, tsc, memory_order_relaxed);
    atomic_store_explicit(&m->base_ns, ns, memory_order_relaxed);
    atomic_store_explicit(&m->ns_per_tsc, ns_per_tsc, memory_order_relaxed);
    atomic_store_explicit(&c->version, version, memory_order_release);
}

struct mapping {
    uint64_t tsc, ns_per_tsc;
    int64_t ns;
};

static struct mapping map_read(const struct tick_clock *c)
{
    for (;;) {
        uint32_t version = atomic_load_explicit(&c->version, memory_order_acquire);
        const struct tick_map *m = &c->map[version & 1];
        struct mapping r = {
            .tsc = atomic_load_explicit(&m->base_tsc, memory_order_relaxed),
            .ns_per_tsc = atomic_load_explicit(&m->ns_per_tsc, memory_order_relaxed),
            .ns = atomic_load_explicit(&m->base_ns, memory_order_relaxed),
        };

        atomic_thread_fence(memory_order_acquire);
        if (atomic_load_explicit(&c->version, memory_order_relaxed) == version)
            return r;
    }
}

static int64_t map_ns(const struct mapping *m, uint64_t tsc)
{
    __int128 ns = (__int128)(int64_t)(tsc - m->tsc) * (int64_t)m->ns_per_tsc;

    return m->ns + (int64_t)(ns >> 32);
}

int64_t tick_clock_ns(const struct tick_clock *c, uint64_t tsc)
{
    struct mapping m = map_read(c);

    return map_ns(&m, tsc);
}

uint64_t tick_clock_tsc(const struct tick_clock *c, int64_t ns)
{
    struct mapping m = map_read(c);
    __int128 tsc = (__int128)(ns - m.ns) * (1ll << 32) / (int64_t)m.ns_per_tsc;

    return m.tsc + (uint64_t)(int64_t)tsc;
}

// What passed on both clocks since they were last read says how fast the TSC is, unless the wall
// clock was set. A quarter of the difference is believed at a time.
static void learn_rate(struct tick_clock *c, uint64_t tsc, int64_t wall_ns)
{
    uint64_t cycles = tsc - c->read_tsc;
    int64_t ns = wall_ns - c->read_ns;

    c->read_tsc = tsc;
    c->read_ns = wall_ns;
    if (ns < LEARN_NS_MIN || ns > LEARN_NS_MAX || cycles == 0)
        return;
    uint64_t rate = (uint64_t)((unsigned __int128)ns << 32) / cycles;
    if (rate > c->eal + c->eal / RATE_ERROR || rate < c->eal - c->eal / RATE_ERROR)
        return;
    c->nominal += (uint64_t)((int64_t)(rate - c->nominal) / 4);
}

void tick_clock_follow(struct tick_clock *c, uint64_t tsc, int64_t wall_ns)
{
    struct mapping m = map_read(c);
    int64_t mapped = map_ns(&m, tsc);
    int64_t ahead = mapped - wall_ns;
    int64_t was_ahead = atomic_load_explicit(&c->ahead_ns, memory_order_relaxed);
    int64_t passed = mapped - m.ns; // since the last time, and as likely until the next

    learn_rate(c, tsc, wall_ns);
    if (ahead < -TICK_CLOCK_STEP_NS || ahead - was_ahead > TICK_CLOCK_STEP_NS)
        atomic_fetch_add_explicit(&c->steps, 1, memory_order_relaxed);
    if (ahead <= 0) {
        atomic_store_explicit(&c->ahead_ns, 0, memory_order_relaxed);
        map_publish(c, tsc, wall_ns, c->nominal);
        return;
    }
    uint64_t slower = c->nominal / 8;
    if (passed > 0 && ahead < passed / 8)
        slower = (uint64_t)((unsigned __int128)c->nominal * (uint64_t)ahead / (uint64_t)passed);
    atomic_store_explicit(&c->ahead_ns, ahead, memory_order_relaxed);
    map_publish(c, tsc, mapped, c->nominal - slower);
}

void tick_clock_sync(struct tick_clock *c)
{
    uint64_t tsc = 0;
    int64_t ns = 0;

    clocks_read(&tsc, &ns);
    tick_clock_follow(c, tsc, ns);
}

void tick_clock_init(struct tick_clock *c, uint64_t period_ns)
{
    uint64_t tsc = 0;
    int64_t ns = 0;

    *c = (struct tick_clock){
        .period_ns = period_ns,
        .eal = (uint64_t)(((unsigned __int128)NS_PER_S << 32) / rte_get_tsc_hz()),
    };
    c->nominal = c->eal;
    clocks_read(&tsc, &ns);
    c->read_tsc = tsc;
    c->read_ns = ns;
    map_publish(c, tsc, ns, c->nominal);
}
