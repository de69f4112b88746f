#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "job/conf.h"
#include "job/job.h"
#include "job/units.h"

#define ALLOWED_MAX 64u

void conf_error(struct conf *c, struct cnode *n, const char *hint, const char *fmt, ...)
{
    char text[400];
    va_list ap;

    if (n->bad)
        return;
    n->bad = true;
    va_start(ap, fmt);
    vsnprintf(text, sizeof text, fmt, ap);
    va_end(ap);
    diag_add(c->diags, DIAG_ERROR, n->at.from,
             n->kind == CONF_SCALAR && n->style < SCALAR_LITERAL ? span_width(n->at) : 1, hint,
             "%s", text);
}

const char *conf_allowed(struct conf *c, const char *word, const char *const *list)
{
    const char *near = diag_nearest(word, strlen(word), list);
    struct strbuf b = {0};
    uint32_t i;

    if (near)
        strbuf_printf(&b, "did you mean '%s'? (", near);
    strbuf_puts(&b, "allowed: ");
    /* With a good guess the first few are enough. */
    for (i = 0; list[i] && !(near && i == 3); i++)
        strbuf_printf(&b, "%s%s", i ? ", " : "", list[i]);
    strbuf_puts(&b, list[i] ? ", ...)" : near ? ")" : "");
    char *hint = zone_strndup(c->zone, b.s, b.len);
    strbuf_release(&b);
    return hint;
}

/* ---- mappings ---- */

struct cnode *conf_get(const struct cnode *map, const char *key)
{
    if (map && map->kind == CONF_MAP)
        for (uint32_t i = 0; i < map->cnt; i++)
            if (!strcmp(map->key[i]->s, key))
                return map->val[i];
    return NULL;
}

bool conf_is_map(struct conf *c, struct cnode *n, const char *what)
{
    if (n->kind == CONF_MAP)
        return !n->bad;
    conf_error(c, n, NULL, "%s takes keys and values: { key: value, ... }", what);
    return false;
}

static void unknown_key(struct conf *c, struct cnode *key, const struct key *keys, const char *what)
{
    const char *list[ALLOWED_MAX];
    uint32_t n = 0;

    for (const struct key *k = keys; k->name && n < ALLOWED_MAX - 1; k++)
        if (!k->later)
            list[n++] = k->name;
    list[n] = NULL;
    conf_error(c, key, conf_allowed(c, key->s, list), "unknown key '%s' %s", key->s, what);
}

bool conf_keys(struct conf *c, struct cnode *map, const struct key *keys, const char *what,
               struct cnode **val)
{
    uint32_t cnt = 0;

    while (keys[cnt].name)
        val[cnt++] = NULL;
    if (map->kind != CONF_MAP)
        return false;
    for (uint32_t i = 0; i < map->cnt; i++) {
        uint32_t k = 0;
        while (k < cnt && strcmp(keys[k].name, map->key[i]->s))
            k++;
        if (k == cnt)
            unknown_key(c, map->key[i], keys, what);
        else if (keys[k].later)
            conf_error(c, map->key[i], NULL, "'%s' is not built yet", keys[k].name);
        else
            val[k] = map->val[i];
    }
    for (uint32_t k = 0; k < cnt; k++)
        if (keys[k].required && !val[k])
            diag_add(c->diags, DIAG_ERROR, map->at.from, 1, keys[k].takes,
                     "the key '%s' is missing %s", keys[k].name, what);
    return true;
}

/* ---- ${NAME} ---- */

static bool is_name_char(char ch, bool first)
{
    return ch == '_' || (ch >= 'A' && ch <= 'Z') || (ch >= 'a' && ch <= 'z') ||
           (!first && ch >= '0' && ch <= '9');
}

static void env_error(struct conf *c, struct cnode *n, uint32_t off, uint32_t len, const char *text)
{
    struct place *at = scalar_places(c->zone, c->text, c->len, n->at, n->style, n->s, n->len);

    diag_add(c->diags, DIAG_ERROR, at[off], len, NULL, "%s", text);
    n->bad = true;
}

/* Takes `${NAME}` at s[off..]; returns the bytes it takes, or 0 after an error. */
static uint32_t expand_one(struct conf *c, struct cnode *n, uint32_t off, struct strbuf *out)
{
    const char *name = n->s + off + 2;
    uint32_t len = 0;

    while (is_name_char(name[len], len == 0))
        len++;
    if (!len || name[len] != '}') {
        env_error(c, n, off, 2, "'${' needs a name and a closing brace: ${NAME}");
        return 0;
    }
    char *copy = zone_strndup(c->zone, name, len);
    const char *value = job_seams.env(copy);
    if (!value) {
        env_error(c, n, off, len + 3,
                  zone_printf(c->zone, "the environment variable '%s' is not set", copy));
        return 0;
    }
    strbuf_puts(out, value);
    return len + 3;
}

static bool expand(struct conf *c, struct cnode *n)
{
    struct strbuf out = {0};

    if (n->expanded || !strstr(n->s, "${"))
        return true;
    for (uint32_t i = 0; i < n->len && !n->bad;) {
        if (!strncmp(n->s + i, "$${", 3)) {
            strbuf_puts(&out, "${");
            i += 3;
        } else if (!strncmp(n->s + i, "${", 2)) {
            i += expand_one(c, n, i, &out);
        } else {
            strbuf_add(&out, n->s + i++, 1);
        }
    }
    if (!n->bad) {
        n->len = (uint32_t)out.len;
        n->s = zone_strndup(c->zone, out.s ? out.s : "", out.len);
        n->expanded = true;
    }
    strbuf_release(&out);
    return !n->bad;
}

/* ---- values ---- */

bool conf_text(struct conf *c, struct cnode *n, const char **out)
{
    if (n->bad)
        return false;
    if (n->kind != CONF_SCALAR) {
        conf_error(c, n, NULL, "one value is expected here, not %s",
                   n->kind == CONF_MAP ? "keys and values" : "a list");
        return false;
    }
    if (!expand(c, n))
        return false;
    if (!n->len) {
        conf_error(c, n, NULL, "a value is missing here");
        return false;
    }
    *out = n->s;
    return true;
}

static bool in_range(struct conf *c, struct cnode *n, int rc, uint64_t v, uint64_t min,
                     uint64_t max)
{
    if (rc == 0 && v >= min && v <= max)
        return true;
    conf_error(c, n, NULL, "'%s' is not from %llu to %llu", n->s, (unsigned long long)min,
               (unsigned long long)max);
    return false;
}

bool conf_uint(struct conf *c, struct cnode *n, uint64_t min, uint64_t max, uint64_t *out)
{
    const char *s;

    if (!conf_text(c, n, &s))
        return false;
    int rc = parse_uint(s, n->len, out);
    if (rc == -EINVAL) {
        conf_error(c, n, NULL, "'%s' is no whole number", s);
        return false;
    }
    return in_range(c, n, rc, *out, min, max);
}

bool conf_bytes(struct conf *c, struct cnode *n, uint64_t min, uint64_t max, uint64_t *out)
{
    const char *s;

    if (!conf_text(c, n, &s))
        return false;
    int rc = parse_uint(s, n->len, out);
    if (rc == -EINVAL)
        rc = parse_size_bytes(s, n->len, out);
    if (rc == -EINVAL) {
        conf_error(c, n, NULL, "'%s' is no number of bytes", s);
        return false;
    }
    return in_range(c, n, rc, *out, min, max);
}

bool conf_bool(struct conf *c, struct cnode *n, bool *out)
{
    static const char *const list[] = {"false", "true", NULL};
    int i = conf_choice(c, n, "value", list, NULL);

    *out = i == 1;
    return i >= 0;
}

bool conf_duration(struct conf *c, struct cnode *n, uint64_t min_ns, uint64_t max_ns, uint64_t *ns)
{
    char low[32], high[32];
    uint64_t bare;
    int64_t v = 0;
    const char *s;

    if (!conf_text(c, n, &s))
        return false;
    if (parse_duration_ns(s, n->len, &v) || v < 0) {
        if (!parse_uint(s, n->len, &bare))
            conf_error(c, n, "write " UNITS_TIME " behind it: 1s, 500ms",
                       "a duration needs a unit");
        else
            conf_error(c, n, "such as 1s, 500ms, 2m (units: " UNITS_TIME ")", "'%s' is no duration",
                       s);
        return false;
    }
    *ns = (uint64_t)v;
    if (*ns >= min_ns && *ns <= max_ns)
        return true;
    duration_print(min_ns, low, sizeof low);
    duration_print(max_ns, high, sizeof high);
    conf_error(c, n, NULL, "'%s' is not from %s to %s", s, low, high);
    return false;
}

bool conf_size(struct conf *c, struct cnode *n, uint64_t min, uint64_t max, uint64_t *bytes)
{
    uint64_t bare;
    const char *s;

    if (!conf_text(c, n, &s))
        return false;
    int rc = parse_size_bytes(s, n->len, bytes);
    if (rc == -EINVAL) {
        if (!parse_uint(s, n->len, &bare))
            conf_error(c, n, "write " UNITS_SIZE " behind it", "a size needs a unit");
        else
            conf_error(c, n, "such as 512MB, 4GB", "'%s' is no size", s);
        return false;
    }
    if (rc == 0 && *bytes >= min && *bytes <= max)
        return true;
    conf_error(c, n, NULL, "'%s' is not from %lluMB to %lluGB", s, (unsigned long long)min >> 20,
               (unsigned long long)max >> 30);
    return false;
}

static int index_of(const char *s, const char *const *list)
{
    for (int i = 0; list && list[i]; i++)
        if (!strcmp(list[i], s))
            return i;
    return -1;
}

int conf_choice(struct conf *c, struct cnode *n, const char *what, const char *const *list,
                const char *const *later)
{
    const char *s;

    if (!conf_text(c, n, &s))
        return -1;
    int i = index_of(s, list);
    if (i >= 0)
        return i;
    if (index_of(s, later) >= 0)
        conf_error(c, n, conf_allowed(c, "", list), "%s '%s' is not built yet", what, s);
    else
        conf_error(c, n, conf_allowed(c, s, list), "unknown %s '%s'", what, s);
    return -1;
}

bool conf_word(struct conf *c, struct cnode *n, bool dash, const char *what, const char **out)
{
    const char *s;

    if (!conf_text(c, n, &s))
        return false;
    bool ok = n->len <= 64;
    for (uint32_t i = 0; i < n->len; i++)
        ok &= is_name_char(s[i], i == 0) || (dash && i > 0 && s[i] == '-');
    if (!ok)
        conf_error(c, n, NULL,
                   "%s '%s' is no name: up to 64 letters, digits, _%s, beginning with a letter",
                   what, s, dash ? " and -" : "");
    *out = s;
    return ok;
}
