/*
 * The screen: what all console sinks of a run share, so that live tables, status lines and JSON
 * lines do not write over each other.
 *
 * A screen has sections, in the order in which they were made: the table of a stream, the status
 * of a job. On a terminal the newest text of every section is kept and drawn in place of the
 * last drawing, cut to the size of the terminal. Elsewhere (a file, a pipe) every text is
 * written once, when it is shown, followed by an empty line.
 *
 * screen_print is for bytes that must all come out (JSON lines); on a terminal the drawing goes
 * on below them. A screen belongs to one thread at a time.
 *
 * Errors: -errno of the write (-EPIPE: the reader has gone). Nothing is kept for another try.
 */
#ifndef IO_SCREEN_H
#define IO_SCREEN_H

#include <stdbool.h>
#include <stdint.h>

#include "base/strbuf.h"

#define SCREEN_SECTIONS_MAX 64u
#define SCREEN_DRAW_NS      100000000u /* drawings come no faster than this */

struct screen {
    int fd;
    bool tty;
    bool dirty;
    uint32_t sections_cnt;
    uint32_t drawn_lines; /* of the drawing above the cursor */
    uint64_t drawn_ns;    /* when, CLOCK_MONOTONIC */
    struct strbuf section[SCREEN_SECTIONS_MAX];
    struct strbuf frame; /* scratch */
};

/* screen_init: tty is what isatty(fd) says, unless a test knows better. */
void screen_init(struct screen *s, int fd, bool tty);
/* screen_section makes one more section; beyond SCREEN_SECTIONS_MAX they share the last. */
uint32_t screen_section(struct screen *s);
/* screen_show: `text` is whole lines. */
int screen_show(struct screen *s, uint32_t section, const char *text, size_t len);
int screen_print(struct screen *s, const char *bytes, size_t len);
/* screen_draw draws when something has changed: now, or not sooner than SCREEN_DRAW_NS after the
 * last drawing. Does nothing without a terminal. */
int screen_draw(struct screen *s, bool now);
/* screen_release draws what was not drawn yet and frees. The descriptor stays open. */
void screen_release(struct screen *s);

#endif
