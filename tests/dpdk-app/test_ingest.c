// Ingest end to end in one process: frames sent through a port come back as rows of blocks, in
// order, in their ticks, and every frame is in one counter.
//
// net_ring gives back what it is sent (packets are copied), net_pcap writes a file into the
// buffers of the port (packets may stay where they land).

#include "dpdk-app/ingest.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <pcap/pcap.h>
#include <rte_cycles.h>

#include "tests/dpdk-app/eal_once.h"
#include "tests/dpdk-app/frames.h"
#include "tests/prng.h"
#include "tests/test.h"

#define PAGES      24u
#define WANTED_MAX 6000u
#define SOURCES    3u
#define S          1000000000ull

static const uint8_t host_mac[6] = {2, 0, 0, 0, 0, 2};

// What a source should have: payloads or frames, by tick.
struct want {
    uint64_t tick;
    uint32_t len;
    uint8_t *bytes;
};

struct rig {
    struct pool *pool;
    struct port port;
    struct port_conf port_conf;
    struct tick_clock clock;
    bool packets_alone; // the one source is `wire`
    struct job_source source[SOURCES];
    struct ingest_conf conf;
    struct ingest *q;
    uint64_t closed; // last tick that was closed
    uint64_t seq[SOURCES];
    _Atomic uint32_t cuts;
    uint32_t wanted_cnt[SOURCES], seen_cnt[SOURCES];
    struct want want[SOURCES][WANTED_MAX];
    uint32_t hold_cnt; // blocks kept for a while
    struct block *hold[8];
};

static bool rig_open(struct rig *r, const char *device, uint32_t pages)
{
    char err[256] = "";
    struct pool_conf pc = {.bytes = (uint64_t)pages * PAGE_BYTES, .blocks_cnt = 512};
    struct port_open_conf oc = {.conf = &r->port_conf};

    *r = (struct rig){.port_conf = {.name = "net0", .device = device, .mode = PORT_MIRROR}};
    oc.pool = r->pool = pool_new(&pc, err, sizeof err);
    EXPECT_EQ_STR(err, "");
    int rc = port_open(&r->port, &oc, err, sizeof err);
    EXPECT_EQ_STR(rc < 0 ? err : "", "");
    tick_clock_init(&r->clock, S);
    r->source[0] = (struct job_source){.spec = {.name = "lines", .type = &type_string},
                                       .type = SOURCE_TYPE_UDP,
                                       .listen_any = true,
                                       .listen_port = 9000};
    r->source[1] =
        (struct job_source){.spec = {.name = "wire", .kind = SOURCE_PACKETS, .type = &type_int},
                            .type = SOURCE_TYPE_PACKETS};
    r->source[2] =
        (struct job_source){.spec = {.name = "some", .kind = SOURCE_PACKETS, .type = &type_int},
                            .type = SOURCE_TYPE_PACKETS,
                            .filter = "udp port 9001"};
    r->conf = (struct ingest_conf){.port = &r->port,
                                   .queue_idx = 7,
                                   .node = 1,
                                   .boot_epoch = 5,
                                   .pool = r->pool,
                                   .clock = &r->clock,
                                   .start_tick = 100};
    return r->pool && rc == 0;
}

static void rig_listen(struct rig *r, uint32_t sources_cnt)
{
    char err[256] = "";

    r->conf.sources_cnt = sources_cnt;
    r->conf.cuts = &r->cuts;
    for (uint32_t i = 0; i < sources_cnt; i++)
        r->conf.source[i] = (struct ingest_source){.source_idx = 10 + i, .source = &r->source[i]};
    r->closed = r->conf.start_tick - 1;
    r->q = ingest_new(&r->conf, err, sizeof err);
    EXPECT_EQ_STR(err, "");
}

static void rig_close(struct rig *r)
{
    ingest_free(r->q);
    for (uint32_t i = 0; i < r->hold_cnt; i++)
        pool_block_release(r->pool, r->hold[i]);
    port_close(&r->port);
    if (r->pool)
        EXPECT_EQ_INT(pool_pages_free(r->pool), r->conf.pool == r->pool ? PAGES : 0);
    pool_free(r->pool);
    for (uint32_t s = 0; s < SOURCES; s++)
        for (uint32_t i = 0; i < r->wanted_cnt[s]; i++)
            free(r->want[s][i].bytes);
}

// The TSC reading at which the mapped clock is in the middle of a tick.
static uint64_t at_tick(const struct rig *r, uint64_t tick)
{
    return tick_clock_tsc(&r->clock, (int64_t)(tick * S + S / 2));
}

static void expect(struct rig *r, uint32_t source, uint64_t tick, const uint8_t *bytes,
                   uint32_t len)
{
    struct want *w = &r->want[source][r->wanted_cnt[source]++];

    *w = (struct want){.tick = tick, .len = len, .bytes = malloc(len + 1)};
    memcpy(w->bytes, bytes, len);
}

static void look_at_row(struct rig *r, uint32_t s, const struct block *b, uint32_t off,
                        uint32_t len)
{
    const struct want *w = &r->want[s][r->seen_cnt[s]];

    REQUIRE(r->seen_cnt[s] < r->wanted_cnt[s]);
    r->seen_cnt[s]++;
    EXPECT_EQ_INT(b->hdr.interval, w->tick);
    EXPECT_EQ_INT(len, w->len);
    if (len == w->len)
        EXPECT_EQ_MEM(b->base + off, w->bytes, len);
}

static void look_at_block(struct rig *r, const struct ingest_msg *m)
{
    const struct block *b = m->block;
    uint32_t s = m->source_idx - 10;

    REQUIRE(s < r->conf.sources_cnt);
    EXPECT_EQ_INT(m->queue_idx, 7);
    EXPECT_EQ_INT(m->tick, b->hdr.interval);
    EXPECT(m->tick > r->closed);
    EXPECT_EQ_INT(b->hdr.id.c, r->seq[s]);
    r->seq[s]++;
    for (uint32_t i = 0; i < b->hdr.rows; i++) {
        const struct run *run = (const struct run *)b->index + i;
        const struct pkt *pkt = (const struct pkt *)b->index + i;

        if (b->hdr.kind == BLOCK_RUNS)
            look_at_row(r, s, b, run->off, run->len);
        else
            look_at_row(r, s, b, pkt->off, pkt->cap_len);
    }
}

// Takes what is in the ring. With `lazy` some blocks are looked at later, as tasks do.
static void drain(struct rig *r, struct prng *rng, bool lazy)
{
    struct ingest_msg m;

    while (ingest_recv(r->q, &m, 1) == 1) {
        if (m.kind == INGEST_CLOSED) {
            EXPECT(m.tick > r->closed);
            r->closed = m.tick;
            continue;
        }
        look_at_block(r, &m);
        if (lazy && r->hold_cnt < 8 && prng_chance(rng, 30))
            r->hold[r->hold_cnt++] = m.block;
        else
            pool_block_release(r->pool, m.block);
    }
    if (lazy && r->hold_cnt > 0 && prng_chance(rng, 50))
        pool_block_release(r->pool, r->hold[--r->hold_cnt]);
}

static void expect_ledger(struct rig *r)
{
    struct ingest_counters c;
    struct ingest_source_counters sc;
    uint64_t sum = 0;

    ingest_look(r->q, &c);
    for (uint32_t i = 0; i < INGEST_COUNTERS_CNT; i++) {
        EXPECT(ingest_counter_name(i) != NULL);
        sum += c.packet[i];
    }
    EXPECT_EQ_INT(c.received, sum);
    for (uint32_t s = 0; s < r->conf.sources_cnt; s++) {
        ingest_look_source(r->q, s, &sc);
        sum = sc.taken;
        for (uint32_t i = 0; i < INGEST_COUNTERS_CNT; i++)
            sum += sc.dropped[i];
        EXPECT_EQ_INT(sc.offered, sum);
        EXPECT_EQ_INT(sc.taken, r->wanted_cnt[s]);
        EXPECT_EQ_INT(r->seen_cnt[s], r->wanted_cnt[s]);
    }
}

static uint32_t random_frame(struct prng *rng, uint8_t *frame, struct udp_frame *u,
                             uint32_t len_max)
{
    static uint8_t payload[9000];

    prng_fill(rng, payload, sizeof payload);
    *u = (struct udp_frame){.port = prng_chance(rng, 60) ? 9000 : 9001,
                            .to = 7,
                            .vlan = prng_chance(rng, 10) ? 5 : 0,
                            .bad_sum = prng_chance(rng, 5),
                            .fragment = prng_chance(rng, 5),
                            .payload = payload,
                            .len = (uint32_t)prng_below(rng, len_max)};
    return frame_udp(frame, u);
}

static void expect_frame(struct rig *r, uint64_t tick, const uint8_t *frame, uint32_t len,
                         const struct udp_frame *u)
{
    if (r->packets_alone) {
        expect(r, 0, tick, frame, len);
        return;
    }
    if (u->port == 9000 && !u->bad_sum && !u->fragment && u->len > 0)
        expect(r, 0, tick, u->payload, u->len);
    if (r->conf.sources_cnt > 1)
        expect(r, 1, tick, frame, len);
    if (r->conf.sources_cnt > 2 && u->port == 9001 && !u->vlan)
        expect(r, 2, tick, frame, len);
}

TEST(ingest, takes_what_a_ring_brings)
{
    static const struct {
        uint32_t sources, len_max, seg_bytes, rows_max, burst;
        bool packets_alone;
    } table[] = {
        {1, 300, 0, 0, 0, false},    {3, 1400, 0, 0, 32, false}, {3, 8000, 0, 50, 64, false},
        {2, 8000, 700, 0, 7, false}, {3, 100, 33, 1, 1, false},  {0, 500, 0, 0, 0, false},
        {1, 100, 0, 0, 0, true},     {1, 1400, 0, 0, 64, true},  {1, 300, 90, 70, 0, true},
    };
    static struct rig r;
    struct prng rng = prng_of(prng_seed(71));
    uint8_t frame[FRAME_MAX];
    struct udp_frame u;

    REQUIRE(eal_once());
    for (size_t t = 0; t < sizeof table / sizeof table[0]; t++) {
        REQUIRE(rig_open(&r, "net_ring0", PAGES));
        r.conf.burst = table[t].burst;
        r.conf.rows_max = table[t].rows_max;
        r.packets_alone = table[t].packets_alone;
        if (r.packets_alone)
            r.source[0] = r.source[1];
        rig_listen(&r, table[t].sources);
        REQUIRE(r.q != NULL);
        uint64_t tick = r.conf.start_tick, sent = 0;
        for (int round = 0; round < 150; round++) {
            uint32_t n = (uint32_t)prng_below(&rng, 20);
            for (uint32_t i = 0; i < n; i++) {
                uint32_t len = random_frame(&rng, frame, &u, table[t].len_max);
                REQUIRE(frames_send(r.port.id, frame, len, table[t].seg_bytes));
                expect_frame(&r, tick, frame, len, &u);
                sent++;
            }
            atomic_fetch_add(&r.cuts, prng_chance(&rng, 20));
            while (ingest_step(r.q, at_tick(&r, tick)) > 0)
                drain(&r, &rng, true);
            if (prng_chance(&rng, 20))
                tick += 1 + prng_below(&rng, 3);
        }
        EXPECT(ingest_finish(r.q, at_tick(&r, tick)));
        drain(&r, &rng, false);
        EXPECT(r.closed >= tick - 3 && r.closed <= tick);
        struct ingest_counters c;
        ingest_look(r.q, &c);
        EXPECT_EQ_INT(c.received, sent);
        expect_ledger(&r);
        rig_close(&r);
    }
}

static void write_capture(struct rig *r, struct prng *rng, const char *path, uint32_t cnt,
                          uint32_t len_min, uint32_t len_max, uint64_t tick)
{
    static uint8_t payload[9000];
    uint8_t frame[FRAME_MAX];
    pcap_t *dead = pcap_open_dead(DLT_EN10MB, 65535);
    pcap_dumper_t *d = pcap_dump_open(dead, path);

    REQUIRE(d != NULL);
    for (uint32_t i = 0; i < cnt; i++) {
        prng_fill(rng, payload, sizeof payload);
        struct udp_frame u = {.port = prng_chance(rng, 50) ? 9000 : 9001,
                              .to = 7,
                              .payload = payload,
                              .len = len_min + (uint32_t)prng_below(rng, len_max - len_min)};
        uint32_t len = frame_udp(frame, &u);
        struct pcap_pkthdr h = {.ts = {.tv_sec = i}, .caplen = len, .len = len};
        pcap_dump((u_char *)d, &h, frame);
        expect_frame(r, tick, frame, len, &u);
    }
    pcap_dump_close(d);
    pcap_close(dead);
}

TEST(ingest, leaves_packets_where_they_land)
{
    static const struct {
        uint32_t sources, len_min, len_max;
        bool stay;
    } table[] = {{1, 1200, 1400, false}, {3, 1900, 2000, true}, {3, 10, 60, false}};
    static struct rig r;
    struct prng rng = prng_of(prng_seed(72));
    char path[64], device[96];
    struct ingest_counters c;

    REQUIRE(eal_once());
    snprintf(path, sizeof path, "/tmp/mr_test_ingest_%d.pcap", (int)getpid());
    snprintf(device, sizeof device, "net_pcap0,rx_pcap=%s", path);
    for (size_t t = 0; t < sizeof table / sizeof table[0]; t++) {
        // The file has to be there before the port; what it holds depends on the sources.
        static struct rig plan;
        plan = (struct rig){.conf = {.sources_cnt = table[t].sources}};
        write_capture(&plan, &rng, path, 4000, table[t].len_min, table[t].len_max, 100);
        REQUIRE(rig_open(&r, device, PAGES));
        memcpy(r.want, plan.want, sizeof r.want);
        memcpy(r.wanted_cnt, plan.wanted_cnt, sizeof r.wanted_cnt);
        rig_listen(&r, table[t].sources);
        REQUIRE(r.q != NULL);
        while (ingest_step(r.q, at_tick(&r, 100)) > 0)
            drain(&r, &rng, true);
        EXPECT(ingest_finish(r.q, at_tick(&r, 100)));
        drain(&r, &rng, false);
        EXPECT_EQ_INT(r.closed, 100);
        ingest_look(r.q, &c);
        EXPECT_EQ_INT(c.received, 4000);
        EXPECT_EQ_INT(c.kept_in_place + c.kept_copied, c.packet[INGEST_TAKEN]);
        if (table[t].stay)
            EXPECT(c.kept_in_place > 2500);
        else if (table[t].len_max < 100)
            EXPECT_EQ_INT(c.kept_in_place, 0);
        expect_ledger(&r);
        rig_close(&r);
    }
    unlink(path);
}

TEST(ingest, counts_what_it_cannot_keep)
{
    static struct rig r;
    struct prng rng = prng_of(3);
    uint8_t frame[FRAME_MAX], payload[800] = {1};
    struct udp_frame u = {.port = 9000, .to = 7, .payload = payload, .len = sizeof payload};
    atomic_bool shed = false;
    struct ingest_counters c;
    struct page *pg[PAGES];

    REQUIRE(eal_once());
    REQUIRE(rig_open(&r, "net_ring0", PAGES));
    r.conf.shed = &shed;
    rig_listen(&r, 2);
    REQUIRE(r.q != NULL);
    uint32_t len = frame_udp(frame, &u);

    frames_send(r.port.id, frame, len, 0);
    ingest_step(r.q, at_tick(&r, 99)); // before the run
    atomic_store(&shed, true);
    frames_send(r.port.id, frame, len, 0);
    ingest_step(r.q, at_tick(&r, 100));
    atomic_store(&shed, false);
    for (uint32_t i = 0; i < PAGES; i++)
        pg[i] = pool_get(r.pool);
    frames_send(r.port.id, frame, len, 0);
    ingest_step(r.q, at_tick(&r, 101));
    for (uint32_t i = 0; i < PAGES; i++)
        page_unref(r.pool, pg[i], 1);
    frames_send(r.port.id, frame, len, 0);
    expect_frame(&r, 101, frame, len, &u);
    ingest_step(r.q, at_tick(&r, 101));
    drain(&r, &rng, false);
    EXPECT_EQ_INT(r.closed, 100);

    ingest_look(r.q, &c);
    EXPECT_EQ_INT(c.packet[INGEST_BEFORE_START], 1);
    EXPECT_EQ_INT(c.packet[INGEST_SHED], 1);
    EXPECT_EQ_INT(c.packet[INGEST_NO_MEMORY], 1);
    EXPECT_EQ_INT(c.packet[INGEST_TAKEN], 1);
    EXPECT(ingest_finish(r.q, at_tick(&r, 101)));
    drain(&r, &rng, false);
    expect_ledger(&r);
    rig_close(&r);
}

TEST(ingest, waits_for_control)
{
    static struct rig r;
    struct prng rng = prng_of(3);
    uint8_t frame[FRAME_MAX], payload[10] = {1};
    struct udp_frame u = {.port = 9000, .to = 7, .payload = payload, .len = sizeof payload};
    struct ingest_counters c;
    uint64_t tick = 100;

    REQUIRE(eal_once());
    REQUIRE(rig_open(&r, "net_ring0", PAGES));
    rig_listen(&r, 1);
    REQUIRE(r.q != NULL);
    // A block and a CLOSED each tick, taken by nobody.
    uint32_t len = frame_udp(frame, &u);
    for (uint32_t i = 0; i < 2000; i++, tick++) {
        REQUIRE(frames_send(r.port.id, frame, len, 0));
        ingest_step(r.q, at_tick(&r, tick));
    }
    ingest_look(r.q, &c);
    EXPECT(c.packet[INGEST_RING_FULL] > 0);
    EXPECT(c.packet[INGEST_TAKEN] > 0);
    EXPECT(!ingest_finish(r.q, at_tick(&r, tick)) || c.packet[INGEST_TAKEN] < 2000);
    for (uint32_t i = 0; i < c.packet[INGEST_TAKEN]; i++)
        expect(&r, 0, 100 + i, payload, sizeof payload);
    drain(&r, &rng, false);
    EXPECT(ingest_finish(r.q, at_tick(&r, tick)));
    drain(&r, &rng, false);
    expect_ledger(&r);
    rig_close(&r);
}

TEST(ingest, answers_for_its_host)
{
    static struct rig r;
    struct prng rng = prng_of(3);
    uint8_t frame[FRAME_MAX];
    struct ingest_counters c;

    REQUIRE(eal_once());
    REQUIRE(rig_open(&r, "net_ring0", PAGES));
    r.port_conf.mode = PORT_HOST;
    r.port_conf.has_address = true;
    memcpy(r.port_conf.address.b + 10, (uint8_t[]){0xff, 0xff, 10, 0, 0, 7}, 6);
    memcpy(r.port.mac, host_mac, 6);
    rig_listen(&r, 1);
    REQUIRE(r.q != NULL);
    frames_send(r.port.id, frame, frame_arp(frame, 7), 0);
    frames_send(r.port.id, frame, frame_arp(frame, 8), 0);
    frames_send(r.port.id, frame, frame_ping(frame, 7, host_mac), 0);
    // The replies come back on the ring, not to us.
    for (int i = 0; i < 4; i++)
        ingest_step(r.q, at_tick(&r, 100));
    ingest_look(r.q, &c);
    EXPECT_EQ_INT(c.replies, 2);
    EXPECT_EQ_INT(c.packet[INGEST_ARP], 1);
    EXPECT_EQ_INT(c.packet[INGEST_ICMP_ECHO], 1);
    EXPECT_EQ_INT(c.received, 5);
    EXPECT_EQ_INT(c.packet[INGEST_OTHER_HOST], 2);
    EXPECT_EQ_INT(c.packet[INGEST_PACKET + PACKET_NOT_IP], 1);
    ingest_finish(r.q, at_tick(&r, 100));
    drain(&r, &rng, false);
    expect_ledger(&r);
    rig_close(&r);
}

TEST(ingest, shows_what_it_drops)
{
    static struct rig r;
    uint8_t frame[FRAME_MAX], payload[20] = "bad";
    struct udp_frame u = {
        .port = 9000, .to = 7, .payload = payload, .len = sizeof payload, .bad_sum = true};
    struct strbuf out = {0};

    REQUIRE(eal_once());
    REQUIRE(rig_open(&r, "net_ring0", PAGES));
    rig_listen(&r, 1);
    REQUIRE(r.q != NULL);
    for (int i = 0; i < 10; i++)
        frames_send(r.port.id, frame, frame_udp(frame, &u), 0);
    ingest_step(r.q, at_tick(&r, 100));
    EXPECT_EQ_INT(ingest_show_dropped(r.q, &out), 3);
    EXPECT_HAS_STR(out.s, "dropped: bad_udp_checksum: port net0, queue 0, 62 bytes");
    EXPECT_HAS_STR(out.s, "62 61 64");
    EXPECT_EQ_INT(ingest_show_dropped(r.q, &out), 0);
    strbuf_release(&out);
    rig_close(&r);
}
