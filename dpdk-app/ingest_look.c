// What others see of a queue.
#include <ctype.h>

#include "dpdk-app/ingest_impl.h"

static const char *const own_name[INGEST_PACKET] = {
    [INGEST_TAKEN] = "taken",
    [INGEST_ARP] = "arp",
    [INGEST_ICMP_ECHO] = "icmp_echo",
    [INGEST_OTHER_HOST] = "other_host",
    [INGEST_NO_SOURCE] = "no_source",
    [INGEST_FILTERED] = "filtered",
    [INGEST_EMPTY] = "empty",
    [INGEST_NO_MEMORY] = "no_memory",
    [INGEST_RING_FULL] = "ring_full",
    [INGEST_SHED] = "shed",
    [INGEST_BEFORE_START] = "before_start",
    [INGEST_AFTER_END] = "after_end",
};

const char *ingest_counter_name(enum ingest_counter c)
{
    return c < INGEST_PACKET ? own_name[c] : packet_drop_name[c - INGEST_PACKET];
}

// Counters are words, written one by one.
static void copy_words(void *to, const void *from, size_t bytes)
{
    uint64_t *t = to;
    const uint64_t *f = from;

    for (size_t i = 0; i < bytes / sizeof *t; i++)
        t[i] = __atomic_load_n(&f[i], __ATOMIC_RELAXED);
}

void ingest_look(const struct ingest *q, struct ingest_counters *c)
{
    copy_words(c, &q->n, sizeof *c);
    /* what one source takes is counted there */
    for (uint32_t g = 0; g < q->groups_cnt; g++)
        if (__builtin_popcount(q->group[g]) == 1)
            copy_words(&c->group_taken[g], &q->source[__builtin_ctz(q->group[g])].n.taken, 8);
}

bool ingest_make_mark(struct ingest *q)
{
    if (q->marked - atomic_load_explicit(&q->mark_taken, memory_order_acquire) == MARKS_CNT)
        return false;
    ingest_look(q, &q->mark[q->marked++ % MARKS_CNT]);
    return true; /* the message that follows makes it visible */
}

void ingest_mark(struct ingest *q, struct ingest_counters *c)
{
    uint64_t n = atomic_load_explicit(&q->mark_taken, memory_order_relaxed);

    *c = q->mark[n % MARKS_CNT];
    atomic_store_explicit(&q->mark_taken, n + 1, memory_order_release);
}

void ingest_look_source(const struct ingest *q, uint32_t source, struct ingest_source_counters *c)
{
    copy_words(c, &q->source[source].n, sizeof *c);
}

static void hex_dump(struct strbuf *out, const uint8_t *bytes, uint32_t len)
{
    for (uint32_t at = 0; at < len; at += 16) {
        uint32_t n = len - at < 16 ? len - at : 16;

        strbuf_printf(out, "  %04x ", at);
        for (uint32_t i = 0; i < 16; i++) {
            if (i < n)
                strbuf_printf(out, " %02x", bytes[at + i]);
            else
                strbuf_puts(out, "   ");
        }
        strbuf_puts(out, "  ");
        for (uint32_t i = 0; i < n; i++)
            strbuf_printf(out, "%c", isprint(bytes[at + i]) ? bytes[at + i] : '.');
        strbuf_puts(out, "\n");
    }
}

uint32_t ingest_show_dropped(struct ingest *q, struct strbuf *out)
{
    uint32_t shown = 0;

    for (uint32_t c = 0; c < INGEST_COUNTERS_CNT; c++) {
        struct shown *sh = &q->shown[c];
        uint32_t cnt = atomic_load_explicit(&sh->cnt, memory_order_acquire);

        for (; sh->told < cnt; sh->told++, shown++) {
            const struct shown_frame *f = &sh->frame[sh->told];

            strbuf_printf(out, "dropped: %s: port %s, queue %u, %u bytes%s\n",
                          ingest_counter_name(c), q->port->conf->name, q->port_queue, f->wire_len,
                          f->len < f->wire_len ? ", the first of them" : "");
            hex_dump(out, f->bytes, f->len);
        }
    }
    return shown;
}
