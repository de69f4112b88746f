// Which packets stay where they land, and when their blocks are sealed: packets of one size, over a
// port that keeps to its MTU.

#include "dpdk-app/ingest.h"

#include <stdio.h>

#include "tests/dpdk-app/eal_once.h"
#include "tests/test.h"

#define PAGES 16u
#define BURST 32u
#define STEPS 1000u
#define S     1000000000ull

struct rig {
    struct pool *pool;
    struct port port;
    struct port_conf port_conf;
    struct tick_clock clock;
    struct job_source source;
    atomic_bool shed;
    _Atomic uint32_t cuts;
    struct ingest *q;
};

static bool rig_open(struct rig *r, const char *device, uint32_t mtu)
{
    char err[256] = "";
    struct pool_conf pc = {.bytes = (uint64_t)PAGES * PAGE_BYTES, .blocks_cnt = 512};
    struct port_open_conf oc = {.conf = &r->port_conf};

    *r = (struct rig){
        .port_conf = {.name = "net0", .device = device, .mode = PORT_MIRROR, .mtu = mtu},
        .source = {.spec = {.name = "wire", .kind = SOURCE_PACKETS, .type = &type_int},
                   .type = SOURCE_TYPE_PACKETS}};
    oc.pool = r->pool = pool_new(&pc, err, sizeof err);
    int rc = r->pool ? port_open(&r->port, &oc, err, sizeof err) : -1;
    tick_clock_init(&r->clock, S);
    struct ingest_conf conf = {.port = &r->port,
                               .pool = r->pool,
                               .clock = &r->clock,
                               .burst = BURST,
                               .start_tick = 100,
                               .shed = &r->shed,
                               .cuts = &r->cuts,
                               .sources_cnt = 1,
                               .source = {{.source = &r->source}}};
    if (rc == 0)
        r->q = ingest_new(&conf, err, sizeof err);
    EXPECT_EQ_STR(err, "");
    return r->q != NULL;
}

// Bursts in the tick of the start; blocks are taken at once.
static void rig_step(struct rig *r, uint32_t steps)
{
    uint64_t now = tick_clock_tsc(&r->clock, 100 * S + S / 2);
    struct ingest_msg m;

    for (uint32_t i = 0; i < steps; i++) {
        ingest_step(r->q, now);
        while (ingest_recv(r->q, &m, 1))
            if (m.kind == INGEST_BLOCK)
                pool_block_release(r->pool, m.block);
    }
}

static void rig_close(struct rig *r)
{
    ingest_free(r->q);
    port_close(&r->port);
    EXPECT_EQ_INT(pool_pages_free(r->pool), PAGES);
    pool_free(r->pool);
}

// Do frames of a size stay, and how much of each is kept?
static void keep(uint32_t frame_bytes, uint32_t mtu, bool stays, uint32_t kept_bytes)
{
    static struct rig r;
    struct ingest_source_counters s;
    struct ingest_counters before, after;
    char device[64];

    snprintf(device, sizeof device, "net_null0,size=%u", frame_bytes);
    REQUIRE(rig_open(&r, device, mtu));
    rig_step(&r, STEPS);
    // What is shed in between says nothing about it.
    atomic_store(&r.shed, true);
    rig_step(&r, STEPS);
    atomic_store(&r.shed, false);
    ingest_look(r.q, &before);
    rig_step(&r, STEPS);
    ingest_look(r.q, &after);
    EXPECT_EQ_INT(after.packet[INGEST_SHED], STEPS * BURST);
    EXPECT_EQ_INT(after.packet[INGEST_TAKEN], 2 * STEPS * BURST);
    EXPECT_EQ_INT(after.kept_in_place - before.kept_in_place, stays ? STEPS * BURST : 0);
    ingest_look_source(r.q, 0, &s);
    EXPECT_EQ_INT(s.taken_bytes, s.taken * kept_bytes);
    rig_close(&r);
}

TEST(ingest_keep, frames_of_one_size)
{
    static const struct {
        uint32_t frame_bytes, mtu;
        bool stays;
        uint32_t kept_bytes;
    } table[] = {
        {1400, 0, false, 1400},   // slots of 2 KB
        {1400, 1500, true, 1400}, // as long as the frames of the wire
        {900, 1500, false, 900},  {1900, 0, true, 1900},
        {1900, 1500, true, 1526}, // longer than it may be: cut
    };

    REQUIRE(eal_once());
    for (size_t i = 0; i < sizeof table / sizeof *table; i++)
        keep(table[i].frame_bytes, table[i].mtu, table[i].stays, table[i].kept_bytes);
}

// Asked to, it seals what is open and worth it, in the next step and once.
TEST(ingest_keep, blocks_are_sealed_when_control_asks)
{
    static const struct {
        uint32_t steps;
        bool ask;
        uint64_t blocks; // so far
    } table[] = {{1, false, 0},  {1, true, 0}, {31, false, 0}, {1, true, 1},
                 {40, false, 1}, {2, true, 2}, {1, true, 2}};
    static struct rig r;
    struct ingest_counters c;

    REQUIRE(eal_once());
    REQUIRE(rig_open(&r, "net_null0,size=60", 0));
    for (size_t i = 0; i < sizeof table / sizeof table[0]; i++) {
        atomic_fetch_add(&r.cuts, table[i].ask);
        rig_step(&r, table[i].steps);
        ingest_look(r.q, &c);
        EXPECT_EQ_INT(c.blocks, table[i].blocks);
    }
    rig_close(&r);
}
