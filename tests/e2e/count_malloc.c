/*
 * Counts the allocations of a program's lcores from outside: a library for LD_PRELOAD, which
 * tests/e2e/steady.py builds. An lcore is the main thread, or one that EAL named a worker. What
 * was counted when the lcores had left their loops, or else at the end, goes to the file
 * $COUNT_MALLOC when the process ends.
 */
#include <dlfcn.h>
#include <errno.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <unistd.h>

void *__libc_malloc(size_t bytes);
void *__libc_calloc(size_t cnt, size_t bytes);
void *__libc_realloc(void *p, size_t bytes);
void *__libc_memalign(size_t align, size_t bytes);

static _Atomic unsigned long allocated_cnt, looped_cnt;

void rte_eal_mp_wait_lcore(void);

static void count(void)
{
    static _Thread_local int lcore; /* 0: not known yet, 1: yes, -1: no */

    if (!lcore) {
        char name[16] = "";
        prctl(PR_GET_NAME, name);
        lcore = gettid() == getpid() || strstr(name, "-worker-") ? 1 : -1;
    }
    if (lcore > 0)
        atomic_fetch_add(&allocated_cnt, 1);
}

void *malloc(size_t bytes)
{
    count();
    return __libc_malloc(bytes);
}

void *calloc(size_t cnt, size_t bytes)
{
    count();
    return __libc_calloc(cnt, bytes);
}

void *realloc(void *p, size_t bytes)
{
    count();
    return __libc_realloc(p, bytes);
}

void *aligned_alloc(size_t align, size_t bytes)
{
    count();
    return __libc_memalign(align, bytes);
}

int posix_memalign(void **p, size_t align, size_t bytes)
{
    count();
    *p = __libc_memalign(align, bytes);
    return *p ? 0 : ENOMEM;
}

/* The program calls this when the loop of the main lcore has ended; so does EAL itself. */
void rte_eal_mp_wait_lcore(void)
{
    void *real = dlsym(RTLD_NEXT, "rte_eal_mp_wait_lcore");
    Dl_info from = {0};
    void (*wait)(void);

    dladdr(__builtin_return_address(0), &from);
    memcpy(&wait, &real, sizeof wait);
    if (!from.dli_fname || !strstr(from.dli_fname, "librte_"))
        atomic_store(&looped_cnt, atomic_load(&allocated_cnt));
    wait();
}

__attribute__((destructor)) static void tell(void)
{
    const char *path = getenv("COUNT_MALLOC");
    unsigned long looped = atomic_load(&looped_cnt),
                  cnt = looped ? looped : atomic_load(&allocated_cnt);
    FILE *f = path ? fopen(path, "w") : NULL;

    if (!f)
        return;
    fprintf(f, "%lu\n", cnt);
    fclose(f);
}
