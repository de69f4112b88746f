/* Frames of a capture. */
#include <string.h>

#include "base/assert.h"
#include "dpdk-app/feeder_impl.h"

/* A step is bounded by these. */
#define STEP_FRAMES 64u
#define STEP_BYTES  262144u

const char *const feed_counter_name[FEED_COUNTERS_CNT] = {
    [FEED_RECEIVED] = "received",
    [FEED_TAKEN] = "taken",
    [FEED_NO_SOURCE] = "no_source",
    [FEED_FILTERED] = "filtered",
    [FEED_MALFORMED] = "malformed",
    [FEED_FRAGMENT] = "fragment",
    [FEED_BAD_CHECKSUM] = "bad_checksum",
    [FEED_MERGED] = "merged",
    [FEED_CUT] = "cut",
    [FEED_EMPTY] = "empty",
};

/* How close to being taken a frame came: of the verdicts of its streams the highest is its own. */
static const uint8_t rank[FEED_COUNTERS_CNT] = {
    [FEED_TAKEN] = 9,     [FEED_EMPTY] = 8,    [FEED_BAD_CHECKSUM] = 7,
    [FEED_MERGED] = 6,    [FEED_CUT] = 5,      [FEED_FILTERED] = 4,
    [FEED_MALFORMED] = 3, [FEED_FRAGMENT] = 2, [FEED_NO_SOURCE] = 1,
};

static const enum feed_counter verdict_of[PACKET_DROPS_CNT] = {
    [PACKET_TOO_SHORT] = FEED_MALFORMED,
    [PACKET_NOT_IP] = FEED_NO_SOURCE,
    [PACKET_BAD_IP_HEADER] = FEED_MALFORMED,
    [PACKET_BAD_IP_CHECKSUM] = FEED_BAD_CHECKSUM,
    [PACKET_BAD_IP_LENGTH] = FEED_MALFORMED,
    [PACKET_FRAGMENT] = FEED_FRAGMENT,
    [PACKET_NOT_UDP] = FEED_NO_SOURCE,
    [PACKET_CUT] = FEED_CUT,
    [PACKET_BAD_UDP_LENGTH] = FEED_MALFORMED,
    [PACKET_OTHER_PORT] = FEED_NO_SOURCE,
    [PACKET_OTHER_ADDRESS] = FEED_NO_SOURCE,
    [PACKET_MERGED] = FEED_MERGED,
    [PACKET_BAD_UDP_CHECKSUM] = FEED_BAD_CHECKSUM,
};

int feeder_fetch_frame(struct feeder *f)
{
    struct feeder_item *it = &f->item;
    int rc = capture_next(f->capture, &it->frame);

    __atomic_store_n(&f->n.bad_times, capture_bad_times(f->capture), __ATOMIC_RELAXED);
    if (rc != 1)
        return rc;
    /* What the wire allows is not known of a capture, so no frame is too large for it. */
    packet_decode(&it->pkt,
                  &(struct packet_frame){
                      .bytes = it->frame.bytes,
                      .ts_ns = it->frame.ts_ns,
                      .cap_len = it->frame.cap_len,
                      .wire_len = it->frame.wire_len,
                      .vlan_tci = PACKET_NO_TAG,
                  },
                  0);
    it->there = true;
    it->tick = feeder_tick_of(f, it->frame.ts_ns);
    it->next_src = 0;
    it->has = 0;
    it->best = FEED_NO_SOURCE;
    feeder_come(f);
    return 1;
}

static void keep_shown(struct feeder *f, enum feed_counter why)
{
    const struct capture_frame *cf = &f->item.frame;

    if (why == FEED_TAKEN || f->shown_cnt[why] == FEEDER_SHOWN_MAX)
        return;
    struct feeder_shown *s = &f->shown[why][f->shown_cnt[why]++];
    s->len = cf->cap_len;
    memcpy(s->bytes, cf->bytes, s->len < FEEDER_SHOWN_BYTES ? s->len : FEEDER_SHOWN_BYTES);
}

void feeder_show_dropped(const struct feeder *f, struct strbuf *out)
{
    for (uint32_t why = 0; why < FEED_COUNTERS_CNT; why++)
        for (uint32_t i = 0; i < f->shown_cnt[why]; i++) {
            const struct feeder_shown *s = &f->shown[why][i];
            strbuf_printf(out, "dropped frame, %s, %u bytes:", feed_counter_name[why], s->len);
            for (uint32_t k = 0; k < s->len && k < FEEDER_SHOWN_BYTES; k++)
                strbuf_printf(out, " %02x", s->bytes[k]);
            strbuf_puts(out, s->len > FEEDER_SHOWN_BYTES ? " ...\n" : "\n");
        }
}

void feeder_count_frame(struct feeder *f)
{
    struct feeder_item *it = &f->item;

    keep_shown(f, it->best);
    packet_count_burst(&f->seen, &it->pkt, 1);
    TALLY(f->n.packets.packet[FEED_RECEIVED], 1);
    TALLY(f->n.packets.packet[it->best], 1);
    for (uint32_t g = 0; g < f->conf.groups_cnt; g++)
        if (it->has & f->conf.group[g])
            TALLY(f->n.packets.group_taken[g], 1);
    TALLY(f->n.bytes, it->frame.wire_len);
    if (it->tick < f->open_tick)
        TALLY(f->n.late, 1);
    it->there = false;
}

static void show_seen(struct feeder *f)
{
    const uint64_t *from = (const uint64_t *)&f->seen;
    uint64_t *to = (uint64_t *)&f->n.seen;

    for (size_t i = 0; i < sizeof f->seen / sizeof *to; i++)
        __atomic_store_n(&to[i], from[i], __ATOMIC_RELAXED);
}

static bool offer_packet(struct feeder_src *s, const struct feeder_item *it,
                         enum feed_counter *verdict)
{
    const struct capture_frame *cf = &it->frame;
    struct block_bytes b = {.at = cf->bytes, .len = cf->cap_len};

    *verdict = FEED_FILTERED;
    if (s->filter && !filter_takes(s->filter, cf->bytes, cf->cap_len, cf->wire_len))
        return true;
    *verdict = FEED_TAKEN;
    return block_builder_add_pkt(&s->builder, &it->pkt, &b);
}

static bool offer_datagram(struct feeder_src *s, const struct feeder_item *it,
                           enum feed_counter *verdict)
{
    const uint8_t *frame = it->frame.bytes;
    struct run payload;
    enum packet_drop why = packet_udp_match(&it->pkt, frame, &s->listen, &payload);

    if (why != PACKET_TAKEN) {
        *verdict = verdict_of[why];
        return true;
    }
    *verdict = payload.len ? FEED_TAKEN : FEED_EMPTY;
    struct block_bytes b = {.at = frame + payload.off, .len = payload.len};
    return block_builder_add_run(&s->builder, &b);
}

/* False: a stream that wants the frame found no memory. */
static bool offer(struct feeder *f)
{
    struct feeder_item *it = &f->item;

    for (; it->next_src < f->srcs_cnt; it->next_src++) {
        struct feeder_src *s = &f->src[it->next_src];
        enum feed_counter verdict;

        block_builder_begin(&s->builder, f->open_tick);
        if (!(s->type == SOURCE_TYPE_PACKETS ? offer_packet(s, it, &verdict)
                                             : offer_datagram(s, it, &verdict)))
            return false;
        if (rank[verdict] > rank[it->best])
            it->best = verdict;
        it->has |= (uint32_t)(verdict == FEED_TAKEN) << it->next_src;
    }
    return true;
}

/* With `pace`: is it time? Ticks that have ended meanwhile are closed, as long as the gap is no
 * longer than what windows remember. */
static bool is_due(struct feeder *f, uint64_t now_ns)
{
    const struct feeder_item *it = &f->item;

    if (!f->conf.pace || capture_due_ns(&f->pace, it->frame.ts_ns, now_ns) <= now_ns)
        return true;
    int64_t now = f->pace.first_ts_ns + (int64_t)(now_ns - f->pace.start_ns);
    uint64_t to = feeder_tick_of(f, now);

    if (to > f->open_tick && to - f->busy_tick - 1 > f->conf.memory_ticks)
        to = f->busy_tick + f->conf.memory_ticks + 1;
    if (to > f->open_tick)
        feeder_close_until(f, to);
    return false;
}

static enum feeder_did step(struct feeder *f, uint64_t now_ns)
{
    enum feeder_did did = FEEDER_NOTHING;
    uint32_t bytes = 0;

    for (uint32_t i = 0; i < STEP_FRAMES && bytes < STEP_BYTES && feeder_room(f); i++) {
        if (!f->item.there && feeder_fetch_frame(f) != 1) {
            const char *why = capture_error(f->capture);
            feeder_finish(f, *why ? why : NULL);
            return FEEDER_SOMETHING;
        }
        if (!is_due(f, now_ns) || !feeder_enter(f))
            return did;
        if (!offer(f))
            return did == FEEDER_NOTHING ? FEEDER_NO_MEMORY : did;
        bytes += f->item.frame.cap_len;
        feeder_count_frame(f);
        did = FEEDER_SOMETHING;
    }
    return did;
}

enum feeder_did feeder_step_frames(struct feeder *f, uint64_t now_ns)
{
    enum feeder_did did = step(f, now_ns);

    show_seen(f);
    return did;
}
