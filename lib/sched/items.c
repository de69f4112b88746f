/* Blocks in lists: chains of indices in one pool. */
#include <errno.h>
#include <stdlib.h>

#include "sched/state.h"

int items_init(struct items *p, uint32_t cnt)
{
    p->item = calloc(cnt, sizeof *p->item);
    if (!p->item)
        return -ENOMEM;
    for (uint32_t i = 0; i < cnt; i++)
        p->item[i].next = i + 1 < cnt ? i + 1 : ITEM_NONE;
    p->free = cnt ? 0 : ITEM_NONE;
    return 0;
}

uint32_t items_take(struct items *p)
{
    uint32_t i = p->free;

    MR_ASSERT(i != ITEM_NONE);
    p->free = p->item[i].next;
    return i;
}

void items_give(struct items *p, uint32_t i)
{
    p->item[i].next = p->free;
    p->free = i;
}

void list_push(struct items *p, struct list *l, uint32_t i)
{
    p->item[i].next = ITEM_NONE;
    if (l->cnt++)
        p->item[l->tail].next = i;
    else
        l->head = i;
    l->tail = i;
}

void list_push_front(struct items *p, struct list *l, uint32_t i)
{
    p->item[i].next = l->cnt ? l->head : ITEM_NONE;
    if (!l->cnt++)
        l->tail = i;
    l->head = i;
}

uint32_t list_pop(struct items *p, struct list *l)
{
    uint32_t i = l->head;

    MR_ASSERT(l->cnt);
    l->head = p->item[i].next;
    if (--l->cnt == 0)
        *l = LIST_EMPTY;
    return i;
}

/* Everything of `from` goes to the end of `to`. */
void list_append(struct items *p, struct list *to, struct list *from)
{
    if (!from->cnt)
        return;
    if (to->cnt) {
        p->item[to->tail].next = from->head;
        to->tail = from->tail;
        to->cnt += from->cnt;
    } else {
        *to = *from;
    }
    *from = LIST_EMPTY;
}
