#include "rdd/fn_literal.h"
#include "base/bytes.h"
#include "rdd/str.h"

#define CHUNK 32u /* rows whose first bytes are looked at together */
#define HEAD  8u  /* so many of them */

/* The strings of some rows, one row after the other, and the literal. Those that are longer than it
 * by `slack` at most may match. */
struct side {
    const uint8_t *base;
    const uint32_t *off, *len;
    const uint8_t *literal;
    uint32_t n, slack;
};

static inline bool matches(const struct side *s, uint32_t r)
{
    return s->len[r] - s->n <= s->slack && str_equal(s->base + s->off[r], s->literal, s->n);
}

/* Do loads of eight bytes stay in the page of the byte before them? That page is there, if only for
 * that byte, also where a string is empty. */
static bool inside_pages(const struct side *s, uint32_t from)
{
    uint32_t low = (uint32_t)(uintptr_t)s->base - 1, most = 0;

    for (uint32_t i = 0; i < CHUNK; i++) {
        uint32_t at = (low + s->off[from + i]) & 4095;
        most = at > most ? at : most;
    }
    return most < 4096 - HEAD;
}

struct head {
    uint64_t bytes;
} __attribute__((packed, may_alias));

/* What is loaded behind a string may be another's, who may be writing it, and is masked away. */
__attribute__((no_sanitize("address", "thread", "alignment"))) static void heads_load(
    uint64_t *restrict head, const struct side *s, uint32_t from)
{
    const uint32_t *restrict off = s->off + from;
    const uint8_t *base = s->base;

    for (uint32_t i = 0; i < CHUNK; i++) {
        const uint8_t *at = base + off[i];
        __asm__("" : "+r"(at)); /* or gcc computes addresses in vectors, and takes those apart */
        head[i] = ((const struct head *)(const void *)at)->bytes;
    }
}

static void compare_chunk(const struct side *s, uint32_t from, int64_t *restrict o)
{
    const uint32_t *restrict len = s->len + from;
    const uint32_t n = s->n, slack = s->slack;
    const uint64_t mask = n < HEAD ? (1ull << 8 * n) - 1 : ~0ull;
    uint64_t head[CHUNK], want = 0;

    memcpy(&want, s->literal, n);
    heads_load(head, s, from);
    for (uint32_t i = 0; i < CHUNK; i++)
        o[i] = (len[i] - n <= slack) & (((head[i] ^ want) & mask) == 0);
}

void literal_compare(struct eval *ev, const struct col *arg, struct col *out, bool whole)
{
    uint32_t n = arg[1].s.len[0], r = 0;
    const struct side s = {arg[0].s.base,
                           arg[0].s.off,
                           arg[0].s.len,
                           arg[1].s.base + arg[1].s.off[0],
                           n,
                           whole ? 0 : UINT32_MAX - n};

    if (ev->sel || n > HEAD) {
        EACH_ROW(ev, k, out->i[k] = matches(&s, k););
        return;
    }
    for (; r + CHUNK <= ev->sel_cnt; r += CHUNK) {
        if (inside_pages(&s, r))
            compare_chunk(&s, r, out->i + r);
        else
            for (uint32_t i = r; i < r + CHUNK; i++)
                out->i[i] = matches(&s, i);
    }
    for (; r < ev->sel_cnt; r++)
        out->i[r] = matches(&s, r);
}
