#ifndef TESTS_DPDK_APP_FEEDER_HARNESS_H
#define TESTS_DPDK_APP_FEEDER_HARNESS_H

// A feeder on a file of its own folder, the pool under it, and what it said: as a line of text
// ("b0.5x3": a block of stream 0, tick 5, 3 rows; "c5": closed; "s9": skipped; "e": the end), and
// every row of every block.

#include <stdio.h>

#include "base/strbuf.h"
#include "dpdk-app/feeder.h"
#include "tests/prng.h"
#include "tests/test.h"

#define TRIAL_TICK_NS  1000000000u
#define TRIAL_HELD_MAX 512u

struct trial_row {
    uint32_t stream;
    uint64_t tick, hash;
    uint32_t len;
    int64_t ts_ns; // packets only
};

struct trial {
    char folder[64], path[96];
    FILE *file;
    uint32_t frames_cnt; // written
    struct zone zone;
    struct pool *pool;
    uint32_t pages_cnt;
    struct job_source source[FEEDER_STREAMS_MAX];
    struct feeder_conf conf;
    struct feeder *f;
    char err[512];
    uint64_t now_ns;

    char log[16384];
    size_t log_len;
    bool ended;
    uint64_t closed_until; // ticks before are closed or skipped
    uint32_t rows_cnt, rows_room;
    struct trial_row *row;
    bool with_text; // keep the bytes of stream 0: "[tick]bytes[tick]bytes"
    uint64_t text_tick;
    struct strbuf text;
    uint64_t next_seq[FEEDER_STREAMS_MAX];
    uint32_t held_cnt;
    struct block *held[TRIAL_HELD_MAX];
};

// trial_begin makes folder, pool and conf; streams: a letter each, 'u' udp to port 9000, 'p'
// packets, 'f' packets with the filter "udp", 'l' lines of a file.
bool trial_begin(struct trial *t, uint32_t pages_cnt, const char *streams);
void trial_end(struct trial *t);

// The capture: trial_pcap begins it; trial_frame adds a frame; trial_kind one of the kind
//   u udp to 9000, o to another port, e without payload, s with a bad checksum, f a fragment,
//   t tcp, j tcp of 37,506 bytes, m malformed, c cut short, a no IP
// and returns the bytes of its payload as a `udp` source would see them (0: it would not).
void trial_pcap(struct trial *t);
void trial_frame(struct trial *t, int64_t ts_ns, const uint8_t *bytes, uint32_t cap_len,
                 uint32_t wire_len);
uint32_t trial_make(struct trial *t, char kind, uint32_t payload_len, uint8_t *out,
                    uint32_t *cap_len, uint32_t *wire_len, const uint8_t **payload);
// trial_frames adds "MS:KIND MS:KIND ...".
void trial_frames(struct trial *t, const char *frames);
// trial_open closes the file and makes the feeder.
bool trial_open(struct trial *t);

// trial_recv takes what the feeder says; blocks are held while `hold`, else released.
void trial_recv(struct trial *t, bool hold);
// trial_release lets the held block i go.
void trial_release(struct trial *t, uint32_t i);
// trial_run steps, 1 ms at a time, until the end, releasing everything at once.
void trial_run(struct trial *t);
// trial_run_short does so while memory is short, holding blocks and releasing them as it pleases.
void trial_run_short(struct trial *t, struct prng *rng);

uint64_t trial_hash(const void *bytes, uint32_t len);

#endif
