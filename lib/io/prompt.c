#include "io/prompt.h"

#include <linux/sched.h>
#include <linux/sched/types.h>
#include <string.h>
#include <sys/syscall.h>
#include <unistd.h>

#define SLICE_NS 100000u /* the shortest that there is */

void prompt_thread(void)
{
    struct sched_attr a;

    memset(&a, 0, sizeof a);
    if (syscall(SYS_sched_getattr, 0, &a, sizeof a, 0) || a.sched_policy != SCHED_NORMAL)
        return;
    a.sched_runtime = SLICE_NS;
    syscall(SYS_sched_setattr, 0, &a, 0);
}
