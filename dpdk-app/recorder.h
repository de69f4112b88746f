/*
 * The recorder: `--record DIR` keeps the sealed blocks and the lineage of a run.
 *
 *   DIR/blocks          the record (ckpt/record.h)
 *   DIR/lineage.jsonl   one line for each map task: its job, interval, stage, number, blocks
 *
 * Control hands over every block as it comes; the I/O thread writes. A block is held until it is
 * written. Entries wait in a ring that is taken at the start; where it is used up, control waits
 * (recorder_room). What cannot be written is an error of the run, said once, counted, exit 69.
 */
#ifndef DPDK_APP_RECORDER_H
#define DPDK_APP_RECORDER_H

#include "ckpt/record.h"
#include "io/writer.h"
#include "sched/sched.h"

struct recorder;

/* recorder_open makes DIR, unless it is there; it must not hold a record yet (other files may be in
 * it). workers_cnt: of the scheduler. NULL: err holds a sentence. */
struct recorder *recorder_open(const char *dir, struct writer *w, uint32_t workers_cnt, char *err,
                               size_t err_bytes);
void recorder_begin(struct recorder *r, uint64_t first_tick, uint64_t tick_ns, uint64_t streams,
                    uint64_t hash);
/* Entries, in this order. A block must stay until recorder_called gives it back. */
void recorder_block(struct recorder *r, struct block *b, uint64_t tick);
void recorder_mark(struct recorder *r, enum record_mark mark, uint64_t tick, uint64_t cut_tick);
void recorder_lineage(struct recorder *r, const char *job, const struct action *a);
/* recorder_room: there is room for all entries that one more event may bring. */
bool recorder_room(const struct recorder *r);
/* recorder_step gives entries to the I/O thread; how many. */
uint32_t recorder_step(struct recorder *r);
/* recorder_called: a call of the recorder came back (false: it was not the recorder's). *block is
 * the block that may go now, or NULL. */
bool recorder_called(struct recorder *r, const struct writer_done *d, struct block **block);
bool recorder_pending(const struct recorder *r);
/* recorder_close: after the writer has stopped. */
void recorder_close(struct recorder *r);

#endif
