#include "tests/dpdk-app/feeder_harness.h"

#include <stdarg.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "tests/dpdk-app/eal_once.h"
#include "tests/dpdk-app/frames.h"

#define STEPS_MAX 1000000u

// ---- set-up ----------------------------------------------------------------------------------

static struct job_source source_of(struct trial *t, char kind)
{
    static const char *const line = "line";
    const struct type *string = type_scalar(TYPE_STRING);
    struct job_source s = {.listen_any = true, .listen_port = 9000};

    if (kind == 'u' || kind == 'l') {
        s.type = SOURCE_TYPE_UDP;
        s.spec.kind = SOURCE_RECORDS;
        s.spec.type = type_record(&t->zone, &string, &line, 1);
        s.spec.format.kind = FORMAT_TEXT;
    } else {
        s.type = SOURCE_TYPE_PACKETS;
        s.spec.kind = SOURCE_PACKETS;
        s.spec.type = packets_type(&t->zone);
        s.filter = kind == 'f' ? "udp" : NULL;
    }
    return s;
}

bool trial_begin(struct trial *t, uint32_t pages_cnt, const char *streams)
{
    struct pool_conf pc = {.bytes = (uint64_t)pages_cnt * PAGE_BYTES};

    memset(t, 0, sizeof *t);
    if (!eal_once())
        return false;
    snprintf(t->folder, sizeof t->folder, "/tmp/feeder.XXXXXX");
    t->pages_cnt = pages_cnt;
    t->pool = pool_new(&pc, t->err, sizeof t->err);
    if (!t->pool || !mkdtemp(t->folder)) {
        TEST_FAIL("no pool or no folder");
        return false;
    }
    snprintf(t->path, sizeof t->path, "%s/in", t->folder);
    t->conf = (struct feeder_conf){
        .file = t->path, .tick_ns = TRIAL_TICK_NS, .pool = t->pool, .memory_ticks = 2};
    for (; streams[t->conf.streams_cnt]; t->conf.streams_cnt++) {
        uint32_t i = t->conf.streams_cnt;
        t->source[i] = source_of(t, streams[i]);
        t->conf.stream[i] = (struct feeder_stream){i + 3, &t->source[i]};
    }
    t->conf.records = streams[0] == 'l';
    t->file = fopen(t->path, "w");
    return t->file != NULL;
}

bool trial_open(struct trial *t)
{
    if (t->file)
        fclose(t->file);
    t->file = NULL;
    t->f = feeder_new(&t->conf, t->err, sizeof t->err);
    return t->f != NULL;
}

void trial_end(struct trial *t)
{
    if (t->file)
        fclose(t->file);
    while (t->held_cnt)
        trial_release(t, t->held_cnt - 1);
    feeder_free(t->f);
    EXPECT_EQ_INT(pool_pages_free(t->pool), t->pages_cnt);
    pool_free(t->pool);
    zone_free(&t->zone);
    free(t->row);
    strbuf_release(&t->text);
    unlink(t->path);
    rmdir(t->folder);
}

// ---- the capture -----------------------------------------------------------------------------

static void put_u32(FILE *f, uint32_t v)
{
    fwrite(&v, sizeof v, 1, f);
}

void trial_pcap(struct trial *t)
{
    static const uint32_t header[6] = {0xa1b23c4d, 4u << 16 | 2, 0, 0, 262144, 1};

    fwrite(header, sizeof header, 1, t->file);
}

void trial_frame(struct trial *t, int64_t ts_ns, const uint8_t *bytes, uint32_t cap_len,
                 uint32_t wire_len)
{
    put_u32(t->file, (uint32_t)(ts_ns / 1000000000));
    put_u32(t->file, (uint32_t)(ts_ns % 1000000000));
    put_u32(t->file, cap_len);
    put_u32(t->file, wire_len);
    fwrite(bytes, 1, cap_len, t->file);
}

static uint32_t make_tcp(uint8_t *out, uint32_t len)
{
    static const uint8_t head[54] = {
        [5] = 2,  [11] = 1,  [12] = 0x08, [14] = 0x45, [22] = 64, [23] = 6,    [26] = 10,
        [29] = 1, [30] = 10, [33] = 2,    [35] = 80,   [37] = 81, [46] = 0x50,
    };

    memset(out, 0, len);
    memcpy(out, head, sizeof head);
    out[16] = (uint8_t)((len - 14) >> 8);
    out[17] = (uint8_t)(len - 14);
    uint32_t sum = 0;
    for (uint32_t i = 14; i < 34; i += 2)
        sum += (uint32_t)out[i] << 8 | out[i + 1];
    sum = ~((sum & 0xffff) + (sum >> 16));
    out[24] = (uint8_t)(sum >> 8);
    out[25] = (uint8_t)sum;
    return len;
}

uint32_t trial_make(struct trial *t, char kind, uint32_t payload_len, uint8_t *out,
                    uint32_t *cap_len, uint32_t *wire_len, const uint8_t **payload)
{
    uint8_t text[FRAME_MAX];
    struct udp_frame uf = {.port = 9000, .to = 2, .payload = text, .len = payload_len};

    // Each payload is unlike the others.
    for (uint32_t i = 0; i < payload_len; i++)
        text[i] = (uint8_t)('a' + (t->frames_cnt >> (i % 4 * 8)) % 26);
    t->frames_cnt++;
    uf.port = kind == 'o' ? 53 : 9000;
    uf.len = kind == 'e' ? 0 : payload_len;
    if (kind == 's') {
        // Always the same bytes: of some a bad checksum happens to be one that was left out.
        memset(text, 's', sizeof text);
        uf.len = 8;
    }
    uf.bad_sum = kind == 's';
    uf.fragment = kind == 'f';
    if (kind == 't' || kind == 'j')
        *cap_len = make_tcp(out, kind == 't' ? 60 : 37506);
    else if (kind == 'a')
        *cap_len = frame_arp(out, 2);
    else
        *cap_len = frame_udp(out, &uf);
    *wire_len = *cap_len;
    if (kind == 'm')
        *cap_len = *wire_len = 10;
    if (kind == 'c')
        *cap_len -= 3;
    *payload = out + 42;
    return kind == 'u' ? payload_len : 0;
}

void trial_frames(struct trial *t, const char *frames)
{
    static uint8_t bytes[65536];
    const uint8_t *payload;
    uint32_t cap_len, wire_len;
    char *at;

    while (*frames) {
        int64_t ms = strtoll(frames, &at, 10);
        trial_make(t, at[1], 8, bytes, &cap_len, &wire_len, &payload);
        trial_frame(t, ms * 1000000, bytes, cap_len, wire_len);
        frames = at + 2 + (at[2] == ' ');
    }
}

// ---- running ---------------------------------------------------------------------------------

uint64_t trial_hash(const void *bytes, uint32_t len)
{
    const uint8_t *p = bytes;
    uint64_t h = 14695981039346656037u;

    for (uint32_t i = 0; i < len; i++)
        h = (h ^ p[i]) * 1099511628211u;
    return h;
}

__attribute__((format(printf, 2, 3))) static void note(struct trial *t, const char *fmt, ...)
{
    va_list ap;

    if (t->log_len + 64 > sizeof t->log)
        return;
    if (t->log_len)
        t->log[t->log_len++] = ' ';
    va_start(ap, fmt);
    t->log_len += (size_t)vsnprintf(t->log + t->log_len, sizeof t->log - t->log_len, fmt, ap);
    va_end(ap);
}

static struct trial_row *new_row(struct trial *t)
{
    if (t->rows_cnt == t->rows_room) {
        t->rows_room = t->rows_room ? 2 * t->rows_room : 64;
        t->row = realloc(t->row, t->rows_room * sizeof *t->row);
    }
    return &t->row[t->rows_cnt++];
}

static void take_block(struct trial *t, const struct feed_msg *m)
{
    const struct block *b = m->block;
    const struct run *run = b->index;
    const struct pkt *pkt = b->index;

    EXPECT_EQ_INT(b->hdr.interval, m->tick);
    EXPECT(m->tick >= t->closed_until);
    EXPECT_EQ_INT(b->hdr.id.c, t->next_seq[m->stream]++);
    EXPECT_EQ_INT(b->hdr.id.b >> 32, t->conf.stream[m->stream].stream_idx);
    EXPECT_EQ_INT(b->hdr.id.b & UINT32_MAX, t->conf.queue_idx);
    EXPECT(b->hdr.rows > 0);
    if (t->with_text && m->stream == 0 && (t->text.len == 0 || t->text_tick != m->tick)) {
        strbuf_printf(&t->text, "[%llu]", (unsigned long long)m->tick);
        t->text_tick = m->tick;
    }
    for (uint32_t i = 0; i < b->hdr.rows; i++) {
        struct trial_row *r = new_row(t);
        bool packets = b->hdr.kind == BLOCK_PACKETS;

        *r = (struct trial_row){.stream = m->stream, .tick = m->tick};
        r->len = packets ? pkt[i].cap_len : run[i].len;
        r->hash = trial_hash(b->base + (packets ? pkt[i].off : run[i].off), r->len);
        r->ts_ns = packets ? pkt[i].ts_ns : 0;
        if (t->with_text && m->stream == 0)
            strbuf_add(&t->text, (const char *)b->base + run[i].off, run[i].len);
    }
}

static void close_tick(struct trial *t, uint64_t tick)
{
    EXPECT(tick >= t->closed_until);
    t->closed_until = tick + 1;
}

void trial_recv(struct trial *t, bool hold)
{
    struct feed_msg m;

    while (feeder_recv(t->f, &m)) {
        EXPECT(!t->ended);
        if (m.marked)
            feeder_mark(t->f, &(struct feeder_packets){0});
        switch (m.kind) {
        case FEED_BLOCK:
            note(t, "b%u.%llux%u", m.stream, (unsigned long long)m.tick, m.block->hdr.rows);
            take_block(t, &m);
            t->held[t->held_cnt++] = m.block;
            if (!hold || t->held_cnt == TRIAL_HELD_MAX)
                trial_release(t, t->held_cnt - 1);
            break;
        case FEED_CLOSED:
            note(t, "c%llu", (unsigned long long)m.tick);
            close_tick(t, m.tick);
            break;
        case FEED_SKIP:
            note(t, "s%llu", (unsigned long long)m.tick);
            close_tick(t, m.tick);
            break;
        case FEED_END:
            note(t, "e");
            t->ended = true;
            break;
        }
    }
}

void trial_release(struct trial *t, uint32_t i)
{
    pool_block_release(t->pool, t->held[i]);
    t->held[i] = t->held[--t->held_cnt];
}

void trial_run(struct trial *t)
{
    for (uint32_t i = 0; i < STEPS_MAX && !t->ended; i++) {
        t->now_ns += 1000000;
        feeder_step(t->f, t->now_ns);
        trial_recv(t, false);
    }
    EXPECT(t->ended);
    EXPECT(!feeder_step(t->f, t->now_ns));
}

void trial_run_short(struct trial *t, struct prng *rng)
{
    uint32_t hold_max = (uint32_t)prng_below(rng, 12) + 1;

    for (uint32_t i = 0; i < 100000 && !t->ended; i++) {
        t->now_ns += prng_below(rng, 20000000);
        bool did = feeder_step(t->f, t->now_ns);
        if (prng_below(rng, 3) == 0)
            trial_recv(t, true);
        if (t->held_cnt && ((!did && prng_below(rng, 8) == 0) || t->held_cnt > hold_max))
            trial_release(t, (uint32_t)prng_below(rng, t->held_cnt));
    }
    EXPECT(t->ended);
}
