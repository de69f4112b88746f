#include <string.h>
#include <sys/ioctl.h>
#include <time.h>

#include "io/fdio.h"
#include "io/screen.h"

/* Cursor to the start of the line n lines up; clear from here to the end. */
#define CURSOR_UP  "\x1b[%uF"
#define CLEAR_DOWN "\x1b[J"

static uint64_t now_ns(void)
{
    struct timespec ts;

    clock_gettime(CLOCK_MONOTONIC, &ts);
    return (uint64_t)ts.tv_sec * 1000000000u + (uint64_t)ts.tv_nsec;
}

void screen_init(struct screen *s, int fd, bool tty)
{
    *s = (struct screen){.fd = fd, .tty = tty};
}

uint32_t screen_section(struct screen *s)
{
    if (s->sections_cnt < SCREEN_SECTIONS_MAX)
        s->sections_cnt++;
    return s->sections_cnt - 1;
}

int screen_show(struct screen *s, uint32_t section, const char *text, size_t len)
{
    if (!s->tty) {
        strbuf_clear(&s->frame);
        strbuf_add(&s->frame, text, len);
        strbuf_add(&s->frame, "\n", 1);
        return fd_write_all(s->fd, s->frame.s, s->frame.len);
    }
    strbuf_clear(&s->section[section]);
    strbuf_add(&s->section[section], text, len);
    s->dirty = true;
    return 0;
}

int screen_print(struct screen *s, const char *bytes, size_t len)
{
    s->drawn_lines = 0;
    return fd_write_all(s->fd, bytes, len);
}

/* The bytes of a line that fill at most `columns` places: one for each character. */
static size_t fitting(const char *line, size_t len, uint32_t columns)
{
    size_t i = 0;

    for (uint32_t n = 0; i < len; i++) {
        if (((uint8_t)line[i] & 0xc0) != 0x80 && n++ == columns)
            break;
    }
    return i;
}

/* Adds the lines of one section; returns how many. */
static uint32_t put_section(struct strbuf *out, const struct strbuf *section, uint32_t lines_max,
                            uint32_t columns)
{
    const char *p = section->s, *end = section->s + section->len, *nl;
    uint32_t n = 0;

    for (; p < end && n < lines_max; p = nl + 1, n++) {
        nl = memchr(p, '\n', (size_t)(end - p));
        if (!nl)
            nl = end;
        strbuf_add(out, p, fitting(p, (size_t)(nl - p), columns));
        strbuf_add(out, "\n", 1);
    }
    return n;
}

int screen_draw(struct screen *s, bool now)
{
    struct winsize size = {.ws_row = 24, .ws_col = 80};
    uint32_t lines = 0;

    if (!s->tty || !s->dirty || (!now && now_ns() - s->drawn_ns < SCREEN_DRAW_NS))
        return 0;
    if (ioctl(s->fd, TIOCGWINSZ, &size) || size.ws_row < 2 || size.ws_col < 2)
        size = (struct winsize){.ws_row = 24, .ws_col = 80};
    strbuf_clear(&s->frame);
    if (s->drawn_lines)
        strbuf_printf(&s->frame, CURSOR_UP, s->drawn_lines);
    strbuf_puts(&s->frame, CLEAR_DOWN);
    for (uint32_t i = 0; i < s->sections_cnt; i++)
        lines += put_section(&s->frame, &s->section[i], size.ws_row - 1u - lines, size.ws_col);
    s->drawn_lines = lines;
    s->drawn_ns = now_ns();
    s->dirty = false;
    return fd_write_all(s->fd, s->frame.s, s->frame.len);
}

void screen_release(struct screen *s)
{
    screen_draw(s, true);
    for (uint32_t i = 0; i < SCREEN_SECTIONS_MAX; i++)
        strbuf_release(&s->section[i]);
    strbuf_release(&s->frame);
}
