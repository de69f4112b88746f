/*
 * A list of free slots, by number: any thread takes, any thread gives, the last given first.
 *
 * Last first and not in turn, because what was used last is still in the cache: with a ring every
 * page of the pool would be cold each time. Lock-free and not a ring also because lcores may
 * share a CPU: one that is preempted in the middle stops nobody. A tag beside the head tells an
 * old head from the same slot come back.
 */
#ifndef DPDK_APP_FREE_LIST_H
#define DPDK_APP_FREE_LIST_H

#include <stdatomic.h>
#include <stdint.h>

#define FREE_LIST_NONE UINT32_MAX

struct free_list {
    _Atomic uint64_t head;  /* tag << 32 | slot */
    _Atomic uint32_t cnt;   /* about: lags behind by takes and gives under way */
    _Atomic uint32_t *next; /* of each slot; the caller's */
};

/* free_list_init begins an empty list over `next`, one for each slot. */
static inline void free_list_init(struct free_list *l, _Atomic uint32_t *next)
{
    atomic_init(&l->head, FREE_LIST_NONE);
    atomic_init(&l->cnt, 0);
    l->next = next;
}

static inline void free_list_give(struct free_list *l, uint32_t slot)
{
    uint64_t head = atomic_load_explicit(&l->head, memory_order_relaxed);
    uint64_t to;

    do {
        atomic_store_explicit(&l->next[slot], (uint32_t)head, memory_order_relaxed);
        to = ((head >> 32) + 1) << 32 | slot;
    } while (!atomic_compare_exchange_weak_explicit(&l->head, &head, to, memory_order_release,
                                                    memory_order_relaxed));
    atomic_fetch_add_explicit(&l->cnt, 1, memory_order_relaxed);
}

/* free_list_take: FREE_LIST_NONE when there is none. */
static inline uint32_t free_list_take(struct free_list *l)
{
    uint64_t head = atomic_load_explicit(&l->head, memory_order_acquire);
    uint64_t to;

    do {
        if ((uint32_t)head == FREE_LIST_NONE)
            return FREE_LIST_NONE;
        to = ((head >> 32) + 1) << 32 |
             atomic_load_explicit(&l->next[(uint32_t)head], memory_order_relaxed);
    } while (!atomic_compare_exchange_weak_explicit(&l->head, &head, to, memory_order_acquire,
                                                    memory_order_acquire));
    atomic_fetch_sub_explicit(&l->cnt, 1, memory_order_relaxed);
    return (uint32_t)head;
}

static inline uint32_t free_list_cnt(const struct free_list *l)
{
    uint32_t n = atomic_load_explicit(&l->cnt, memory_order_relaxed);

    return n > UINT32_MAX / 2 ? 0 : n;
}

#endif
