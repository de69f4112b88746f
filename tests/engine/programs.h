/*
 * Programs that the engine is held to the reference with. Every operator stands in at least one;
 * `lines` is a source of text, `nums` one of CSV (k: string, v: int, x: float),
 * `recs` one of binary records (k: int of one byte, v: int, tag: string).
 */
#ifndef TESTS_ENGINE_PROGRAMS_H
#define TESTS_ENGINE_PROGRAMS_H

struct program {
    const char *name;
    const char *text; /* of `program:`, one statement a line, indented by two */
};

extern const struct program programs[];
extern const unsigned programs_cnt;

#endif
