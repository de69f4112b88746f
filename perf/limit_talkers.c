/*
 * Limit program for the top talkers: bytes on the wire by source address, of a sliding window. It
 * knows that every packet is IPv4, and stops when one is not.
 *
 * It reads the rows of the index as the engine must (what a packet is and how long it was stands
 * only there) and the address where the row says the header lies. 1,024 packets at a time, in two
 * loops: address, length and a seeded multiplication, folded; then a table of 131,072 slots
 * {address, packets, bytes}, while memory gives the rows and frames of the next step. At the end of
 * an interval its sums go into the window's, those of 30 intervals ago leave, and the best are
 * picked.
 */
#include <string.h>

#include "base/assert.h"
#include "base/bytes.h"
#include "perf/best.h"
#include "perf/blocks.h"
#include "perf/side.h"
#include "rdd/tkey.h"

#define STEP_PACKETS 1024u
#define SLOT_BITS    17
#define SLOTS        (1u << SLOT_BITS)
#define ENTRIES_MAX  (SLOTS / 4)
#define TOP          10u
#define AHEAD        24u /* packets between the prefetch of a header and its use */
#define FRAME_BYTES  60u /* where frames are of another length, others are prefetched */

struct slot {
    uint32_t ip, packets; /* 0 packets in the interval and no entry: free */
    uint64_t bytes;
};

struct sum {
    uint64_t packets, bytes;
};

struct talkers {
    struct slot *slot;
    uint8_t *used;                       /* by slot */
    uint32_t *slot_of;                   /* by entry */
    struct sum *total;                   /* by entry: in the window */
    struct sum *delta[WINDOW_INTERVALS]; /* by entry: in each of its intervals */
    uint32_t entries;
    struct bests bests;
    uint32_t ip[STEP_PACKETS], bytes[STEP_PACKETS], home[STEP_PACKETS];
};

static void look(struct talkers *t, const struct pkt *p, const uint8_t *base, uint32_t n)
{
    const uint64_t s0 = tkey_seed[0], s1 = tkey_seed[1];
    uint32_t all = PKT_IP4;

    for (uint32_t i = 0; i < n; i++) {
        __builtin_prefetch(base + p[i + AHEAD].off + 26); /* behind the last there are others */
        uint32_t ip = load_le32(base + p[i].off + p[i].l3_off + 12);
        unsigned __int128 m = (unsigned __int128)(ip ^ s0) * s1;
        all &= p[i].flags;
        t->ip[i] = ip;
        t->bytes[i] = p[i].wire_len;
        t->home[i] = (uint32_t)(((uint64_t)m ^ (uint64_t)(m >> 64)) >> (64 - SLOT_BITS));
    }
    MR_ASSERT(all & PKT_IP4);
}

/* The slot of packet i, whose address is not at home; a new one takes the first free one. */
static __attribute__((noinline)) struct slot *elsewhere(struct talkers *t, uint32_t i)
{
    for (uint32_t at = t->home[i];; at = (at + 1) % SLOTS) {
        struct slot *s = &t->slot[at];
        if (t->used[at] && s->ip == t->ip[i])
            return s;
        if (t->used[at])
            continue;
        MR_ASSERT(t->entries < ENTRIES_MAX);
        t->slot_of[t->entries++] = at;
        t->used[at] = 1;
        s->ip = t->ip[i];
        return s;
    }
}

static void count_all(struct talkers *t, const struct pkt *next, const uint8_t *frame, uint32_t n)
{
    for (uint32_t i = 0; i < n; i++) {
        __builtin_prefetch(&next[i], 0, 2);
        __builtin_prefetch(frame + (size_t)i * FRAME_BYTES, 0, 2);
        struct slot *s = &t->slot[t->home[i]];
        /* An address of 0 would look like a free slot, so it is never taken to be at home. */
        if (__builtin_expect(s->ip != t->ip[i] || !s->ip, 0))
            s = elsewhere(t, i);
        s->packets++;
        s->bytes += t->bytes[i];
    }
}

static void talkers_feed(void *ctx, uint64_t interval, const struct block *b)
{
    struct talkers *t = ctx;
    const struct pkt *p = b->index;

    (void)interval;
    for (uint32_t at = 0; at < b->hdr.rows; at += STEP_PACKETS) {
        uint32_t left = b->hdr.rows - at, n = left < STEP_PACKETS ? left : STEP_PACKETS;
        look(t, p + at, b->base, n);
        count_all(t, p + at + n, b->base + p[at + n - 1].off, n);
    }
}

/* Does entry a come before b? More bytes first, then by address. */
static bool before(const void *ctx, struct best a, struct best b)
{
    const struct talkers *t = ctx;
    const struct slot *x = &t->slot[t->slot_of[a.entry]], *y = &t->slot[t->slot_of[b.entry]];

    if (a.count != b.count)
        return a.count > b.count;
    return __builtin_bswap32(x->ip) < __builtin_bswap32(y->ip);
}

static void talkers_close(void *ctx, uint64_t interval)
{
    struct talkers *t = ctx;
    struct sum *delta = t->delta[interval % WINDOW_INTERVALS];

    t->bests.cnt = 0;
    for (uint32_t e = 0; e < t->entries; e++) {
        struct slot *s = &t->slot[t->slot_of[e]];
        t->total[e].packets += s->packets - delta[e].packets;
        t->total[e].bytes += s->bytes - delta[e].bytes;
        delta[e] = (struct sum){s->packets, s->bytes};
        s->packets = 0;
        s->bytes = 0;
        if (t->total[e].packets)
            bests_offer(&t->bests, (struct best){t->total[e].bytes, e}, before, t);
    }
}

static void talkers_answer(void *ctx, struct strbuf *out)
{
    const struct talkers *t = ctx;

    for (uint32_t i = 0; i < t->bests.cnt; i++) {
        uint32_t ip = t->slot[t->slot_of[t->bests.best[i].entry]].ip;
        strbuf_printf(out, "%u.%u.%u.%u %llu\n", ip & 255, ip >> 8 & 255, ip >> 16 & 255, ip >> 24,
                      (unsigned long long)t->bests.best[i].count);
    }
}

struct side limit_talkers(void)
{
    struct talkers *t = perf_pages(sizeof *t);

    t->bests.max = TOP;
    t->slot = perf_pages(SLOTS * sizeof *t->slot);
    t->used = perf_pages(SLOTS);
    t->slot_of = perf_pages(ENTRIES_MAX * sizeof *t->slot_of);
    t->total = perf_pages(ENTRIES_MAX * sizeof *t->total);
    struct sum *deltas = perf_pages(WINDOW_INTERVALS * ENTRIES_MAX * sizeof *deltas);
    for (uint32_t i = 0; i < WINDOW_INTERVALS; i++)
        t->delta[i] = deltas + (size_t)i * ENTRIES_MAX;
    return (struct side){t, talkers_feed, talkers_close, talkers_answer};
}
