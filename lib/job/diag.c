#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "job/diag.h"
#include "job/lines.h"

#define TEXT_BYTES_MAX 320u /* of a sentence; names in it may be as long as their file */
#define LINE_CHARS_MAX                                                                          \
    160u                   /* of a line that is quoted; of a longer one, what is near the caret \
                            */
#define WORD_BYTES_MAX 48u /* of a word that may be a misspelling */

/* Nothing in a file may steer the terminal of who reads about it. */
static char *printable(char *s)
{
    size_t n = strlen(s);

    for (size_t i = 0; i < n; i++)
        if (((unsigned char)s[i] < 0x20 && s[i] != '\t') || s[i] == 0x7f)
            s[i] = '?';
    if (n <= TEXT_BYTES_MAX)
        return s;
    n = TEXT_BYTES_MAX - 3;
    while (n && is_continuation(s[n]))
        n--;
    memcpy(s + n, "...", 4);
    return s;
}

void diags_file(struct diags *d, const char *file, const char *text, size_t len)
{
    d->file = zone_strndup(&d->zone, file, strlen(file));
    d->text = zone_strndup(&d->zone, text, len);
    d->len = len;
}

static bool is_before(const struct place *a, const struct place *b)
{
    return a->line != b->line ? a->line < b->line : a->col < b->col;
}

/* Where a new one goes: behind those of its file that stand before it or at the same place. */
static uint32_t slot_for(const struct diags *d, const struct diag *new)
{
    uint32_t i = d->cnt;

    while (i > 0 && !strcmp(d->d[i - 1].file, new->file) && is_before(&new->at, &d->d[i - 1].at))
        i--;
    return i;
}

static bool is_repeated(const struct diags *d, const struct diag *new)
{
    for (uint32_t i = 0; i < d->cnt; i++) {
        const struct diag *old = &d->d[i];
        if (old->at.line == new->at.line && old->at.col == new->at.col &&
            !strcmp(old->file, new->file) && !strcmp(old->text, new->text))
            return true;
    }
    return false;
}

void diag_add(struct diags *d, enum diag_level level, struct place at, uint32_t width,
              const char *hint, const char *fmt, ...)
{
    struct diag new = {.level = level, .at = at, .width = width ? width : 1};
    va_list ap;

    va_start(ap, fmt);
    int n = vsnprintf(NULL, 0, fmt, ap);
    va_end(ap);
    char *sentence = zone_alloc(&d->zone, (size_t)n + 1);
    va_start(ap, fmt);
    vsnprintf(sentence, (size_t)n + 1, fmt, ap);
    va_end(ap);
    new.text = printable(sentence);
    new.file = d->file ? d->file : "";
    if (hint && *hint)
        new.hint = printable(zone_strndup(&d->zone, hint, strlen(hint)));
    if (at.line && d->text) {
        struct line l = line_of(d->text, d->len, at.line);
        new.line_text = l.s ? zone_strndup(&d->zone, l.s, l.len) : NULL;
    }
    if (is_repeated(d, &new))
        return;
    d->errors_cnt += level == DIAG_ERROR;
    d->warnings_cnt += level == DIAG_WARNING;
    if (d->cnt == DIAGS_MAX)
        return;
    uint32_t slot = slot_for(d, &new);
    memmove(&d->d[slot + 1], &d->d[slot], (d->cnt - slot) * sizeof d->d[0]);
    d->d[slot] = new;
    d->cnt++;
}

/* ---- printing ---- */

/* Adds the characters [from, to) of a line, counted from 0; with blank set, only their width. */
static void put_chars(struct strbuf *out, const char *s, uint32_t from, uint32_t to, bool blank)
{
    uint32_t i = 0;

    for (const char *c = s; *c; i++) {
        const char *end = c + 1;
        while (is_continuation(*end))
            end++;
        bool control = (unsigned char)*c < 0x20 || *c == 0x7f;
        if (i >= from && i < to) {
            if (*c == '\t')
                strbuf_puts(out, "\t");
            else if (blank || control)
                strbuf_puts(out, blank ? " " : "?");
            else
                strbuf_add(out, c, (size_t)(end - c));
        }
        c = end;
    }
}

static void put_quote(struct strbuf *out, const struct diag *g)
{
    const uint32_t chars = chars_in(g->line_text, strlen(g->line_text));
    const uint32_t col = g->at.col ? g->at.col - 1 : 0;
    uint32_t from = 0, to = chars;
    char number[16];

    if (chars > LINE_CHARS_MAX) {
        from = col > LINE_CHARS_MAX / 2 ? col - LINE_CHARS_MAX / 2 : 0;
        to = from + LINE_CHARS_MAX < chars ? from + LINE_CHARS_MAX : chars;
    }
    int digits = snprintf(number, sizeof number, "%3u", g->at.line);
    strbuf_printf(out, "%s | %s", number, from ? "..." : "");
    put_chars(out, g->line_text, from, to, false);
    strbuf_printf(out, "%s\n%*s | %s", to < chars ? "..." : "", digits, "", from ? "   " : "");
    put_chars(out, g->line_text, from, col, true);
    uint32_t room = to > col ? to - col : 1;
    strbuf_puts(out, "^");
    for (uint32_t i = 1; i < g->width && i < room; i++)
        strbuf_puts(out, "~");
    strbuf_printf(out, "%s%s\n", g->hint ? " " : "", g->hint ? g->hint : "");
}

static void put_diag(struct strbuf *out, const struct diag *g)
{
    static const char *const level[] = {
        [DIAG_ERROR] = "error", [DIAG_WARNING] = "warning", [DIAG_NOTE] = "note"};

    if (!g->at.line) {
        strbuf_printf(out, "%s: %s: %s\n", g->file, level[g->level], g->text);
        if (g->hint)
            strbuf_printf(out, "    | %s\n", g->hint);
        return;
    }
    strbuf_printf(out, "%s:%u:%u: %s: %s\n", g->file, g->at.line, g->at.col, level[g->level],
                  g->text);
    if (g->line_text)
        put_quote(out, g);
    else if (g->hint)
        strbuf_printf(out, "    | %s\n", g->hint);
}

static const char *plural(uint32_t n)
{
    return n == 1 ? "" : "s";
}

void diags_print(const struct diags *d, struct strbuf *out)
{
    for (uint32_t i = 0; i < d->cnt; i++)
        put_diag(out, &d->d[i]);
    if (!d->errors_cnt)
        return;
    strbuf_printf(out, "%u error%s", d->errors_cnt, plural(d->errors_cnt));
    if (d->warnings_cnt)
        strbuf_printf(out, ", %u warning%s", d->warnings_cnt, plural(d->warnings_cnt));
    if (d->cnt == DIAGS_MAX)
        strbuf_printf(out, ", of which the first %u are shown", DIAGS_MAX);
    strbuf_puts(out, ". Not started.\n");
}

void diags_release(struct diags *d)
{
    zone_free(&d->zone);
    *d = (struct diags){0};
}

/* ---- what was probably meant ---- */

static char lower(char c)
{
    return c >= 'A' && c <= 'Z' ? (char)(c - 'A' + 'a') : c;
}

static uint32_t least(uint32_t a, uint32_t b)
{
    return a < b ? a : b;
}

/* Edits that make a into b: a letter more, less, other, or two neighbours swapped. */
static uint32_t distance(const char *a, size_t an, const char *b, size_t bn)
{
    uint32_t row[3][WORD_BYTES_MAX + 1];

    for (size_t j = 0; j <= bn; j++)
        row[0][j] = (uint32_t)j;
    for (size_t i = 1; i <= an; i++) {
        uint32_t *now = row[i % 3], *last = row[(i + 2) % 3], *before = row[(i + 1) % 3];
        now[0] = (uint32_t)i;
        for (size_t j = 1; j <= bn; j++) {
            bool same = lower(a[i - 1]) == lower(b[j - 1]);
            now[j] = least(least(last[j] + 1, now[j - 1] + 1), last[j - 1] + !same);
            if (i > 1 && j > 1 && lower(a[i - 1]) == lower(b[j - 2]) &&
                lower(a[i - 2]) == lower(b[j - 1]))
                now[j] = least(now[j], before[j - 2] + 1);
        }
    }
    return row[an % 3][bn];
}

const char *diag_nearest(const char *word, size_t len, const char *const *list)
{
    const char *best = NULL;
    uint32_t best_edits = UINT32_MAX;

    if (len == 0 || len > WORD_BYTES_MAX)
        return NULL;
    for (; *list; list++) {
        size_t n = strlen(*list);
        if (n > WORD_BYTES_MAX)
            continue;
        uint32_t edits = distance(word, len, *list, n);
        /* Up to a quarter of the letters may differ, one at least, and never all of them. */
        if (edits < best_edits && edits <= (len < 6 ? 1 : (len + 2) / 4) && edits < len) {
            best = *list;
            best_edits = edits;
        }
    }
    return best;
}
