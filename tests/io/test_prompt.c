// A wish for short slices changes nothing else of a thread.

#include "io/prompt.h"

#include <pthread.h>
#include <stdint.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "tests/test.h"

// struct sched_attr of the kernel, whose header does not go with pthread.h.
struct attr {
    uint32_t size, policy;
    uint64_t flags;
    int32_t nice;
    uint32_t priority;
    uint64_t runtime, deadline, period;
};

static struct attr look(void)
{
    struct attr a = {0};

    EXPECT_EQ_INT(syscall(SYS_sched_getattr, 0, &a, sizeof a, 0), 0);
    return a;
}

static void *asks(void *none)
{
    struct attr before = look();

    prompt_thread();
    struct attr after = look();
    EXPECT_EQ_INT(after.policy, before.policy);
    EXPECT_EQ_INT(after.nice, before.nice);
    // A kernel without slices of one's own says 0.
    EXPECT(after.runtime == (before.runtime ? 100000 : 0));
    return none;
}

TEST(prompt, asks_for_short_slices)
{
    pthread_t thread;

    REQUIRE(pthread_create(&thread, NULL, asks, NULL) == 0);
    pthread_join(thread, NULL);
}
