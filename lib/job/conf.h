/*
 * A YAML file as a tree of nodes that know their places, and typed access to it.
 *
 * libyaml reads the text; what this project does not use of YAML (anchors, aliases, tags, more
 * than one document) is refused by name, and so is a key that is given twice. Every mapping is
 * read through a table of its keys (struct key), the same table that `millrace list` prints.
 *
 * Accessors report what is wrong, with its place, and return false; the caller goes on, so that
 * all errors are found in one reading. A node that was reported once is `bad` and is not
 * reported again.
 *
 * `${NAME}` in a value is replaced by that environment variable, through job_seams.env, when the
 * value is read; `$${` stands for `${`.
 */
#ifndef JOB_CONF_H
#define JOB_CONF_H

#include "job/diag.h"
#include "job/places.h"

#define CONF_BYTES_MAX 262144u /* of a file */
#define CONF_NODES_MAX 8192u
#define CONF_DEPTH_MAX 16u

enum conf_kind { CONF_SCALAR, CONF_MAP, CONF_LIST };

struct cnode {
    enum conf_kind kind;
    bool bad;      /* was reported already */
    bool expanded; /* ${NAME} was replaced */
    struct span at;
    enum scalar_style style;
    const char *s; /* scalar; NUL-terminated */
    uint32_t len;
    uint32_t cnt;       /* map, list */
    struct cnode **key; /* map: scalars, each once */
    struct cnode **val; /* map, list */
};

struct conf {
    struct zone *zone; /* of the nodes and of every string they give */
    struct diags *diags;
    const char *text;
    size_t len;
    uint32_t nodes_cnt;
};

/* A key of a mapping. Tables end with a row without a name. */
struct key {
    const char *name;
    const char *takes;      /* "a duration", "text | csv" */
    const char *by_default; /* as it is shown; NULL: none */
    const char *doc;
    bool required;
    bool later;       /* known, but not built yet: said so when it is used */
    uint32_t formats; /* sources: bit f: used by format f; 0: by all */
};

#define KEY(name_, takes_, default_, doc_, ...)                                          \
    {                                                                                    \
        .name = name_, .takes = takes_, .by_default = default_, .doc = doc_, __VA_ARGS__ \
    }
#define KEY_LATER(name_)               \
    {                                  \
        .name = (name_), .later = true \
    }
#define KEYS_END     \
    {                \
        .name = NULL \
    }

/* conf_parse reads the text (of which diags_file was told) and returns the root, or NULL when
 * there is none; errors are in c->diags. */
struct cnode *conf_parse(struct conf *c);

/* conf_keys takes a mapping apart: val[i] is the value of keys[i], or NULL. `what` ends the
 * sentence about an unknown key: "for source type 'packets'". */
bool conf_keys(struct conf *c, struct cnode *map, const struct key *keys, const char *what,
               struct cnode **val);
/* conf_get: the value of one key of a mapping, or NULL; says nothing. */
struct cnode *conf_get(const struct cnode *map, const char *key);

bool conf_is_map(struct conf *c, struct cnode *n, const char *what);
bool conf_text(struct conf *c, struct cnode *n, const char **out);
bool conf_uint(struct conf *c, struct cnode *n, uint64_t min, uint64_t max, uint64_t *out);
/* conf_bytes: a small number of bytes, "16" as well as "16B" or "1KB". */
bool conf_bytes(struct conf *c, struct cnode *n, uint64_t min, uint64_t max, uint64_t *out);
bool conf_bool(struct conf *c, struct cnode *n, bool *out);
bool conf_duration(struct conf *c, struct cnode *n, uint64_t min_ns, uint64_t max_ns, uint64_t *ns);
bool conf_size(struct conf *c, struct cnode *n, uint64_t min, uint64_t max, uint64_t *bytes);
/* conf_choice gives the index of the word in the list, or -1. `later` (may be NULL) lists words
 * that are known but not built yet. what: "format". */
int conf_choice(struct conf *c, struct cnode *n, const char *what, const char *const *list,
                const char *const *later);
/* conf_word: a name that programs or paths use: letters, digits, `_`, and `-` where it may. */
bool conf_word(struct conf *c, struct cnode *n, bool dash, const char *what, const char **out);

/* conf_error reports about a node, once, and marks it bad. */
void conf_error(struct conf *c, struct cnode *n, const char *hint, const char *fmt, ...)
    __attribute__((format(printf, 4, 5)));
/* conf_allowed writes "did you mean 'x'? (allowed: a, b, c)" into the zone. */
const char *conf_allowed(struct conf *c, const char *word, const char *const *list);

#endif
