#ifndef DPDK_APP_DOCTOR_REPORT_H
#define DPDK_APP_DOCTOR_REPORT_H

// What the checks of doctor share: reading below the root, and saying what was found.
//
// A file that is not there reads as absent, never as an error: machines differ in what they show,
// and each check says what absence means to it. Texts are cut at the caller's buffer, their last
// newline is taken off.

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

struct doctor {
    FILE *out;
    const char *root;  // before every path: "" or MILLRACE_SYSROOT
    const char *check; // the name of the running check
    unsigned ok_cnt, warn_cnt, fail_cnt;
};

#define DOCTOR_NAME_BYTES 64
#define DOCTOR_LIST_MAX   512

// The names in a directory, sorted; what does not fit is left out.
struct name_list {
    unsigned cnt;
    char name[DOCTOR_LIST_MAX][DOCTOR_NAME_BYTES];
};

// root + the formatted path.
void doctor_path(const struct doctor *d, char *out, size_t cap, const char *fmt, ...)
    __attribute__((format(printf, 4, 5)));

// The file's text. False when it cannot be read.
bool doctor_read(const struct doctor *d, char *out, size_t cap, const char *fmt, ...)
    __attribute__((format(printf, 4, 5)));

// The number at the start of the file, or `otherwise`.
uint64_t doctor_read_u64(const struct doctor *d, uint64_t otherwise, const char *fmt, ...)
    __attribute__((format(printf, 3, 4)));

// The last part of what a symbolic link names. False when there is no such link.
bool doctor_read_link(const struct doctor *d, char *out, size_t cap, const char *fmt, ...)
    __attribute__((format(printf, 4, 5)));

// The names in a directory that start with `prefix`.
void doctor_list(const struct doctor *d, struct name_list *out, const char *prefix, const char *fmt,
                 ...) __attribute__((format(printf, 4, 5)));

// Whether `word` stands in `text` between blanks, commas or ends.
bool doctor_has_word(const char *text, const char *word);

void doctor_ok(struct doctor *d, const char *fmt, ...) __attribute__((format(printf, 2, 3)));

// `mend` is the command, or a sentence where no command does it.
void doctor_warn(struct doctor *d, const char *mend, const char *fmt, ...)
    __attribute__((format(printf, 3, 4)));
void doctor_fail(struct doctor *d, const char *mend, const char *fmt, ...)
    __attribute__((format(printf, 3, 4)));

// The checks, by file.
void doctor_hugepages(struct doctor *d); // doctor_memory.c
void doctor_memlock(struct doctor *d);
void doctor_leftovers(struct doctor *d);
void doctor_cpu_flags(struct doctor *d); // doctor_cpu.c
void doctor_governor(struct doctor *d);
void doctor_isolation(struct doctor *d);
void doctor_smt(struct doctor *d);
void doctor_irqs(struct doctor *d);
void doctor_clock(struct doctor *d);
void doctor_steal(struct doctor *d);
void doctor_iommu(struct doctor *d); // doctor_nic.c
void doctor_nics(struct doctor *d);

#endif
