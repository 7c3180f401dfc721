/* The library's log as R messages. Lines may come on threads that are not R's, another host's in
 * this process: each is put aside without a lock, which a forked child might find taken, and
 * emitted on R's thread. */

#include "connectcreds_r.h"

#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>

enum { MOST_LINES = 10000 };

struct line {
    struct line *next;
    char text[];
};

static _Atomic(struct line *) newest;
static atomic_int waiting;
static bool on;

static void put_aside(int32_t level, const char *message, void *unused)
{
    (void)level;
    (void)unused;
    if (atomic_fetch_add(&waiting, 1) >= MOST_LINES) {
        atomic_fetch_sub(&waiting, 1);
        return;
    }
    struct line *line = malloc(sizeof *line + strlen(message) + 1);
    if (line == NULL) {
        atomic_fetch_sub(&waiting, 1);
        return;
    }
    strcpy(line->text, message);
    line->next = atomic_load(&newest);
    while (!atomic_compare_exchange_weak(&newest, &line->next, line))
        ;
}

void log_sync(void)
{
    static SEXP option;
    if (option == NULL)
        option = Rf_install("connectcreds_debug");
    bool enabled = Rf_asLogical(Rf_GetOption1(option)) == TRUE;
    if (enabled == on)
        return;
    on = enabled;
    cc_log_set_callback(on ? CC_LOG_DEBUG : 0, on ? put_aside : NULL, NULL);
}

void log_off(void)
{
    if (on)
        cc_log_set_callback(0, NULL, NULL);
    on = false;
}

bool log_is_on(void)
{
    return on;
}

bool log_has_lines(void)
{
    return atomic_load(&waiting) > 0;
}

/* The lines that wait, the oldest first. */
static struct line *take_all(void)
{
    struct line *line = atomic_exchange(&newest, NULL), *oldest = NULL;
    while (line != NULL) {
        struct line *next = line->next;
        line->next = oldest;
        oldest = line;
        line = next;
    }
    return oldest;
}

/* A handler of the message may jump out of here: the lines after it are emitted the next time. */
void log_emit(void)
{
    static struct line *pending, **end = &pending;
    *end = take_all();
    while (*end != NULL)
        end = &(*end)->next;

    while (pending != NULL) {
        struct line *line = pending;
        SEXP words = PROTECT(text(line->text));
        SEXP arguments = PROTECT(Rf_list1(words));
        pending = line->next;
        if (pending == NULL)
            end = &pending;
        free(line);
        atomic_fetch_sub(&waiting, 1);
        call_r("emit_log_line", arguments);
        UNPROTECT(2);
    }
}
