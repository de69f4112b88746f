/*
 * A trial: one program over random records in random datagrams, blocks and queues, in the engine
 * and in the reference. `lines` is a source of text, `nums` one of CSV, `recs` of binary
 * records (programs.h).
 */
#ifndef TESTS_ENGINE_TRIAL_H
#define TESTS_ENGINE_TRIAL_H

#include "tests/common/engine.h"
#include "tests/common/reference.h"
#include "tests/engine/programs.h"

struct trial {
    const char *name;
    uint64_t seed;
    struct prng prng;
    struct job *job;
    struct ref *ref;
    struct engine *engine;
    uint32_t queues;
    uint64_t first; /* interval */
    struct strbuf expected;
    uint64_t failed, ref_failed; /* rows that lambdas could not compute; after trial_end */
};

/* job_of parses a job around a program. NULL, with its diagnostics on stderr. */
struct job *job_of(const char *name, const char *program, uint32_t partitions);

/* trial_begin draws everything else from the seed. False: the program is wrong, said by EXPECT. */
bool trial_begin(struct trial *t, const struct program *p, uint64_t seed, uint64_t keep,
                 const struct engine_hook *hook);
/* trial_interval gives interval n to both and closes it. */
void trial_interval(struct trial *t, uint64_t n);
/* trial_end stops after interval `last` and expects equal outputs. */
void trial_end(struct trial *t, uint64_t last);

#endif
