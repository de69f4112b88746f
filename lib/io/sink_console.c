/*
 * The console: rows on standard output, for people as a table, for programs as JSON lines.
 *
 * The table of a stream shows its newest interval: up to TABLE_ROWS_MAX rows, cells cut at
 * CELL_CHARS_MAX characters. What it leaves out it counts. JSON lines leave nothing out.
 */
#include <errno.h>
#include <string.h>

#include "base/assert.h"
#include "io/sink.h"
#include "io/text.h"

#define TABLE_ROWS_MAX 50u
#define CELL_CHARS_MAX 60u
#define COLUMNS_CNT    2u /* key and value */
#define STREAMS_MAX    64u
#define PRINT_BYTES    262144u

struct console {
    struct sink base;
    struct render render;
    struct strbuf buf;
    struct strbuf cells;
    uint32_t streams_cnt;
    const struct out_stream *stream[STREAMS_MAX];
    uint32_t section[STREAMS_MAX];
};

static int console_open(struct sink *s)
{
    MR_ASSERT(s->env.screen);
    return 0;
}

static int console_stream(struct sink *s, const struct out_stream *stream)
{
    struct console *c = (struct console *)s;

    if (c->streams_cnt == STREAMS_MAX)
        return sink_fail(s, -ENOSPC, "more than %u streams end here", STREAMS_MAX);
    c->stream[c->streams_cnt] = stream;
    if (s->conf.rows == SINK_ROWS_TABLE)
        c->section[c->streams_cnt] = screen_section(s->env.screen);
    c->streams_cnt++;
    return 0;
}

static uint32_t section_of(const struct console *c, const struct out_stream *stream)
{
    uint32_t i = 0;

    while (i < c->streams_cnt && c->stream[i] != stream)
        i++;
    MR_ASSERT(i < c->streams_cnt);
    return c->section[i];
}

/* ---- JSON lines ------------------------------------------------------------------------------ */

static int write_lines(struct console *c, const struct out_rdd *rdd, const struct out_rows *rows)
{
    int rc = 0;

    strbuf_clear(&c->buf);
    render_json_begin(&c->render, rdd);
    for (uint32_t i = 0; i < rows->cnt && rc == 0; i++) {
        render_json(&c->render, &c->buf, rows->row[i].row);
        if (c->buf.len >= PRINT_BYTES) {
            rc = screen_print(c->base.env.screen, c->buf.s, c->buf.len);
            strbuf_clear(&c->buf);
        }
    }
    if (rc == 0 && c->buf.len)
        rc = screen_print(c->base.env.screen, c->buf.s, c->buf.len);
    return rc;
}

/* ---- table ----------------------------------------------------------------------------------- */

struct cell {
    size_t off, bytes; /* in c->cells */
    uint32_t chars;
};

/* Counts the characters of the cell that was just added, and cuts it where it is too long. */
static void cell_end(struct strbuf *cells, struct cell *cell)
{
    for (size_t i = cell->off; i < cells->len; i++) {
        if (((uint8_t)cells->s[i] & 0xc0) == 0x80)
            continue;
        if (cell->chars == CELL_CHARS_MAX) {
            cells->len = i;
            strbuf_puts(cells, "…");
            cell->chars++;
            break;
        }
        cell->chars++;
    }
    cell->bytes = cells->len - cell->off;
}

static bool is_number(const struct type *t)
{
    while (t->kind == TYPE_TUPLE && t->parts_cnt == 1)
        t = t->part[0];
    return t->kind == TYPE_INT || t->kind == TYPE_FLOAT;
}

static void put_heading(struct strbuf *out, const struct out_rdd *rdd, uint32_t rows_cnt)
{
    const struct out_stream *s = rdd->stream;

    strbuf_printf(out, "%s  interval ", s->name);
    text_put_uint(out, rdd->interval);
    strbuf_puts(out, ", end ");
    text_put_time(out, render_end_ns(rdd->interval, s->interval_ns),
                  text_time_digits(s->interval_ns));
    strbuf_puts(out, ", ");
    text_put_cnt(out, rows_cnt);
    strbuf_puts(out, rows_cnt == 1 ? " row" : " rows");
    strbuf_puts(out, rdd->complete ? "\n" : ", incomplete\n");
}

/* The table of one RDD: a line of titles, then a line for each row that is shown. */
struct table {
    uint32_t first; /* column: 0 key, 1 value */
    uint32_t lines_cnt;
    struct cell cell[TABLE_ROWS_MAX + 1][COLUMNS_CNT];
    uint32_t width[COLUMNS_CNT];
    bool right[COLUMNS_CNT];
};

static void put_row(struct console *c, struct table *t, const struct row_hdr *row)
{
    struct cell *cell = t->cell[t->lines_cnt++];

    for (uint32_t k = t->first; k < COLUMNS_CNT; k++) {
        cell[k] = (struct cell){.off = c->cells.len};
        if (!row)
            strbuf_puts(&c->cells, k == 0 ? "key" : "value");
        else if (k == 0)
            render_key_cell(&c->render, &c->cells, row);
        else
            render_value_cell(&c->render, &c->cells, row);
        cell_end(&c->cells, &cell[k]);
        if (cell[k].chars > t->width[k])
            t->width[k] = cell[k].chars;
    }
}

static void put_lines(struct console *c, const struct table *t)
{
    for (uint32_t i = 0; i < t->lines_cnt; i++) {
        for (uint32_t k = t->first; k < COLUMNS_CNT; k++) {
            const struct cell *cell = &t->cell[i][k];
            int pad = (int)(t->width[k] - cell->chars);

            strbuf_printf(&c->buf, "  %*s", t->right[k] ? pad : 0, "");
            strbuf_add(&c->buf, c->cells.s + cell->off, cell->bytes);
            if (!t->right[k] && k + 1 < COLUMNS_CNT)
                strbuf_printf(&c->buf, "%*s", pad, "");
        }
        strbuf_puts(&c->buf, "\n");
    }
}

static int write_table(struct console *c, const struct out_rdd *rdd, const struct out_rows *rows)
{
    const struct out_stream *s = rdd->stream;
    uint32_t shown = rows->cnt < TABLE_ROWS_MAX ? rows->cnt : TABLE_ROWS_MAX;
    struct table t = {.first = s->key ? 0 : 1};

    t.right[0] = s->key && is_number(s->key);
    t.right[1] = is_number(s->value);
    render_json_begin(&c->render, rdd);
    strbuf_clear(&c->buf);
    strbuf_clear(&c->cells);
    put_heading(&c->buf, rdd, rows->cnt);
    put_row(c, &t, NULL);
    for (uint32_t i = 0; i < shown; i++)
        put_row(c, &t, rows->row[i].row);
    put_lines(c, &t);
    if (shown < rows->cnt) {
        strbuf_puts(&c->buf, "  and ");
        text_put_cnt(&c->buf, rows->cnt - shown);
        strbuf_puts(&c->buf, " more\n");
    }
    return screen_show(c->base.env.screen, section_of(c, s), c->buf.s, c->buf.len);
}

static int console_write(struct sink *s, const struct out_rdd *rdd, const struct out_rows *rows)
{
    struct console *c = (struct console *)s;
    int rc =
        s->conf.rows == SINK_ROWS_TABLE ? write_table(c, rdd, rows) : write_lines(c, rdd, rows);

    if (rc)
        return sink_fail(s, rc, "cannot write to standard output: %s", strerror(-rc));
    return 0;
}

static int console_close(struct sink *s)
{
    struct console *c = (struct console *)s;

    render_release(&c->render);
    strbuf_release(&c->buf);
    strbuf_release(&c->cells);
    return 0;
}

const struct sink_ops sink_console = {
    .type = "console",
    .bytes = sizeof(struct console),
    .open = console_open,
    .stream = console_stream,
    .write = console_write,
    .close = console_close,
};
