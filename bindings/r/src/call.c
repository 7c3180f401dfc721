/* Calls of the library, and R code that runs within them. */

#include "connectcreds_r.h"

#include <pthread.h>
#include <setjmp.h>

static pthread_t r_thread;
static struct call *current;

void call_setup(void)
{
    r_thread = pthread_self();
}

bool on_r_thread(void)
{
    return pthread_equal(pthread_self(), r_thread);
}

void call_begin(struct call *call)
{
    call->continuation = PROTECT(R_MakeUnwindCont());
    call->in_r = false;
    call->jumped = false;
    call->outer = current;
    current = call;
}

void call_end(struct call *call)
{
    current = call->outer;
    if (call->jumped)
        R_ContinueUnwind(call->continuation);
}

/* R has unwound to run_in_r() and would go on into Rust's frames: it waits until they have
 * returned. */
static void stop_jump(void *landing, Rboolean jump)
{
    if (jump)
        longjmp(*(jmp_buf *)landing, 1);
}

struct code {
    SEXP (*run)(void *);
    void *data;
};

static void run_code(void *data)
{
    struct code *code = data;
    code->run(code->data);
}

bool run_in_r(SEXP (*run)(void *), void *data)
{
    struct call *call = current;
    /* Another host in this process made the call, on R's thread: a jump has nowhere to go on to. */
    if (call == NULL || call->in_r) {
        struct code code = {run, data};
        return R_ToplevelExec(run_code, &code);
    }
    if (call->jumped)
        return false;

    jmp_buf landing;
    call->in_r = true;
    if (setjmp(landing) == 0)
        R_UnwindProtect(run, data, stop_jump, &landing, call->continuation);
    else
        call->jumped = true;
    current = call;
    call->in_r = false;
    return !call->jumped;
}

static SEXP check_interrupt(void *unused)
{
    (void)unused;
    R_CheckUserInterrupt();
    if (log_has_lines())
        log_emit();
    return R_NilValue;
}

bool call_poll(void *unused)
{
    (void)unused;
    return on_r_thread() && !run_in_r(check_interrupt, NULL);
}
